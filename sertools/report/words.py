"""Where the words of a cloud stand."""

import importlib.util

SMALLEST, LARGEST = 9, 26
"""Sizes of words, in points."""


def places(words: dict[str, float], wide: int, high: int) -> list[tuple[str, float, float, float]]:
    """Word, size, left end and baseline of each word, in points, words by weight in a field of this size.

    The package wordcloud packs them, always in the same way; where it is not installed, or not all of them
    fit, they stand in rows.
    """
    import matplotlib as mpl

    if not words:
        return []
    if importlib.util.find_spec("wordcloud") is None:
        return _rows(words, wide)
    from wordcloud import WordCloud

    heaviest_first = dict(sorted(words.items(), key=lambda pair: (-pair[1], pair[0])))
    for largest in range(LARGEST, SMALLEST, -3):
        cloud = WordCloud(
            font_path=f"{mpl.get_data_path()}/fonts/ttf/DejaVuSans.ttf",
            width=wide,
            height=high,
            margin=4,
            prefer_horizontal=1.0,
            relative_scaling=0.5,
            min_font_size=SMALLEST,
            max_font_size=largest,
            max_words=len(words),
            random_state=0,
        ).generate_from_frequencies(heaviest_first)
        if len(cloud.layout_) == len(words):
            break
    else:
        return _rows(words, wide)
    ascent = 0.93  # of DejaVu Sans, in sizes: places are those of the line's top
    return [
        (word, float(size), float(x), float(y) + ascent * size)
        for (word, _), size, (y, x), _, _ in cloud.layout_
    ]


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
