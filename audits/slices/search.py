"""Searches the slices of some speakers' clips for those with the highest losses."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sertools.statistics.jackknife import MIN_UNITS
from sertools.statistics.statistic import ratio

from .conditions import Condition

MIN_CLIPS, MIN_SHARE = 20, 0.02
"""Fewest clips of a slice among those searched, as a number and as a share."""

MAX_OVERLAP = 0.5
"""A slice that shares more than this part of its clips with a worse one, or the other way round, is left out.
"""

DOUBT = 2.0
"""Standard errors that are subtracted from an excess before slices are ranked by it."""


@dataclass(frozen=True, kw_only=True)
class Losses:
    """The losses of clips, and what they are compared within.

    Attributes:
        loss: ≥ 0, shape (n,)
        stratum: class or bin of the truth, codes from 0, shape (n,)
        unit: speaker codes from 0, shape (n,)
    """

    loss: NDArray[np.float64]
    stratum: NDArray[np.integer]
    unit: NDArray[np.integer]

    def take(self, mask: NDArray[np.bool_]) -> "Losses":
        """The losses of some clips, with units renumbered."""
        unit = np.unique(self.unit[mask], return_inverse=True)[1]
        return Losses(loss=self.loss[mask], stratum=self.stratum[mask], unit=unit)


@dataclass(frozen=True, kw_only=True)
class Slice:
    """Clips for which all conditions hold, found to have high losses.

    Attributes:
        conditions: one or two
        excess: mean loss of its clips beyond that of other clips with the same truth, among those searched
        clips, speakers: how many of those searched are in it
    """

    conditions: tuple[Condition, ...]
    excess: float
    clips: int
    speakers: int

    def __str__(self) -> str:
        return " & ".join(map(str, self.conditions))


@dataclass(frozen=True, kw_only=True)
class Found:
    """The result of a search.

    Attributes:
        slices: the worst slices, worst first
        searched: number of slices that were large enough to be searched
    """

    slices: list[Slice]
    searched: int


def search(
    losses: Losses,
    conditions: Sequence[Condition],
    holds: NDArray[np.bool_],
    *,
    wanted: int,
    depth: int,
) -> Found:
    """The slices with the highest losses beyond those of other clips with the same truth.

    A slice is a condition, or with `depth` 2 also a pair of conditions on different columns. From the loss of
    each clip the mean loss of its stratum is subtracted; the excess is the mean of the rest in the slice
    minus that outside, and its standard error is that over speakers. Slices are ranked by the excess minus
    two standard errors, so that small slices do not win by chance; the best of one condition and of two are
    taken in turn, and slices that overlap with an earlier one are left out.

    Args:
        losses: losses of the clips searched
        conditions: the conditions
        holds: for which clips each holds, shape (n, conditions)
        wanted: number of slices to return
        depth: most conditions of a slice, 1 or 2
    """
    pairs = _pairs(conditions, depth)
    excess, error, clips, speakers = _excess(losses, holds, pairs)
    least = max(MIN_CLIPS, MIN_SHARE * len(losses.loss))
    large = (clips >= least) & (len(losses.loss) - clips >= least) & (speakers >= MIN_UNITS)
    usable = np.flatnonzero(large)
    rank = excess[usable] - DOUBT * error[usable]
    names = [tuple(sorted({conditions[i], conditions[j]})) for i, j in pairs[usable]]
    order = _in_turn(sorted(range(len(usable)), key=lambda k: (-round(float(rank[k]), 9), names[k])), names)
    chosen: list[Slice] = []
    masks: list[NDArray[np.bool_]] = []
    for k in order:
        mask = np.asarray(holds[:, pairs[usable[k]]].all(axis=1), dtype=np.bool_)
        if any((mask & other).sum() > MAX_OVERLAP * min(mask.sum(), other.sum()) for other in masks):
            continue
        masks.append(mask)
        at = usable[k]
        chosen.append(
            Slice(
                conditions=names[k],
                excess=float(excess[at]),
                clips=int(clips[at]),
                speakers=int(speakers[at]),
            )
        )
        if len(chosen) == wanted:
            break
    return Found(slices=chosen, searched=len(usable))


def _in_turn(order: list[int], names: list[tuple[Condition, ...]]) -> list[int]:
    """Slices of one condition and of two in turn, each in the given order.

    The best of many thousand pairs looks worse by chance than the best of a few hundred single conditions.
    """
    single, double = ([k for k in order if len(names[k]) == size] for size in (1, 2))
    both = [k for pair in zip(single, double, strict=False) for k in pair]
    return both + single[len(double) :] + double[len(single) :]


def _pairs(conditions: Sequence[Condition], depth: int) -> NDArray[np.integer]:
    """Indices of the conditions of each slice, shape (slices, 2); equal for a slice of one condition."""
    found = [(i, i) for i in range(len(conditions))]
    if depth > 1:
        both = itertools.combinations(range(len(conditions)), 2)
        found += [(i, j) for i, j in both if conditions[i].column != conditions[j].column]
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def _excess(
    losses: Losses, holds: NDArray[np.bool_], pairs: NDArray[np.integer]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Excess, its standard error, number of clips and number of speakers of each slice, shape (slices,)."""
    sums = np.bincount(losses.stratum, weights=losses.loss)
    rest = losses.loss - ratio(sums, np.bincount(losses.stratum))[losses.stratum]
    units = int(losses.unit.max()) + 1 if len(losses.unit) else 0
    order = np.argsort(losses.unit, kind="stable")
    blocks = np.split(order, np.cumsum(np.bincount(losses.unit, minlength=units))[:-1])
    n, total, speakers = np.zeros((3, len(pairs)))
    # in two passes, because the sums of all speakers may not fit into memory
    for block in blocks:
        clips, losses_inside = _of_unit(holds[block], rest[block], pairs)
        n, total, speakers = n + clips, total + losses_inside, speakers + (clips > 0)
    m, every = len(rest) - n, float(rest.sum())
    mean, other = ratio(total, n), ratio(every - total, m)
    squares = np.zeros(len(pairs))
    for block in blocks:
        clips, losses_inside = _of_unit(holds[block], rest[block], pairs)
        outside = float(rest[block].sum()) - losses_inside - other * (len(block) - clips)
        squares += (ratio(losses_inside - mean * clips, n) - ratio(outside, m)) ** 2
    error = np.sqrt(squares * units / max(units - 1, 1))
    # the spread between clips alone gives a slice at least this error
    least = rest.std() * np.sqrt(ratio(1.0, n))
    return mean - other, np.fmax(error, least), n, speakers


def _of_unit(
    holds: NDArray[np.bool_], rest: NDArray[np.float64], pairs: NDArray[np.integer]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Number of the clips of one unit in each slice, and the sum of their values, shape (slices,) each."""
    member = holds.astype(np.float64)
    rows, columns = pairs.T
    return (member.T @ member)[rows, columns], (member.T @ (member * rest[:, None]))[rows, columns]
