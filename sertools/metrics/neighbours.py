"""How well are vectors with different labels separated? Purity of nearest neighbours, and silhouette.

Distances are Euclidean, as in the maps that the audit `embeddings` shows with these numbers.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from sertools.statistics.statistic import ratio

BLOCK = 1000
"""Number of clips whose distances to all others are in memory at once."""

MAX_MATRIX_CELLS = 2_000_000
"""Number of mean distances (draws × clips × labels) in memory at once."""


def nearest(
    vectors: NDArray[np.floating], apart: NDArray[np.integer], *, neighbours: int = 10
) -> NDArray[np.integer]:
    """Indices of the nearest clips of each clip, shape (n, neighbours); −1 where there are fewer.

    Only clips with a different code in `apart` can be neighbours: with speaker codes, neighbours come from
    other speakers; with a different code for each clip, from all other clips.

    Args:
        vectors: finite, shape (n, d)
        apart: codes, shape (n,); clips with the same code cannot be neighbours
        neighbours: number of neighbours

    >>> nearest(np.array([[0.0], [1.0], [3.0]]), np.arange(3), neighbours=1).tolist()
    [[1], [0], [1]]
    """
    found = np.full((len(vectors), neighbours), -1)
    for rows, distances in _distances(vectors):
        distances[apart[rows, None] == apart[None, :]] = np.inf
        few = min(neighbours, len(vectors))
        chosen = np.argpartition(distances, few - 1, axis=1)[:, :few]
        exists = np.isfinite(np.take_along_axis(distances, chosen, axis=1))
        found[rows, :few] = np.where(exists, chosen, -1)
    return found


def purity(neighbours: NDArray[np.integer], label: NDArray[np.integer]) -> NDArray[np.float64]:
    """What share of each clip's nearest neighbours has the same label, shape (n,), in [0, 1]?

    Among all other clips, purity is high wherever one speaker's clips are close together and share a label;
    among clips of other speakers, only if the label itself brings clips together. nan for a clip without
    neighbours.

    Args:
        neighbours: from `nearest`, shape (n, k)
        label: codes, shape (n,)

    >>> purity(np.array([[1, 2], [0, -1], [-1, -1]]), np.array([0, 0, 1])).tolist()
    [0.5, 1.0, nan]
    """
    exists = neighbours >= 0
    same = (label[neighbours] == label[:, None]) & exists
    return ratio(same.sum(axis=1), exists.sum(axis=1))


def chance_of_purity(label: NDArray[np.integer], apart: NDArray[np.integer]) -> float:
    """What purity is expected for random neighbours? nan if no clip has a possible neighbour.

    The share of possible neighbours with the clip's label, averaged over clips with a possible neighbour; in
    [0, 1].

    Args:
        label: codes of the labels, shape (n,)
        apart: codes, e.g. of speakers, shape (n,); clips with the same code are not neighbours

    >>> chance_of_purity(np.array([0, 0, 1, 1]), np.arange(4)) == 1 / 3
    True
    """
    _, code, n = np.unique(label, return_inverse=True, return_counts=True)
    _, unit, of_unit = np.unique(apart, return_inverse=True, return_counts=True)
    same = np.zeros((len(of_unit), len(n)))
    np.add.at(same, (unit, code), 1)
    others = len(label) - of_unit[unit]
    some = others > 0
    return float(np.mean((n[code] - same[unit, code])[some] / others[some])) if some.any() else float("nan")


def weighted_silhouette(
    vectors: NDArray[np.floating], label: NDArray[np.integer], unit: NDArray[np.integer], units: int
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """How much nearer is a clip to its own label than to the nearest other label, with weighted speakers?

    The mean of (b − a) / max(a, b), with a the mean distance to other clips with the same label and b that to
    clips with the nearest other label (Rousseeuw 1987); 0 for a clip that is the only one with its label.
    With weights of 1 it equals scikit-learn's `silhouette_score`. A speaker that a bootstrap draws twice
    counts twice, but only once among the neighbours of its own clips: copies of clips at distance 0 would
    make a too small.

    Args:
        vectors: finite, shape (n, d)
        label: codes 0..c−1, shape (n,)
        unit: speaker codes 0..units−1, shape (n,)
        units: number of speakers

    Returns:
        A function of weights (..., units), such as bootstrap counts, that returns silhouettes (...) in
        [-1, 1]; nan if fewer than two labels are left.

    >>> vectors, label = np.array([[0.0], [1.0], [9.0], [10.0]]), np.array([0, 0, 1, 1])
    >>> silhouette = weighted_silhouette(vectors, label, np.arange(4), 4)
    >>> float(silhouette(np.ones((1, 4)))[0]) == (2 * (1 - 1 / 9.5) + 2 * (1 - 1 / 8.5)) / 4
    True
    """
    n, classes = len(label), int(label.max()) + 1
    sums, counts = _distances_by_unit_and_label(vectors, label, unit, (units, classes))
    own_sums, own_counts = sums[np.arange(n), unit], counts[unit]
    by_unit = np.ascontiguousarray(sums.transpose(1, 0, 2)).reshape(units, n * classes)
    own = label[:, None] == np.arange(classes)

    def some(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        weight = weights[:, unit]
        extra = (1 - weight)[:, :, None]
        total = (weights @ by_unit).reshape(-1, n, classes) + extra * own_sums
        clips = (weights @ counts)[:, None, :] + extra * own_counts
        scores, there_is_another = _silhouettes(total, clips, own)
        several = (there_is_another & (weight > 0)).any(axis=1)
        return np.where(several, ratio((weight * scores).sum(axis=1), weight.sum(axis=1)), np.nan)

    def value(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        flat = np.asarray(weights, dtype=np.float64).reshape(-1, units)
        block = max(1, MAX_MATRIX_CELLS // (n * classes))
        parts = [some(flat[start : start + block]) for start in range(0, len(flat), block)]
        return np.concatenate(parts).reshape(np.shape(weights)[:-1])

    return value


def _distances_by_unit_and_label(
    vectors: NDArray[np.floating],
    label: NDArray[np.integer],
    unit: NDArray[np.integer],
    size: tuple[int, int],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Summed distances of each clip to the clips of each unit and label, and the numbers of these clips.

    Shapes (n, units, classes) and (units, classes), for `size` = (units, classes).
    """
    n, (units, classes) = len(label), size
    members = np.zeros((n, units * classes))
    members[np.arange(n), unit * classes + label] = 1
    sums = np.concatenate([distances @ members for _, distances in _distances(vectors)])
    return sums.reshape(n, units, classes), members.sum(axis=0).reshape(units, classes)


def _silhouettes(
    total: NDArray[np.float64], clips: NDArray[np.float64], own: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Silhouette of each clip, shape (draws, n), and whether there are clips with another label.

    Args:
        total: summed distances to the clips of each label, shape (draws, n, classes)
        clips: number of clips of each label, shape (draws, n, classes)
        own: which label is the clip's own, shape (n, classes)
    """
    inside = (clips * own).sum(axis=2) - 1
    a = np.divide((total * own).sum(axis=2), inside, out=np.zeros_like(inside), where=inside > 0)
    b = np.divide(total, clips, out=np.full_like(total, np.inf), where=(clips > 0) & ~own).min(axis=2)
    widest = np.maximum(a, b)
    defined = np.isfinite(b) & (widest > 0) & (inside > 0)
    with np.errstate(invalid="ignore"):  # ∞ − a over ∞, where there is no other label
        scores = np.divide(b - a, widest, out=np.zeros_like(a), where=defined)
    return scores, np.isfinite(b)


def _distances(
    vectors: NDArray[np.floating],
) -> Iterator[tuple[NDArray[np.integer], NDArray[np.float64]]]:
    """Yield blocks of row numbers, and their distances (rows, n) to all clips."""
    from sklearn.metrics import pairwise_distances

    points = np.asarray(vectors, dtype=np.float64)
    for start in range(0, len(points), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(points)))
        distances: NDArray[np.float64] = pairwise_distances(points[rows], points)
        distances[np.arange(len(rows)), rows] = 0.0
        yield rows, distances
