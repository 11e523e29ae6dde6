"""What one rater reaches beside the models of a comparison and of a leaderboard."""

import pytest

from sertools.comparison.compare import compare
from sertools.comparison.leaderboards.files import write_leaderboard
from sertools.comparison.leaderboards.terminal import ONE_RATER
from sertools.report.markdown import page
from sertools.report.render import html
from sertools.results.result import Finding
from sertools.results.values import Ceiling
from tests.helpers.comparisons import kept, result, rows


def scored(value, difference, model, values, spread=0.02):
    ceiling = Ceiling(
        value=0.53,
        low=0.51,
        high=0.55,
        n=50,
        speakers=5,
        against="the majority of the others",
        difference=difference,
        difference_low=difference - spread,
        difference_high=difference + spread,
    )
    uar = Finding(
        name="uar",
        target="emotion",
        value=value,
        low=value - 0.02,
        high=value + 0.02,
        n=50,
        speakers=5,
        ceiling=ceiling,
    )
    left_out = kept(values, name="uar").model_copy(update={"target": "emotion"})
    return result([uar], model=model, left_out=[left_out])


@pytest.fixture(scope="module")
def runs():
    good = scored(0.6, 0.07, "good", [0.6, 0.61, 0.6, 0.59, 0.6])
    return good, scored(0.4, -0.13, "weak", [0.4, 0.41, 0.39, 0.4, 0.4])


def test_a_comparison_says_which_models_are_better_than_one_rater(runs):
    comparison = compare([(each.model["name"], [each]) for each in runs])
    assert rows(comparison, "people") == [
        [
            "correctness",
            "uar",
            "emotion",
            "all",
            0.53,
            0.51,
            0.55,
            "the majority of the others",
            "better",
            "worse",
        ]
    ]
    assert (
        "One rater reaches a UAR of emotion of 0.530 [0.510, 0.550]: good is better; weak is worse."
        in comparison.answer
    )
    figure = next(each for each in comparison.figures if each.name == "scores")
    assert [series.name for series in figure.series] == ["good", "weak", "one rater"]


def test_a_leaderboard_lists_one_rater_below_the_models_and_in_the_feed(runs, tmp_path):
    for each in runs:
        folder = tmp_path / "in" / each.model["name"]
        folder.mkdir(parents=True)
        (folder / "correctness.json").write_text(each.to_json(), encoding="utf-8")
    written = write_leaderboard(tmp_path / "in", tmp_path / "out")
    columns, listed = written.rankings[0].columns, written.rankings[0].rows
    assert columns == ["place", "model", "UAR of emotion"], "the score that decides is shown once"
    assert listed[-1] == [None, ONE_RATER, 0.53]
    assert len(columns) == len(listed[-1])
    site = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert 'one rater <span class="badge none">people</span>' in site
    assert '"one_rater": 0.53' in written.feed


def test_reports_show_one_rater_beside_the_score_on_the_first_screen_and_in_tables(runs):
    shown = html([runs[1]], {})
    assert "one rater 0.530 [0.510, 0.550]; the model is worse than one rater" in shown
    assert 'class="people"' in shown
    assert '<th scope="col">One rater</th>' in shown
    assert "The diamond is the score of one rater" in shown
    text = page([runs[1]], {})
    assert "one rater 0.530 \\[0.510, 0.550\\]; the model is worse than one rater" in text
    assert "| One rater |" in text


def test_reports_without_raters_do_not_speak_of_them(runs):
    finding = runs[0].findings[0].model_copy(update={"ceiling": None})
    bare = runs[0].model_copy(update={"findings": [finding]})
    assert "ne rater" not in html([bare], {})
    assert "ne rater" not in page([bare], {})
    assert rows(compare([("a", [bare]), ("b", [bare])]), "people") == []
