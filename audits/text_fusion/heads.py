"""Heads on the states, on the text and on both: their held-out predictions and scores."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sertools.auditing.findings import finding
from sertools.metrics.better_than_chance import not_better_than_constant
from sertools.metrics.regression import CCC
from sertools.probing.folds import disjoint_folds
from sertools.probing.fusion import by_split, held_out
from sertools.randomness import identity_rng
from sertools.results.result import Finding
from sertools.statistics.jackknife import contrast, estimate
from sertools.tables.condition import CLEAN
from sertools.tables.pairs import Pairs
from sertools.tables.tables import Tables

from .material import FusionMaterial, Sides

INPUTS = ("acoustic", "text", "fused")


def held_out_predictions(
    tables: Tables, material: FusionMaterial, folds: int, epochs: int, *, seed: int
) -> dict[str, NDArray[np.float64]]:
    """Input → predictions of its head for every clip, shape (n, k), by heads not trained on its speaker.

    Args:
        tables: clips, with their speakers
        material: training data of the heads
        folds: number of speaker groups, each held out once
        epochs: maximum number of epochs for each head
        seed: random seed
    """
    names = tables.clips.loc[material.clips, "speaker"] if material.by_speaker else material.clips
    group = np.asarray(names.astype(str)) if material.by_speaker else np.asarray(names, dtype=str)
    fold = disjoint_folds(group, np.zeros(len(group)), folds)
    return {
        name: held_out(
            material.inputs[name],
            material.truth,
            fold,
            inputs_for_width=[each for each in material.inputs["fused"] if each not in material.inputs[name]],
            epochs=epochs,
            rng=identity_rng(seed, name),
        )
        for name in INPUTS
    }


def predictions_of_split(
    material: FusionMaterial, sides: Sides, epochs: int, *, seed: int
) -> dict[str, NDArray[np.float64]]:
    """Input → predictions of its head, shape (n, k); nan for the clips that train or tune.

    Args:
        material: training data of the heads
        sides: positions of the training and the development clips
        epochs: maximum number of epochs for each head
        seed: random seed
    """
    return {
        name: by_split(
            material.inputs[name],
            material.truth,
            sides.train,
            sides.development,
            inputs_for_width=[each for each in material.inputs["fused"] if each not in material.inputs[name]],
            epochs=epochs,
            rng=identity_rng(seed, name),
        )
        for name in INPUTS
    }


def own_head_gain(tables: Tables, material: FusionMaterial, i: int, fused: Pairs) -> Finding:
    """CCC of the fused head minus CCC of the model's own head, on the clips that both answered.

    Args:
        tables: clean predictions of the model
        material: the clips
        i: number of the dimension
        fused: ratings and predictions of the fused head
    """
    dimension = tables.dimensions[i]
    own = tables.predictions[CLEAN][dimension].reindex(fused.clips).to_numpy(dtype=float)
    both = fused.take(np.isfinite(own))
    gain = contrast(CCC, both.truth, own[np.isfinite(own)], both.prediction, both.unit)
    return finding("gain_over_own_head", gain, target=dimension, by_speaker=material.by_speaker)


def rated_pairs(material: FusionMaterial, i: int, prediction: NDArray[np.float64]) -> Pairs:
    """Ratings of the i-th dimension, and a head's predictions, shape (n,), of the clips that have both."""
    every = Pairs(
        truth=material.truth[:, i],
        prediction=prediction,
        unit=material.unit,
        units=material.units,
        by_speaker=material.by_speaker,
        clips=material.clips,
        deviation=float(np.nanstd(prediction)),
    )
    return every.take(np.isfinite(every.truth) & np.isfinite(prediction))


def head_findings(pairs: Mapping[str, Pairs], dimension: str) -> list[Finding]:
    """CCC of each head, and the gain of the fused head over the acoustic head.

    Args:
        pairs: input → ratings and predictions of its head
        dimension: the rated dimension
    """
    found = []
    for name, pair in pairs.items():
        value = estimate(CCC, pair.truth, pair.prediction, pair.unit, pair.units)
        found.append(finding(f"{name}_ccc", value, target=dimension, by_speaker=pair.by_speaker))
    acoustic, fused = pairs["acoustic"], pairs["fused"]
    gain = contrast(CCC, acoustic.truth, acoustic.prediction, fused.prediction, acoustic.unit)
    useless = not_better_than_constant(acoustic) and not_better_than_constant(fused)
    by_speaker = acoustic.by_speaker
    found.append(finding("fusion_gain", gain, target=dimension, by_speaker=by_speaker, withheld=useless))
    return found
