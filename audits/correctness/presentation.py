"""Tables, figures and the answer."""

import numpy as np

from sertools.auditing.coverage import clips_used
from sertools.auditing.figures import interval_series, rating_histogram
from sertools.auditing.phrases import counted, interval_text
from sertools.auditing.tables import Row
from sertools.metrics import classification
from sertools.metrics.distribution import jensen_shannon
from sertools.results.result import Figure, Finding, Series, Table
from sertools.tables.pairs import Pairs, class_names, pairs
from sertools.tables.tables import Tables


def baselines_table(rows: list[Row]) -> Table:
    """The model's scores, compared with those of trivial models."""
    columns = ["target", "metric", "model", "mean or majority", "random", "best constant"]
    return Table(name="baselines", title="Compared with trivial models", columns=columns, rows=rows)


def distribution_figure(pair: Pairs, dimension: str) -> Figure:
    """Histograms of the truth and of the predictions of a dimension."""
    return rating_histogram(
        {"truth": pair.truth, "prediction": pair.prediction},
        name=f"distribution_{dimension}",
        title=f"Distribution of {dimension}",
        alt=f"Share of the {pair.n} clips in each tenth of the scale of {dimension}: truth and prediction.",
        x_label=dimension,
    )


def distance_notes(tables: Tables) -> list[str]:
    """The observed distances of the distributions, from which chance was not subtracted."""
    found = []
    for dimension in tables.dimensions:
        pair = pairs(tables, dimension).of_answered
        if pair.n:
            observed = jensen_shannon(pair.truth, pair.prediction)
            found.append(
                f"{dimension}: the observed Jensen-Shannon distance is {observed:.3f}; "
                "what chance contributes to it is subtracted in the finding."
            )
    return found


def confusion_figure(pair: Pairs, tables: Tables) -> Figure:
    """How often each true emotion is predicted as each emotion."""
    counts = classification.confusion(pair.truth, pair.prediction, pair.classes)
    present = [i for i, name in enumerate(tables.model_classes) if name in tables.classes]
    names = class_names(pair, tables)
    rows = counts[present] / np.maximum(counts[present].sum(axis=1, keepdims=True), 1)
    return Figure(
        name="confusion",
        kind="heat",
        title="Confusion matrix of emotions",
        alt=f"Share of the clips of each true emotion (rows) by predicted emotion (columns), {pair.n} clips.",
        x_label="prediction",
        y_label="truth",
        series=[
            Series(name=names[i], x=list(names), y=row.tolist()) for i, row in zip(present, rows, strict=True)
        ],
    )


def score_figure(main: list[Finding]) -> list[Figure]:
    """CCC of the dimensions and UAR of emotion; none if neither was measured."""
    if not main:
        return []
    return [
        Figure(
            name="scores",
            kind="interval",
            title="Agreement with the truth",
            alt="; ".join(_score_text(f) for f in main),
            x_label="score",
            series=[interval_series([f"{f.target} ({f.name.upper()})" for f in main], main)],
            band=(0.5, None),
            reference=0.0,
        )
    ]


def expected_range_figure(found: list[Finding]) -> list[Figure]:
    """The share of each emotion's clips in the expected range; none if no range applies."""
    if not found:
        return []
    names = [f"{f.target}, {f.slice.removeprefix('emotion=')}" for f in found]
    return [
        Figure(
            name="consistency",
            kind="interval",
            title="Share of clips in the range expected from the literature",
            alt="Share of each emotion's clips whose predicted dimension is in the expected range.",
            x_label="share of clips",
            series=[interval_series(names, found)],
            band=(0.75, None),
        )
    ]


def answer(main: list[Finding], consistency: list[Finding], tables: Tables) -> str:
    """The main scores, or the share of clips in the expected range if nothing is rated."""
    if main:
        most = max(main, key=lambda f: f.n)
        speakers = pairs(tables, most.target).speakers
        by = f" of {counted(speakers, 'speaker')}" if speakers else ""
        used = clips_used(tables, most.target)
        return f"On {used.clips}{by}{used.left_out}: {', '.join(_score_text(f) for f in main)}."
    if not consistency:
        return "Not measured."
    measured = [f for f in consistency if f.value is not None]
    inside = sum((f.value or 0) * f.n for f in measured) / max(sum(f.n for f in measured), 1)
    return (
        f"The corpus rates no dimension that the model predicts; for {inside:.0%} of its clips with an "
        "emotion, the predicted dimension is in the range expected from the literature."
    )


def _score_text(f: Finding) -> str:
    if f.value is None:
        return f"{f.target} {f.name.upper()} undefined ({f.reason})"
    return f"{f.target} {f.name.upper()} {f.value:.2f}{interval_text(f)}"
