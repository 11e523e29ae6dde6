import numpy as np
import pandas as pd
import pytest
from sertools.audits.proxies.attribute import Attribute, Rate, attribute, parsed_rates, with_predicted_sex
from sertools.audits.proxies.correction import Sums, at_rates, gap_of, right_shares

from sertools.auditing.audit import load
from sertools.errors import AuditError
from sertools.metrics.classification import uar, uar_statistic
from sertools.randomness import identity_rng
from sertools.results.result import Verdict
from sertools.selftest import toy_corpus
from sertools.statistics.statistic import Statistic
from sertools.tables.pairs import Pairs
from tests.helpers.audits import run

AUDIT = load("proxies")


def made(*, wrong=0.0, known=1.0, speakers=40, per_speaker=30, seed=0, accuracy=(0.8, 0.6)):
    """Clips of women and men who are recognised with these accuracies, and a prediction of their sex."""
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(speakers), per_speaker)
    woman = np.arange(speakers) % 2 == 0
    truth = rng.integers(0, 3, len(unit))
    right = rng.random(len(unit)) < np.where(woman[unit], *accuracy)
    prediction = np.where(right, truth, (truth + 1) % 3)
    flipped = woman ^ (rng.random(speakers) < wrong)
    told = np.arange(speakers) < known * speakers
    index = pd.RangeIndex(len(unit))
    clips = pd.DataFrame(
        {
            "predicted": np.where(flipped[unit], "female", "male"),
            "sex": pd.Series(np.where(woman[unit], "female", "male"), index=index).where(told[unit]),
        },
        index=index,
    )
    pair = Pairs(
        truth=truth,
        prediction=prediction,
        unit=unit,
        units=speakers,
        by_speaker=True,
        clips=index,
        classes=3,
    )
    return clips, pair, woman[unit]


def test_with_all_groups_known_the_gap_is_that_between_them():
    clips, pair, woman = made(wrong=0.2)
    found = gap_of(uar_statistic(3), pair, attribute(clips, pair, "predicted", "sex"), None)
    expected = [uar(pair.truth[side], pair.prediction[side], 3) for side in (woman, ~woman)]
    assert found.corrected.value == pytest.approx(expected[0] - expected[1], abs=1e-12)
    assert found.known.value == pytest.approx(found.corrected.value, abs=1e-12)
    assert abs(found.uncorrected.value) < abs(found.corrected.value)
    few = Attribute(
        column="predicted", names=("female", "male"), predicted=(np.arange(40) > 3) * 1, known=np.full(40, -1)
    )
    of_four = gap_of(uar_statistic(3), pair, few, (Rate(right=0.9, n=0, text=""),) * 2)
    for gap in (of_four.corrected, of_four.uncorrected):
        assert (np.isnan(gap.low), gap.reason) == (True, "fewer than 5 speakers in a group")


def test_mixed_sums_are_unmixed_exactly():
    # 10 women with sums 3, 10 men with sums 1; one of ten women and two of ten men are predicted wrongly
    sums = np.repeat([[3.0], [1.0]], 10, axis=0)
    predicted = np.array([1] + [0] * 9 + [0] * 2 + [1] * 8)
    first = Statistic(name="first", sums=lambda *a: sums, value=lambda s: s[..., 0])
    of_units = Sums(statistic=first, sums=sums, predicted=predicted, known=np.full(20, -1), rates=(0.9, 0.8))
    assert of_units.corrected_sums()[0, :, 0] == pytest.approx([30.0, 10.0], abs=1e-12)


def test_each_speaker_is_left_out_of_scores_and_rates():
    clips, pair, _ = made(wrong=0.1, known=0.5, seed=4)
    groups = attribute(clips, pair, "predicted", "sex")
    statistic = uar_statistic(3)
    sums = statistic.sums(pair.truth, pair.prediction, pair.unit, pair.units)
    every = Sums(statistic=statistic, sums=sums, predicted=groups.predicted, known=groups.known)
    for u in (0, 7, 30):
        rest = np.arange(40) != u
        fewer = Sums(
            statistic=statistic, sums=sums[rest], predicted=groups.predicted[rest], known=groups.known[rest]
        )
        assert every.corrected(left_out=True)[u] == pytest.approx(fewer.corrected()[0], abs=1e-12)


def test_given_rates_correct_the_gap_and_widen_its_interval():
    clips, pair, _ = made(wrong=0.15, known=0.0, speakers=80, seed=3)
    groups = attribute(clips, pair, "predicted", "sex")
    exact = (Rate(right=0.85, n=0, text=""), Rate(right=0.85, n=0, text=""))
    few = (Rate(right=0.85, n=20, text=""), Rate(right=0.85, n=20, text=""))
    sure, unsure = (gap_of(uar_statistic(3), pair, groups, given).corrected for given in (exact, few))
    assert sure.value == pytest.approx(0.2, abs=0.06)
    assert unsure.value == sure.value
    assert unsure.high - unsure.low > 1.1 * (sure.high - sure.low)
    assert at_rates(uar_statistic(3), pair, groups, (0.85, 0.85)) == pytest.approx(sure.value, abs=1e-12)
    assert at_rates(uar_statistic(3), pair, groups, (1.0, 1.0)) == pytest.approx(
        gap_of(uar_statistic(3), pair, groups, None).uncorrected.value, abs=1e-12
    )


def test_rates_of_few_speakers_are_refused_and_rates_of_one_are_not_exact():
    clips, pair, _ = made(wrong=0.0, known=0.0, speakers=80, seed=3)
    groups = attribute(clips, pair, "predicted", "sex")
    never_wrong = [
        gap_of(uar_statistic(3), pair, groups, (Rate(right=1.0, n=n, text=""),) * 2).corrected
        for n in (0, 200, 12, 11)
    ]
    widths = [each.high - each.low for each in never_wrong]
    assert widths[0] < widths[1] < widths[2]
    assert np.isnan(widths[3])
    # measured on speakers of the corpus, of whom all are predicted rightly, a rate has a variance as well
    clips, pair, _ = made(wrong=0.0, known=0.4, speakers=80, seed=3)
    groups = attribute(clips, pair, "predicted", "sex")
    exact = gap_of(uar_statistic(3), pair, groups, (Rate(right=1.0, n=0, text=""),) * 2).corrected
    measured = gap_of(uar_statistic(3), pair, groups, None).corrected
    assert measured.high - measured.low > exact.high - exact.low


def test_a_prediction_by_chance_is_not_corrected():
    clips, pair, _ = made(wrong=0.5, known=0.4)
    found = gap_of(uar_statistic(3), pair, attribute(clips, pair, "predicted", "sex"), None)
    assert np.isnan(found.corrected.value)
    assert "hardly separates the groups" in found.corrected.reason


def test_rates_are_the_shares_of_known_units_predicted_rightly():
    predicted, known = np.array([0, 0, 1, 1, 1]), np.array([0, 0, 0, 1, -1])
    assert right_shares(predicted, known) == (2 / 3, 1.0)
    assert right_shares(predicted, np.full(5, -1)) is None


def test_the_prediction_of_a_speaker_is_that_of_most_clips():
    clips, pair, _ = made(speakers=4, per_speaker=5)
    clips.loc[[0, 1, 5, 6, 7], "predicted"] = ["male", "male", "female", "female", "female"]
    assert attribute(clips, pair, "predicted", "sex").predicted.tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        (("female=0.9",), "nothing for male"),
        (("female=0.9", "male=x"), "male=x"),
        (("female=1.9", "male=0.9"), "female=1.9"),
        (("women=0.9", "male=0.9"), "women=0.9"),
    ],
)
def test_rates_that_cannot_be_read_are_refused(rates, message):
    with pytest.raises(AuditError, match=message):
        parsed_rates(rates, ("female", "male"))


def test_rates_are_read_with_their_numbers_of_speakers():
    first, second = parsed_rates(("male=0.92:180", "female=0.95"), ("female", "male")) or ()
    assert (first.right, first.n, second.right, second.n) == (0.95, 0, 0.92, 180)


def with_prediction(tables, **columns):
    from dataclasses import replace

    return replace(tables, clips=tables.clips.assign(**columns))


@pytest.fixture(scope="module")
def oracle():
    return toy_corpus.answers("oracle", toy_corpus.clips(speakers=40, per_speaker=16))


def test_a_planted_gap_is_found_where_some_of_the_speakers_are_known(oracle):
    sex = oracle.clips["sex"]
    tables = with_prediction(oracle, predicted_sex=sex, sex=sex.where(oracle.clips["speaker"] < "028"))
    fair = run(AUDIT, tables, seed=0)
    assert Verdict.FAIL not in {f.verdict for f in fair.findings}
    assert Verdict.PASS in {f.verdict for f in fair.findings}
    planted = tables.with_predictions(AUDIT.plant(oracle, identity_rng(0)).predictions)
    unfair = run(AUDIT, planted, seed=0)
    assert {f.verdict for f in unfair.findings if f.name == "corrected_gap"} == {Verdict.FAIL}
    assert "corrected for wrong predictions" in unfair.answer


def test_too_few_known_speakers_decide_nothing(oracle):
    sex = oracle.clips["sex"]
    tables = with_prediction(oracle, predicted_sex=sex, sex=sex.where(oracle.clips["speaker"] < "020"))
    planted = tables.with_predictions(AUDIT.plant(oracle, identity_rng(0)).predictions)
    for each in (tables, planted):
        judged = [f for f in run(AUDIT, each, seed=0).findings if f.name == "corrected_gap"]
        assert {f.verdict for f in judged} == {Verdict.INCONCLUSIVE}
        assert {(f.low, "fewer than 12 speakers is known" in f.reason) for f in judged} == {(None, True)}


def test_without_rates_and_known_groups_nothing_is_judged(oracle):
    tables = with_prediction(oracle, predicted_sex=oracle.clips["sex"], sex=None)
    result = run(AUDIT, tables, seed=0)
    judged = [f for f in result.findings if f.name == "corrected_gap"]
    assert {f.verdict for f in judged} == {Verdict.SKIPPED}
    assert "--rates" in judged[0].reason
    assert [t.name for t in result.tables] == ["gaps", "assumed"]


def test_sex_is_predicted_from_pitch_and_other_attributes_are_named(oracle):
    clips = pd.DataFrame({"pitch_hz": [100.0, 120.0, 220.0, np.nan], "speaker": ["a", "a", "b", "c"]})
    predicted = with_predicted_sex(clips)["predicted_sex"]
    assert predicted[:3].tolist() == ["male", "male", "female"]
    assert predicted.isna()[3]
    with pytest.raises(AuditError, match="no column 'gender'"):
        run(AUDIT, oracle, seed=0, options={"attribute": "gender"})
    with pytest.raises(AuditError, match="which language never predicts"):
        run(AUDIT, oracle, seed=0, options={"attribute": "language"})
    three = run(AUDIT, oracle, seed=0, options={"attribute": "sentiment", "truth": ""})
    assert "has 3 values" in three.findings[0].reason
