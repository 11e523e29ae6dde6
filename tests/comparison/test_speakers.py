"""Speakers side by side: who is served worse by which model."""

import pytest
from scipy import stats

from sertools.results.result import Verdict
from tests.helpers.comparisons import X, Y, against, clips_with_layers, difference, result, rows


def test_agreement_is_spearmans_correlation_of_the_common_speakers():
    found = against(clips_with_layers({**Y, "t": 0.9, "u": None}), clips_with_layers({**X, "u": 0.7}))
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
    found = against(clips_with_layers({**Y, "t": 0.9}), clips_with_layers(X))
    assert rows(found, "speakers")[0] == ["arousal", "v", 0.1, 0.2]
    dots = next(f for f in found.figures if f.name == "speakers_arousal")
    assert [(s.name, s.x, s.y) for s in dots.series] == [
        ("old", [*"vwxyzt"], [0.1, 0.2, 0.3, 0.4, 0.5, None]),
        ("new", [*"vwxyzt"], [0.2, 0.1, 0.3, 0.5, 0.4, 0.9]),
    ]
    assert "CCC" in dots.title
    assert "score over all clips" in dots.alt


def test_models_that_rank_speakers_the_other_way_round_disagree():
    found = against(clips_with_layers(dict(zip("vwxyz", (5, 4, 3, 2, 1), strict=True))), clips_with_layers(X))
    assert difference(found, "speakers.agreement").value == pytest.approx(-1, abs=1e-12)


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        ({k: Y[k] for k in "vwxy"}, "fewer than 5 speakers in common"),
        (dict.fromkeys("vwxyz", 0.3), "all common speakers have the same score in one of the two runs"),
    ],
)
def test_agreement_is_undefined_with_the_reason(scores, reason):
    found = against(clips_with_layers(scores), clips_with_layers(X))
    agreement = difference(found, "speakers.agreement")
    assert (agreement.value, agreement.verdict, agreement.reason) == (None, Verdict.SKIPPED, reason)
    assert [row[2:] for row in rows(found, "agreement")] == [[pytest.approx(1), None], [None, None]]


def test_draws_count_where_the_protocol_judges_five_speakers_of_every_run():
    draws = dict(zip("vwxyz", (0.5, 0.4, 0.3, 0.2, 0.1), strict=True))
    both = against(clips_with_layers(X, draws=draws), clips_with_layers(Y, draws=X, target="arousal"))
    assert rows(both, "speakers")[0] == ["arousal", "v", 0.1, 0.5]
    assert "draws" in next(f.alt for f in both.figures if f.name == "speakers_arousal")
    one = against(clips_with_layers(X, draws=draws), clips_with_layers(Y))
    assert rows(one, "speakers")[0] == ["arousal", "w", 0.1, 0.2]


def test_of_many_speakers_the_figure_shows_both_ends():
    many = {f"s{i:02d}": i / 50 for i in range(50)}
    dots = next(
        f
        for f in against(clips_with_layers(many), clips_with_layers(many)).figures
        if f.name == "speakers_arousal"
    )
    assert dots.series[0].x == [f"s{i:02d}" for i in (*range(20), *range(30, 50))]
    assert "the 20 worst and the 20 best of 50" in dots.title
    emotion = against(clips_with_layers(many, target="emotion"), clips_with_layers(many, target="emotion"))
    assert "UAR" in next(f.title for f in emotion.figures if f.name == "speakers_emotion")


def test_speakers_of_another_corpus_are_not_compared_even_where_they_have_the_same_names():
    assert (
        difference(against(clips_with_layers(Y), clips_with_layers(X)), "speakers.agreement").value
        is not None
    )
    found = against(clips_with_layers(Y, corpus="emodb"), clips_with_layers(X))
    assert (found.findings, [t.name for t in found.tables], found.figures) == ([], ["values"], [])
    without = against(result(audit="speakers"), result(audit="speakers"))
    assert (without.findings, [t.name for t in without.tables]) == ([], ["values"])
