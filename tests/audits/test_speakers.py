import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sertools.errors import AuditError
from sertools.metrics.regression import ccc
from sertools.results.result import Verdict
from sertools.tables.condition import CLEAN
from sertools.tables.tables import Tables
from tests.helpers.audit_tables import EMOTIONS, made, trivial
from tests.helpers.places import ROOT
from tests.helpers.speaker_audits import SPEAKERS, found, result, rows

VOTES = ROOT.parent / "shared/data/crema-d_labels/crema-d_labels.csv"


def test_worst_best_and_spread_are_those_of_a_loop_over_speakers():
    tables = made([62, 90, 78, 65, 84, 9], noise=0.2)
    scores = tables.predictions[CLEAN]["arousal"]
    by_hand = {
        name: ccc(part["arousal"], scores[part.index])
        for name, part in tables.clips.groupby("speaker")
        if len(part) >= 10
    }
    r = result(tables)
    worst, best = min(by_hand, key=by_hand.get), max(by_hand, key=by_hand.get)
    assert found(r, "worst_speaker").slice == f"speaker={worst}"
    assert found(r, "worst_speaker").value == pytest.approx(by_hand[worst], abs=1e-12)
    assert found(r, "best_speaker").slice == f"speaker={best}"
    assert found(r, "best_speaker").value == pytest.approx(by_hand[best], abs=1e-12)
    assert found(r, "worst_speaker").speakers == 1
    squares = []
    for name in by_hand:
        part = tables.clips[tables.clips["speaker"] == name]
        left = [ccc(rest["arousal"], scores[rest.index]) for rest in (part.drop(c) for c in part.index)]
        squares.append((len(part) - 1) * np.var(left))
    beyond = np.var(list(by_hand.values()), ddof=1) - np.mean(squares)
    assert found(r, "spread").value == pytest.approx(np.sqrt(max(beyond, 0)), abs=1e-7)
    assert found(r, "spread").speakers == 5
    assert [row[1] for row in r.tables[0].rows] == sorted(by_hand, key=by_hand.get)


def test_average_and_ranking_are_those_of_the_speakers_means():
    tables = made([12, 30, 18, 25, 14, 9], noise=0.1)
    scores = tables.predictions[CLEAN]["arousal"]
    enough = tables.clips.groupby("speaker").filter(lambda part: len(part) >= 10)
    truth = enough.groupby("speaker")["arousal"].mean()
    prediction = scores[enough.index].groupby(enough["speaker"]).mean()
    r = result(tables)
    difference = prediction - truth
    error = (scores[enough.index] - enough["arousal"]).groupby(enough["speaker"]).sem()
    about_0 = np.sqrt(2 / np.pi * max((difference**2).mean() - (error**2).mean(), 0))
    shift = np.sqrt(max(difference.mean() ** 2 - difference.var() / len(difference), 0))
    assert found(r, "speaker_average").value == pytest.approx(max(about_0, shift), abs=1e-12)
    rho = stats.spearmanr(truth, prediction).statistic
    assert found(r, "speaker_ranking").value == pytest.approx(rho, abs=1e-12)
    assert found(r, "speaker_ranking").n == len(enough)


def test_an_order_of_speakers_who_are_alike_is_not_judged():
    """Actors who all say the same: their true means differ by chance, and so does any order of them."""
    tables = made([20] * 12, levels=np.full(12, 0.5), spread=0.2, noise=0.1)
    ranking = found(result(tables), "speaker_ranking")
    f_test = stats.f_oneway(*(part["arousal"] for _, part in tables.clips.groupby("speaker")))
    assert f_test.pvalue > 0.05
    assert ranking.high > 0
    assert ranking.verdict is Verdict.SKIPPED
    assert (
        ranking.reason
        == "the speakers' true means do not differ significantly, so their order is not meaningful"
    )
    assert ranking.value is not None
    apart = made([20] * 12, levels=np.linspace(0.3, 0.7, 12), spread=0.2, noise=0.1)
    assert found(result(apart), "speaker_ranking").verdict is Verdict.PASS


def test_a_single_speaker_is_neither_worst_nor_best():
    only = result(made([30], noise=0.2))
    assert (
        only.answer
        == f"CCC of arousal is {found(only, 'worst_speaker').value:.2f} for the only speaker "
        + ("with a score.")
    )
    assert found(only, "spread").reason == "only one speaker has a score"
    assert found(only, "speaker_ranking").reason == "fewer than two speakers"


def test_only_speakers_with_more_than_min_clips_are_judged_by_the_protocol():
    tables = made([200, 201, 300, 12, 201, 201, 201], noise=0.1)
    scores = tables.predictions[CLEAN].copy()
    scores.loc[tables.clips["speaker"].isin(["s0", "s3"]), "arousal"] = 0.5
    r = result(tables.with_predictions({CLEAN: scores}))
    judged = {name for (_, name), row in rows(r).items() if row["judged"]}
    assert judged == {"s1", "s2", "s4", "s5", "s6"}
    assert rows(r)["arousal", "s0"]["mean of draws"] is None
    # two others are served worse, but worst is of those that are judged
    assert r.tables[0].rows[0][1] in {"s0", "s3"}
    assert found(r, "worst_speaker").slice.removeprefix("speaker=") in judged
    assert any("5 of 7 speakers have more than 200 clips and are judged" in note for note in r.notes)


def test_the_order_of_the_clips_decides_nothing():
    tables = made([210] * 5, noise=0.2, classes=EMOTIONS)
    order = np.random.default_rng(1).permutation(len(tables.clips))
    shuffled = dataclasses.replace(
        tables, clips=tables.clips.iloc[order], predictions={CLEAN: tables.predictions[CLEAN].iloc[order]}
    )
    assert result(shuffled) == result(tables)


def test_four_speakers_are_too_few_for_a_verdict_on_the_worst():
    worst = found(result(made([30] * 4, noise=0)), "worst_speaker")
    assert (worst.value, worst.low, worst.verdict) == (pytest.approx(1), None, Verdict.INCONCLUSIVE)
    assert worst.reason == "fewer than 5 speakers"


def test_the_protocols_mean_and_deviation_are_those_of_draws_by_a_loop():
    tables = made([260, 220], noise=0.2)
    row = rows(result(tables, draws=1000))["arousal", "s0"]
    mask = (tables.clips["speaker"] == "s0").to_numpy()
    t = tables.clips["arousal"].to_numpy()[mask]
    p = tables.predictions[CLEAN]["arousal"].to_numpy()[mask]
    rng = np.random.default_rng(1)
    drawn = [ccc(t[i], p[i]) for i in rng.integers(260, size=(1000, 200))]
    sd = np.std(drawn, ddof=1)
    # Monte-Carlo errors of two sets of 1000 draws each; four of them
    assert row["mean of draws"] == pytest.approx(np.mean(drawn), abs=4 * sd * np.sqrt(2 / 1000))
    assert row["deviation of draws"] == pytest.approx(sd, abs=4 * sd * np.sqrt(2 / 2000))
    assert row["2.5 % of draws"] == pytest.approx(np.quantile(drawn, 0.025), abs=sd / 2)
    assert row["97.5 % of draws"] == pytest.approx(np.quantile(drawn, 0.975), abs=sd / 2)


def test_another_speaker_changes_no_draw_of_this_one():
    both = made([250, 230], noise=0.2)
    first = both.clips["speaker"] == "s0"
    alone = made([250, 230], noise=0.2)
    alone = type(both)(
        clips=both.clips[first],
        predictions={CLEAN: both.predictions[CLEAN][first]},
        dimensions=both.dimensions,
    )
    assert rows(result(both))["arousal", "s0"] == rows(result(alone))["arousal", "s0"]


def test_it_is_said_when_nobody_has_clips_enough_for_the_protocol():
    r = result(made([20] * 6))
    assert any("0 of 6 speakers have more than 200 clips, so all with at least 10" in n for n in r.notes)
    assert {row["judged"] for row in rows(r).values()} == {False}
    assert found(r, "worst_speaker").value is not None


def test_nobody_with_ten_clips_is_skipped_with_the_reason():
    r = result(made([9, 5, 9]))
    assert [f.verdict for f in r.findings] == [Verdict.SKIPPED]
    assert r.findings[0].reason == "no speaker has 10 clips labelled with arousal"
    assert r.answer == "Not measured: no speaker has 10 clips."


def test_a_corpus_without_speakers_is_skipped():
    tables = made([20] * 6)
    bare = type(tables)(
        clips=tables.clips.drop(columns="speaker"), predictions=tables.predictions, dimensions=("arousal",)
    )
    r = result(bare)
    assert [f.reason for f in r.findings] == ["the corpus has no column 'speaker'"]


def test_clips_of_unknown_speakers_are_nobodys():
    tables = made([20] * 6)
    clips = tables.clips.copy()
    clips.loc[clips["speaker"] == "s3", "speaker"] = None
    r = result(type(tables)(clips=clips, predictions=tables.predictions, dimensions=("arousal",)))
    assert {name for _, name in rows(r)} == {"s0", "s1", "s2", "s4", "s5"}
    assert any("20 speakers have fewer than 10 clips" in note for note in r.notes)


def test_an_oracle_passes_for_everyone():
    tables = made([60] * 8, classes=EMOTIONS, noise=0)
    r = result(tables)
    assert Verdict.FAIL not in {f.verdict for f in r.findings}
    assert found(r, "worst_speaker").verdict is Verdict.PASS
    assert found(r, "speaker_average").value == 0
    assert found(r, "speaker_ranking").value == 1
    assert found(r, "spread").value == pytest.approx(0, abs=1e-7)
    assert found(r, "spread", "emotion").value == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("kind", ["constant", "random"])
@pytest.mark.parametrize("size", [12, 60, 260])
def test_a_model_that_knows_nothing_never_passes(kind, size):
    tables = trivial(made([size] * 8, classes=EMOTIONS), kind)
    r = result(tables)
    assert Verdict.PASS not in {f.verdict for f in r.findings}
    assert found(r, "speaker_average").verdict in {Verdict.INCONCLUSIVE, Verdict.FAIL}
    assert "not shown to beat a constant prediction" in found(r, "speaker_average").reason


def test_one_speaker_taken_the_wrong_way_round_is_found_and_fails():
    tables = made([30, 30, 40, 30, 30, 30, 30, 30], classes=EMOTIONS, noise=0)
    r = result(SPEAKERS.plant(tables, np.random.default_rng(0)))
    worst = found(r, "worst_speaker")
    assert (worst.slice, worst.verdict) == ("speaker=s2", Verdict.FAIL)
    # a mirrored rating that moves by .8: −2 · .8 / (1 + .8²), the means being alike
    assert worst.value == pytest.approx(-1.6 / 1.64, abs=1e-9)
    chance = found(r, "worst_above_chance", "emotion")
    assert (chance.slice, chance.verdict) == ("speaker=s2", Verdict.FAIL)
    assert chance.value == pytest.approx(-0.25)


def test_a_plant_under_perturbed_conditions_too_leaves_the_tables_alone():
    tables = made([20] * 5, noise=0)
    both = tables.with_predictions(dict.fromkeys((CLEAN, "gain@2dB"), tables.predictions[CLEAN]))
    planted = SPEAKERS.plant(both, np.random.default_rng(0))
    assert set(planted.predictions) == {CLEAN, "gain@2dB"}
    assert not planted.predictions["gain@2dB"].equals(both.predictions["gain@2dB"])
    assert both.predictions[CLEAN].equals(tables.predictions[CLEAN])


def test_ten_wrong_answers_of_one_speaker_are_no_proof_of_uselessness():
    # none right of 12 at a chance of 1/4: (3/4)^12 = .03 for one speaker, and there are eight
    tables = made([12] * 8, dimensions=(), classes=EMOTIONS, noise=0)
    r = result(SPEAKERS.plant(tables, np.random.default_rng(0)))
    chance = found(r, "worst_above_chance", "emotion")
    assert chance.value == pytest.approx(-0.25)
    assert chance.high > 0
    assert chance.verdict is Verdict.INCONCLUSIVE


def test_speakers_who_are_alike_cannot_be_ranked():
    tables = made([16] * 6, dimensions=(), classes=EMOTIONS, noise=0)
    ranking = found(result(tables), "speaker_ranking", "anger")
    assert (ranking.value, ranking.verdict) == (None, Verdict.SKIPPED)
    assert ranking.reason == "all 6 speakers have the same mean truth or prediction"


def test_the_share_of_a_class_is_a_speakers_mean():
    tables = made([16] * 6, dimensions=(), classes=EMOTIONS, noise=0)
    scores = tables.predictions[CLEAN].copy()
    # half of the angry clips of every speaker are taken for neutral: 1/8 of the clips too few
    angry = np.flatnonzero(tables.clips["emotion"] == "anger")[::2]
    scores.iloc[angry] = [0.0, 0.0, 1.0, 0.0]
    r = result(tables.with_predictions({CLEAN: scores}))
    assert found(r, "speaker_average", "anger").value == pytest.approx(1 / 8)
    assert found(r, "speaker_average", "neutral").value == pytest.approx(1 / 8)
    assert found(r, "speaker_average", "sadness").value == 0


def test_a_constant_truth_gives_no_score_and_the_reason():
    tables = made([20] * 5, levels=[0.5] * 5, spread=0, noise=0)
    r = result(tables)
    worst = found(r, "worst_speaker")
    assert (worst.value, worst.verdict) == (None, Verdict.SKIPPED)
    assert "undefined" in worst.reason
    assert found(r, "spread").value is None
    assert r.answer == "CCC of arousal is undefined for every speaker."


def test_a_protocol_without_a_defined_draw_says_nothing():
    tables = made([220, 220], levels=[0.5, 0.5], spread=0, noise=0)
    assert rows(result(tables))["arousal", "s0"]["mean of draws"] is None


def test_four_speakers_have_no_interval_and_nothing_passes_over_them():
    r = result(made([30] * 4))
    average = found(r, "speaker_average")
    assert (average.low, average.verdict) == (None, Verdict.INCONCLUSIVE)
    assert "fewer than 5 speakers" in average.reason


def test_a_long_list_is_drawn_from_both_ends():
    r = result(made([10] * 45, noise=0.2))
    (figure,) = r.figures
    assert len(figure.series[0].x) == 40
    assert figure.title == "CCC of arousal by speaker, the 20 worst and the 20 best of 45"
    drawn = [value for value in figure.series[0].y if value is not None]
    assert drawn == sorted(drawn)


@pytest.mark.parametrize("corpora", [20, pytest.param(60, marks=pytest.mark.acceptance)])
def test_the_interval_of_the_worst_holds_for_all_speakers_together(corpora):
    # speakers alike: the interval of the worst holds the common score in 95 % of corpora or more
    held = []
    for seed in range(corpora):
        tables = made([40] * 10, noise=0.15, levels=[0.5] * 10, spread=0.15, seed=seed)
        worst = found(result(tables, draws=2), "worst_speaker")
        # CCC of truth with variance .15² and an independent error of .15: 2/(1 + 2); cut at [0, 1] rarely
        held.append(worst.low < 2 / 3 < worst.high)
    assert np.mean(held) > 0.9


@pytest.mark.parametrize("options", [{"min_clips": 9}, {"draws": 1}])
def test_a_protocol_without_sense_is_refused(options):
    with pytest.raises(AuditError, match="min-clips is"):
        result(made([20] * 5), **options)


@pytest.mark.skipif(not VOTES.is_file(), reason="../shared/data/crema-d_labels is not here")
@pytest.mark.parametrize("min_clips", [200, 50])
def test_one_of_91_real_speakers_whose_emotions_are_guessed_is_found_as_the_worst(min_clips):
    votes = pd.read_csv(VOTES)
    names = sorted(votes["emotion"].unique())
    rng = np.random.default_rng(0)
    # answers that know the emotion of every speaker but one about as well
    scores = rng.normal(0, 1, (len(votes), len(names)))
    known = (votes["speaker"] != 1006).to_numpy()
    scores[known, votes["emotion"].map(names.index).to_numpy()[known]] += 1.8
    clips = votes[["speaker", "emotion"]]
    tables = Tables(
        clips=clips,
        predictions={CLEAN: pd.DataFrame(scores, index=clips.index, columns=names)},
        classes=tuple(names),
        model_classes=tuple(names),
    )
    r = result(tables, min_clips=min_clips)
    worst = found(r, "worst_speaker", "emotion")
    assert worst.slice == "speaker=1006"
    # of about 80 clips at a chance of 1/6 the standard error is .04; three of them
    assert worst.value == pytest.approx(1 / 6, abs=0.13)
    assert worst.low < 1 / 6 < worst.high
    assert found(r, "worst_above_chance", "emotion").verdict is Verdict.INCONCLUSIVE
    # the other 90 differ by the number of their clips alone
    others = [row["score"] for (_, name), row in rows(r).items() if name != "1006"]
    (alone,) = [note for note in r.notes if "the limited number of clips alone" in note]
    # a standard deviation of 90 is known to 1/√180 = 7 %, and the note is rounded
    assert np.std(others, ddof=1) == pytest.approx(float(alone.split()[-1].rstrip(".")), rel=0.3)


def test_a_model_that_hardly_moves_is_not_better_than_a_constant_for_every_speaker():
    tables = made([62, 90, 78, 65, 84], noise=0.0)
    squeezed = tables.with_predictions({name: 0.5 + f / 1e4 for name, f in tables.predictions.items()})
    worst = found(result(squeezed), "worst_speaker")
    assert worst.low > 0
    assert worst.verdict is Verdict.INCONCLUSIVE
