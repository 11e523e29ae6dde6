"""Figures that several audits share: values with their intervals, and histograms of ratings."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sertools.results.result import Figure, Finding, Series
from sertools.statistics.jackknife import Estimate

TENTHS = np.linspace(0, 1, 11)
"""Edges of the ten equal bins of a rating scale from 0 to 1."""


def interval_series(
    x: Sequence[str] | Sequence[float], values: Sequence[Finding] | Sequence[Estimate], name: str = ""
) -> Series:
    """Values with their confidence intervals, one for each name or position in `x`.

    Args:
        x: names of rows, or positions on the axis
        values: findings or estimates, in the same order
        name: legend entry
    """
    return Series(
        name=name,
        x=list(x),
        y=[each.value for each in values],
        low=[each.low for each in values],
        high=[each.high for each in values],
    )


def rating_histogram(
    values: Mapping[str, NDArray[np.float64]], *, name: str, title: str, alt: str, x_label: str
) -> Figure:
    """The share of clips in each tenth of the rating scale; values outside the scale count at its ends.

    Args:
        values: legend entry → ratings or predictions, shape (n,)
        name: name of the figure
        title: title of the figure
        alt: description of the figure
        x_label: label of the axis of ratings
    """
    bins = [f"{low:.1f}-{high:.1f}" for low, high in itertools.pairwise(TENTHS)]
    series = []
    for legend, ratings in values.items():
        counts = np.histogram(np.clip(ratings, 0, 1), bins=TENTHS)[0]
        series.append(Series(name=legend, x=list(bins), y=(counts / max(len(ratings), 1)).tolist()))
    return Figure(
        name=name,
        kind="histogram",
        title=title,
        alt=alt,
        x_label=x_label,
        y_label="share of clips",
        series=series,
    )


def quality_figure(
    pesq: Mapping[str, float], measured: Mapping[str, Finding], target: str, label: str
) -> list[Figure]:
    """A measure of the model's predictions against PESQ, one point for each change; empty without a point.

    Args:
        pesq: name of a change → mean PESQ of the changed clips
        measured: name of a change → what it does to the predictions
        target: the predicted label
        label: what is measured, in words
    """
    both = [name for name, each in measured.items() if name in pesq and each.value is not None]
    if not both:
        return []
    series = [
        Series(
            name=name.replace("@drawn", "").replace("_", " ").replace("@", " "),
            x=[pesq[name]],
            y=[measured[name].value],
            low=None if measured[name].low is None else [measured[name].low],
            high=None if measured[name].high is None else [measured[name].high],
        )
        for name in both
    ]
    return [
        Figure(
            name=f"quality_{target}",
            kind="scatter",
            title=f"{label[0].upper()}{label[1:]} of {target} against sound quality",
            alt=f"PESQ and {label} of {target} under {len(both)} changes, with intervals over speakers.",
            x_label="PESQ of the changed clips (4.64: equal to the clean ones)",
            y_label=label,
            series=series,
        )
    ]
