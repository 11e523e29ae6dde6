"""Speakers side by side: who is served worse by which model."""

import pytest
from scipy import stats

from sertools.results.result import Verdict
from tests.helpers.comparisons import X, Y, against, difference, result, rows, speaker_scores


def test_agreement_is_spearmans_correlation_of_the_common_speakers():
    found = against(speaker_scores({**Y, "t": 0.9, "u": None}), speaker_scores({**X, "u": 0.7}))
    agreement = difference(found, "speakers.agreement")
    expected = stats.spearmanr(list(X.values()), list(Y.values())).statistic
    assert agreement.value == pytest.approx(expected, abs=1e-12)
    assert agreement.value == pytest.approx(0.8, abs=1e-12)  # 1 − 6 · 4 / (5 · 24)
    assert agreement.low <= agreement.value <= agreement.high
    assert (agreement.slice, agreement.n, agreement.speakers) == ("old and new", 100, 5)
    assert rows(found, "agreement") == [
        ["arousal", "old", pytest.approx(1, abs=1e-12), pytest.approx(0.8, abs=1e-12)],
        ["arousal", "new", pytest.approx(0.8, abs=1e-12), pytest.approx(1, abs=1e-12)],
    ]


def test_speakers_stand_in_the_order_of_the_first_run():
    found = against(speaker_scores({**Y, "t": 0.9}), speaker_scores(X))
    assert rows(found, "speakers")[0] == ["arousal", "v", 0.1, 0.2]
    dots = next(f for f in found.figures if f.name == "speakers_arousal")
    assert [(s.name, s.x, s.y) for s in dots.series] == [
        ("old", [*"vwxyzt"], [0.1, 0.2, 0.3, 0.4, 0.5, None]),
        ("new", [*"vwxyzt"], [0.2, 0.1, 0.3, 0.5, 0.4, 0.9]),
    ]
    assert "CCC" in dots.title
    assert "score over all clips" in dots.alt


def test_models_that_rank_speakers_the_other_way_round_disagree():
    found = against(speaker_scores(dict(zip("vwxyz", (5, 4, 3, 2, 1), strict=True))), speaker_scores(X))
    assert difference(found, "speakers.agreement").value == pytest.approx(-1, abs=1e-12)


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        ({k: Y[k] for k in "vwxy"}, "fewer than 5 speakers in common"),
        (dict.fromkeys("vwxyz", 0.3), "all common speakers have the same score in one of the two runs"),
    ],
)
def test_agreement_is_undefined_with_the_reason(scores, reason):
    found = against(speaker_scores(scores), speaker_scores(X))
    agreement = difference(found, "speakers.agreement")
    assert (agreement.value, agreement.verdict, agreement.reason) == (None, Verdict.SKIPPED, reason)
    assert [row[2:] for row in rows(found, "agreement")] == [[pytest.approx(1), None], [None, None]]


def test_draws_count_where_the_protocol_judges_five_speakers_of_every_run():
    draws = dict(zip("vwxyz", (0.5, 0.4, 0.3, 0.2, 0.1), strict=True))
    both = against(speaker_scores(X, draws=draws), speaker_scores(Y, draws=X, target="arousal"))
    assert rows(both, "speakers")[0] == ["arousal", "v", 0.1, 0.5]
    assert "draws" in next(f.alt for f in both.figures if f.name == "speakers_arousal")
    one = against(speaker_scores(X, draws=draws), speaker_scores(Y))
    assert rows(one, "speakers")[0] == ["arousal", "w", 0.1, 0.2]


def test_of_many_speakers_the_figure_shows_both_ends():
    many = {f"s{i:02d}": i / 50 for i in range(50)}
    dots = next(
        f for f in against(speaker_scores(many), speaker_scores(many)).figures if f.name == "speakers_arousal"
    )
    assert dots.series[0].x == [f"s{i:02d}" for i in (*range(20), *range(30, 50))]
    assert "the 20 worst and the 20 best of 50" in dots.title
    emotion = against(speaker_scores(many, target="emotion"), speaker_scores(many, target="emotion"))
    assert "UAR" in next(f.title for f in emotion.figures if f.name == "speakers_emotion")


def test_speakers_of_another_corpus_are_not_compared_even_where_they_have_the_same_names():
    assert difference(against(speaker_scores(Y), speaker_scores(X)), "speakers.agreement").value is not None
    found = against(speaker_scores(Y, corpus="emodb"), speaker_scores(X))
    assert (found.findings, [t.name for t in found.tables], found.figures) == ([], ["values"], [])
    without = against(result(audit="speakers"), result(audit="speakers"))
    assert (without.findings, [t.name for t in without.tables]) == ([], ["values"])
