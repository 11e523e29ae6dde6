"""How good are the outputs on dev clips? The measures by which the best weights are chosen."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sertools.metrics.classification import accuracy, macro_f1, uar, weighted_f1
from sertools.metrics.regression import ccc
from sertools.training.data.targets import Targets

SMALLER_IS_BETTER = ("loss",)
"""Measures of which the smallest is the best."""


def measures_of(targets: Targets) -> list[str]:
    """Names of the measures of these targets."""
    of_ratings = ["ccc", *(f"ccc_{name}" for name in targets.dimensions)] if targets.dimensions else []
    return of_ratings + (["uar", "accuracy", "macro_f1", "weighted_f1"] if targets.classes else [])


def measures(outputs: NDArray[np.floating[Any]], targets: Targets) -> dict[str, float]:
    """CCC of each dimension and their mean; UAR, accuracy, macro-F1 and weighted F1 of the classes.

    The class of a clip is that with the largest share of the votes, and a tie has none. A measure that is
    undefined is nan.

    Args:
        outputs: ratings, then logits, shape (n, d + c)
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
    return found
