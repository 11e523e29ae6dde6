"""Tables of probe scores."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sertools.auditing.tables import Row
from sertools.metrics.classification import accuracy, weighted_f1
from sertools.probing.layers import BEST
from sertools.probing.targets import Target
from sertools.results.result import Finding, Table

from .probing import ModelProbes


def inputs_table(clips: pd.Index, targets: Sequence[Target], results: Sequence[ModelProbes]) -> Table:
    """Score of every input, with weighted accuracy and weighted F1."""
    rows: list[Row] = []
    for target in targets:
        for probes in results:
            for name, prediction in probes.by_target[target.name].inputs.items():
                score = target.score(prediction, clips)
                shares: list[float | None] = [None, None]
                if target.classes and not target.closed_set:
                    shares = [
                        accuracy(target.truth, prediction),
                        weighted_f1(target.truth, prediction, len(target.classes)),
                    ]
                cells = [score.value, score.low, score.high, *shares, target.chance]
                rows.append([target.name, probes.model, probes.kind, name, target.metric, *cells])
    columns = ["target", "model", "probe", "input", "metric", "score", "low", "high"]
    return Table(
        name="inputs",
        title="Probe scores by input",
        columns=[*columns, "WA", "WF1", "chance"],
        rows=rows,
        note=f"{BEST}: chosen separately in each fold, using only its training speakers",
    )


def layers_table(clips: pd.Index, targets: Sequence[Target], results: Sequence[ModelProbes]) -> Table:
    """Score of every layer, and in how many folds it was chosen as the best."""
    rows: list[Row] = []
    for target in targets:
        for probes in results:
            folds = np.bincount(
                probes.by_target[target.name].chosen, minlength=len(probes.by_target[target.name].layers)
            )
            for i, each in enumerate(probes.by_target[target.name].layers):
                score = target.score(each.prediction, clips)
                cells = [score.value, score.low, score.high, int(folds[i])]
                rows.append([target.name, probes.model, probes.kind, i, target.metric, *cells])
    columns = ["target", "model", "probe", "layer", "metric", "score", "low", "high"]
    return Table(
        name="layers",
        title="Probe scores by layer",
        columns=[*columns, "best in folds"],
        rows=rows,
    )


def differences_table(found: Sequence[Finding]) -> list[Table]:
    """Differences from the comparison models; an empty list if there are none."""
    rows: list[Row] = [
        [f.target, *f.slice.replace(", minus ", ", ").split(", "), f.value, f.low, f.high] for f in found
    ]
    columns = ["target", "probe", "input", "minus", "difference", "low", "high"]
    made = Table(
        name="differences", title="This model minus others, paired by speaker", columns=columns, rows=rows
    )
    return [made] if rows else []


def targets_table(targets: Sequence[Target], shuffled: Mapping[str, float]) -> Table:
    """Number of clips, folds and chance level of each target."""
    rows: list[Row] = [
        [
            target.name,
            len(target.rows),
            target.units if target.by_speaker else None,
            len(target.classes) or None,
            len(np.unique(target.fold)),
            "of the same speakers" if target.closed_set else "of other speakers",
            target.metric,
            target.chance,
            shuffled[target.name],
        ]
        for target in targets
    ]
    columns = ["target", "clips", "speakers", "classes", "folds", "asked about clips", "metric", "chance"]
    return Table(
        name="targets",
        title="Probed targets and their chance levels",
        columns=[*columns, "shuffled labels"],
        rows=rows,
    )


def weights_table(targets: Sequence[Target], results: Sequence[ModelProbes]) -> list[Table]:
    """The learned weight of each layer, mean over folds."""
    learned = [
        (target, probes, shares)
        for target in targets
        for probes in results
        if len(shares := probes.by_target[target.name].layer_weights)
    ]
    if not learned:
        return []
    most = max(shares.shape[1] for _, _, shares in learned)
    rows: list[Row] = [
        [
            target.name,
            probes.model,
            probes.kind,
            *shares.mean(axis=0).tolist(),
            *[None] * (most - shares.shape[1]),
        ]
        for target, probes, shares in learned
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
