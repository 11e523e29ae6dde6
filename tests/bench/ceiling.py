"""How often do the intervals of the audit `ceiling` contain the value of all raters and speakers?

    python -m tests.bench.ceiling --runs 400

Corpora with 8, 24 and 91 speakers, whose raters err more for some speakers than for others. The value that an
interval should contain is that of a corpus of 3000 speakers.
"""

import argparse
import sys

from sertools.auditing.audit import load
from tests.helpers.audits import run
from tests.helpers.raters import rated_tables, votes_of_raters

RATERS = {"raters": 7, "right": 0.55, "differ": 0.2}
RATED = {"raters": 5, "noise": 0.15, "spread": 0.2}
NAMES = (
    ("alpha", "emotion"),
    ("one_rater_uar", "emotion"),
    ("one_rater_soft_macro_f1", "emotion"),
    ("half_of_raters_uar", "emotion"),
    ("best_answer_uar", "emotion"),
    ("alpha", "arousal"),
    ("one_rater_ccc", "arousal"),
    ("half_of_raters_ccc", "arousal"),
    ("best_answer_ccc", "arousal"),
    ("rater_deviation", "arousal"),
)


def findings(speakers: int, clips: int, seed: int, halves: int):
    """The findings on votes and on ratings of one simulated corpus."""
    size = {"speakers": speakers, "clips": clips, "seed": seed}
    every = []
    for tables in (votes_of_raters(**size, **RATERS), rated_tables(**size, **RATED)):
        every += run(load("ceiling"), tables, seed=0, options={"halves": halves}).findings
    return {(f.name, f.target): f for f in every}


def main() -> None:
    """Prints the coverage of each interval, for each number of speakers."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--clips", type=int, default=16)
    given = parser.parse_args()
    wide = {key: f.value for key, f in findings(3000, given.clips, 10**6, 4).items() if key in NAMES}
    for speakers in (8, 24, 91):
        covered = dict.fromkeys(NAMES, 0)
        for seed in range(given.runs):
            by = findings(speakers, given.clips, seed, 4)
            for key in NAMES:
                f = by[key]
                covered[key] += f.low is not None and f.low <= wide[key] <= f.high
        for key, n in covered.items():
            share = n / given.runs
            sys.stdout.write(f"{speakers:3d} speakers  {' of '.join(key):38s} {share:.3f}\n")


if __name__ == "__main__":
    main()
