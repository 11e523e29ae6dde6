"""Words in a cloud: none on another, none lost, the frequent ones larger, always in the same place."""

import importlib.util
import re

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from sertools.report.figures import draw
from sertools.report.word_cloud import places
from sertools.results.result import Figure, Series

WORDS = [
    start + end
    for start in ("hap", "sorr", "ang", "won", "xylo")
    for end in ("py", "iest", "er", "gl", "o", "ings", "a", "uu", "ij", "zzz")
]


@pytest.fixture(params=["packed", "in rows"])
def layout(request, monkeypatch):
    """With the package wordcloud, and as on a machine that does not have it."""
    if request.param == "packed":
        pytest.importorskip("wordcloud", reason="the package wordcloud packs words: pip install wordcloud")
    else:
        known = importlib.util.find_spec
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name: None if name == "wordcloud" else known(name)
        )
    return request.param


def ink(placed, wide, high):
    """How many words cover each point, four points to the unit, with a border; shape (rows, columns)."""
    fine, border = 4, 8
    covered = np.zeros(((high + 2 * border) * fine, (wide + 2 * border) * fine), dtype=int)
    for word, size, x, y in placed:
        page = Image.new("1", covered.shape[::-1])
        font = ImageFont.truetype(f"{mpl.get_data_path()}/fonts/ttf/DejaVuSans.ttf", size * fine)
        at = ((x + border) * fine, (y + border) * fine)
        ImageDraw.Draw(page).text(at, word, fill=1, font=font, anchor="ls")
        covered += np.asarray(page)
    return covered


def weights(n=50):
    return {word: float(200 // (i + 1) + 10) for i, word in enumerate(WORDS[:n])}


def test_no_word_lies_on_another_and_none_is_lost(layout):
    placed = places(weights(), 200, 430)
    assert sorted(word for word, *_ in placed) == sorted(WORDS)
    covered = ink(placed, 200, 450)
    assert covered.max() == 1
    border = 6 * 4
    assert not covered[:, :border].any()
    assert not covered[:, -border:].any()


def test_words_do_not_move(layout):
    assert places(weights(), 200, 430) == places(weights(), 200, 430)


def test_frequent_words_are_larger(layout):
    size = {word: size for word, size, _, _ in places(weights(10), 200, 430)}
    assert size[WORDS[0]] > size[WORDS[3]] >= size[WORDS[9]] >= 9


def test_a_very_frequent_word_does_not_push_the_others_out():
    pytest.importorskip("wordcloud", reason="the package wordcloud packs words: pip install wordcloud")
    placed = places({"the": 180.0, **dict.fromkeys(WORDS[:24], 18.0)}, 200, 245)
    assert len(placed) == 25
    assert len({y for *_, y in placed}) > 12, "in rows they would share lines"
    assert max(placed, key=lambda each: each[1])[0] == "the"


def test_words_that_do_not_fit_stand_in_rows_and_are_all_there(layout):
    placed = places(weights(), 60, 40)
    assert len(placed) == 50


def test_a_single_word_and_none_are_drawn(layout):
    figure = Figure(
        name="w",
        kind="cloud",
        title="t",
        alt="a",
        series=[Series(name="lowest", x=["war"], y=[12.0]), Series(name="highest", x=[], y=[])],
    )
    assert re.findall(r">(war|lowest|highest)<", draw(figure)) == ["lowest", "war", "highest"]
