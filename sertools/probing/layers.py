"""Runs probes on a model's layers and on the layer combinations that Li et al. (2023) compare."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.probing import folds, probes
from sertools.probing.probes import HeldOut
from sertools.probing.targets import Target
from sertools.randomness import identity_rng
from sertools.statistics.jackknife import estimate
from sertools.tables.layers import Layers

BEST, LAST, AVERAGE, WITHOUT_LAST, WEIGHTED = (
    "best layer",
    "last layer",
    "average",
    "average without last two",
    "weighted average",
)
INPUTS = (BEST, LAST, AVERAGE, WITHOUT_LAST, WEIGHTED)
"""The inputs in Table 1 of Li et al. (2023)."""


@dataclass(frozen=True, kw_only=True)
class ProbeScores:
    """Predictions of one kind of probe for one target, from every input.

    Attributes:
        layers: held-out predictions of each layer
        inputs: input → predictions; `BEST` is each fold's best layer, chosen without its test clips
        chosen: the best layer of each fold, shape (folds,)
        layer_weights: learned layer weights, shape (folds, l)
    """

    layers: tuple[HeldOut, ...]
    inputs: Mapping[str, NDArray[Any]]
    chosen: NDArray[np.integer]
    layer_weights: NDArray[np.float64] = field(repr=False)


def probe(
    layers: Layers,
    targets: Sequence[Target],
    *,
    kind: str = "linear",
    learning_rate: float = 2e-4,
    seed: int,
) -> dict[str, ProbeScores]:
    """Fit one kind of probe to each target on every input: target → results.

    Layers are read one by one; only the learned weights need all of them at once.

    Args:
        layers: the model's layers, all clips
        targets: from `target`
        kind: one of `probes.KINDS`
        learning_rate: of probes that are trained by gradient descent
        seed: of initial parameters and of the order of clips in training
    """
    names = [f"layer {i}" for i in range(layers.n_layers)]
    answers: dict[str, dict[str, HeldOut]] = {each.name: {} for each in targets}
    sums: dict[str, Any] = {}
    n = layers.n_layers
    means = {AVERAGE: n, WITHOUT_LAST: n - 2} if n > 1 else {}
    for i, name in enumerate(names):
        layer = layers.layer(i)
        for average, count in means.items():
            if i < count:
                sums[average] = sums.get(average, 0) + layer / count
        _answer(answers, layer, name, targets, kind, learning_rate, seed)
    for name, mean in sums.items():
        _answer(answers, mean, name, targets, kind, learning_rate, seed)
    found = {}
    for each in targets:
        own = answers[each.name]
        of_layers = tuple(own[name] for name in names)
        layer_weights = np.zeros((0, 0))
        if n > 1:
            own[WEIGHTED] = _weighted(layers, each, kind, learning_rate, seed)
            layer_weights = own[WEIGHTED].layer_weights
        prediction, chosen = probes.best(of_layers, each.fold)
        inputs = {BEST: prediction, LAST: of_layers[-1].prediction}
        inputs |= {name: own[name].prediction for name in INPUTS if name in own}
        found[each.name] = ProbeScores(
            layers=of_layers, inputs=inputs, chosen=chosen, layer_weights=layer_weights
        )
    return found


def _weighted(layers: Layers, of: Target, kind: str, learning_rate: float, seed: int) -> HeldOut:
    stack = np.stack([layers.layer(i)[of.rows] for i in range(layers.n_layers)], axis=1)
    rng, classes = identity_rng(seed, of.name, kind, WEIGHTED), len(of.classes)
    if kind == "linear":
        return probes.weighted(stack, of.truth, of.group, of.fold, classes, rng=rng)
    return probes.trained(stack, of.truth, of.fold, classes, kind=kind, learning_rate=learning_rate, rng=rng)


def _answer(
    answers: dict[str, dict[str, HeldOut]],
    features: NDArray[np.floating],
    name: str,
    targets: Sequence[Target],
    kind: str,
    learning_rate: float,
    seed: int,
) -> None:
    """Add the predictions from one input to `answers`, for each target."""
    if kind != "linear":
        for each in targets:
            answers[each.name][name] = probes.trained(
                features[each.rows][:, None],
                each.truth,
                each.fold,
                len(each.classes),
                kind=kind,
                learning_rate=learning_rate,
                rng=identity_rng(seed, each.name, kind, name),
            )
        return
    for together in sharing_folds(targets):
        first = together[0]
        truth = first.truth if first.classes else np.column_stack([each.truth for each in together])
        predicted = probes.linear(features[first.rows], truth, first.group, first.fold, len(first.classes))
        for each, answer in zip(together, predicted, strict=True):
            answers[each.name][name] = answer


def sharing_folds(targets: Sequence[Target]) -> list[list[Target]]:
    """Groups of targets that can share one matrix decomposition.

    Numeric targets with the same clips and folds share a group; each categorical target has its own.
    """
    found: dict[object, list[Target]] = {}
    for each in targets:
        key = each.name if each.classes else (each.rows.tobytes(), each.fold.tobytes())
        found.setdefault(key, []).append(each)
    return list(found.values())


def score_of_shuffled_labels(layers: Layers, of: Target, *, draws: int, seed: int) -> float:
    """Mean score of the last layer's linear probe on shuffled labels; nan for no draws.

    Labels are shuffled among the clips of each speaker; labels that are constant per speaker (sex, age) are
    shuffled among speakers, and speaker labels among all clips.

    Args:
        layers: the model's layers, all clips
        of: the target
        draws: number of shuffles
        seed: of the shuffles
    """
    features = layers.layer(-1)[of.rows]
    constant = all(len(np.unique(of.truth[of.unit == code])) == 1 for code in np.unique(of.unit))
    scores = []
    for i in range(draws):
        rng = identity_rng(seed, "shuffled", of.name, str(i))
        if of.closed_set:
            truth = rng.permutation(of.truth)
        elif constant:
            first = of.truth[np.unique(of.unit, return_index=True)[1]]
            truth = rng.permutation(first)[of.unit]
        else:
            truth = folds.shuffled_within(of.truth, of.unit, rng=rng)
        (predicted,) = probes.linear(
            features, truth if of.classes else truth[:, None], of.group, of.fold, len(of.classes)
        )
        pair = replace(of, truth=truth).pairs(predicted.prediction, pd.RangeIndex(int(of.rows.max()) + 1))
        scores.append(estimate(of.statistic, pair.truth, pair.prediction, pair.unit, pair.units).value)
    return float(np.mean(scores)) if scores else float("nan")
