"""How much faster is a bootstrap over additive sums than over rows, and is it the same interval?

    OMP_NUM_THREADS=1 python -m tests.bench.statistics [--data PATH/crema-d_labels.csv]

UAR of the crowd's votes on the voice (most votes; the first class of a tie) against the intended emotion,
over the 7 442 clips of 91 speakers of CREMA-D, 95 % percentiles of 2000 draws of speakers: by
`value(w @ sums)`, by drawing rows with pandas, and by `scipy.stats.bootstrap` over speakers, once with
scikit-learn's recall_score, as one would write it, and once with counts written by hand. The slow ones are
timed over fewer draws and scaled up; ends of intervals are compared within Monte-Carlo error.
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.stats
from sklearn.metrics import recall_score

from sertools.metrics.classification import uar_statistic
from sertools.statistics.bootstrap import bootstrap_weights
from sertools.statistics.jackknife import estimate

DRAWS = 2000
LABELS = Path("../shared/data/crema-d_labels/crema-d_labels.csv")


@dataclass(frozen=True, kw_only=True)
class Timed:
    """A way to draw: its CPU seconds for 2000 draws, and what it drew."""

    name: str
    seconds: float
    drawn: np.ndarray

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % percentiles."""
        low, high = np.quantile(self.drawn, [0.025, 0.975])
        return float(low), float(high)


def by_sums(truth: np.ndarray, vote: np.ndarray, unit: np.ndarray, classes: int) -> np.ndarray:
    """UAR of 2000 draws of speakers from the sums of each."""
    uar = uar_statistic(classes)
    sums = uar.sums(truth, vote, unit, int(unit.max()) + 1)
    strata = np.zeros(len(sums), dtype=int)
    rng = np.random.default_rng(0)
    return np.concatenate([uar.value(w @ sums) for w in bootstrap_weights(strata, DRAWS, rng=rng)])


def by_pandas(frame: pd.DataFrame, draws: int) -> np.ndarray:
    """The same by putting the drawn speakers' rows together, as one would write it first."""
    rng = np.random.default_rng(1)
    rows = dict(list(frame.groupby("unit")))
    drawn = []
    for _ in range(draws):
        sample = pd.concat([rows[u] for u in rng.integers(0, len(rows), len(rows))])
        drawn.append(sample["right"].groupby(sample["truth"]).mean().mean())
    return np.array(drawn)


def by_counts(truth: np.ndarray, vote: np.ndarray) -> float:
    """UAR from counts, the fastest that is known without sums by speaker."""
    return float(np.mean(np.bincount(truth, weights=truth == vote) / np.bincount(truth)))


def by_scikit_learn(truth: np.ndarray, vote: np.ndarray) -> float:
    """UAR as most would write it."""
    return float(recall_score(truth, vote, average="macro"))


def by_scipy(
    metric: Callable[[np.ndarray, np.ndarray], float],
    truth: np.ndarray,
    vote: np.ndarray,
    unit: np.ndarray,
    draws: int,
) -> np.ndarray:
    """The same by `scipy.stats.bootstrap` over speakers, rows looked up in each draw."""
    rows = [np.flatnonzero(unit == u) for u in range(int(unit.max()) + 1)]

    def uar(speakers: np.ndarray) -> float:
        taken = np.concatenate([rows[u] for u in speakers])
        return metric(truth[taken], vote[taken])

    found = scipy.stats.bootstrap(
        (np.arange(len(rows)),),
        uar,
        n_resamples=draws,
        vectorized=False,
        method="percentile",
        rng=np.random.default_rng(2),
    )
    return np.asarray(found.bootstrap_distribution)


def timed(name: str, draw: Callable[[int], np.ndarray], draws: int, repeats: int = 1) -> Timed:
    """The best of some repetitions, scaled to 2000 draws; CPU time, which other work hardly touches."""
    best = np.inf
    for _ in range(repeats):
        start = time.process_time()
        drawn = draw(draws)
        best = min(best, time.process_time() - start)
    return Timed(name=name, seconds=best * DRAWS / draws, drawn=drawn)


def compared(path: Path, slow_draws: int) -> list[Timed]:
    """Ours first, then the others."""
    frame = pd.read_csv(path, dtype={"speaker": str})
    classes = sorted(frame["emotion"].unique())
    truth = frame["emotion"].map(classes.index).to_numpy()
    vote = frame[[f"voice_{name}" for name in classes]].to_numpy().argmax(axis=1)
    unit = pd.factorize(frame["speaker"])[0]
    table = pd.DataFrame({"unit": unit, "truth": truth, "right": truth == vote})
    ours = timed("sums", lambda _: by_sums(truth, vote, unit, len(classes)), DRAWS, repeats=20)
    found = estimate(uar_statistic(len(classes)), truth, vote, unit, int(unit.max()) + 1)
    sys.stdout.write(
        f"{len(frame)} clips, {unit.max() + 1} speakers; UAR {found.value:.4f}, jackknife-t "
        f"[{found.low:.4f}, {found.high:.4f}]\n"
    )
    return [
        ours,
        timed("pandas", lambda n: by_pandas(table, n), slow_draws),
        timed("scipy, scikit-learn", lambda n: by_scipy(by_scikit_learn, truth, vote, unit, n), slow_draws),
        timed("scipy, by hand", lambda n: by_scipy(by_counts, truth, vote, unit, n), DRAWS, repeats=3),
    ]


def monte_carlo_error(drawn: np.ndarray) -> float:
    """Standard error of a 2.5 % percentile of so many draws of a normal with their spread.

    √(q (1 − q) / n) / f, with f the normal density at that percentile.
    """
    density = scipy.stats.norm.pdf(scipy.stats.norm.ppf(0.025)) / drawn.std()
    return float(np.sqrt(0.025 * 0.975 / len(drawn)) / density)


def main() -> None:
    """Prints one line a way to draw; exit code 1 where an interval differs or ours is not 50 times faster."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=LABELS)
    parser.add_argument("--slow-draws", type=int, default=300)
    given = parser.parse_args()
    ours, *others = compared(given.data, given.slow_draws)
    fine = True
    for way in (ours, *others):
        low, high = way.interval
        error = np.hypot(monte_carlo_error(way.drawn), monte_carlo_error(ours.drawn))
        apart = max(abs(low - ours.interval[0]), abs(high - ours.interval[1])) / error
        times = way.seconds / ours.seconds
        fine &= way is ours or (times >= 50 and apart < 4)
        sys.stdout.write(
            f"{way.name:22s} {way.seconds * 1000:9.1f} ms for {DRAWS} draws, {times:6.0f} times ours; "
            f"[{low:.4f}, {high:.4f}], {apart:.1f} standard errors from ours\n"
        )
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
