"""How uncertain is a number when the same voices speak the same sentences (crossed random factors)?

Clips of one voice are similar, and so are clips of one sentence. Both voices and sentences are samples of all
that could have been used, so both make a mean uncertain: for a mean over I sentences and V voices the
variance is s²_I / I + s²_V / V + s²_IV / (I V). Leaving out one sentence at a time measures the first and
last of these terms, leaving out one voice at a time the last two; so the last is counted twice and subtracted
once (Cameron, Gelbach & Miller 2011; here the residual of the two-way layout replaces the intersection).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import fdtrc, stdtrit

from sertools.errors import AuditError
from sertools.statistics.jackknife import MIN_UNITS, Estimate
from sertools.statistics.statistic import ratio, unit_sums

DENSE = 64
"""Integers up to this multiple of their number are counted; larger ones are sorted."""

TINY = 1e-12
"""A sum of squares below this share of the total is rounding error."""


@dataclass(frozen=True, kw_only=True)
class Crossed:
    """Values of clips, by sentence and voice.

    Attributes:
        values: one finite value per clip, shape (n,)
        item: code of the sentence (or word) from 0, shape (n,)
        voice: code of the voice from 0, shape (n,)
        stratum: code of the group in which voices are nested, e.g. the language, shape (n,)
    """

    values: NDArray[np.float64]
    item: NDArray[np.integer]
    voice: NDArray[np.integer]
    stratum: NDArray[np.integer]

    @staticmethod
    def of(
        values: ArrayLike, item: ArrayLike, voice: ArrayLike, stratum: ArrayLike | None = None
    ) -> "Crossed":
        """The clips with a finite value; labels may be of any type, and strata do not share voices.

        >>> Crossed.of([1.0, np.nan, 3.0], ["a", "b", "b"], ["v", "v", "w"]).item.tolist()
        [0, 1]
        """
        numbers = np.asarray(values, dtype=np.float64)
        known = np.isfinite(numbers)
        within = np.zeros(len(numbers), dtype=np.int64) if stratum is None else codes(stratum)
        voices = codes(codes(voice)[known] * (1 + int(within.max(initial=0))) + within[known])
        return Crossed(
            values=numbers[known], item=codes(np.asarray(item)[known]), voice=voices, stratum=within[known]
        )

    def take(self, mask: NDArray[np.bool_]) -> "Crossed":
        """The clips where `mask` (n,) is true, with unchanged codes."""
        return Crossed(
            values=self.values[mask], item=self.item[mask], voice=self.voice[mask], stratum=self.stratum[mask]
        )


def codes(labels: ArrayLike) -> NDArray[np.integer]:
    """Labels as integers from 0, numbered in sorted order, shape (n,)."""
    values = np.asarray(labels)
    if values.dtype.kind in "iu" and len(values) and values.min() >= 0 and values.max() < DENSE * len(values):
        return _without_gaps(values)
    if values.dtype == object:  # a dictionary is much faster than sorting objects
        each = values.tolist()
        number = {label: i for i, label in enumerate(sorted(set(each)))}
        return np.fromiter((number[label] for label in each), dtype=np.int64, count=len(each))
    found: NDArray[np.integer] = np.unique(values, return_inverse=True)[1]
    return found.astype(np.int64)


def _without_gaps(numbers: NDArray[np.integer]) -> NDArray[np.integer]:
    """Small numbers from 0, shape (n,), as `codes` numbers them, without sorting."""
    occurs = np.bincount(numbers) > 0
    found: NDArray[np.integer] = (np.cumsum(occurs, dtype=np.int64) - 1)[numbers]
    return found


def contrast(
    data: Crossed, group: ArrayLike, weights: ArrayLike, *, level: float = 0.95, fixed_items: bool = False
) -> Estimate:
    """A weighted sum of group means, Σ_g w_g m_g, with an interval over sentences and voices.

    With weights 1 and −1 it is the difference of two groups, with a single 1 the mean. The variance is
    max(A − C, 0) + max(B − C, 0) + C: A leaves out one sentence within its group, B one voice within its
    stratum (from all groups), and C is the residual of sentences × voices; degrees of freedom by
    Satterthwaite. If sentences and voices are not crossed there is no residual, and A + B errs on the wide
    side.

    Args:
        data: values by sentence and voice
        group: codes from 0, shape (n,); negative for clips in no group; a sentence is in one group only
        weights: weight of each group, shape (groups,)
        level: coverage of the interval
        fixed_items: treat the sentences as the whole population, so that only voices are a sample

    Returns:
        nan if a group with a weight is empty; `n` counts the clips used, `units` the voices.

    Raises:
        AuditError: a sentence is in two groups
    """
    weight: NDArray[np.float64] = np.asarray(weights, dtype=np.float64)
    code: NDArray[np.integer] = np.asarray(group, dtype=np.int64)
    used = (code >= 0) & (weight[np.maximum(code, 0)] != 0)
    data, code = data.take(used), code[used]
    wanted = np.flatnonzero(weight)
    _nested(data.item, code)
    n, voices = len(data.values), len(np.unique(data.voice))
    sizes = np.bincount(code, minlength=len(weight))[wanted]
    if not n or not sizes.all():
        reason = "no clips" if not n else "a group has no clips"
        return Estimate(value=np.nan, low=np.nan, high=np.nan, n=n, units=voices, reason=reason)
    value = float(sum(w * data.values[code == g].mean() for g, w in zip(wanted, weight[wanted], strict=True)))

    def answer(low: float, high: float, reason: str) -> Estimate:
        return Estimate(value=value, low=low, high=high, n=n, units=voices, reason=reason)

    reason = _too_few(data, code, wanted, fixed_items)
    if reason:
        return answer(np.nan, np.nan, reason)
    variance, freedom = _variance(data, code, weight, fixed_items)
    if np.isnan(variance):
        return answer(np.nan, np.nan, "undefined when one speaker is left out: not all are in every group")

    def bounds(coverage: float) -> tuple[float, float]:
        half = float(stdtrit(freedom, (1 + coverage) / 2) * np.sqrt(variance))
        return value - half, value + half

    return answer(np.nan, np.nan, "").within(bounds, level)


def _variance(
    data: Crossed, group: NDArray[np.integer], weight: NDArray[np.float64], fixed_items: bool
) -> "_Part":
    """Variance of the weighted sum of group means, and its degrees of freedom; nan if undefined."""
    groups = np.flatnonzero(weight)
    of_voices = [_of_voices(data, group, weight, groups, s) for s in np.unique(data.stratum)]
    if np.isnan([variance for variance, _ in of_voices]).any():
        return np.nan, np.nan
    of_items, of_rest = (
        [] if fixed_items else [part(data.take(group == g), weight[g]) for g in groups]
        for part in (_of_items, _of_rest)
    )
    return _together(of_items, of_voices, of_rest)


def systematic(data: Crossed) -> float:
    """p-value for the hypothesis that values vary between sentences and between voices by chance alone.

    Two F tests of the additive two-way layout, each factor adjusted for the other; the result is the smaller
    p-value, doubled. 1 if nothing varies, 0 if voices and sentences explain everything.
    """
    y = data.values - data.values.mean() if len(data.values) else data.values
    total = float(y @ y)
    largest = float(np.abs(data.values).max(initial=0.0))
    if total <= TINY * max(largest, TINY) ** 2 * max(len(y), 1):
        return 1.0
    both, rank = _residual(y, data.item, data.voice)
    freedom = len(y) - rank
    smallest = 1.0
    for other in (data.item, data.voice):
        alone = float(((y - _group_means(y, other)) ** 2).sum())
        added = rank - len(np.unique(other))
        if not added or alone - both <= TINY * total:
            continue
        if not freedom or both <= TINY * total:
            smallest = 0.0 if freedom else smallest
            continue
        smallest = min(smallest, float(fdtrc(added, freedom, (alone - both) / added / (both / freedom))))
    return min(1.0, 2 * smallest)


def components(values: ArrayLike, factors: Mapping[str, ArrayLike]) -> dict[str, float]:
    """How much of the variance of values comes from each of several crossed or nested random factors?

    The residual is that of the least-squares fit of all factors. The rest is Henderson's (1953) first method:
    the sums Σ_levels (Σ y)² / n of each factor, and that of all clips together, are set equal to their
    expectations, which are linear in the variances. In a balanced layout these are the variance components of
    the ANOVA. An estimate below 0 becomes 0.

    Args:
        values: one finite value per clip, shape (n,)
        factors: name → labels of the clips, shape (n,); a factor with a single level has variance nan

    Returns:
        Factor (or `residual`) → variance; all nan if the factors are confounded in these clips.

    >>> found = components([1.0, 3.0, 2.0, 4.0], {"word": [0, 1, 0, 1], "voice": [0, 0, 1, 1]})
    >>> {name: round(variance, 9) for name, variance in found.items()}
    {'word': 2.0, 'voice': 0.5, 'residual': 0.0}
    """
    y = np.asarray(values, dtype=np.float64)
    n = len(y)
    coded = {name: codes(labels) for name, labels in factors.items()}
    known = [name for name, code in coded.items() if n and code.max() > 0]
    nothing = dict.fromkeys([*factors, "residual"], np.nan)
    if not known or n < 2:
        return nothing
    y = y - y.mean()
    counts = {name: np.bincount(coded[name]).astype(np.float64) for name in known}
    widest = max(known, key=lambda name: len(counts[name]))
    squares, rank = _residual(y, coded[widest], *(coded[name] for name in known if name != widest))
    if rank == n:
        return nothing
    error = squares / (n - rank)
    # rows: the sums of squares of factors and of the mean; columns: variances, and the squared mean
    rows, right = [], []
    for name in known:
        sums = np.bincount(coded[name], weights=y)
        shares = [_pairs(coded[name], coded[other]) / counts[name][:, None] for other in known]
        rows.append([*(float(share.sum()) for share in shares), float(n)])
        right.append(float((sums**2 / counts[name]).sum()) - len(counts[name]) * error)
    rows.append([*(float((counts[name] ** 2).sum() / n) for name in known), float(n)])
    right.append(-error)
    matrix = np.array(rows)
    if np.linalg.matrix_rank(matrix) < len(matrix):
        return nothing
    solved = np.maximum(np.linalg.solve(matrix, np.array(right))[:-1], 0.0)
    return {**nothing, **dict(zip(known, solved.tolist(), strict=True)), "residual": error}


def _pairs(rows: NDArray[np.integer], columns: NDArray[np.integer]) -> NDArray[np.float64]:
    """Squared number of clips of each pair of levels, shape (levels, levels of the other)."""
    wide = int(columns.max()) + 1
    counted = np.bincount(rows * wide + columns, minlength=(int(rows.max()) + 1) * wide)
    return counted.reshape(-1, wide).astype(np.float64) ** 2


def _nested(item: NDArray[np.integer], group: NDArray[np.integer]) -> None:
    pairs = item * (1 + int(group.max(initial=0))) + group
    if len(np.unique(pairs)) > len(np.unique(item)):
        raise AuditError("a sentence is in two groups", hint="give it a separate item code in each group")


def _too_few(
    data: Crossed, group: NDArray[np.integer], wanted: NDArray[np.integer], fixed_items: bool
) -> str:
    for stratum in np.unique(data.stratum):
        if len(np.unique(data.voice[data.stratum == stratum])) < MIN_UNITS:
            return f"fewer than {MIN_UNITS} speakers"
    if not fixed_items and any(len(np.unique(data.item[group == g])) < MIN_UNITS for g in wanted):
        return f"fewer than {MIN_UNITS} sentences or words"
    return ""


_Part = tuple[float, float]
"""A variance and its degrees of freedom."""


def _of_items(data: Crossed, weight: float) -> _Part:
    """Jackknife variance over the sentences of one group."""
    left_out = _leave_one_out(data.values, codes(data.item))
    return weight**2 * (len(left_out) - 1) * float(np.var(left_out)), len(left_out) - 1


def _of_voices(
    data: Crossed,
    group: NDArray[np.integer],
    weights: NDArray[np.float64],
    wanted: NDArray[np.integer],
    stratum: int,
) -> _Part:
    """Jackknife variance over the voices of one stratum, each left out of all groups."""
    here = data.stratum == stratum
    voice = codes(data.voice[here])
    voices = int(voice.max()) + 1
    theta = np.zeros(voices)
    for g in wanted:
        inside, spoken = group == g, group[here] == g
        total, n = data.values[inside].sum(), inside.sum()
        own = unit_sums(
            np.stack([np.ones(spoken.sum()), data.values[here][spoken]], 1), voice[spoken], voices
        )
        theta = theta + weights[g] * ratio(total - own[:, 1], n - own[:, 0])
    return float((voices - 1) * np.var(theta)), voices - 1


def _of_rest(data: Crossed, weight: float) -> _Part:
    """Variance of a group's mean due to the residual of sentences × voices alone."""
    item, voice = codes(data.item), codes(data.voice)
    wide = int(voice.max()) + 1
    cell = codes(item * wide + voice)
    clips = np.bincount(cell)
    means = np.bincount(cell, weights=data.values) / clips
    first = np.unique(cell, return_index=True)[1]
    squares, rank = _residual(means, item[first], voice[first])
    freedom = len(means) - rank
    if not freedom:
        return 0.0, 1.0
    return weight**2 * squares / freedom * float((clips**2).sum()) / len(data.values) ** 2, freedom


def _together(items: list[_Part], voices: list[_Part], rest: list[_Part]) -> _Part:
    a, b, c = (sum(variance for variance, _ in parts) for parts in (items, voices, rest))
    variance = max(a - c, 0.0) + max(b - c, 0.0) + c if items else b
    spread = sum(v**2 / max(freedom, 1) for v, freedom in (*items, *voices, *rest))
    # without variance the degrees of freedom do not matter
    freedom = variance**2 / spread if spread > 0 else 1.0
    fewest = min(freedom_of for v, freedom_of in (*items, *voices))
    return variance, max(freedom, float(fewest))


def _leave_one_out(values: NDArray[np.float64], unit: NDArray[np.integer]) -> NDArray[np.float64]:
    """The mean without each unit in turn, shape (units,)."""
    sums, counts = np.bincount(unit, weights=values), np.bincount(unit)
    left: NDArray[np.float64] = (values.sum() - sums) / (len(values) - counts)
    return left


def _group_means(values: NDArray[np.float64], unit: NDArray[np.integer]) -> NDArray[np.float64]:
    """The mean of each clip's unit, shape (n,)."""
    code = codes(unit)
    means: NDArray[np.float64] = (np.bincount(code, weights=values) / np.bincount(code))[code]
    return means


def _residual(
    values: NDArray[np.float64], first: NDArray[np.integer], *others: NDArray[np.integer]
) -> tuple[float, int]:
    """Residual sum of squares of the additive fit of factors, codes of shape (n,), and its rank."""
    a = codes(first)
    counts = np.bincount(a).astype(np.float64)
    left = values - (np.bincount(a, weights=values) / counts)[a]
    if not others:
        return float(left @ left), len(counts)
    # the first factor is projected out, so that only the levels of the others remain as columns
    design = np.concatenate([np.eye(int(code.max()) + 1)[code] for code in map(codes, others)], axis=1)
    swept = design - (unit_sums(design, a, len(counts)) / counts[:, None])[a]
    solution, _, rank, _ = np.linalg.lstsq(swept, left, rcond=1e-10)
    off = left - swept @ solution
    return float(off @ off), int(rank) + len(counts)
