"""How long does `sertools --help` take beside `python -c pass`? Prints both and their ratio.

    python tests/bench/startup.py [REPEATS]

The shortest of several runs is taken, since other programs can only make it longer.
"""

import subprocess
import sys
import time


def seconds(*command: str, repeats: int) -> float:
    """The shortest wall time of a command."""
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        taken.append(time.perf_counter() - began)
    return min(taken)


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    bare = seconds(sys.executable, "-c", "pass", repeats=repeats)
    helped = seconds(sys.executable, "-m", "sertools", "--help", repeats=repeats)
    sys.stdout.write(f"python -c pass   {bare:.3f} s\n")
    sys.stdout.write(f"sertools --help  {helped:.3f} s, {helped / bare:.1f} times as long\n")


if __name__ == "__main__":
    main()
