"""Tables and figures of probe scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sertools.metrics.classification import accuracy, weighted_f1
from sertools.probing.layers import BEST, INPUTS, ProbeScores
from sertools.probing.targets import LABELS, Target
from sertools.results.result import Figure, Finding, Series, Table

THIS = "this model"

Rows = list[list[str | int | float | bool | None]]


@dataclass(frozen=True, kw_only=True)
class Read:
    """Results of one kind of probe on one model.

    Attributes:
        model: `THIS`, or the role of a comparison model
        kind: kind of probe
        of: target → results
    """

    model: str
    kind: str
    of: Mapping[str, ProbeScores]


def inputs_table(clips: pd.Index, chosen: Sequence[Target], reads: Sequence[Read]) -> Table:
    """Score of every input, with weighted accuracy and weighted F1."""
    rows: Rows = []
    for of in chosen:
        for read in reads:
            for name, prediction in read.of[of.name].inputs.items():
                score = of.score(prediction, clips)
                shares: list[float | None] = [None, None]
                if of.classes and not of.closed_set:
                    shares = [
                        accuracy(of.truth, prediction),
                        weighted_f1(of.truth, prediction, len(of.classes)),
                    ]
                cells = [score.value, score.low, score.high, *shares, of.chance]
                rows.append([of.name, read.model, read.kind, name, of.metric, *cells])
    columns = ["target", "model", "probe", "input", "metric", "score", "low", "high"]
    return Table(
        name="inputs",
        title="Probe scores by input",
        columns=[*columns, "WA", "WF1", "chance"],
        rows=rows,
        note=f"{BEST}: chosen separately in each fold, using only its training speakers",
    )


def layers_table(clips: pd.Index, chosen: Sequence[Target], reads: Sequence[Read]) -> Table:
    """Score of every layer, and in how many folds it was chosen as the best."""
    rows: Rows = []
    for of in chosen:
        for read in reads:
            folds = np.bincount(read.of[of.name].chosen, minlength=len(read.of[of.name].layers))
            for i, each in enumerate(read.of[of.name].layers):
                score = of.score(each.prediction, clips)
                cells = [score.value, score.low, score.high, int(folds[i])]
                rows.append([of.name, read.model, read.kind, i, of.metric, *cells])
    columns = ["target", "model", "probe", "layer", "metric", "score", "low", "high"]
    return Table(
        name="layers",
        title="Probe scores by layer",
        columns=[*columns, "best in folds"],
        rows=rows,
    )


def differences_table(found: Sequence[Finding]) -> list[Table]:
    """Differences from the comparison models; an empty list if there are none."""
    rows: Rows = [
        [f.target, *f.slice.replace(", minus ", ", ").split(", "), f.value, f.low, f.high] for f in found
    ]
    columns = ["target", "probe", "input", "minus", "difference", "low", "high"]
    made = Table(
        name="differences", title="This model minus others, paired by speaker", columns=columns, rows=rows
    )
    return [made] if rows else []


def targets_table(chosen: Sequence[Target], shuffled: Mapping[str, float]) -> Table:
    """Number of clips, folds and chance level of each target."""
    rows: Rows = [
        [
            of.name,
            len(of.rows),
            of.units if of.by_speaker else None,
            len(of.classes) or None,
            len(np.unique(of.fold)),
            "of the same speakers" if of.closed_set else "of other speakers",
            of.metric,
            of.chance,
            shuffled[of.name],
        ]
        for of in chosen
    ]
    columns = ["target", "clips", "speakers", "classes", "folds", "asked about clips", "metric", "chance"]
    return Table(
        name="targets",
        title="Probed targets and their chance levels",
        columns=[*columns, "shuffled labels"],
        rows=rows,
    )


def weights_table(chosen: Sequence[Target], reads: Sequence[Read]) -> list[Table]:
    """The learned weight of each layer, mean over folds."""
    learned = [
        (of, read, read.of[of.name].layer_weights)
        for of in chosen
        for read in reads
        if len(read.of[of.name].layer_weights)
    ]
    if not learned:
        return []
    most = max(shares.shape[1] for _, _, shares in learned)
    rows: Rows = [
        [
            of.name,
            read.model,
            read.kind,
            *shares.mean(axis=0).tolist(),
            *[None] * (most - shares.shape[1]),
        ]
        for of, read, shares in learned
    ]
    return [
        Table(
            name="weights",
            title="Learned weight of each layer, mean over folds",
            columns=["target", "model", "probe", *(f"layer {i}" for i in range(most))],
            rows=rows,
            note="layers are scaled to equal variance first",
        )
    ]


def _names(reads: Sequence[Read]) -> list[str]:
    """Legend entries of the curves: the model and the kind of probe, each only if there are several."""
    models, kinds = {read.model for read in reads}, {read.kind for read in reads}
    return [
        ", ".join([*([read.model] if len(models) > 1 else []), *([read.kind] if len(kinds) > 1 else [])])
        for read in reads
    ]


def curve(clips: pd.Index, of: Target, reads: Sequence[Read]) -> Figure:
    """Score of one target by layer, one line per model and kind of probe."""
    series = []
    for read, name in zip(reads, _names(reads), strict=True):
        scores = [of.score(each.prediction, clips) for each in read.of[of.name].layers]
        series.append(
            Series(
                name=name,
                x=[float(i) for i in range(len(scores))],
                y=[score.value for score in scores],
                low=[score.low for score in scores],
                high=[score.high for score in scores],
            )
        )
    return Figure(
        name=f"curve_{of.name}",
        kind="line",
        title=f"{of.name}: probe scores by layer",
        alt=f"{_metric(of)} of probes for {of.name} by layer, with 95 % bands; the dashed line is chance.",
        x_label="layer",
        y_label=f"{_metric(of)} (dashed: chance)",
        series=series,
        reference=of.chance,
    )


def elsewhere(clips: pd.Index, chosen: Sequence[Target], reads: Sequence[Read]) -> list[Figure]:
    """Scores by layer of all targets other than labels, rescaled so that 0 is chance and 1 is perfect."""
    first = [read for read in reads if read.model == THIS][:1]
    series = []
    for of in chosen:
        for read in first:
            scores = [of.score(each.prediction, clips) for each in read.of[of.name].layers]

            def scaled(value: float, chance: float = of.chance) -> float:
                return (value - chance) / (1 - chance)

            series.append(
                Series(
                    name=f"{of.name} ({of.metric})",
                    x=[float(i) for i in range(len(scores))],
                    y=[scaled(score.value) for score in scores],
                    low=[scaled(score.low) for score in scores],
                    high=[scaled(score.high) for score in scores],
                )
            )
    if not series:
        return []
    names = ", ".join(of.name for of in chosen)
    return [
        Figure(
            name="voice",
            kind="line",
            title="What else the layers know",
            alt=f"Scores of {first[0].kind} probes for {names} by layer, with 95 % bands.",
            x_label="layer",
            y_label="(score − chance) / (1 − chance)",
            series=series,
            reference=0.0,
        )
    ]


def comparison(clips: pd.Index, of: Target, reads: Sequence[Read]) -> Figure:
    """Scores of the inputs that Li et al. (2023) compare."""
    series = []
    for read, name in zip(reads, _names(reads), strict=True):
        there = [name for name in INPUTS if name in read.of[of.name].inputs]
        scores = [of.score(read.of[of.name].inputs[name], clips) for name in there]
        series.append(
            Series(
                name=name,
                x=list(there),
                y=[score.value for score in scores],
                low=[score.low for score in scores],
                high=[score.high for score in scores],
            )
        )
    return Figure(
        name=f"inputs_{of.name}",
        kind="interval",
        title=f"{of.name}: best layer, last layer and averages",
        alt=f"{_metric(of)} of probes for {of.name} by input, with 95 % intervals; the line is chance.",
        x_label=f"{_metric(of)} (dashed: chance)",
        series=series,
        reference=of.chance,
    )


def weights_figure(chosen: Sequence[Target], reads: Sequence[Read]) -> list[Figure]:
    """Layer weights that the first kind of probe learned on this model."""
    first = [read for read in reads if read.model == THIS][:1]
    series = [
        Series(
            name=of.name,
            x=[float(i) for i in range(read.of[of.name].layer_weights.shape[1])],
            y=read.of[of.name].layer_weights.mean(axis=0).tolist(),
            low=read.of[of.name].layer_weights.min(axis=0).tolist(),
            high=read.of[of.name].layer_weights.max(axis=0).tolist(),
        )
        for of in chosen
        for read in first
        if len(read.of[of.name].layer_weights)
    ]
    return [
        Figure(
            name=f"weights_{part}",
            kind="line",
            title=f"Learned weight of each layer: {title}",
            alt="Weight of each layer in the weighted average: mean, lowest and highest over folds.",
            x_label="layer",
            y_label="weight (dashed: equal weights)",
            series=some,
            reference=1 / len(some[0].x),
        )
        for part, title, some in (
            ("labels", "emotion and dimensions", [s for s in series if s.name in LABELS]),
            ("voice", "other targets", [s for s in series if s.name not in LABELS]),
        )
        if some
    ]


def _metric(of: Target) -> str:
    return of.metric if of.metric == "accuracy" else of.metric.upper()
