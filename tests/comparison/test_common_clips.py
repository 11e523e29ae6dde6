"""Models that did not answer the same clips are compared on the clips that both answered."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sertools.auditing.audit import load
from sertools.comparison.common_clips import DIFFERENT, NONE_COMMON, UNKNOWN, changes, on_common_clips
from sertools.comparison.compare import compare
from sertools.comparison.leaderboards.leaderboard import Entry, board
from sertools.comparison.pairs import all_pairs
from sertools.comparison.ranks import Differences
from sertools.comparison.runs import Measure, run_of
from sertools.pipeline.provenance import answers
from sertools.results.answers import PROVENANCE, Answers
from sertools.results.collection import Results
from sertools.results.keys import FindingKey
from sertools.results.verdicts.regression_check import paired_changes
from sertools.statistics.shares import change_of_recall
from sertools.tables.tables import Tables
from tests.helpers.audit_tables import made
from tests.helpers.audits import run
from tests.helpers.unanswered import CLASSES, middling, naive, silent_about
from tests.helpers.unanswered import answers as answered_of

UAR = FindingKey("uar", "emotion")


def results_of(tables: Tables, name: str) -> Results:
    """The results of two audits, with what the model answered, as a run gives them."""
    known = answers(tables)
    assert known is not None
    made = [
        run(
            load(audit),
            tables,
            seed=0,
            model={"name": name},
            data={"name": "toy"},
            provenance={"corpus_fingerprint": "abc", PROVENANCE: known.digest},
        )
        for audit in ("correctness", "calibration")
    ]
    return Results(made, {known.digest: known})


def changes_between(one: Results, other: Results):
    return changes(one[0], other[0], one.answers_of(one[0]), other.answers_of(other[0]))


def differing(seed: int = 0) -> tuple[Tables, Tables]:
    """Two models on the same clips, each silent about some of them."""
    first = middling(seed)
    other = first.with_predictions(middling(seed + 50).predictions)
    rng = np.random.default_rng(seed)
    return silent_about(first, rng.random(240) < 0.2), silent_about(other, rng.random(240) < 0.1)


def test_many_models_at_once_have_the_differences_of_pairs():
    measure = Measure("correctness", UAR)
    base = middling()
    models = [base, *(base.with_predictions(middling(seed).predictions) for seed in (50, 51, 52))]
    models.append(silent_about(models[1], np.arange(240) < 7))
    runs = [run_of(f"m{k}", results_of(each, f"m{k}")) for k, each in enumerate(models)]
    differences, asked = Differences(), []

    def change_of(one, other):
        asked.append(other.name)
        return differences.of(one, other, measure)

    pairs = all_pairs(runs, [measure], change_of)
    assert set(asked) == {"m4"}, "the others answered the same clips"
    for i, j, value, t, freedom, p in zip(
        pairs.one, pairs.other, pairs.value, pairs.t, pairs.freedom, pairs.p, strict=True
    ):
        alone = differences.of(runs[i], runs[j], measure)
        assert value == pytest.approx(alone.value, abs=1e-12)
        at_once = p if np.isnan(t) else 2 * stats.t.sf(t, freedom)
        assert at_once == pytest.approx(alone.p_value, rel=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_the_difference_is_that_of_the_scores_of_the_common_clips(seed):
    one, other = differing(seed)
    pairs = [
        (a, b)
        for a, b in zip(answered_of(one), answered_of(other), strict=True)
        if a[1] is not None and b[1] is not None
    ]
    change = changes_between(results_of(one, "one"), results_of(other, "other"))[UAR]
    expected = naive([a for a, _ in pairs])["uar"] - naive([b for _, b in pairs])["uar"]
    assert change.value == pytest.approx(expected, abs=1e-12)
    assert (change.n, change.speakers, change.different_clips) == (len(pairs), 12, True)
    assert change.low < change.value < change.high


def test_on_the_same_clips_the_difference_is_that_of_the_result_files():
    one, other = middling(0), middling(0).with_predictions(middling(1).predictions)
    a, b = results_of(one, "one"), results_of(other, "other")
    changes, files = changes_between(a, b), paired_changes(a[0], b[0])
    assert changes == files | {UAR: changes[UAR]}
    assert changes[UAR].value == files[UAR].value
    for key in (UAR, FindingKey("ccc", "arousal")):
        from_answers = on_common_clips(a.answers_of(a[0]), b.answers_of(b[0]), key.target)
        for end in ("value", "low", "high", "p_value"):
            assert getattr(from_answers, end) == pytest.approx(getattr(changes[key], end), abs=1e-12)


def test_the_interval_of_a_uar_is_that_of_the_clips_gained_and_lost():
    one, other = middling(0), middling(0).with_predictions(middling(1).predictions)
    a, b = results_of(one, "one"), results_of(other, "other")
    change = changes_between(a, b)[UAR]
    (truth, after), (_, before) = (list(zip(*answered_of(each), strict=True)) for each in (one, other))
    expected = change_of_recall(truth, before, after, pd.factorize(one.clips["speaker"])[0])
    assert (change.low, change.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert change.inner == pytest.approx(expected.inner, abs=1e-12)
    assert (change.p_value < 0.05) == (not change.low <= 0 <= change.high)


def test_models_that_answer_alike_are_not_shown_to_be_equal():
    """Equal answers on 240 clips do not show that they are equal on others: no interval has width 0."""
    a, b = results_of(middling(), "one"), results_of(middling(), "other")
    with_answers, without = changes_between(a, b)[UAR], changes(a[0], b[0], None, None)[UAR]
    for change in (with_answers, without):
        assert (change.value, change.p_value) == (0.0, 1.0)
        assert change.low < -0.01 < 0.01 < change.high
        assert change.low < change.inner[0] < 0 < change.inner[1] < change.high


def test_a_model_without_three_quarters_of_its_wrong_answers_is_not_better():
    first = middling()
    wrong = np.flatnonzero([t != p for t, p in answered_of(first)])
    silent = np.isin(np.arange(240), wrong[np.arange(len(wrong)) % 4 > 0])
    a, b = results_of(first, "all"), results_of(silent_about(first, silent), "chosen")
    change = changes_between(b, a)[UAR]
    assert (change.value, change.p_value, change.n) == (0.0, 1.0, 240 - silent.sum())
    comparison = compare([("all", a), ("chosen", b)])
    assert "chosen is better beyond chance than all in 0 and worse in 0" in comparison.answer
    assert f"compared on the {change.n} clips that both answered" in comparison.answer
    assert any(f"all 240 of 240 and chosen {change.n} of 240" in note for note in comparison.notes)
    (brier,) = [f for f in comparison.findings if f.name == "calibration.brier"]
    assert (brier.value, brier.reason) == (None, DIFFERENT)


def test_a_measure_that_is_not_computed_again_is_not_compared():
    one, other = differing()
    found = changes_between(results_of(one, "one"), results_of(other, "other"))
    assert (found[FindingKey("recall", "anger")].value, found[FindingKey("mae", "arousal")].value) == (
        None,
        None,
    )
    assert found[FindingKey("recall", "anger")].reason == DIFFERENT
    assert FindingKey("coverage", "emotion") not in found


def test_files_without_answers_are_compared_unless_their_numbers_of_clips_differ():
    one = middling()
    heard = np.arange(240) % 10 > 0
    rows = pd.DataFrame(
        {"clip": one.clips.index[~heard], "condition": "clean", "reason": "x", "asked": False}
    )
    fewer = dataclasses.replace(silent_about(one, ~heard), missing=rows)
    a, b = results_of(one, "one")[0], results_of(fewer, "fewer")[0]
    assert changes(a, b, None, None)[UAR].reason == UNKNOWN
    assert changes(a, a, None, None) == paired_changes(a, a)


def test_without_a_common_clip_there_is_no_difference():
    one = middling()
    half = np.arange(240) % 2 == 0
    a, b = answers(silent_about(one, half)), answers(silent_about(one, ~half))
    assert (on_common_clips(a, b, "emotion").value, on_common_clips(a, b, "emotion").reason) == (
        None,
        NONE_COMMON,
    )


def test_answers_survive_their_file_and_are_only_used_for_their_own_results(tmp_path):
    tables = silent_about(middling(), np.arange(240) % 7 == 0)
    known = answers(tables)
    known.write(tmp_path)
    from sertools.results.answers import read_answers

    again = read_answers(tmp_path)
    assert isinstance(again, Answers)
    assert again.digest == known.digest
    emotion = again.of("emotion")
    assert emotion["answer"].isna().sum() == len(range(0, 240, 7))
    assert set(emotion["answer"].dropna()) <= set(CLASSES)
    clip = emotion.index[1]
    assert float(again.of("arousal").loc[clip, "truth"]) == tables.clips.loc[clip, "arousal"]
    results = results_of(middling(3), "another")
    assert Results(list(results), {again.digest: again}).answers_of(results[0]) is None


def test_a_leaderboard_compares_pairs_on_common_clips_and_ranks_nobody_who_answers_too_little():
    first = middling()
    better = first.with_predictions(
        made([20] * 12, classes=CLASSES, noise=0.1).predictions  # right about every emotion
    )
    wrong = np.array([t != p for t, p in answered_of(first)])
    some = np.isin(np.arange(240), np.flatnonzero(wrong)[:10])
    entries = [
        Entry(model=name, corpus="toy", run=run_of(name, results_of(tables, name)))
        for name, tables in {
            "all": first,
            "without ten": silent_about(first, some),
            "chosen": silent_about(first, wrong),
            "better": better,
        }.items()
    ]
    group = next(group for group in board(entries) if group.labels == "emotion")
    assert [(s.entry.model, str(s.places)) for s in group.standings] == [
        ("better", "1"),
        ("all", "2–3"),
        ("without ten", "2–3"),
        ("chosen", "None"),
    ]
    assert group.standings[-1].reason == "it answered less than 95 % of the clips"
    assert "compared on the" in group.summary
    # calibration is not computed again on common clips, so it ranks nobody
    assert {measure.audit for measure in group.measures} == {"correctness"}
