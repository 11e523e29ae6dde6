"""Alike for women and men? Gaps worked out by hand, planted, and counted a second way."""

import dataclasses

import audmetric
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mean_absolute_error, root_mean_squared_error

from sertools.auditing.audit import load
from sertools.randomness import identity_rng
from sertools.results.result import Verdict
from sertools.selftest import toy_corpus
from sertools.tables.tables import Tables
from tests import golden
from tests.helpers.audit_tables import EMOTIONS, made, unheard
from tests.helpers.audits import run


def found(tables: Tables, **options) -> dict:
    result = run(load("fairness"), tables, seed=0, options={"resamples": 100, **options})
    return {(f.name, f.target, f.slice): f for f in result.findings}


def by_hand() -> Tables:
    """Women: truth 0 .5 1, answers 0 .5 .5 (CCC 2/3, bias −1/6); men: the truth + .1 (see the test)."""
    truth = np.array([0, 0.5, 1] * 2)
    answers = np.array([0, 0.5, 0.5, 0.1, 0.6, 1.1])
    index = pd.Index([f"c{i}" for i in range(6)], name="clip")
    clips = pd.DataFrame(
        {"speaker": list("abcdef"), "sex": ["female"] * 3 + ["male"] * 3, "arousal": truth}, index=index
    )
    scores = pd.DataFrame({"arousal": answers}, index=index)
    return Tables(clips=clips, predictions={"clean": scores}, dimensions=("arousal",))


def test_sex_score_and_bias_are_those_worked_out_by_hand():
    """Men: s² = 1/6 on both sides, means .1 apart, so CCC = (2/6) / (2/6 + .01) and the bias is .1."""
    here = found(by_hand())
    female, male = 2 / 3, (1 / 3) / (1 / 3 + 0.01)
    assert here["ccc", "arousal", "sex=female"].value == pytest.approx(female, abs=1e-12)
    assert here["ccc", "arousal", "sex=male"].value == pytest.approx(male, abs=1e-12)
    assert here["sex_score", "arousal", "female-male"].value == pytest.approx(female - male, abs=1e-12)
    assert here["sex_bias", "arousal", "female-male"].value == pytest.approx(-1 / 6 - 0.1, abs=1e-12)
    assert here["max_minus_min", "arousal", "sex=*"].value == pytest.approx(male - female, abs=1e-12)


def test_three_speakers_a_side_have_no_interval_and_no_verdict():
    score = found(by_hand())["sex_score", "arousal", "female-male"]
    assert (score.low, score.high) == (None, None)
    assert score.verdict is Verdict.INCONCLUSIVE
    assert "fewer than 5 speakers" in score.reason
    assert (score.n, score.speakers) == (6, 6)


def noisy(seed: int = 0) -> Tables:
    tables = toy_corpus.answers("oracle", toy_corpus.clips(speakers=16, per_speaker=12, seed=seed))
    rng = np.random.default_rng(seed)
    scores = tables.predictions["clean"] * 0.7 + 0.2 * rng.random(tables.predictions["clean"].shape)
    scores.iloc[::7] = np.nan
    return unheard(tables.with_predictions({"clean": scores}))


@pytest.mark.parametrize("seed", [0, 1])
def test_scores_of_the_sexes_agree_with_audmetric_on_the_rows_that_were_scored(seed):
    tables = noisy(seed)
    here = found(tables)
    for dimension in tables.dimensions:
        rows = pd.DataFrame(
            {"t": tables.clips[dimension], "p": tables.predictions["clean"][dimension],
             "sex": tables.clips["sex"]}
        ).dropna()  # fmt: skip
        ccc = {sex: audmetric.concordance_cc(g["t"], g["p"]) for sex, g in rows.groupby("sex")}
        bias = {sex: (g["p"] - g["t"]).mean() for sex, g in rows.groupby("sex")}
        every = audmetric.concordance_cc(rows["t"], rows["p"])
        assert here["sex_score", dimension, "female-male"].value == pytest.approx(
            ccc["female"] - ccc["male"], abs=1e-9
        )
        assert here["sex_bias", dimension, "female-male"].value == pytest.approx(
            bias["female"] - bias["male"], abs=1e-9
        )
        for sex, value in ccc.items():
            where = f"sex={sex}"
            assert here["ccc", dimension, where].n == (rows["sex"] == sex).sum()
            assert here["group_minus_all", dimension, where].value == pytest.approx(value - every, abs=1e-9)


def test_the_sex_score_of_emotions_is_a_difference_of_recalls():
    tables = noisy()
    scores = tables.predictions["clean"][list(tables.model_classes)].dropna()
    clips = tables.clips.loc[scores.index]
    uar = {
        sex: audmetric.unweighted_average_recall(clips["emotion"][here], scores.idxmax(axis=1)[here])
        for sex in ("female", "male")
        if (here := clips["sex"] == sex).any()
    }
    found_here = found(tables)["sex_score", "emotion", "female-male"]
    assert found_here.value == pytest.approx(uar["female"] - uar["male"], abs=1e-9)


def test_a_planted_gap_between_the_sexes_is_found_with_its_size():
    tables = toy_corpus.answers("oracle", toy_corpus.clips(speakers=16, per_speaker=20))
    planted = load("fairness").plant(tables, identity_rng(0, "plant"))
    here = found(planted)
    for dimension in tables.dimensions:
        bias = here["sex_bias", dimension, "female-male"]
        # men are rated a third too high, so women a third lower than they
        assert bias.value == pytest.approx(-1 / 3, abs=1e-9)
        assert bias.verdict is Verdict.FAIL
        score = here["sex_score", dimension, "female-male"]
        assert score.value > 0.5
        assert score.verdict is Verdict.FAIL


def test_swapping_the_names_of_the_sexes_turns_every_sign():
    tables = noisy()
    other_sex = tables.clips["sex"].map({"female": "male", "male": "female"})
    swapped = dataclasses.replace(tables, clips=tables.clips.assign(sex=other_sex))
    one, other = found(tables), found(swapped)
    for dimension in tables.dimensions:
        for name in ("sex_score", "sex_bias"):
            key = (name, dimension, "female-male")
            assert other[key].value == pytest.approx(-one[key].value, abs=1e-12)
            assert other[key].low == pytest.approx(-one[key].high, abs=1e-9)


def test_a_model_that_answers_at_random_is_not_called_fair():
    here = found(toy_corpus.answers("random", toy_corpus.clips(speakers=16, per_speaker=20)))
    score = here["sex_score", "arousal", "female-male"]
    assert score.verdict is Verdict.INCONCLUSIVE
    assert "not shown to beat a constant prediction" in score.reason


def test_a_corpus_of_one_sex_is_skipped_with_the_reason():
    clips = toy_corpus.clips(speakers=6, per_speaker=10).assign(sex="female")
    result = run(load("fairness"), toy_corpus.answers("oracle", clips), seed=0, options={"resamples": 50})
    assert {f.verdict for f in result.findings} == {Verdict.SKIPPED}
    assert "fewer than two groups of sex" in result.findings[0].reason


def test_a_corpus_without_the_column_sex_is_skipped_with_the_reason():
    clips = toy_corpus.clips(speakers=6, per_speaker=10).drop(columns="sex")
    result = run(load("fairness"), toy_corpus.answers("oracle", clips), seed=0, options={"resamples": 50})
    (only,) = result.findings
    assert (only.value, only.reason) == (None, "the corpus has no column 'sex'")


def test_findings_are_those_of_the_golden_file():
    """To renew: golden.renew() of the same result."""
    golden.check(run(load("fairness"), noisy(), seed=0, options={"resamples": 100}))


def with_sexes(tables: Tables) -> Tables:
    """Every second speaker is a woman."""
    number = tables.clips["speaker"].str.removeprefix("s").astype(int)
    return dataclasses.replace(
        tables, clips=tables.clips.assign(sex=np.where(number % 2 == 0, "female", "male"))
    )


def test_gaps_of_errors_are_those_of_scikit_learn():
    tables = with_sexes(made([20] * 12, noise=0.1, classes=EMOTIONS))
    scores = tables.predictions["clean"]
    female = tables.clips["sex"] == "female"
    here = found(tables)
    truth, answers = tables.clips["arousal"], scores["arousal"]
    for name, metric in (("mae", mean_absolute_error), ("rmse", root_mean_squared_error)):
        by_hand = metric(truth[female], answers[female]) - metric(truth[~female], answers[~female])
        assert here[f"{name}_gap", "arousal", "female-male"].value == pytest.approx(by_hand, abs=1e-12)
    losses = ((scores[list(EMOTIONS)] - pd.get_dummies(tables.clips["emotion"])[list(EMOTIONS)]) ** 2).sum(
        axis=1
    )
    brier = losses[female].mean() - losses[~female].mean()
    assert here["brier_gap", "emotion", "female-male"].value == pytest.approx(brier, abs=1e-12)


def test_a_gap_that_the_range_of_the_ratings_makes_is_named_and_still_fails():
    """Equal errors (sd .1); ratings of women spread by .25, those of men by .06."""
    rng = np.random.default_rng(5)
    tables = with_sexes(made([60] * 24, levels=[0.5] * 24))
    female = (tables.clips["sex"] == "female").to_numpy()
    truth = 0.5 + np.where(female, 0.2, 0.06) * rng.choice([-1, 1], len(female)) * rng.random(len(female))
    clips = tables.clips.assign(arousal=truth)
    scores = pd.DataFrame({"arousal": truth + 0.06 * rng.standard_normal(len(truth))}, index=clips.index)
    here = found(dataclasses.replace(tables, clips=clips, predictions={"clean": scores}))
    score = here["sex_score", "arousal", "female-male"]
    assert score.verdict is Verdict.FAIL
    assert abs(here["mae_gap", "arousal", "female-male"].value) < 0.01
    assert "so this gap comes from the range of the ratings" in score.reason
    assert "0.12 for women and 0.03 for men" in score.reason


def test_a_gap_of_the_errors_is_not_blamed_on_the_range():
    tables = with_sexes(made([60] * 24, levels=[0.5] * 24))
    noise = np.where(tables.clips["sex"] == "female", 0.0, 0.3) * np.random.default_rng(0).standard_normal(
        1440
    )
    worse = tables.predictions["clean"].add(noise, axis=0)
    score = found(tables.with_predictions({"clean": worse}))["sex_score", "arousal", "female-male"]
    assert score.verdict is Verdict.FAIL
    assert "range of the ratings" not in score.reason


def test_scores_that_are_no_probabilities_have_no_brier_gap():
    tables = with_sexes(made([20] * 12, classes=EMOTIONS))
    logits = tables.predictions["clean"].assign(
        **{name: 5 * tables.predictions["clean"][name] for name in EMOTIONS}
    )
    assert not [key for key in found(tables.with_predictions({"clean": logits})) if key[0] == "brier_gap"]
