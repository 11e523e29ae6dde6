"""Figures of probe scores."""

from collections.abc import Sequence

import pandas as pd

from sertools.auditing.figures import interval_series
from sertools.probing.layers import INPUTS
from sertools.probing.targets import LABELS, Target
from sertools.results.result import Figure, Series

from .probing import THIS, ModelProbes


def _names(results: Sequence[ModelProbes]) -> list[str]:
    """Legend entries of the curves: the model and the kind of probe, each only if there are several."""
    models, kinds = {probes.model for probes in results}, {probes.kind for probes in results}
    return [
        ", ".join([*([probes.model] if len(models) > 1 else []), *([probes.kind] if len(kinds) > 1 else [])])
        for probes in results
    ]


def curve_figure(clips: pd.Index, target: Target, results: Sequence[ModelProbes]) -> Figure:
    """Score of one target by layer, one line per model and kind of probe."""
    series = []
    for probes, name in zip(results, _names(results), strict=True):
        scores = [target.score(each.prediction, clips) for each in probes.by_target[target.name].layers]
        series.append(interval_series([float(i) for i in range(len(scores))], scores, name))
    return Figure(
        name=f"curve_{target.name}",
        kind="line",
        title=f"{target.name}: probe scores by layer",
        alt=f"{_metric(target)} of probes for {target.name} by layer, with 95 % bands; the dashed line is "
        "chance.",
        x_label="layer",
        y_label=f"{_metric(target)} (dashed: chance)",
        series=series,
        reference=target.chance,
    )


def other_targets_figure(
    clips: pd.Index, targets: Sequence[Target], results: Sequence[ModelProbes]
) -> list[Figure]:
    """Scores by layer of all targets other than labels, rescaled so that 0 is chance and 1 is perfect."""
    first = [probes for probes in results if probes.model == THIS][:1]
    series = []
    for target in targets:
        for probes in first:
            scores = [target.score(each.prediction, clips) for each in probes.by_target[target.name].layers]

            def scaled(value: float, chance: float = target.chance) -> float:
                return (value - chance) / (1 - chance)

            series.append(
                Series(
                    name=f"{target.name} ({target.metric})",
                    x=[float(i) for i in range(len(scores))],
                    y=[scaled(score.value) for score in scores],
                    low=[scaled(score.low) for score in scores],
                    high=[scaled(score.high) for score in scores],
                )
            )
    if not series:
        return []
    names = ", ".join(target.name for target in targets)
    return [
        Figure(
            name="voice",
            kind="line",
            title="Other information in the layers",
            alt=f"Scores of {first[0].kind} probes for {names} by layer, with 95 % bands.",
            x_label="layer",
            y_label="(score − chance) / (1 − chance)",
            series=series,
            reference=0.0,
        )
    ]


def inputs_figure(clips: pd.Index, target: Target, results: Sequence[ModelProbes]) -> Figure:
    """Scores of the inputs that Li et al. (2023) compare."""
    series = []
    for probes, name in zip(results, _names(results), strict=True):
        inputs = [name for name in INPUTS if name in probes.by_target[target.name].inputs]
        scores = [target.score(probes.by_target[target.name].inputs[name], clips) for name in inputs]
        series.append(interval_series(inputs, scores, name))
    return Figure(
        name=f"inputs_{target.name}",
        kind="interval",
        title=f"{target.name}: best layer, last layer and averages",
        alt=f"{_metric(target)} of probes for {target.name} by input, with 95 % intervals; the line is "
        "chance.",
        x_label=f"{_metric(target)} (dashed: chance)",
        series=series,
        reference=target.chance,
    )


def weights_figure(targets: Sequence[Target], results: Sequence[ModelProbes]) -> list[Figure]:
    """Layer weights that the first kind of probe learned on this model."""
    first = [probes for probes in results if probes.model == THIS][:1]
    series = [
        Series(
            name=target.name,
            x=[float(i) for i in range(probes.by_target[target.name].layer_weights.shape[1])],
            y=probes.by_target[target.name].layer_weights.mean(axis=0).tolist(),
            low=probes.by_target[target.name].layer_weights.min(axis=0).tolist(),
            high=probes.by_target[target.name].layer_weights.max(axis=0).tolist(),
        )
        for target in targets
        for probes in first
        if len(probes.by_target[target.name].layer_weights)
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


def _metric(target: Target) -> str:
    return target.metric if target.metric == "accuracy" else target.metric.upper()
