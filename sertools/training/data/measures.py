"""How good are the outputs on dev clips? The measures by which the best weights are chosen."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sertools.labels import DIMENSIONS, canonical
from sertools.metrics.classification import accuracy, macro_f1, uar, weighted_f1
from sertools.metrics.regression import ccc
from sertools.metrics.soft_labels import soft_macro_f1, soft_macro_f1_in_batches
from sertools.training.data.targets import Targets
from sertools.training.recipe import Recipe

ROUNDING = 1e-6
"""How far a share may be above 1 / C by rounding alone, so that it is not counted as above."""

SMALLER_IS_BETTER = ("loss",)
"""Measures of which the smallest is the best."""


def measures_of(targets: Targets) -> list[str]:
    """Names of the measures of these targets."""
    return _names(targets.dimensions, classes=bool(targets.classes), soft=is_soft(targets))


def measures_for(recipe: Recipe) -> list[str]:
    """Names of the measures that models of a recipe can have, before any clip is read.

    Those of soft labels also need clips on whose emotion raters do not agree.
    """
    rated = [name for name in map(canonical, recipe.labels) if name in DIMENSIONS] or DIMENSIONS
    return _names(
        rated if recipe.target in {"dimensions", "joint"} else [],
        classes=recipe.target != "dimensions",
        soft=recipe.target == "soft",
    )


def _names(dimensions: Sequence[str], *, classes: bool, soft: bool) -> list[str]:
    of_ratings = ["ccc", *(f"ccc_{name}" for name in dimensions)] if dimensions else []
    of_classes = ["uar", "accuracy", "macro_f1", "weighted_f1"] if classes else []
    return of_ratings + of_classes + (["soft_macro_f1", "soft_macro_f1_batch32"] if soft else [])


def is_soft(targets: Targets) -> bool:
    """Whether several classes of some clip have more than an equal share of the votes."""
    return bool((_above_equal(targets.shares).sum(axis=1) > 1).any()) if targets.classes else False


def _above_equal(shares: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    above: NDArray[np.bool_] = shares > 1 / shares.shape[1] + ROUNDING
    return above


def measures(outputs: NDArray[np.floating[Any]], targets: Targets) -> dict[str, float]:
    """CCC of each dimension and their mean; UAR, accuracy, macro-F1 and weighted F1 of the classes.

    The class of a clip is that with the largest share of the votes, and a tie has none. With the votes of
    raters there is also EMO-SUPERB's macro-F1 of soft labels, over all clips, and in batches of 32 in the
    order of the rows. A measure that is undefined is nan.

    Args:
        outputs: ratings, then logits or probabilities, shape (n, d + c)
        targets: the truth of the same clips
    """
    found: dict[str, float] = {}
    d = len(targets.dimensions)
    for i, name in enumerate(targets.dimensions):
        known = np.isfinite(targets.ratings[:, i])
        found[f"ccc_{name}"] = ccc(targets.ratings[known, i], outputs[known, i])
    if d:
        found = {"ccc": float(np.mean(list(found.values()))), **found}
    if targets.classes:
        shares = targets.shares
        best = shares.max(axis=1, keepdims=True)
        clear = ((shares == best).sum(axis=1) == 1) & (best[:, 0] > 0)
        truth, answer = shares[clear].argmax(axis=1), outputs[clear, d:].argmax(axis=1)
        c = len(targets.classes)
        found |= {
            "uar": uar(truth, answer, c),
            "accuracy": accuracy(truth, answer),
            "macro_f1": macro_f1(truth, answer, c),
            "weighted_f1": weighted_f1(truth, answer, c),
        }
    if is_soft(targets):
        known = shares.sum(axis=1) > 0
        both = shares[known] - ROUNDING, _probabilities(outputs[known, d:])
        found["soft_macro_f1"] = soft_macro_f1(*both)
        found["soft_macro_f1_batch32"] = soft_macro_f1_in_batches(*both)
    return found


def _probabilities(outputs: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Outputs as they are if every row is a distribution, or else their softmax, shape (n, c)."""
    given = outputs.astype(np.float64)
    if (given >= 0).all() and np.allclose(given.sum(axis=1), 1, atol=1e-3):
        return given
    powers = np.exp(given - given.max(axis=1, keepdims=True))
    found: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return found
