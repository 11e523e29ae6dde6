import re

import pytest

from sertools.report.summary.bars import HEIGHT, WIDTH, bar, extent
from sertools.results.result import Finding, Limit

LIMIT = Limit(name="ccc", above=0.5)
FINDING = Finding(name="ccc", value=0.25, low=0.0, high=0.5, n=9, limit=LIMIT, verdict="fail")


def test_value_interval_and_limit_are_where_they_belong():
    drawn = bar(FINDING, (0.0, 1.0))
    inner = WIDTH - 10
    assert f'cx="{5 + inner / 4}"' in drawn
    assert f'class="range" x1="5.0" x2="{5 + inner / 2}"' in drawn
    assert f'class="band" x="{5 + inner / 2}" y="1" width="{inner / 2}"' in drawn


def test_the_bar_says_in_words_what_it_shows():
    words = "ccc is 0.250 (95 % interval [0.000, 0.500]), wanted &gt; 0.5"
    assert f'aria-label="{words}"' in bar(FINDING, (0, 1))


def test_nothing_is_drawn_for_what_is_unknown():
    drawn = bar(Finding(name="f", value=None, n=1, reason="none"), (0, 1))
    assert "circle" not in drawn
    assert "range" not in drawn
    assert "band" not in drawn


@pytest.mark.parametrize(
    ("value", "axis"), [(0.3, (0, 1)), (-0.3, (-1, 1)), (30.0, (0, 30)), (-2.0, (-2, 0))]
)
def test_the_axis_contains_zero_and_all_values(value, axis):
    assert extent([Finding(name="f", value=value, n=1)]) == axis


def test_nothing_leaves_the_picture():
    drawn = bar(FINDING, (0.1, 0.3))
    for x in re.findall(r'(?:x1|x2|cx|x)="([\d.]+)"', drawn):
        assert 0 <= float(x) <= WIDTH
    assert HEIGHT < 30
