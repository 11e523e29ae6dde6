"""How often is a statistic that is bounded at 0 above 0 by chance? Writes a table of docs/statistics.md.

    OMP_NUM_THREADS=1 python -m tests.bench.bounded [--runs 500] [--write]

*Equal* worlds have no difference at all: three groups with the same slope, predictions that are distributed
like the ratings, calibrated confidences. The others have one, whose true value is that of 20 000 speakers.
Speakers have 10 to 60 clips each. Every number is seeded.
"""

from collections.abc import Callable

import numpy as np

from sertools.metrics.calibration import ece_beyond_chance
from sertools.metrics.distribution import jensen_shannon, jensen_shannon_beyond_chance
from sertools.metrics.regression import CCC
from sertools.statistics.bootstrap import GroupedClips
from sertools.statistics.group_range import max_minus_min
from sertools.statistics.jackknife import Estimate
from tests.bench.worst_cells import print_or_write
from tests.helpers.simulated_ratings import clips_of, ratings

SPEAKERS = (5, 8, 12, 24, 45)
OFF = 0.1
"""By how much confidences of the model that is not calibrated are too high."""

Draw = Callable[[np.random.Generator, int], Estimate]


def groups(rng: np.random.Generator, speakers: int) -> Estimate:
    """The largest difference of CCC of three equal groups, of this many speakers each."""
    parts = [ratings(rng, speakers) for _ in range(3)]
    truth, prediction = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    unit = np.concatenate([part[2] + speakers * i for i, part in enumerate(parts)])
    group = np.repeat(np.arange(3), [len(part[0]) for part in parts])
    return max_minus_min(CCC, GroupedClips(truth, prediction, unit, 3 * speakers, group, 3))


def sides(rng: np.random.Generator, speakers: int, narrower: float) -> tuple[np.ndarray, ...]:
    """Ratings, predictions that spread `narrower` times as far, and speakers; both have their own level."""
    unit = clips_of(rng, speakers)
    spread = np.array([[1.0], [narrower]])
    levels = rng.normal(0, 0.06, (2, speakers))[:, unit] + rng.normal(0, 0.15, (2, len(unit)))
    truth, prediction = np.clip(0.5 + spread * levels, 0, 1)
    return truth, prediction, unit


def distance(narrower: float) -> Draw:
    """The Jensen-Shannon distance of ratings and predictions."""
    return lambda rng, speakers: jensen_shannon_beyond_chance(*sides(rng, speakers, narrower), rng=rng)


def confidence(too_high: float) -> Draw:
    """`ece_beyond_chance` of confidences that are too high by a constant; speakers differ by .05."""

    def found(rng: np.random.Generator, speakers: int) -> Estimate:
        unit = clips_of(rng, speakers)
        sure = rng.uniform(0.5, 0.9, len(unit))
        right = rng.random(len(unit)) < sure - too_high + rng.normal(0, 0.05, speakers)[unit]
        return ece_beyond_chance(right, sure, unit)

    return found


def rows() -> dict[str, tuple[float, Draw]]:
    """Name → true value, and an estimate on a corpus of this many speakers."""
    far = jensen_shannon(*sides(np.random.default_rng(0), 20_000, 0.6)[:2])
    return {
        "largest − smallest CCC, three equal groups": (0.0, groups),
        "Jensen-Shannon distance, equal": (0.0, distance(1.0)),
        "Jensen-Shannon distance, predictions .6 times as wide": (far, distance(0.6)),
        "`ece_beyond_chance`, calibrated": (0.0, confidence(0.0)),
        "`ece_beyond_chance`, confidences too high by .1": (OFF, confidence(OFF)),
    }


def table(runs: int) -> str:
    """Shares of corpora whose 95 % interval contains the true value, as a Markdown table."""
    lines = [
        f"| statistic | {' | '.join(map(str, SPEAKERS))} |\n",
        "|" + "---|" * (1 + len(SPEAKERS)) + "\n",
    ]
    for number, (name, (true, draw)) in enumerate(rows().items()):
        cells = []
        for speakers in SPEAKERS:
            found = [draw(np.random.default_rng([number, speakers, run]), speakers) for run in range(runs)]
            cells.append(f"{np.mean([e.low <= true <= e.high for e in found]):.3f}".removeprefix("0"))
        lines.append(f"| {name} | {' | '.join(cells)} |\n")
    return "".join(lines)


if __name__ == "__main__":
    print_or_write(table, "bounded", __doc__)
