from itertools import pairwise

import pytest

from sertools.report.excerpts.figures import rows, shortened
from sertools.results.result import Figure, Series
from tests.helpers.report_results import KINDS, figure


def lines(n: int, points: int) -> Figure:
    series = [
        Series(name=f"s{i}", x=[float(x) for x in range(points)], y=[float(i)] * points) for i in range(n)
    ]
    return Figure(name="f", kind="line", title="F", alt="", series=series)


@pytest.mark.parametrize("kind", KINDS)
def test_a_small_figure_stays_as_it_is(kind):
    small = figure(kind)
    assert shortened(small) == (small, "")


def test_a_long_line_keeps_evenly_spaced_points_and_both_ends():
    short, what = shortened(lines(1, 9997))
    kept = short.series[0].x
    assert (kept[0], kept[-1], len(kept)) == (0.0, 9996.0, 2000)
    assert {b - a for a, b in pairwise(kept)} <= {4.0, 5.0, 6.0}
    assert what == "2000 evenly spaced of 9997"


def test_names_keep_their_order_in_every_series_with_their_own_values():
    names = [f"n{i}" for i in range(80)]
    one = Series(name="one", x=names, y=[float(i) for i in range(80)], low=[i - 1.0 for i in range(80)])
    other = Series(name="other", x=names[::-1], y=[float(i) for i in range(80)])
    short, what = shortened(Figure(name="f", kind="interval", title="F", alt="", series=[one, other]))
    assert short.series[0].x == names[:60]
    assert short.series[0].low == [i - 1.0 for i in range(60)]
    assert dict(zip(short.series[1].x, short.series[1].y, strict=True)) == {
        f"n{i}": 79.0 - i for i in range(60)
    }
    assert what == "the first 60 of 80"
    assert short.title == "F (the first 60 of 80)"


def test_too_many_series_are_left_out_and_said_so():
    short, what = shortened(lines(31, 3))
    assert [series.name for series in short.series] == [f"s{i}" for i in range(30)]
    assert what == "the first 30 of 31 series"


def test_all_values_of_a_figure_are_in_its_table():
    series = Series(name="a", x=["p", "q"], y=[1.0, None], low=[0.5, None])
    _, found = rows(Figure(name="f", kind="interval", title="F", alt="", series=[series]))
    assert found == [["a", "p", 1.0, 0.5, None, None], ["a", "q", None, None, None, None]]
