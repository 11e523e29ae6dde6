"""Positions of the words in a word cloud."""

import importlib.util
import itertools

SMALLEST, LARGEST = 9, 26
"""Font sizes of words, in points."""

ASCENT = 0.93
"""Distance from the top of a line to its baseline, in font sizes (DejaVu Sans)."""


def places(words: dict[str, float], wide: int, high: int) -> list[tuple[str, float, float, float]]:
    """Word, font size, left end and baseline of each word, in points, on an area `wide` × `high` points.

    `words` maps each word to its weight. The package wordcloud places them, always in the same way; if it is
    not installed, or if not all words fit, they are placed in rows.
    """
    import matplotlib as mpl

    if not words:
        return []
    if importlib.util.find_spec("wordcloud") is None:
        return _rows(words, wide)
    from wordcloud import WordCloud

    font = f"{mpl.get_data_path()}/fonts/ttf/DejaVuSans.ttf"
    heaviest_first = dict(sorted(words.items(), key=lambda pair: (-pair[1], pair[0])))
    # next to a very frequent word the others would be too small to read; and the package may place a word
    # of low height slightly below the space reserved for it, so its result is checked for overlap
    for scaling, seed in itertools.product((0.5, 0.35, 0.2, 0.1, 0.0), range(4)):
        cloud = WordCloud(
            font_path=font,
            width=wide,
            height=high,
            margin=4,
            prefer_horizontal=1.0,
            relative_scaling=scaling,
            min_font_size=SMALLEST,
            max_font_size=LARGEST,
            max_words=len(words),
            random_state=seed,
        ).generate_from_frequencies(heaviest_first)
        placed = [
            (word, float(size), float(x), float(y) + ASCENT * size)
            for (word, _), size, (y, x), _, _ in cloud.layout_
        ]
        if len(placed) == len(words) and _apart(placed, wide, high, font):
            return placed
    return _rows(words, wide)


def _apart(placed: list[tuple[str, float, float, float]], wide: int, high: int, font: str) -> bool:
    """Whether no two words overlap."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    covered = np.zeros((high + LARGEST, wide + LARGEST), dtype=bool)
    for word, size, x, y in placed:
        page = Image.new("1", covered.shape[::-1])
        of_size = ImageFont.truetype(font, size)
        ImageDraw.Draw(page).text((x, y), word, fill=1, font=of_size, anchor="ls")
        ink = np.asarray(page)
        if (covered & ink).any():
            return False
        covered |= ink
    return True


def _rows(words: dict[str, float], wide: int) -> list[tuple[str, float, float, float]]:
    """Words in rows from left to right, the heaviest first."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextToPath

    smallest, largest = min(words.values()), max(words.values())
    placed: list[tuple[str, float, float, float]] = []
    x = y = 0.0
    for word, weight in sorted(words.items(), key=lambda pair: (-pair[1], pair[0])):
        share = (weight - smallest) / (largest - smallest) if largest > smallest else 0.5
        size = SMALLEST + 11 * share
        length = TextToPath().get_text_width_height_descent(word, FontProperties(size=size), False)[0]
        if not placed or x + length > wide:
            x, y = 0.0, y + 1.5 * size
        placed.append((word, size, x, y))
        x += length + 0.7 * size
    return placed
