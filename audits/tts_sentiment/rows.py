"""Rows of the tables: single words, templates, and the variance due to words, voices and other sources."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sertools.auditing.tables import Row
from sertools.statistics.crossed import codes, components, contrast

from .sentences import WordPredictions

MAX_WORDS_SHOWN = 20
"""Most words in the table for each target."""


def word_rows(plain: WordPredictions, target: str) -> list[Row]:
    """Words whose predictions differ most from the neutral words of their language; interval over voices."""
    rows: list[Row] = []
    for language in plain.languages:
        part = plain.only(plain.frame["language"] == language)
        data, item = part.data, codes(part.frame["item"])
        neutral = (part.frame["sentiment"] == "neutral").to_numpy(dtype=bool)
        word, sentiment = part.frame["word"].tolist(), part.frame["sentiment"].tolist()
        first, clips = np.unique(item, return_index=True)[1], np.bincount(item)
        for number, at in enumerate(first.tolist()):
            code = np.where(item == number, 0, np.where(neutral, 1, -1))
            value = contrast(data, code, [1.0, -1.0], fixed_items=True)
            interval = (value.value, value.low, value.high)
            rows.append([target, language, word[at], sentiment[at], *interval, int(clips[number])])
    known = [row for row in rows if isinstance(row[4], float) and np.isfinite(row[4])]
    return sorted(known, key=lambda row: (-abs(float(row[4] or 0.0)), str(row[2])))[:MAX_WORDS_SHOWN]


def template_rows(plain: WordPredictions, target: str) -> list[Row]:
    """The sentiment shift within each template; interval over voices, for the words in the template."""
    rows: list[Row] = []
    for (language, template), frame in plain.frame.groupby(["language", "template"]):
        if not template or set(frame["sentiment"]) < {"negative", "positive"}:
            continue
        part = WordPredictions(frame=frame, languages=plain.languages)
        code = frame["sentiment"].map({"negative": 0, "neutral": -1, "positive": 1}).to_numpy(dtype=np.int64)
        value = contrast(part.data, code, [-1.0, 1.0], fixed_items=True)
        rows.append([target, str(language), str(template), value.value, value.low, value.high, value.n])
    return rows


def variance_rows(plain: WordPredictions, target: str) -> list[Row]:
    """Table rows: target, source, levels, variance, share of the total variance."""
    frame = plain.frame
    factors: dict[str, NDArray[Any]] = {"words": codes(frame["item"]), "voices": codes(frame["voice"])}
    for name, column in (("templates", "template"), ("languages", "language"), ("engines", "engine")):
        if frame[column].nunique() > 1:
            factors[name] = codes(frame[column])
    variances = components(frame["prediction"], factors)
    total = sum(variances.values())
    rows: list[Row] = []
    for name, variance in variances.items():
        levels = int(factors[name].max()) + 1 if name in factors else len(frame)
        rows.append([target, name, levels, variance, variance / total if total > 0 else float("nan")])
    return rows
