"""What can probes predict from a model's layers for speakers outside their training data?

Every clip is predicted once, by a probe that was fitted on other groups of speakers (cross-validation).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sertools.probing.heads import HEAD_SHAPES, standard, train_head
from sertools.probing.ridge import fit_ridge

KINDS = ("linear", "mlp", "superb")
"""Ridge regression; two hidden layers of 128 and 16 (Li et al. 2023); one of 256 (SUPERB, Ma et al. 2024)."""


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """Cross-validated predictions of probes, for clips they were not fitted on.

    Attributes:
        prediction: class codes or values, shape (n,)
        error: validation error of each fold's probe on clips left out of its training folds, shape (folds,);
            used to choose the best layer without looking at the fold's test clips
        layer_weights: learned weight of each layer in each fold, shape (folds, l); empty if none are learned
    """

    prediction: NDArray[Any]
    error: NDArray[np.float64]
    layer_weights: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))


def linear(
    features: NDArray[np.floating],
    truth: NDArray[Any],
    group: NDArray[np.integer],
    fold: NDArray[np.integer],
    classes: int = 0,
) -> list[HeldOut]:
    """Cross-validated ridge regression: one result for each of k values, or one for a class label.

    Classes are predicted by regression on their one-hot labels, with equal weight for each class whatever its
    number of clips. The strength is chosen within the training folds, on groups left out there.

    Args:
        features: shape (n, d)
        truth: class codes, shape (n,), or values, shape (n, k)
        group: codes of the groups (speakers) that are left out to choose the strength, shape (n,)
        fold: test fold of each clip, shape (n,)
        classes: number of classes; 0 for values
    """
    prediction = np.zeros((len(truth), 1 if classes else truth.shape[1]))
    errors = []
    for code in np.unique(fold):
        test = fold == code
        prediction[test], error = _ridge(features, truth, group, test, classes)
        errors.append(error)
    return [
        HeldOut(prediction=predicted.astype(np.int64) if classes else predicted, error=error)
        for predicted, error in zip(prediction.T, np.array(errors).T, strict=True)
    ]


def trained(
    layers: NDArray[np.floating],
    truth: NDArray[Any],
    fold: NDArray[np.integer],
    classes: int = 0,
    *,
    kind: str,
    learning_rate: float = 2e-4,
    rng: np.random.Generator,
) -> HeldOut:
    """Cross-validated head trained by gradient descent, on one layer or on several with learned weights.

    The fold after the test fold is the validation set that stops the training; with two folds, every fifth
    training clip is.

    Args:
        layers: layer means, shape (n, l, d)
        truth: class codes or values, shape (n,)
        fold: test fold of each clip, shape (n,)
        classes: number of classes; 0 for values
        kind: a key of `heads.HEAD_SHAPES`
        learning_rate: learning rate of the dense layers
        rng: source of the initial parameters and of the order of clips
    """
    prediction = np.zeros(len(truth), dtype=np.int64 if classes else np.float64)
    errors, layer_weights = [], []
    shape = replace(HEAD_SHAPES[kind], learning_rate=learning_rate)
    folds = np.unique(fold)
    for i, code in enumerate(folds):
        test = fold == code
        checks = fold == folds[(i + 1) % len(folds)]
        if len(folds) == 2:
            checks &= np.cumsum(checks) % 5 == 1
        head = train_head(
            layers,
            truth,
            ~test & ~checks,
            checks,
            shape=shape,
            classes=classes,
            rng=rng,
        )
        predicted = head.predict(layers[test])
        prediction[test] = predicted.argmax(axis=1) if classes else predicted[:, 0]
        errors.append(head.loss)
        layer_weights.append(head.layer_weights)
    learned = np.array(layer_weights) if layers.shape[1] > 1 else np.zeros((0, 0))
    return HeldOut(prediction=prediction, error=np.array(errors), layer_weights=learned)


def weighted(
    layers: NDArray[np.floating],
    truth: NDArray[Any],
    group: NDArray[np.integer],
    fold: NDArray[np.integer],
    classes: int = 0,
    *,
    rng: np.random.Generator,
) -> HeldOut:
    """Cross-validated ridge regression on a weighted average of layers, with weights learned in each fold.

    The weights are learned together with a logistic head (a linear one for values). Ridge regression then
    replaces the head, so that only the input differs from other linear probes.

    Args:
        layers: layer means, shape (n, l, d)
        truth: class codes or values, shape (n,)
        group: codes of the groups (speakers) that are left out to choose the strength, shape (n,)
        fold: test fold of each clip, shape (n,)
        classes: number of classes; 0 for values
        rng: source of the initial parameters and of the order of clips
    """
    learned = trained(layers, truth, fold, classes, kind="logistic", learning_rate=2e-2, rng=rng)
    prediction, errors = np.zeros_like(learned.prediction), []
    for code, layer_weights in zip(np.unique(fold), learned.layer_weights, strict=True):
        test = fold == code
        mean, scale = standard(layers, ~test)
        mixed = sum(share * (layers[:, i] - mean[i]) / scale[i] for i, share in enumerate(layer_weights))
        predicted, error = _ridge(mixed, truth if classes else truth[:, None], group, test, classes)
        prediction[test] = predicted[:, 0]
        errors.append(error[0])
    return HeldOut(prediction=prediction, error=np.array(errors), layer_weights=learned.layer_weights)


def best(probed: Sequence[HeldOut], fold: NDArray[np.integer]) -> tuple[NDArray[Any], NDArray[np.integer]]:
    """Predictions of the layer that was best on each fold's training clips, and the index of that layer.

    Choosing the layer by its test scores would bias them upwards; here test clips do not affect the choice.

    Returns:
        Predictions (n,), and the index of the layer chosen in each fold (folds,).
    """
    errors = np.array([each.error for each in probed])
    chosen = errors.argmin(axis=0)
    prediction = np.array([each.prediction for each in probed])
    where = np.searchsorted(np.unique(fold), fold)
    return prediction[chosen[where], np.arange(len(fold))], chosen


def _ridge(
    features: NDArray[np.floating],
    truth: NDArray[Any],
    group: NDArray[np.integer],
    test: NDArray[np.bool_],
    classes: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Predictions of the test clips (m, k), and the error on left-out groups of the training clips (k,)."""
    train = ~test
    if len(np.unique(group[train])) == 1:
        group = np.arange(len(truth)) % 5  # only one speaker: choose the strength on parts of the clips
    values = np.eye(classes)[truth[train]] if classes else truth[train]
    weight = _balanced(truth[train], classes) if classes else None
    fitted = fit_ridge(features[train], values, group[train], weight=weight, together=bool(classes))
    predicted = fitted.predict(features[test])
    if classes:
        return predicted.argmax(axis=1)[:, None], fitted.error.sum(keepdims=True)
    return predicted, fitted.error


def _balanced(truth: NDArray[Any], classes: int) -> NDArray[np.float64]:
    """Clip weights (n,) that give every class present the same total weight."""
    clips = np.bincount(truth, minlength=classes)
    found: NDArray[np.float64] = len(truth) / (np.count_nonzero(clips) * clips[truth])
    return found
