from sertools.report.summary import panels
from tests.helpers.report_results import figure, small_result


def maps(*choices):
    return [figure("cloud", choice=choice) for choice in choices]


def test_figures_with_a_choice_are_one_panel_in_the_place_of_the_first():
    found = panels.panels([figure("line"), *maps("sex", "age", "sex"), figure("bar")])
    assert [[(c.name, c.figures) for c in panel.choices] for panel in found] == [
        [("", [0])],
        [("sex", [1, 3]), ("age", [2])],
        [("", [4])],
    ]


def test_three_figures_are_shown_and_the_others_folded():
    shown, folded = panels.shown(small_result(figures=[figure("line")] * 5))
    assert (len(shown), len(folded)) == (3, 2)
    assert panels.shown(small_result(figures=[])) == ([], [])


def test_a_panel_that_is_too_large_is_shown_if_it_comes_first():
    shown, folded = panels.shown(small_result(figures=[*maps("a", "a", "a", "a"), figure("line")]))
    assert (len(shown), len(folded)) == (1, 1)
