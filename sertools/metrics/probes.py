"""What can be read from a model's layers about speakers that the probe has not heard?

Every clip is predicted once, by a probe that was fitted to other groups of speakers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from sertools.errors import AuditError
from sertools.metrics.heads import standard, train_head
from sertools.metrics.ridge import fit_ridge

KINDS = ("linear", "mlp", "superb")
"""Ridge; two hidden layers of 128 and 16 (Li et al. 2023); one of 256 (SUPERB, Ma et al. 2024)."""


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """What probes say of the clips that they were not fitted to.

    Attributes:
        prediction: class codes or values, shape (n,)
        error: of the probe of each fold on clips of its own training folds that it left out, shape (folds,);
            by it the best layer is chosen without a look at the fold's test clips
        shares: learned weight of each layer in each fold, shape (folds, l); none where none are learned
    """

    prediction: np.ndarray
    error: np.ndarray
    shares: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))


def disjoint_folds(group: np.ndarray, stratum: np.ndarray, folds: int) -> np.ndarray:
    """In which fold is each clip held out, shape (n,), so that no group is on both sides?

    The folds are alike in size and in the shares of the strata as far as whole groups allow (scikit-learn's
    `StratifiedGroupKFold`, unshuffled): with speakers that alternate between women and men, taking them in
    turn would hold out one sex at a time.

    Args:
        group: speakers or sessions, shape (n,); their names decide, not the order of the clips
        stratum: what should be alike in all folds, such as sex and emotion, shape (n,)
        folds: number of folds

    Raises:
        AuditError: there are fewer groups than folds, or fewer than two folds

    >>> disjoint_folds(np.array(["a", "a", "b", "c"]), np.zeros(4), 3).tolist()
    [0, 0, 1, 2]
    """
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    names, code = np.unique(group, return_inverse=True)
    if folds < 2:
        raise AuditError(f"{folds} folds leave nothing to fit a probe on", hint="2 folds or more")
    # two are fitted to, so that one of them can be left out to choose a strength
    if len(names) < max(folds, 3):
        raise AuditError(f"{len(names)} speakers cannot be put in {folds} folds")
    _, kind, clips = np.unique(stratum, return_inverse=True, return_counts=True)
    # of what has fewer clips than folds, no share of a fold can be alike
    kind = np.where(clips[kind] >= folds, kind, clips.argmax())
    if clips.max() < folds:
        kind = np.zeros(len(kind), dtype=np.int64)
    found = np.full(len(code), -1)
    for splitter in (StratifiedGroupKFold(n_splits=folds), GroupKFold(n_splits=folds)):
        for i, (_, test) in enumerate(splitter.split(code[:, None], kind, code)):
            found[test] = i
        # groups of very different sizes may leave a stratified fold empty
        if len(np.unique(found)) == folds:
            break
    return _by_first(found)


def shared_folds(group: np.ndarray, folds: int) -> np.ndarray:
    """In which fold is each clip held out, shape (n,), so that every group is on both sides?

    The clips of each group are dealt to the folds in turn, in their order; each group begins where the one
    before it ended, so that folds are alike in size.

    >>> shared_folds(np.array(["a", "a", "a", "b", "b"]), 2).tolist()
    [0, 1, 0, 1, 0]
    """
    _, code = np.unique(group, return_inverse=True)
    order = np.argsort(code, kind="stable")
    found = np.empty(len(code), dtype=np.int64)
    found[order] = np.arange(len(code)) % folds
    return found


def linear(
    features: np.ndarray, truth: np.ndarray, group: np.ndarray, fold: np.ndarray, classes: int = 0
) -> list[HeldOut]:
    """What ridge regression reads from vectors: one answer for each of k values, or one for a label.

    Classes are told apart by regression on their indicators, each class weighing alike whatever its number
    of clips. The strength is chosen within the training folds, on groups left out there.

    Args:
        features: shape (n, d)
        truth: class codes, shape (n,), or values, shape (n, k)
        group: codes of what is left out to choose the strength, shape (n,)
        fold: in which each clip is held out, shape (n,)
        classes: number of classes; 0 for values
    """
    prediction = np.zeros((len(truth), 1 if classes else truth.shape[1]))
    errors = []
    for code in np.unique(fold):
        test = fold == code
        prediction[test], error = _ridge(features, truth, group, test, classes)
        errors.append(error)
    return [
        HeldOut(prediction=said.astype(np.int64) if classes else said, error=error)
        for said, error in zip(prediction.T, np.array(errors).T, strict=True)
    ]


def trained(
    layers: np.ndarray,
    truth: np.ndarray,
    fold: np.ndarray,
    classes: int = 0,
    *,
    kind: str,
    learning_rate: float = 2e-4,
    rng: np.random.Generator,
) -> HeldOut:
    """What a head trained by gradient descent reads from one layer, or from several with learned weights.

    The fold after the one that is held out stops the training; with two folds, every fifth training clip.

    Args:
        layers: shape (n, l, d)
        truth: class codes or values, shape (n,)
        fold: in which each clip is held out, shape (n,)
        classes: number of classes; 0 for values
        kind: of `heads.RECIPES`
        learning_rate: of the dense layers
        rng: of first parameters and of the order of clips
    """
    prediction = np.zeros(len(truth), dtype=np.int64 if classes else np.float64)
    errors, shares = [], []
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
            kind=kind,
            classes=classes,
            learning_rate=learning_rate,
            rng=rng,
        )
        said = head.predict(layers[test])
        prediction[test] = said.argmax(axis=1) if classes else said[:, 0]
        errors.append(head.loss)
        shares.append(head.shares)
    learned = np.array(shares) if layers.shape[1] > 1 else np.zeros((0, 0))
    return HeldOut(prediction=prediction, error=np.array(errors), shares=learned)


def weighted(
    layers: np.ndarray,
    truth: np.ndarray,
    group: np.ndarray,
    fold: np.ndarray,
    classes: int = 0,
    *,
    rng: np.random.Generator,
) -> HeldOut:
    """What ridge regression reads from the weighted average of layers, the weights learned in each fold.

    The weights are those that a logistic head (for values: a linear one) learns with it; then ridge
    regression takes the head's place, so that it is the input alone that differs from other linear probes.

    Args:
        layers: shape (n, l, d)
        truth: class codes or values, shape (n,)
        group: codes of what is left out to choose the strength, shape (n,)
        fold: in which each clip is held out, shape (n,)
        classes: number of classes; 0 for values
        rng: of first parameters and of the order of clips
    """
    learned = trained(layers, truth, fold, classes, kind="logistic", learning_rate=2e-2, rng=rng)
    prediction, errors = np.zeros_like(learned.prediction), []
    for code, shares in zip(np.unique(fold), learned.shares, strict=True):
        test = fold == code
        mean, scale = standard(layers, ~test)
        mixed = sum(share * (layers[:, i] - mean[i]) / scale[i] for i, share in enumerate(shares))
        said, error = _ridge(mixed, truth if classes else truth[:, None], group, test, classes)
        prediction[test] = said[:, 0]
        errors.append(error[0])
    return HeldOut(prediction=prediction, error=np.array(errors), shares=learned.shares)


def best(probed: Sequence[HeldOut], fold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The predictions (n,) of the layer that was best on each fold's training clips, and which it was.

    Choosing the layer by the scores that are then reported would flatter it; here its test clips have no say.

    Returns:
        Predictions (n,), and the index of the layer chosen in each fold (folds,).
    """
    errors = np.array([each.error for each in probed])
    chosen = errors.argmin(axis=0)
    prediction = np.array([each.prediction for each in probed])
    where = np.searchsorted(np.unique(fold), fold)
    return prediction[chosen[where], np.arange(len(fold))], chosen


def shuffled_within(truth: np.ndarray, group: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """The same labels at other clips of the same group, so that nothing but chance is left to read.

    A probe may still learn which labels a group has; that is of no help with groups that it has not heard.
    """
    found = truth.copy()
    for code in np.unique(group):
        inside = np.flatnonzero(group == code)
        found[inside] = truth[rng.permutation(inside)]
    return found


def _ridge(
    features: np.ndarray, truth: np.ndarray, group: np.ndarray, test: np.ndarray, classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Predictions of the test clips (m, k), and the error on groups left out among the others (k,)."""
    train = ~test
    if len(np.unique(group[train])) == 1:
        group = np.arange(len(truth)) % 5  # one speaker alone: parts of the clips choose the strength
    values = np.eye(classes)[truth[train]] if classes else truth[train]
    weight = _balanced(truth[train], classes) if classes else None
    fitted = fit_ridge(features[train], values, group[train], weight=weight, together=bool(classes))
    said = fitted.predict(features[test])
    if classes:
        return said.argmax(axis=1)[:, None], fitted.error.sum(keepdims=True)
    return said, fitted.error


def _balanced(truth: np.ndarray, classes: int) -> np.ndarray:
    """Weights (n,) with which every class that occurs weighs alike."""
    clips = np.bincount(truth, minlength=classes)
    found: np.ndarray = len(truth) / (np.count_nonzero(clips) * clips[truth])
    return found


def _by_first(fold: np.ndarray) -> np.ndarray:
    """Folds numbered in order of appearance."""
    _, first, code = np.unique(fold, return_index=True, return_inverse=True)
    found: np.ndarray = np.argsort(np.argsort(first))[code]
    return found
