"""How often do tests and intervals decide wrongly? Prints the tables of docs/statistics.md on decisions.

    OMP_NUM_THREADS=1 python -m tests.bench.decisions --runs 1000

Each table compares what sertools does with the plain way: permutation of plain gaps, the jackknife interval
of a change of recall, and the 99.9 % jackknife interval of a score as a test of skill.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.metrics.better_than_chance import skill
from sertools.metrics.classification import uar_statistic
from sertools.metrics.regression import CCC
from sertools.statistics.bootstrap import GroupedClips, sums_by_group
from sertools.statistics.jackknife import contrast, estimate
from sertools.statistics.permutation import permutation
from sertools.statistics.shares import change_of_recall
from sertools.statistics.statistic import Statistic
from sertools.tables.pairs import Pairs
from tests.bench.inference import show

DRAWS = 199
GROUPS = {"5 × 16 and 19 × 96": ((5, 16), (19, 96)), "12 × 40 and 12 × 40": ((12, 40), (12, 40))}
CHANGES = ((0.002, 0.002), (0.0, 0.01), (0.01, 0.03), (0.2, 0.25))
Rng = np.random.Generator


def units_of(sizes: tuple[tuple[int, int], ...]) -> NDArray[np.int64]:
    """Speaker codes of groups of (speakers, clips of each)."""
    clips = [n for speakers, n in sizes for _ in range(speakers)]
    return np.repeat(np.arange(len(clips)), clips)


def emotions(rng: Rng, unit: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Four classes, recognised with an accuracy of .7 that differs between speakers."""
    right = rng.random(len(unit)) < np.clip(0.7 + 0.05 * rng.standard_normal(unit.max() + 1), 0, 1)[unit]
    truth = rng.integers(0, 4, len(unit))
    return truth, np.where(right, truth, (truth + rng.integers(1, 4, len(unit))) % 4)


def ratings(
    rng: Rng, unit: NDArray[np.int64], slope: float = 0.8, noise: float = 0.08
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ratings with a standard deviation of .16, predicted with an offset of each speaker."""
    truth = 0.5 + 0.16 * rng.standard_normal(len(unit))
    offset = 0.05 * rng.standard_normal(unit.max() + 1)
    return truth, 0.5 + slope * (truth - 0.5) + offset[unit] + noise * rng.standard_normal(len(unit))


def plain_p_value(statistic: Statistic, grouped: GroupedClips, rng: Rng) -> float:
    """The share of permuted gaps that are at least as large, without dividing by standard errors."""
    sums, clips = sums_by_group(statistic, grouped)
    label, of_units = (clips > 0).argmax(axis=0), sums.sum(axis=0)

    def gap(labels: NDArray[np.int64]) -> float:
        one, other = (float(statistic.value(of_units[labels == code].sum(axis=0))) for code in (0, 1))
        return abs(one - other)

    observed = gap(label)
    return (1 + sum(gap(rng.permutation(label)) >= observed - 1e-12 for _ in range(DRAWS))) / (1 + DRAWS)


def gaps(runs: int, rng: Rng) -> Iterator[str]:
    """Share of corpora without any gap in which p ≤ .05."""
    yield "| score | speakers × clips of both groups | plain gaps | studentised gaps |\n|---|---|---|---|"
    drawn: dict[str, tuple[Statistic, Callable[..., tuple[NDArray[np.generic], NDArray[np.generic]]]]] = {
        "UAR": (uar_statistic(4), emotions),
        "CCC": (CCC, ratings),
    }
    for name, (statistic, draw) in drawn.items():
        for label, sizes in GROUPS.items():
            unit = units_of(sizes)
            group = (unit >= sizes[0][0]).astype(int)
            found = np.zeros(2)
            for _ in range(runs):
                grouped = GroupedClips(*draw(rng, unit), unit, int(unit.max()) + 1, group, 2)
                p = permutation(statistic, grouped, draws=DRAWS, rng=rng).p_value
                found += [plain_p_value(statistic, grouped, rng) <= 0.05, p <= 0.05]
            yield f"| {name} | {label} | {found[0] / runs:.3f} | {found[1] / runs:.3f} |"


def changes(runs: int, rng: Rng) -> Iterator[str]:
    """Coverage of changes of recall, and how often the plain interval has width 0."""
    yield "| gains, losses | speakers | jackknife | of width 0 | ours |\n|---|---|---|---|---|"
    for gain, loss in CHANGES:
        for speakers in (6, 12, 24, 60):
            unit = np.repeat(np.arange(speakers), 40)
            found = np.zeros(3)
            for _ in range(runs):
                truth = rng.integers(0, 4, len(unit))
                right, chance = rng.random(len(unit)) < 0.6, rng.random(len(unit))
                rates = [
                    rng.beta(p * 49, (1 - p) * 49, speakers) if p else np.zeros(speakers)
                    for p in (gain, loss)
                ]
                gained = ~right & (chance < rates[0][unit] / 0.4)
                lost = right & (chance < rates[1][unit] / 0.6)
                before = np.where(right, truth, (truth + 1) % 4)
                after = np.where(gained, truth, np.where(lost, (truth + 2) % 4, before))
                plain = contrast(uar_statistic(4), truth, before, after, unit)
                ours = change_of_recall(truth, before, after, unit)
                true = gain - loss
                found += [
                    plain.low <= true <= plain.high,
                    plain.low == plain.high,
                    ours.low <= true <= ours.high,
                ]
            plain_share, zero, our_share = found / runs
            yield f"| {gain:g}, {loss:g} | {speakers} | {plain_share:.3f} | {zero:.3f} | {our_share:.3f} |"


def skills(runs: int, rng: Rng) -> Iterator[str]:
    """Share of models that are shown to beat a constant."""
    yield "| model | speakers × clips | mean CCC | 99.9 % interval | permutation |\n|---|---|---|---|---|"
    for name, slope, noise in (
        ("random", 0.0, 0.16),
        ("weak", 0.25, 0.12),
        ("mediocre", 0.4, 0.12),
        ("good", 0.7, 0.1),
    ):
        for speakers in (5, 10, 24):
            unit = np.repeat(np.arange(speakers), 60)
            found, score = np.zeros(2), 0.0
            for _ in range(runs):
                truth, prediction = ratings(rng, unit, slope, noise)
                pair = Pairs(
                    truth=truth,
                    prediction=prediction,
                    unit=unit,
                    units=speakers,
                    by_speaker=True,
                    clips=pd.RangeIndex(len(unit)),
                )
                linear = estimate(
                    replace(CCC, scale="linear"), truth, prediction, unit, speakers, level=0.999
                )
                score += linear.value / runs
                found += [linear.low > 0, skill(pair).shown]
            shares = found / runs
            yield f"| {name} | {speakers} × 60 | {score:.2f} | {shares[0]:.3f} | {shares[1]:.3f} |"


def main() -> None:
    """Prints the three tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=1000)
    runs = parser.parse_args().runs
    for name, table in (("gaps", gaps), ("changes", changes), ("skill", skills)):
        show(f"\n{name}")
        for line in table(runs, np.random.default_rng(len(name))):
            show(line)


if __name__ == "__main__":
    main()
