"""How often does an audit accuse a model without the defect that it looks for, and how often does it find it?

    OMP_NUM_THREADS=1 python -m tests.bench.false_alarms slices [--runs 200] [--seed 0]

Each audit has a file in tests/bench/alarms with a function `rows(runs, seed)`, which yields the rows of a
table. The tables are in docs/false_alarms.md.
"""

import argparse
import importlib
import sys
from pathlib import Path

FOLDER = Path(__file__).parent / "alarms"
AUDITS = sorted(path.stem for path in FOLDER.glob("[a-z]*.py") if path.stem != "simulated")


def main() -> None:
    """Prints the table of one audit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("audit", choices=AUDITS)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    module = importlib.import_module(f"tests.bench.alarms.{given.audit}")
    for row in module.rows(given.runs, given.seed):
        cells = [f"{x:.3f}" if isinstance(x, float) else str(x) for x in row]
        sys.stdout.write(f"| {' | '.join(cells)} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
