"""How often do 95 % intervals hold the true value at their worst? Writes a table of docs/statistics.md.

    OMP_NUM_THREADS=1 python -m tests.bench.worst_cells [--runs 500] [--write]

The world is harder than that of `coverage`: the level and the slope of speakers have heavy tails (Student's t
with 4 degrees of freedom), numbers of clips are log-normal, and ratings are ordinal, the mean of three raters
on a scale of seven steps. True values are those of 20 000 speakers. Every number is seeded.
"""

import argparse
import sys
from collections.abc import Callable

import numpy as np
from sertools.audits.correctness.generalisation import generalisation_drops

from sertools.metrics.calibration import RESIDUAL_SLOPE, SPREAD
from sertools.metrics.classification import uar_statistic
from sertools.metrics.regression import BIAS, CCC, MAE, RMSE
from sertools.probing.probes import linear
from sertools.results.result import Finding
from sertools.statistics.beyond_chance import distance_beyond_chance, spread_beyond_chance
from sertools.statistics.jackknife import Estimate, estimate, group_minus_all
from sertools.statistics.proportions import proportion
from sertools.statistics.statistic import Statistic, overall
from tests.bench.coverage import PAGE, SPEAKERS, _markdown

Corpus = tuple[np.ndarray, np.ndarray, np.ndarray]
Draw = Callable[[np.random.Generator, int], Estimate]
"""An estimate on a random corpus of this many speakers."""

STEPS, RATERS = 7, 3


def clips_of(rng: np.random.Generator, speakers: int) -> np.ndarray:
    """The speaker of each clip; numbers of clips are log-normal about 30, at least 5 and at most 300."""
    counts = np.clip(np.exp(rng.normal(np.log(30), 0.8, speakers)).astype(int), 5, 300)
    return np.repeat(np.arange(speakers), counts)


def heavy(rng: np.random.Generator, speakers: int, deviation: float) -> np.ndarray:
    """Student's t with 4 degrees of freedom, scaled to this standard deviation."""
    return rng.standard_t(4, speakers) * deviation / np.sqrt(2)


def heard(rng: np.random.Generator, felt: np.ndarray) -> np.ndarray:
    """The mean of the ordinal ratings of what was felt."""
    noisy = felt + rng.normal(0, 0.12, (RATERS, len(felt)))
    rated: np.ndarray = np.clip(np.round(noisy * (STEPS - 1)), 0, STEPS - 1) / (STEPS - 1)
    return rated.mean(axis=0)


def ratings_of(rng: np.random.Generator, unit: np.ndarray) -> np.ndarray:
    """Ratings of clips of these speakers."""
    return heard(rng, 0.5 + rng.normal(0, 0.06, int(unit.max()) + 1)[unit] + rng.normal(0, 0.15, len(unit)))


def ratings(rng: np.random.Generator, speakers: int, noise: float = 0.12) -> Corpus:
    """Truth, prediction and speaker; a smaller noise is a better model."""
    unit = clips_of(rng, speakers)
    felt = 0.5 + rng.normal(0, 0.06, speakers)[unit] + rng.normal(0, 0.15, len(unit))
    truth = heard(rng, felt)
    level, slope = heavy(rng, speakers, 0.06)[unit], 0.7 + heavy(rng, speakers, 0.15)[unit]
    return truth, 0.5 + level + slope * (felt - 0.5) + rng.normal(0, noise, len(unit)), unit


def of(statistic: Statistic, noise: float = 0.12) -> tuple[float, Draw]:
    """The true value of a statistic, and its estimate on a corpus."""
    truth, prediction, _ = ratings(np.random.default_rng(0), 20_000, noise)
    return (
        overall(statistic, truth, prediction),
        lambda rng, speakers: estimate(statistic, *ratings(rng, speakers, noise), speakers),
    )


def of_group(rng: np.random.Generator, speakers: int) -> Estimate:
    """The CCC of one of two equal groups, of this many speakers each, minus that of all clips."""
    truth, prediction, unit = ratings(rng, 2 * speakers)
    return group_minus_all(CCC, truth, prediction, unit, unit % 2, 2)[0]


def of_drop(rng: np.random.Generator, speakers: int) -> Estimate:
    """The drop of CCC from a corpus at home to another one, each of this many speakers.

    The score at home is that of a better model, and given with its interval.
    """
    home, here = (estimate(CCC, *ratings(rng, speakers, noise), speakers) for noise in (0.04, 0.12))
    score = Finding(
        name="ccc",
        target="arousal",
        value=here.value,
        low=here.low,
        high=here.high,
        n=here.n,
        speakers=speakers,
    )
    (drop,) = generalisation_drops([score], (f"arousal={home.value}:{home.low}:{home.high}",))
    ends = (np.nan if end is None else end for end in (drop.low, drop.high))
    return Estimate(
        value=1 - here.value / home.value, low=next(ends), high=next(ends), n=here.n, units=speakers
    )


def of_share(true: float) -> Draw:
    """A share of clips with an intra-speaker correlation of .2."""

    def share(rng: np.random.Generator, speakers: int) -> Estimate:
        unit, both = clips_of(rng, speakers), 1 / 0.2 - 1
        own = rng.beta(true * both, (1 - true) * both, speakers)
        return proportion(rng.random(len(unit)) < own[unit], unit, speakers)

    return share


def of_speakers(measure: Callable[..., Estimate], mean: float) -> Draw:
    """The distance or the spread of heavy-tailed speakers with a standard deviation of .05."""

    def found(rng: np.random.Generator, speakers: int) -> Estimate:
        clips = np.bincount(clips_of(rng, speakers))
        observed = mean + heavy(rng, speakers, 0.05) + rng.normal(0, 0.12, speakers) / np.sqrt(clips)
        errors = 0.12 * np.sqrt(rng.chisquare(clips - 1) / (clips - 1) / clips)
        return measure(observed, errors, int(clips.sum()))

    return found


def of_probe(classes: int) -> Draw:
    """The held-out score of linear probes in four folds, of a class (UAR) or, with 0 classes, a rating (CCC).

    The features have ten columns, in which speakers differ as much as the classes do.
    """
    directions = np.random.default_rng(0).standard_normal((max(classes, 1), 10))

    def probe(rng: np.random.Generator, speakers: int) -> Estimate:
        unit = clips_of(rng, speakers)
        truth = rng.integers(classes, size=len(unit)) if classes else ratings_of(rng, unit)
        signal = directions[truth] if classes else 5 * (truth[:, None] - 0.5) * directions
        own = np.stack([heavy(rng, speakers, 0.5) for _ in range(10)], axis=1)
        features = 0.5 * signal + own[unit] + rng.standard_normal((len(unit), 10))
        asked = truth if classes else truth[:, None]
        (answer,) = linear(features, asked, unit, unit % 4, classes)
        score = uar_statistic(classes) if classes else CCC
        return estimate(score, truth, answer.prediction, unit, speakers)

    return probe


def rows() -> dict[str, tuple[float | None, Draw]]:
    """Name → true value and estimate; None for the mean of the estimates in corpora of as many speakers."""
    distance = float(np.abs(heavy(np.random.default_rng(0), 10**6, 0.05)).mean())
    mediocre, good = of(CCC), of(CCC, 0.04)
    return {
        "CCC, mediocre model": mediocre,
        "CCC, good model": good,
        "MAE": of(MAE),
        "RMSE": of(RMSE),
        "bias": of(BIAS),
        "residual slope": of(RESIDUAL_SLOPE),
        "sd(prediction) / sd(truth)": of(SPREAD),
        "group minus all, speakers per group": (0.0, of_group),
        "share, true .9, intra-speaker correlation .2": (0.9, of_share(0.9)),
        "share, true .97, intra-speaker correlation .2": (0.97, of_share(0.97)),
        "spread over speakers": (0.05, of_speakers(spread_beyond_chance, 0.4)),
        "speaker average": (distance, of_speakers(distance_beyond_chance, 0.0)),
        "probe of three classes, UAR": (None, of_probe(3)),
        "probe of a rating, CCC": (None, of_probe(0)),
        "generalisation drop": (1 - mediocre[0] / good[0], of_drop),
    }


def table(runs: int) -> str:
    """The coverages as a Markdown table, of the corpora in which there is an interval."""
    lines = []
    for number, (name, (true, draw)) in enumerate(rows().items()):
        shares = []
        for speakers in SPEAKERS:
            found = [draw(np.random.default_rng([number, speakers, run]), speakers) for run in range(runs)]
            found = [each for each in found if not np.isnan(each.low)]
            value = float(np.mean([each.value for each in found])) if true is None else true
            shares.append(float(np.mean([each.low <= value <= each.high for each in found])))
        lines.append([name, shares])
    return _markdown(["statistic"], lines)


def print_or_write(table: Callable[[int], str], mark: str, description: str | None) -> None:
    """The program of a bench: prints its table, or writes it into the page between marked comments."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    text = table(given.runs)
    sys.stdout.write(text)
    if given.write:
        begin, end = f"<!-- {mark}: begin -->\n", f"<!-- {mark}: end -->\n"
        before, rest = PAGE.read_text(encoding="utf-8").split(begin)
        PAGE.write_text(f"{before}{begin}{text}{end}{rest.split(end)[1]}", encoding="utf-8")


if __name__ == "__main__":
    print_or_write(table, "worst", __doc__)
