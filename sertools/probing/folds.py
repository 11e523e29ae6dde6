"""Folds for cross-validation that share no speaker, and labels shuffled as a control."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sertools.errors import AuditError
from sertools.wording import plural


def disjoint_folds(group: NDArray[Any], stratum: NDArray[Any], folds: int) -> NDArray[np.integer]:
    """Test fold of each clip, shape (n,), such that no group is both in training and in test.

    The folds are balanced in size and in the shares of the strata as far as whole groups allow
    (scikit-learn's `StratifiedGroupKFold`, unshuffled). Assigning speakers in turn could instead hold out one
    sex at a time, if the speakers alternate between women and men.

    Args:
        group: speakers or sessions, shape (n,); folds depend on their names, not on the order of the clips
        stratum: what should be balanced across folds, such as sex and emotion, shape (n,)
        folds: number of folds

    Raises:
        AuditError: there are fewer groups than folds, or fewer than two folds

    >>> disjoint_folds(np.array(["a", "a", "b", "c"]), np.zeros(4), 3).tolist()
    [0, 0, 1, 2]
    """
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    names, code = np.unique(group, return_inverse=True)
    if folds < 2:
        raise AuditError(f"{folds} folds are too few to fit a probe", hint="use at least 2 folds")
    # two groups must remain for training, so that one of them can be left out to choose a strength
    if len(names) < max(folds, 3):
        raise AuditError(f"{plural(len(names), 'speaker is', 'speakers are')} too few for {folds} folds")
    _, kind, clips = np.unique(stratum, return_inverse=True, return_counts=True)
    # a stratum with fewer clips than folds cannot be balanced: merge it with the largest
    kind = np.where(clips[kind] >= folds, kind, clips.argmax())
    if clips.max() < folds:
        kind = np.zeros(len(kind), dtype=np.int64)
    found = np.full(len(code), -1)
    for splitter in (StratifiedGroupKFold(n_splits=folds), GroupKFold(n_splits=folds)):
        for i, (_, test) in enumerate(splitter.split(code[:, None], kind, code)):
            found[test] = i
        # if group sizes differ greatly, a stratified fold may be empty
        if len(np.unique(found)) == folds:
            break
    return _by_first(found)


def shared_folds(group: NDArray[Any], folds: int) -> NDArray[np.integer]:
    """Test fold of each clip, shape (n,), such that every group is both in training and in test.

    The clips of each group are assigned to the folds in turn, in their order; each group starts at the fold
    after the last one used, so that folds have similar sizes.

    >>> shared_folds(np.array(["a", "a", "a", "b", "b"]), 2).tolist()
    [0, 1, 0, 1, 0]
    """
    _, code = np.unique(group, return_inverse=True)
    order = np.argsort(code, kind="stable")
    found = np.empty(len(code), dtype=np.int64)
    found[order] = np.arange(len(code)) % folds
    return found


def shuffled_within(truth: NDArray[Any], group: NDArray[Any], *, rng: np.random.Generator) -> NDArray[Any]:
    """Labels shuffled among the clips of each group, so that a probe can only reach chance level.

    A probe may still learn which labels a group has, but that does not help with unseen groups.
    """
    found = truth.copy()
    for code in np.unique(group):
        inside = np.flatnonzero(group == code)
        found[inside] = truth[rng.permutation(inside)]
    return found


def _by_first(fold: NDArray[np.integer]) -> NDArray[np.integer]:
    """Folds renumbered in order of first appearance."""
    _, first, code = np.unique(fold, return_index=True, return_inverse=True)
    found: NDArray[np.integer] = np.argsort(np.argsort(first))[code]
    return found
