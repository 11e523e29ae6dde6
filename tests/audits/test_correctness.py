"""How correct? Numbers worked out by hand, and those of scikit-learn and audmetric on the scored rows."""

import itertools

import audmetric
import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import jensenshannon
from sertools.audits.correctness.generalisation import generalisation_drops
from sertools.audits.correctness.scores import ccc_for_mae
from sklearn import metrics as sk

from sertools.auditing.audit import load
from sertools.errors import AuditError
from sertools.metrics.distribution import jensen_shannon, jensen_shannon_beyond_chance
from sertools.results.result import Verdict
from sertools.selftest import toy_corpus
from sertools.tables.tables import Tables
from tests import golden
from tests.helpers.audit_tables import EMOTIONS, unheard
from tests.helpers.audits import run


def tables_of(truth: dict, prediction: dict, **settings) -> Tables:
    n = len(next(iter(prediction.values())))
    index = pd.Index([f"c{i}" for i in range(n)], name="clip")
    clips = pd.DataFrame({"speaker": [f"s{i % 6}" for i in range(n)], **truth}, index=index)
    return Tables(clips=clips, predictions={"clean": pd.DataFrame(prediction, index=index)}, **settings)


def found(tables: Tables, **options) -> dict:
    """Findings by (name, target) or, with a slice, (name, target, slice)."""
    result = run(load("correctness"), tables, seed=0, options=options)
    return {
        (f.name, f.target) if f.slice == "all" else (f.name, f.target, f.slice): f for f in result.findings
    }


def test_scores_of_a_dimension_are_those_worked_out_by_hand():
    tables = tables_of({"arousal": [0.0, 0.5, 1.0]}, {"arousal": [0.0, 0.5, 0.5]}, dimensions=("arousal",))
    here = found(tables)
    assert here["ccc", "arousal"].value == pytest.approx(2 / 3, abs=1e-12)
    assert here["pcc", "arousal"].value == pytest.approx(np.sqrt(3) / 2, abs=1e-12)
    assert here["mae", "arousal"].value == pytest.approx(1 / 6, abs=1e-12)
    assert here["rmse", "arousal"].value == pytest.approx(np.sqrt(1 / 12), abs=1e-12)
    # bins of truth: 0, 5, 9; of prediction: 0 once, 5 twice
    t, p = [1 / 3, 1 / 3, 1 / 3], [1 / 3, 2 / 3, 0]
    observed = jensenshannon(t, p, base=2) ** 2
    # the clips are the units, and only the last has two bins to swap: every swap has the same distance
    assert here["jensen_shannon", "arousal"].value == pytest.approx(observed - observed, abs=1e-7)


def test_scores_of_emotions_are_those_worked_out_by_hand():
    """Truth a a a b b, answers a a b b c: recall 2/3, 1/2; precision 2/2, 1/2, and c is never right."""
    answers = ["a", "a", "b", "b", "c"]
    scores = {name: [float(answer == name) for answer in answers] for name in "abc"}
    tables = tables_of(
        {"emotion": ["a", "a", "a", "b", "b"]}, scores, classes=("a", "b"), model_classes=("a", "b", "c")
    )
    here = found(tables)
    assert here["uar", "emotion"].value == pytest.approx((2 / 3 + 1 / 2) / 2, abs=1e-12)
    assert here["accuracy", "emotion"].value == pytest.approx(3 / 5, abs=1e-12)
    assert here["recall", "a"].value == pytest.approx(2 / 3, abs=1e-12)
    assert here["recall", "b"].value == pytest.approx(1 / 2, abs=1e-12)
    assert here["precision", "a"].value == 1.0
    assert here["precision", "b"].value == pytest.approx(1 / 2, abs=1e-12)
    assert here["relative_difference", "a"].value == pytest.approx(-1 / 5, abs=1e-12)
    assert here["relative_difference", "b"].value == 0.0
    assert ("recall", "c") not in here, "nobody can recall a class that is not there"
    assert (here["recall", "a"].n, here["precision", "b"].n) == (3, 2)


def noisy(seed: int = 0) -> Tables:
    """A middling model on 12 speakers, who could not hear a seventh of the clips."""
    tables = toy_corpus.answers("oracle", toy_corpus.clips(speakers=12, per_speaker=15, seed=seed))
    rng = np.random.default_rng(seed)
    scores = tables.predictions["clean"] * 0.7 + 0.2 * rng.random(tables.predictions["clean"].shape)
    wrong = rng.random(len(scores)) < 0.3
    emotions = list(tables.model_classes)
    scores.loc[wrong, emotions] = scores.loc[wrong, emotions].to_numpy()[:, ::-1]
    scores.iloc[::7] = np.nan
    return unheard(tables.with_predictions({"clean": scores}))


@pytest.mark.parametrize("seed", [0, 1])
def test_dimensions_agree_with_audmetric_on_the_rows_that_were_scored(seed):
    tables = noisy(seed)
    here = found(tables)
    for dimension in tables.dimensions:
        both = pd.DataFrame(
            {"t": tables.clips[dimension], "p": tables.predictions["clean"][dimension]}
        ).dropna()
        assert here["ccc", dimension].n == len(both) == 154
        for name, reference in [
            ("ccc", audmetric.concordance_cc),
            ("pcc", audmetric.pearson_cc),
            ("mae", audmetric.mean_absolute_error),
        ]:
            assert here[name, dimension].value == pytest.approx(reference(both["t"], both["p"]), abs=1e-9)
        assert here["rmse", dimension].value == pytest.approx(
            sk.root_mean_squared_error(both["t"], both["p"]), abs=1e-9
        )


@pytest.mark.parametrize("seed", [0, 1])
def test_emotions_agree_with_scikit_learn_on_the_rows_that_were_scored(seed):
    tables = noisy(seed)
    here = found(tables)
    scores = tables.predictions["clean"][list(tables.model_classes)].dropna()
    truth, answer = tables.clips.loc[scores.index, "emotion"], scores.idxmax(axis=1)
    labels = sorted(truth.unique())
    assert here["uar", "emotion"].value == pytest.approx(
        sk.recall_score(truth, answer, labels=labels, average="macro"), abs=1e-9
    )
    assert here["accuracy", "emotion"].value == pytest.approx(sk.accuracy_score(truth, answer), abs=1e-9)
    assert here["weighted_f1", "emotion"].value == pytest.approx(
        sk.f1_score(truth, answer, labels=labels, average="weighted", zero_division=0), abs=1e-9
    )
    recalls = sk.recall_score(truth, answer, labels=labels, average=None)
    precisions = sk.precision_score(truth, answer, labels=labels, average=None)
    for name, recall, precision in zip(labels, recalls, precisions, strict=True):
        assert here["recall", name].value == pytest.approx(recall, abs=1e-9)
        assert here["precision", name].value == pytest.approx(precision, abs=1e-9)


def test_a_dimension_without_ratings_is_held_against_the_literature():
    """Anger is expected at .55 or more of arousal, sadness at .45 or less."""
    tables = tables_of(
        {"emotion": ["anger", "anger", "anger", "anger", "sadness", "sadness"]},
        {"arousal": [0.9, 0.55, 0.54, np.nan, 0.45, 0.46]},
    )
    assert found(tables)["in_expected_range", "arousal", "emotion=anger"].value == pytest.approx(2 / 4)
    here = found(unheard(tables))
    assert here["in_expected_range", "arousal", "emotion=anger"].value == pytest.approx(2 / 3, abs=1e-12)
    assert here["in_expected_range", "arousal", "emotion=anger"].n == 3
    assert here["in_expected_range", "arousal", "emotion=sadness"].value == pytest.approx(1 / 2, abs=1e-12)


def test_the_drop_from_home_is_one_minus_the_ratio_and_has_no_interval_without_that_of_home():
    here = found(noisy(), in_domain=("arousal=0.8",))
    score, drop = here["ccc", "arousal"], here["generalisation_drop", "arousal"]
    assert drop.value == pytest.approx(1 - score.value / 0.8, abs=1e-12)
    assert (drop.low, drop.high) == (None, None)
    assert "the in-domain score was given without its interval" in drop.reason


def test_the_interval_of_the_drop_contains_what_is_not_known_at_home():
    here = found(noisy(), in_domain=("arousal=0.8:0.7:0.9",))
    score, drop = here["ccc", "arousal"], here["generalisation_drop", "arousal"]
    known = found(noisy(), in_domain=("arousal=0.8:0.8:0.8",))["generalisation_drop", "arousal"]
    # if the score at home is exact, the interval is that of the score here, turned round
    assert (known.low, known.high) == pytest.approx((1 - score.high / 0.8, 1 - score.low / 0.8), abs=1e-12)
    assert drop.low < known.low < drop.value < known.high < drop.high
    # the delta method, where both are narrow: relative errors add up in squares
    near = 1e-4
    one = score.model_copy(update={"low": score.value - near, "high": score.value + 2 * near})
    (narrow,) = generalisation_drops([one], (f"arousal=0.8:{0.8 - 3 * near}:{0.8 + 4 * near}",))
    ratio = score.value / 0.8
    high = ratio * np.hypot(near / score.value, 4 * near / 0.8)
    low = ratio * np.hypot(2 * near / score.value, 3 * near / 0.8)
    assert (narrow.low, narrow.high) == pytest.approx((drop.value - low, drop.value + high), abs=1e-6)


@pytest.mark.parametrize("text", ["arousal=0.8:0.9:1.0", "arousal=0.8:0.7", "arousal=0.8:a:b", "arousal=nan"])
def test_an_interval_at_home_that_makes_no_sense_is_named(text):
    with pytest.raises(AuditError, match="--in-domain"):
        found(noisy(), in_domain=(text,))


def test_a_score_at_home_that_may_be_0_gives_no_interval():
    drop = found(noisy(), in_domain=("arousal=0.2:-0.1:0.5",))["generalisation_drop", "arousal"]
    assert (drop.low, drop.high) == (None, None)
    assert "is too wide" in drop.reason


def test_the_distance_is_less_than_observed_by_the_mean_of_all_swaps():
    rng = np.random.default_rng(6)
    speaker = np.repeat(np.arange(7), 9)
    t, p = rng.integers(0, 10, (2, 63))
    p = np.where(speaker < 5, np.minimum(t + 3, 9), p)
    squares = []
    for swap in itertools.product([False, True], repeat=7):
        swapped = np.array(swap)[speaker]
        sides = np.where(swapped, p, t), np.where(swapped, t, p)
        squares.append(jensenshannon(*(np.bincount(side, minlength=10) for side in sides), base=2) ** 2)
    distance = jensen_shannon_beyond_chance(
        (t + 0.5) / 10, (p + 0.5) / 10, speaker, rng=np.random.default_rng(0)
    )
    assert distance.value == pytest.approx(np.sqrt(squares[0] - np.mean(squares)), abs=1e-9)
    drawn = jensen_shannon_beyond_chance(
        (t + 0.5) / 10, (p + 0.5) / 10, speaker, draws=63, rng=np.random.default_rng(0)
    )
    # the mean of 63 swaps instead of all
    assert drawn.value == pytest.approx(
        distance.value, abs=4 * np.std(squares) / np.sqrt(63) / distance.value
    )


def test_a_distance_that_chance_explains_is_not_told_as_one():
    """Ratings and predictions of the same distribution, drawn independently."""
    rng, above = np.random.default_rng(2), 0
    for _ in range(30):
        speaker = np.repeat(np.arange(8), 15)
        t, p = np.clip(0.5 + rng.normal(0, 0.04, (2, 8))[:, speaker] + rng.normal(0, 0.15, (2, 120)), 0, 1)
        distance = jensen_shannon_beyond_chance(t, p, speaker, rng=np.random.default_rng(0))
        assert jensen_shannon(t, p) > 0.05
        assert distance.high > 0.02
        above += distance.low > 0
    assert above <= 3


def test_the_order_of_clips_and_of_speakers_does_not_change_a_distance():
    rng = np.random.default_rng(3)
    t, p, speaker = *rng.random((2, 300)), np.repeat(np.arange(25), 12)
    order = rng.permutation(300)
    one = jensen_shannon_beyond_chance(t, p, speaker, rng=np.random.default_rng(0))
    other = jensen_shannon_beyond_chance(
        t[order], p[order], 99 - speaker[order], rng=np.random.default_rng(0)
    )
    assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high), abs=1e-12)


@pytest.mark.parametrize("text", ["arousal", "arousal=much", "joy=0.5", "arousal=0", "arousal=-1"])
def test_a_score_at_home_that_makes_no_sense_is_named(text):
    with pytest.raises(AuditError, match="--in-domain"):
        found(noisy(), in_domain=(text,))


def test_beside_every_score_stand_models_that_know_nothing():
    result = run(load("correctness"), noisy(), seed=0)
    (table,) = result.tables
    rows = {(row[0], row[1]): dict(zip(table.columns, row, strict=True)) for row in table.rows}
    assert rows["arousal", "ccc"]["mean or majority"] == 0.0
    assert abs(rows["arousal", "ccc"]["random"]) < 0.2
    truth = noisy().clips["emotion"][noisy().predictions["clean"]["anger"].notna()]
    assert rows["emotion", "uar"]["best constant"] == pytest.approx(1 / truth.nunique(), abs=1e-12)
    assert rows["emotion", "accuracy"]["mean or majority"] == pytest.approx(
        truth.value_counts(normalize=True).max(), abs=1e-12
    )
    values = {(f.name, f.target): f.value for f in result.findings}
    for (target, metric), row in rows.items():
        assert row["model"] == pytest.approx(values[metric, target], abs=1e-12)


def test_a_constant_never_passes_where_a_constant_could():
    here = found(toy_corpus.answers("constant", toy_corpus.clips(speakers=12, per_speaker=15)))
    assert here["mae", "arousal"].detail, "on ratings that spread so far it contradicts CCC"
    for found_here in here.values():
        assert found_here.verdict is not Verdict.PASS
    assert "not shown to beat a constant prediction" in here["mae", "arousal"].reason
    assert here["ccc", "arousal"].value == 0.0
    assert here["ccc", "arousal"].verdict is not Verdict.PASS


@pytest.mark.parametrize(("deviation", "judged"), [(0.12, True), (0.15, True), (0.16, False), (0.2, False)])
def test_mae_is_judged_where_a_ccc_at_its_limit_suffices(deviation, judged):
    """A calibrated model of CCC .5 has ρ² = 1/3 and an MAE of √(2/π) √(2/3) sd = .651 sd."""
    rng = np.random.default_rng(1)
    truth = rng.normal(size=600)
    truth = 0.5 + deviation * (truth - truth.mean()) / truth.std()
    clips = pd.DataFrame({"speaker": np.arange(600) % 12, "arousal": truth})
    clips = clips.astype({"speaker": str}).set_index(clips.index.astype(str).rename("clip"))
    scores = pd.DataFrame({"arousal": truth + 0.01 * rng.normal(size=600)}, index=clips.index)
    mae = found(Tables(clips=clips, predictions={"clean": scores}, dimensions=("arousal",)))["mae", "arousal"]
    assert mae.headline is judged
    if not judged:
        needed = ccc_for_mae(0.1, deviation)
        assert f"need a CCC of about {needed:.2f} for an MAE below 0.1" in mae.reason


def test_the_ccc_that_an_mae_takes_is_that_of_a_calibrated_model():
    rng = np.random.default_rng(3)
    prediction = 0.8 * rng.normal(size=400_000)
    truth = prediction + 0.6 * rng.normal(size=400_000)
    mae = np.abs(truth - prediction).mean()
    value = 2 * np.cov(truth, prediction)[0, 1] / (truth.var() + prediction.var())
    assert ccc_for_mae(mae, truth.std()) == pytest.approx(value, abs=3e-3)  # of 400 000 draws


def test_emotions_drawn_at_random_fail_and_are_not_merely_skipped():
    tables = toy_corpus.answers("random", toy_corpus.clips())
    uar = found(tables)["uar", "emotion"]
    assert uar.high < 0.5
    assert uar.verdict is Verdict.FAIL


def test_of_two_classes_a_constant_recognises_half_and_never_passes():
    truth = ["anger", "neutral"] * 30
    scores = {"anger": [1.0] * 60, "neutral": [0.0] * 60}
    classes = ("anger", "neutral")
    uar = found(tables_of({"emotion": truth}, scores, classes=classes, model_classes=classes))[
        "uar", "emotion"
    ]
    assert (uar.value, uar.verdict) == (0.5, Verdict.FAIL)


def test_findings_are_those_of_the_golden_file():
    """To renew: golden.renew() of the same result."""
    golden.check(run(load("correctness"), noisy(), seed=0))


def test_a_model_that_hardly_moves_passes_nothing_however_well_it_orders_clips():
    """Pearson's correlation does not see the scale."""
    truth = np.linspace(0.1, 0.9, 60)
    here = found(tables_of({"arousal": truth}, {"arousal": 0.5 + 1e-4 * truth}, dimensions=("arousal",)))
    assert here["pcc", "arousal"].value == pytest.approx(1)
    assert here["pcc", "arousal"].verdict is Verdict.INCONCLUSIVE
    assert here["ccc", "arousal"].verdict is Verdict.FAIL


def test_a_score_that_speakers_alone_explain_is_not_passed():
    """Each speaker has one emotion, so whoever recognises speakers has a UAR of 1."""
    names = [EMOTIONS[i % 6 % 3] for i in range(60)]
    scores = {name: [float(name == each) for each in names] for name in EMOTIONS[:3]}
    here = found(tables_of({"emotion": names}, scores, classes=EMOTIONS[:3], model_classes=EMOTIONS[:3]))
    assert (here["uar", "emotion"].value, here["uar", "emotion"].verdict) == (1.0, Verdict.INCONCLUSIVE)
    assert (
        here["uar", "emotion"].reason
        == "the model is not shown to beat a constant prediction with 6 speakers"
    )
