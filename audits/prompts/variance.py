"""Shares of the variance of the answers that are due to speaker, clip, prompt, order and repetition."""

import numpy as np
from numpy.typing import NDArray

from sertools.statistics.jackknife import Estimate, estimate
from sertools.statistics.statistic import Statistic, ratio, unit_sums

from .design import Design

FACTORS = ("speaker", "clip", "prompt", "order", "repeat")


def variance_shares(design: Design) -> dict[str, Estimate]:
    """Share of each factor that has at least two levels; without repetitions, the order includes them."""
    columns = _squares(design)
    prompts, orders, repeats, _ = design.answers.shape
    levels = (2, 2, prompts, orders, repeats)
    found = {}
    for i, name in enumerate(FACTORS):
        if levels[i] < 2:
            continue
        statistic = Statistic(
            name=f"variance_of_{name}",
            sums=lambda t, p, unit, units: _sums(columns[t], unit, units),
            value=lambda sums, i=i: _shares(sums, (prompts, orders, repeats))[i],  # type: ignore[misc]
            bounds=(0.0, 1.0),
        )
        rows = np.arange(design.n)
        found[name] = estimate(statistic, rows, rows, design.unit, design.units)
    return found


def _squares(design: Design) -> NDArray[np.float64]:
    """For each clip the sums of squares within it, |mean|², and its mean, shape (n, 4 + classes + 1)."""
    answered = np.eye(design.classes + 1)[design.answers]
    of_order = answered.mean(axis=2)
    of_prompt = of_order.mean(axis=1)
    of_clip = of_prompt.mean(axis=0)
    _, orders, repeats, _ = design.answers.shape
    within = [
        ((answered - of_order[:, :, None]) ** 2).sum(axis=(0, 1, 2, -1)),
        repeats * ((of_order - of_prompt[:, None]) ** 2).sum(axis=(0, 1, -1)),
        orders * repeats * ((of_prompt - of_clip[None]) ** 2).sum(axis=(0, -1)),
        (of_clip**2).sum(axis=-1),
    ]
    return np.column_stack([*within, of_clip])


def _sums(columns: NDArray[np.float64], unit: NDArray[np.integer], units: int) -> NDArray[np.float64]:
    """Additive over speakers: 1, clips, clips², the sums of `_squares`, |Σ mean|² / clips, Σ mean."""
    sums = unit_sums(np.column_stack([np.ones(len(columns)), columns]), unit, units)
    clips, means = sums[:, 0], sums[:, 5:]
    of_speaker = np.nan_to_num(ratio((means**2).sum(axis=1), clips))
    return np.column_stack([clips > 0, clips, clips**2, sums[:, 1:5], of_speaker, means])


def _shares(sums: NDArray[np.float64], levels: tuple[int, int, int]) -> NDArray[np.float64]:
    """Shares of the five components, shape (5, ...), from sums (..., k); nan if nothing varies."""
    prompts, orders, repeats = levels
    cells = prompts * orders * repeats
    speakers, n, squared = (sums[..., i] for i in range(3))
    ss_repeat, ss_order, ss_prompt, of_clip, of_speaker = (sums[..., i] for i in range(3, 8))
    means = sums[..., 8:]
    grand = ratio((means**2).sum(axis=-1), n)
    ms_repeat = ratio(ss_repeat, n * prompts * orders * (repeats - 1))
    ms_order = ratio(ss_order, n * prompts * (orders - 1))
    ms_prompt = ratio(ss_prompt, n * (prompts - 1))
    ms_clip = ratio(cells * (of_clip - of_speaker), n - speakers)
    ms_speaker = ratio(cells * (of_speaker - grand), speakers - 1)
    per_speaker = ratio(n - ratio(squared, n), speakers - 1)
    mean_squares = [ms_speaker, ms_clip, ms_prompt, ms_order, ms_repeat]
    sizes = [cells * per_speaker, *(np.full_like(n, m) for m in (cells, orders * repeats, repeats, 1))]
    components, below = [], np.zeros_like(n)
    for square, size in zip(mean_squares[::-1], sizes[::-1], strict=True):
        components.append(np.maximum(np.nan_to_num(ratio(square - below, size)), 0.0))
        below = np.where(np.isnan(square), below, square)
    parts = np.array(components[::-1])
    return ratio(parts, parts.sum(axis=0)[None])
