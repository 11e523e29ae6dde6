"""Labels: how many clips have each emotion, and how the ratings of dimensions are distributed."""

import numpy as np
import pandas as pd

from sertools.exploration.sections import (
    Row,
    Section,
    bars,
    histogram,
    listed,
    span,
    summary_table,
    table,
)
from sertools.labels import DIMENSIONS
from sertools.results.result import Figure, Series, Table
from sertools.wording import plural

FEW_VALUES = 11
"""Ratings with at most this many different values are counted one by one."""


def labels_section(clips: pd.DataFrame) -> Section:
    """Emotions and dimensions: counts, shares, distributions, and how the dimensions go together."""
    sentences: list[str] = []
    tables: list[Table] = []
    figures: list[Figure] = []
    answers = []
    if "emotion" in clips and clips["emotion"].notna().any():
        counts = clips["emotion"].value_counts()
        known = {str(name): int(n) for name, n in counts.items()}
        total, fewest = sum(known.values()), min(known, key=lambda name: known[name])
        answers.append(
            f"{plural(total, 'clip')} with {plural(len(known), 'emotion')}: "
            f"{', '.join(f'{name} {n}' for name, n in known.items())}"
        )
        largest = total and max(known.values()) / total
        sentences.append(
            f"A model that always says {next(iter(known))} is right in {largest:.1%} of the clips, and has a "
            f"UAR of {1 / len(known):.3f}; {fewest} has the fewest clips, {known[fewest]}."
        )
        without = len(clips) - total
        if without:
            sentences.append(f"{plural(without, 'clip has', 'clips have')} no emotion.")
        said = f"Number of clips with each emotion: {', '.join(f'{name} {n}' for name, n in known.items())}."
        figures.append(bars("emotions", "Clips of each emotion", known, "emotion", said))
        rows: list[Row] = [[name, n, n / total] for name, n in known.items()]
        tables.append(table("emotions", "Emotions", ["emotion", "clips", "share"], rows))
    rated = [d for d in DIMENSIONS if d in clips and clips[d].notna().any()]
    if rated:
        answers.append(f"{listed(rated)} rated on {_numbers(clips, rated)}")
        values = {d: clips[d].to_numpy(dtype=float) for d in rated}
        figures.append(histogram("dimensions", "Ratings of the dimensions", values, "rating in [0, 1]"))
        tables.append(summary_table("dimensions", "Ratings of the dimensions", values))
        sentences += [sentence for d in rated if (sentence := _few(d, values[d]))]
        tables += _together(clips, rated)
        if "emotion" in clips:
            figures.append(_by_emotion(clips, rated))
    if not answers:
        return Section(name="labels", title="Labels", answer="The corpus has neither emotions nor ratings.")
    answer = f"{'; '.join(answers)}."
    return Section(
        name="labels",
        title="Labels",
        answer=answer[0].upper() + answer[1:],
        sentences=sentences,
        tables=tables,
        figures=figures,
    )


def _numbers(clips: pd.DataFrame, rated: list[str]) -> str:
    numbers = [int(clips[d].notna().sum()) for d in rated]
    return f"{span(min(numbers), max(numbers), 'd')} clips"


def _few(dimension: str, values: np.ndarray) -> str:
    known = values[np.isfinite(values)]
    different = np.unique(known)
    if len(different) > FEW_VALUES or len(known) <= 2 * FEW_VALUES:
        return ""
    return (
        f"The ratings of {dimension} have only {plural(len(different), 'value')}, so that they are steps of "
        "a scale, or follow from classes."
    )


def _together(clips: pd.DataFrame, rated: list[str]) -> list[Table]:
    """Pearson's correlation of each pair of dimensions."""
    rows: list[Row] = []
    for i, one in enumerate(rated):
        for other in rated[i + 1 :]:
            both = clips[[one, other]].dropna()
            if len(both) > 2 and both.nunique().min() > 1:
                rows.append([one, other, float(both[one].corr(both[other])), len(both)])
    title = "How the dimensions go together"
    return [table("together", title, ["dimension", "other", "correlation", "clips"], rows)] if rows else []


def _by_emotion(clips: pd.DataFrame, rated: list[str]) -> Figure:
    """Mean ratings of each emotion, one row for each."""
    means = clips.groupby("emotion")[rated].mean()
    return Figure(
        name="dimensions_by_emotion",
        kind="heat",
        title="Mean ratings of each emotion",
        alt="Mean rating of each dimension (columns) for the clips of each emotion (rows).",
        x_label="dimension",
        y_label="emotion",
        series=[
            Series(name=str(name), x=list(rated), y=[None if pd.isna(v) else float(v) for v in row])
            for name, row in zip(means.index, means.to_numpy(), strict=True)
        ],
    )
