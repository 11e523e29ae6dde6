"""Which kind of 95 % interval holds the true value 95 times in 100? Writes the tables of docs/statistics.md.

    OMP_NUM_THREADS=1 python -m tests.bench.coverage [--runs 4000] [--only shares] [--write]

Corpora are simulated by tests/helpers/simulated_ratings.py: speakers differ in the level and the
slope of their predictions, have 10 to 60 clips each, and the truth is known. Every number is seeded.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from sertools.metrics.regression import CCC
from sertools.metrics.speakers import rank_correlation
from sertools.statistics.beyond_chance import distance_beyond_chance, spread_beyond_chance
from sertools.statistics.bootstrap import GroupedClips, bootstrap_weights, widened_percentiles
from sertools.statistics.group_range import max_minus_min
from sertools.statistics.jackknife import Estimate, contrast, estimate, gap
from sertools.statistics.proportions import proportion
from sertools.statistics.statistic import ratio, unit_sums
from tests.helpers.simulated_ratings import (
    CHANGE,
    RHO,
    SLOPE,
    changed,
    clips_of,
    mean_distance,
    ratings,
    speaker_means,
    true_ccc,
)

SPEAKERS = (5, 8, 12, 24, 45, 90)
DRAWS = 400
PAGE = Path(__file__).parents[2] / "docs" / "statistics.md"
CORRELATIONS = (0.0, 0.005, 0.02, 0.05, 0.1)
CLIPS = ((10, 60), (200, 600))
Interval = tuple[float, float]


def of_gap(rng: np.random.Generator, speakers: int) -> dict[str, Interval]:
    """Intervals of CCC_a − CCC_b, the true slopes of whose groups are .6 and .4."""
    a, b = ratings(rng, speakers), ratings(rng, speakers, slope=0.4)
    rows = [CCC.sums(t, p, np.arange(len(t)), len(t)) for t, p, _ in (a, b)]
    by_speaker = [CCC.sums(t, p, u, speakers) for t, p, u in (a, b)]
    drawn = np.subtract(*(_draws(CCC.value, sums, rng) for sums in by_speaker))
    return {
        "clips, percentiles": _percentiles(np.subtract(*(_draws(CCC.value, sums, rng) for sums in rows))),
        "speakers, percentiles": _percentiles(drawn),
        "speakers, widened": widened_percentiles(drawn, speakers),
        "ours": _ends(gap(CCC, a, (b[0], b[1], b[2] + speakers))),
    }


def of_ccc(rng: np.random.Generator, speakers: int) -> dict[str, Interval]:
    """Intervals of one CCC."""
    truth, prediction, unit = ratings(rng, speakers)
    rows = CCC.sums(truth, prediction, np.arange(len(unit)), len(unit))
    drawn = _draws(CCC.value, CCC.sums(truth, prediction, unit, speakers), rng)
    return {
        "clips, percentiles": _percentiles(_draws(CCC.value, rows, rng)),
        "speakers, percentiles": _percentiles(drawn),
        "speakers, widened": widened_percentiles(drawn, speakers),
        "ours": _ends(estimate(CCC, truth, prediction, unit, speakers)),
    }


def of_share(true: float) -> Callable[[np.random.Generator, int], dict[str, Interval]]:
    """Intervals of a share of clips, e.g. those that stay unchanged; intra-speaker correlation .02."""

    def intervals(rng: np.random.Generator, speakers: int) -> dict[str, Interval]:
        unit = clips_of(rng, speakers)
        hit = rng.random(len(unit)) < rng.beta(true * 49, (1 - true) * 49, speakers)[unit]
        ones = np.stack([np.ones(len(unit)), hit], axis=1)

        def share(sums: np.ndarray) -> np.ndarray:
            return np.asarray(sums[..., 1] / sums[..., 0])

        drawn = _draws(share, unit_sums(ones, unit, speakers), rng)
        return {
            "clips, percentiles": _percentiles(_draws(share, ones, rng)),
            "speakers, percentiles": _percentiles(drawn),
            "speakers, widened": widened_percentiles(drawn, speakers),
            "ours": _ends(proportion(hit, unit, speakers)),
        }

    return intervals


def of_change(rng: np.random.Generator, speakers: int) -> dict[str, Interval]:
    """Intervals of CCC under a change minus CCC, of the same speakers."""
    truth, prediction, after, unit = changed(rng, speakers)

    def drawn(units: np.ndarray, n: int) -> np.ndarray:
        sums = np.concatenate([CCC.sums(truth, p, units, n) for p in (after, prediction)], axis=1)
        k = sums.shape[1] // 2
        return _draws(lambda s: CCC.value(s[..., :k]) - CCC.value(s[..., k:]), sums, rng)

    by_speaker = drawn(unit, speakers)
    return {
        "clips, percentiles": _percentiles(drawn(np.arange(len(unit)), len(unit))),
        "speakers, percentiles": _percentiles(by_speaker),
        "speakers, widened": widened_percentiles(by_speaker, speakers),
        "ours": _ends(contrast(CCC, truth, prediction, after, unit)),
    }


def of_extent(slopes: tuple[float, ...]) -> Callable[[np.random.Generator, int], dict[str, Interval]]:
    """Intervals of the largest minus the smallest CCC of groups with these true slopes."""

    def intervals(rng: np.random.Generator, speakers: int) -> dict[str, Interval]:
        parts = [ratings(rng, speakers, slope=slope) for slope in slopes]
        rows = [CCC.sums(t, p, np.arange(len(t)), len(t)) for t, p, _ in parts]
        by_speaker = [CCC.sums(t, p, u, speakers) for t, p, u in parts]

        def extent(sums: list[np.ndarray]) -> np.ndarray:
            drawn: np.ndarray = np.ptp([_draws(CCC.value, each, rng) for each in sums], axis=0)
            return drawn

        truth, prediction = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
        unit = np.concatenate([part[2] + speakers * i for i, part in enumerate(parts)])
        group = np.repeat(np.arange(len(parts)), [len(part[0]) for part in parts])
        found = max_minus_min(
            CCC, GroupedClips(truth, prediction, unit, len(parts) * speakers, group, len(parts))
        )
        return {
            "clips, percentiles": _percentiles(extent(rows)),
            "speakers, percentiles": _percentiles(extent(by_speaker)),
            "ours": _ends(found),
        }

    return intervals


def of_ranking(rng: np.random.Generator, speakers: int) -> dict[str, Interval]:
    """Intervals of Spearman's ρ of speakers' mean truth and prediction."""
    t, p = speaker_means(rng, speakers)

    def rho(weights: np.ndarray) -> np.ndarray:
        rows = np.stack([np.repeat(np.arange(speakers), w.astype(int)) for w in weights])
        a, b = (stats.rankdata(x[rows], axis=1) - (speakers + 1) / 2 for x in (t, p))
        return ratio((a * b).sum(axis=1), np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1)))

    drawn = _draws(rho, np.eye(speakers), rng)
    drawn = drawn[~np.isnan(drawn)]
    return {
        "speakers, percentiles": _percentiles(drawn),
        "speakers, widened": widened_percentiles(drawn, speakers),
        "ours": _ends(rank_correlation(t, p, speakers)),
    }


def of_each(
    measure: Callable[..., Estimate], deviation: float
) -> Callable[[np.random.Generator, int], dict[str, Interval]]:
    """Intervals of the spread or of the mean size of one number for each speaker.

    The numbers are normally distributed about .02, and observed on clips with a standard deviation of .12.
    """

    def intervals(rng: np.random.Generator, speakers: int) -> dict[str, Interval]:
        clips = rng.integers(10, 61, speakers)
        own = rng.normal(0.02, deviation, speakers) + rng.normal(0, 0.12, speakers) / np.sqrt(clips)
        errors = 0.12 * np.sqrt(rng.chisquare(clips - 1) / (clips - 1) / clips)
        columns = np.stack([np.ones(speakers), own, own**2, np.abs(own)], axis=1)
        drawn = _draws(_plain_spread if measure is spread_beyond_chance else _plain_distance, columns, rng)
        return {
            "speakers, percentiles": _percentiles(drawn),
            "speakers, widened": widened_percentiles(drawn, speakers),
            "ours": _ends(measure(own, errors, int(clips.sum()))),
        }

    return intervals


def _plain_spread(sums: np.ndarray) -> np.ndarray:
    """The observed standard deviation."""
    n, x, xx, _ = np.moveaxis(sums, -1, 0)
    spread: np.ndarray = np.sqrt(np.maximum(xx - x**2 / n, 0) / (n - 1))
    return spread


def _plain_distance(sums: np.ndarray) -> np.ndarray:
    """The observed mean of |x|."""
    distance: np.ndarray = sums[..., 3] / sums[..., 0]
    return distance


CASES: dict[str, tuple[float, Callable[[np.random.Generator, int], dict[str, Interval]]]] = {
    "CCC": (true_ccc(SLOPE), of_ccc),
    "CCC_a − CCC_b, speakers per group": (true_ccc(SLOPE) - true_ccc(0.4), of_gap),
    "change of CCC, same speakers": (CHANGE, of_change),
    "CCC, largest − smallest of three groups": (
        true_ccc(SLOPE) - true_ccc(0.4),
        of_extent((SLOPE, 0.5, 0.4)),
    ),
    "share, true .97": (0.97, of_share(0.97)),
    "share, true .995": (0.995, of_share(0.995)),
    "speaker average": (mean_distance(0.02, 0.05), of_each(distance_beyond_chance, 0.05)),
    "spread over speakers": (0.05, of_each(spread_beyond_chance, 0.05)),
    "speaker ranking": (RHO, of_ranking),
    "CCC, largest − smallest of three equal groups": (0.0, of_extent((SLOPE, SLOPE, SLOPE))),
    "speaker average, all off by .02": (0.02, of_each(distance_beyond_chance, 0.0)),
    "spread over speakers that are alike": (0.0, of_each(spread_beyond_chance, 0.0)),
}


def rows_of(runs: int) -> Iterator[tuple[str, str, list[float]]]:
    """Statistic, kind of interval, and its coverage for each number of speakers."""
    for number, (name, (true, intervals)) in enumerate(CASES.items()):
        held: dict[str, list[float]] = {}
        for speakers in SPEAKERS:
            found = [
                intervals(np.random.default_rng([number, speakers, run]), speakers) for run in range(runs)
            ]
            for kind in found[0]:
                held.setdefault(kind, []).append(
                    float(np.mean([f[kind][0] <= true <= f[kind][1] for f in found]))
                )
        for kind, shares in held.items():
            yield name, kind, shares


def table(runs: int) -> str:
    """The coverages as a Markdown table."""
    named = (
        [name, f"**{kind}**" if kind.startswith("ours") else kind, shares]
        for name, kind, shares in rows_of(runs)
    )
    return _markdown(["statistic", "interval"], named)


def table_of_shares(runs: int) -> str:
    """The coverages of shares where speakers differ less or more than in `table`, as a Markdown table."""
    return _markdown(
        ["share", "clips of a speaker", "intra-speaker correlation"],
        (
            [
                f"{true:g}".removeprefix("0"),
                f"{clips[0]} to {clips[1]}",
                f"{rho:g}".removeprefix("0") or "0",
                _of_share(true, rho, clips, runs if clips == CLIPS[0] else runs // 4),
            ]
            for true in (0.9, 0.97, 0.995)
            for clips in CLIPS
            for rho in CORRELATIONS
        ),
    )


def _of_share(true: float, correlation: float, clips: tuple[int, int], runs: int) -> list[float]:
    """Coverage of a share by its number of speakers, whose own shares are beta distributed."""
    shares = []
    for speakers in SPEAKERS:
        held = 0
        for run in range(runs):
            rng = np.random.default_rng([int(true * 1000), int(correlation * 1000), speakers, run])
            unit, own = clips_of(rng, speakers, *clips), np.full(speakers, true)
            if correlation:
                both = 1 / correlation - 1  # the sum of the parameters of a beta distribution
                own = rng.beta(true * both, (1 - true) * both, speakers)
            found = proportion(rng.random(len(unit)) < own[unit], unit, speakers)
            held += found.low <= true <= found.high
        shares.append(held / runs)
    return shares


def _markdown(names: list[str], rows: Iterable[list[Any]]) -> str:
    lines = [
        f"| {' | '.join(names)} | " + " | ".join(map(str, SPEAKERS)) + " |\n",
        "|" + "---|" * (len(names) + len(SPEAKERS)) + "\n",
    ]
    for *first, shares in rows:
        numbers = [f"{share:.3f}".removeprefix("0") for share in shares]
        lines.append(f"| {' | '.join([*first, *numbers])} |\n")
    return "".join(lines)


def _draws(
    value: Callable[[np.ndarray], np.ndarray], sums: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    strata = np.zeros(len(sums), dtype=int)
    return np.concatenate([value(w @ sums) for w in bootstrap_weights(strata, DRAWS, rng=rng)])


def _percentiles(drawn: np.ndarray) -> Interval:
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def _ends(found: Estimate) -> Interval:
    assert not found.reason, found.reason
    return found.low, found.high


def main() -> None:
    """Prints the tables, or writes them into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=4000)
    parser.add_argument("--only", choices=["coverage", "shares"])
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    for name in [given.only] if given.only else ["coverage", "shares"]:
        text = table(given.runs) if name == "coverage" else table_of_shares(given.runs)
        sys.stdout.write(text)
        if given.write:
            begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
            page = PAGE.read_text(encoding="utf-8")
            before, rest = page.split(begin)
            _, after = rest.split(end)
            PAGE.write_text(f"{before}{begin}{text}{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
