"""Coverage of the interval of a share, before and now, for the last table of shares in docs/statistics.md.

    python -m tests.bench.shares --runs 20000 --clips 10 60

*Before* is n_eff = p(1−p)/v of at most n clips with Student's quantile, and an assumed correlation where
v = 0 alone; *now* is `intervals.share_bounds`. Speakers' own shares are beta distributed, as in coverage.py.
"""

import argparse

import numpy as np
from scipy.special import stdtrit

from sertools.statistics.proportions import share_bounds
from sertools.statistics.wilson import INTRA_SPEAKER, wilson
from tests.bench.inference import show

SPEAKERS = (5, 6, 8, 12, 24, 45, 90)


def before(value: float, variance: float, clips: np.ndarray) -> tuple[float, float]:
    """The interval that assumes a correlation only where the speakers do not differ at all."""
    n = float(clips.sum())
    if variance > 1e-24:
        effective = min(value * (1 - value) / variance, n)
    else:
        effective = n / (1 + ((clips**2).sum() / n - 1) * INTRA_SPEAKER)
    return wilson(value, effective, float(stdtrit(len(clips) - 1, 0.975)))


def main() -> None:
    """Prints one row a share, correlation and way."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=20000)
    parser.add_argument("--clips", type=int, nargs=2, default=(10, 60))
    given = parser.parse_args()
    for true, correlation in ((0.97, 0.02), (0.995, 0.02), (0.995, 0.1), (0.9, 0.1)):
        both = 1 / correlation - 1
        held: dict[str, list[float]] = {"before": [], "now": []}
        for speakers in SPEAKERS:
            rng = np.random.default_rng([int(true * 1000), int(correlation * 1000), speakers])
            clips = rng.integers(given.clips[0], given.clips[1] + 1, (given.runs, speakers))
            hits = rng.binomial(clips, rng.beta(true * both, (1 - true) * both, clips.shape))
            n, k = clips.sum(axis=1), hits.sum(axis=1)
            left_out = (k[:, None] - hits) / (n[:, None] - clips)
            variance = (speakers - 1) * left_out.var(axis=1)
            for name, bounds in (("before", before), ("now", share_bounds)):
                ends = [bounds(k[i] / n[i], variance[i], clips[i]) for i in range(given.runs)]
                held[name].append(float(np.mean([low <= true <= high for low, high in ends])))
        for name, shares in held.items():
            numbers = " | ".join(f"{share:.3f}".removeprefix("0") for share in shares)
            show(f"| {true:g}, {correlation:g}, {given.clips[0]} to {given.clips[1]}, {name} | {numbers} |")


if __name__ == "__main__":
    main()
