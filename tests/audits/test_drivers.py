from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sertools.audits.drivers.material import cleaned, material
from sertools.audits.drivers.partial import correlations
from sertools.audits.drivers.surrogate import explained, explained_square, folds_of, rooted, unshrunk

from sertools.auditing.audit import load
from sertools.randomness import identity_rng
from sertools.results.result import Verdict
from sertools.selftest import toy_corpus
from sertools.statistics.jackknife import Estimate
from sertools.statistics.statistic import overall
from sertools.tables.pairs import pairs
from sertools.tables.tables import Tables
from tests.helpers.audits import run

AUDIT = load("drivers")
LOUD, PITCH = "egemaps:loudness_sma3_amean", "egemaps:F0semitoneFrom27.5Hz_sma3nz_amean"


def follows(*, rating=0.0, answer=0.0, noise=0.05, speakers=12, per_speaker=30, seed=0):
    """Ratings and answers that follow loudness by so much, and nothing of the other six features."""
    rng = np.random.default_rng(seed)
    clips = toy_corpus.clips(speakers=speakers, per_speaker=per_speaker, seed=seed)
    z = (clips[LOUD] - clips[LOUD].mean()) / clips[LOUD].std(ddof=0)
    clips["arousal"] = 0.5 + rating * z + rng.normal(0, 0.1, len(clips))
    predicted = clips["arousal"] + (answer - rating) * z + rng.normal(0, noise, len(clips))
    scores = pd.DataFrame({"arousal": predicted})
    return Tables(clips=clips, predictions={"clean": scores}, dimensions=("arousal",))


def of_arousal(tables):
    found = material(tables, pairs(tables, "arousal"), "arousal")
    assert found is not None
    return found


def finding(result, name, where="all"):
    return next(f for f in result.findings if (f.name, f.slice) == (name, where))


def test_explained_error_is_how_much_more_the_answers_follow_loudness_than_the_ratings_do():
    result = run(AUDIT, follows(rating=0.05, answer=0.15, speakers=30), seed=0)
    error = finding(result, "explained_error")
    # ± .01: 900 clips
    assert error.value == pytest.approx(0.1, abs=0.01)
    assert error.verdict is Verdict.FAIL
    assert finding(result, "explained_error", "features=loudness").value == pytest.approx(0.1, abs=0.01)
    assert finding(result, "explained_error", "features=pitch").value < 0.02
    # shares known from the variances: .05² of .05² + .1², and .15² of .15² + .1² + .05²
    assert finding(result, "truth_explained").value == pytest.approx(0.2, abs=0.06)
    assert finding(result, "answers_explained").value == pytest.approx(0.64, abs=0.06)
    assert "Beyond the truth, arousal goes most with loudness, mean (r = 0." in result.answer


def test_an_answer_that_follows_loudness_as_people_do_is_not_accused():
    error = finding(run(AUDIT, follows(rating=0.1, answer=0.1), seed=0), "explained_error")
    assert error.verdict is Verdict.PASS
    assert error.low == 0


def test_unshrunk_predictions_are_those_of_least_squares_on_the_other_folds():
    rng = np.random.default_rng(0)
    x, y, fold = rng.normal(size=(60, 3)), rng.normal(size=(60, 2)), np.arange(60) % 3
    found = unshrunk(x, y, fold)
    for code in range(3):
        train, test = fold != code, fold == code
        design = np.column_stack([np.ones(train.sum()), x[train]])
        beta = np.linalg.lstsq(design, y[train], rcond=None)[0]
        expected = np.column_stack([np.ones(test.sum()), x[test]]) @ beta
        assert found[test] == pytest.approx(expected, abs=5e-3)  # the least strength shrinks by a thousandth


def test_explained_square_is_the_sum_of_covariances():
    rng = np.random.default_rng(0)
    values, predictions = rng.normal(size=(50, 2)), rng.normal(size=(50, 2))
    statistic = explained_square(2)
    rows = np.arange(50)
    ours = replace(
        statistic, sums=lambda t, _, u, k: statistic.sums(np.column_stack([values, predictions])[t], t, u, k)
    )
    expected = sum(np.cov(values[:, i], predictions[:, i], ddof=0)[0, 1] for i in range(2))
    assert overall(ours, rows, rows) == pytest.approx(expected, abs=1e-12)


def test_correlations_are_those_of_residuals_within_speakers():
    tables = follows(rating=0.05, answer=0.1)
    found = of_arousal(tables)
    ours = correlations(found)
    centred = [
        pd.DataFrame(x).groupby(found.pair.unit).transform(lambda column: column - column.mean()).to_numpy()
        for x in (found.features, found.answers, found.truth)
    ]
    x, a, t = centred
    i = found.names.index("loudness_sma3_amean")
    assert ours.with_ratings[i, 0] == pytest.approx(np.corrcoef(x[:, i], t[:, 0])[0, 1], abs=1e-9)
    assert ours.with_answers[i, 0] == pytest.approx(np.corrcoef(x[:, i], a[:, 0])[0, 1], abs=1e-9)
    rest = [y - t * (t * y).sum() / (t * t).sum() for y in (x[:, [i]], a)]
    assert ours.beyond[i, 0] == pytest.approx(np.corrcoef(rest[0][:, 0], rest[1][:, 0])[0, 1], abs=1e-9)
    assert ours.low[i, 0] < ours.beyond[i, 0] < ours.high[i, 0]


def test_nothing_is_left_of_the_oracle_beyond_the_truth():
    tables = toy_corpus.answers("oracle", toy_corpus.clips(speakers=8, per_speaker=12))
    for target in ("arousal", "emotion"):
        found = material(tables, pairs(tables, target), target)
        assert found is not None
        assert np.isnan(correlations(found).beyond).all()
        assert explained(found, folds_of(found, tables.clips), np.arange(3)).error.value == 0


def test_features_are_cut_and_filled_and_useless_ones_dropped():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(1000, 4))
    values[0, 0], values[1, 0] = 1e9, np.nan
    values[:600, 1] = np.nan
    values[:, 2] = 7.0
    found, used = cleaned(values)
    assert used.tolist() == [0, 3]
    assert found[:, 0].max() < 4
    assert found[1, 0] == pytest.approx(np.nanmedian(values[:, 0]))
    assert np.isfinite(found).all()


def test_the_planted_answers_are_explained_by_loudness():
    tables = toy_corpus.answers("oracle", toy_corpus.clips(speakers=10, per_speaker=30))
    result = run(AUDIT, AUDIT.plant(tables, identity_rng(0)), seed=0)
    judged = [f for f in result.findings if f.name == "explained_error" and f.slice == "all"]
    assert {f.verdict for f in judged} == {Verdict.FAIL}
    assert finding(result, "answers_explained", "features=loudness").value > 0.9
    table = next(t for t in result.tables if t.name == "features")
    assert table.rows[0][2] == "loudness_sma3_amean"


def test_without_acoustics_nothing_is_measured_and_the_reason_is_given():
    clips = toy_corpus.clips(speakers=8, per_speaker=10)
    bare = clips.drop(columns=[c for c in clips if c.startswith("egemaps:") or c == "duration_s"])
    result = run(AUDIT, toy_corpus.answers("oracle", bare), seed=0)
    assert {f.verdict for f in result.findings} == {Verdict.SKIPPED}
    assert "need opensmile" in result.answer


def test_clips_without_features_are_left_out_and_counted():
    tables = follows(rating=0.1, answer=0.1)
    clips = tables.clips.copy()
    clips.loc[clips.index[:7], [c for c in clips if c.startswith("egemaps:") or c == "duration_s"]] = np.nan
    result = run(AUDIT, replace(tables, clips=clips), seed=0)
    assert finding(result, "explained_error").n == len(clips) - 7
    assert "arousal: 7 clips without acoustic features are left out." in result.notes


def test_a_square_below_0_has_an_upper_end_above_0():
    square = Estimate(value=-0.01, low=-0.02, high=-0.0051, n=9, units=9, inner=(-0.018, -0.006))
    found = rooted(square)
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(0.07)
    assert found.inner == pytest.approx((0.0, np.sqrt(0.004)))
    above = rooted(replace(square, value=0.04, low=0.01, high=0.09))
    assert (above.value, above.low, above.high) == pytest.approx((0.2, 0.1, 0.3))
