"""What openSMILE costs: descriptors and functionals one after the other, in one pass, on one core and on all.

    python -m tests.bench.acoustics ../shared/data/emodb/audio [--clips 40] [--repeats 3]

In each repetition all ways run in turn on the same clips; the table has medians, and the ratios to two calls
of opensmile's own `process_signal` on one core. The numbers that the ways give are compared to the bit.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path


def show(text: str) -> None:
    """Prints a line."""
    sys.stdout.write(text + "\n")


def main() -> None:
    """Measures and prints the table."""
    import numpy as np
    import opensmile as package

    from sertools.audio import opensmile
    from sertools.audio.files import read_audio
    from sertools.tables.egemaps import FEATURES

    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clips", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    files = sorted(path for path in given.folder.iterdir() if path.suffix in {".wav", ".flac"})
    signals = [read_audio(files[k], 16000) for k in np.linspace(0, len(files) - 1, given.clips).astype(int)]
    levels = [
        package.Smile(feature_set=package.FeatureSet.eGeMAPSv02, feature_level=level)
        for level in (package.FeatureLevel.Functionals, package.FeatureLevel.LowLevelDescriptors)
    ]

    def apart() -> list[tuple]:
        first, second = ([smile.process_signal(x, 16000) for x in signals] for smile in levels)
        return [(a.to_numpy()[0], b[list(FEATURES)].to_numpy()) for a, b in zip(first, second, strict=True)]

    def together(workers: int | None) -> list[tuple]:
        return [(each.functionals, each.rows) for each in opensmile.analyses(signals, workers)]

    ways: dict[str, Callable[[], list[tuple]]] = {
        "two calls": apart,
        "one pass, 1 thread": lambda: together(1),
        f"one pass, {os.cpu_count()} threads": lambda: together(None),
    }
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    expected = apart()
    for _ in range(given.repeats):
        for name, way in ways.items():
            wall, cpu = time.perf_counter(), time.process_time()
            found = way()
            taken[name].append((time.perf_counter() - wall, time.process_time() - cpu))
            for one, other in zip(expected, found, strict=True):
                for a, b in zip(one, other, strict=True):
                    np.testing.assert_array_equal(a, b)
    show(f"{len(signals)} clips, {sum(map(len, signals)) / 16000:.0f} s of audio; all bits are equal")
    show("| way | wall s | × | CPU s | × |\n|---|---|---|---|---|")
    base = [statistics.median(each) for each in zip(*taken["two calls"], strict=True)]
    for name, times in taken.items():
        wall, cpu = (statistics.median(each) for each in zip(*times, strict=True))
        show(f"| {name} | {wall:.2f} | {base[0] / wall:.2f} | {cpu:.2f} | {base[1] / cpu:.2f} |")


if __name__ == "__main__":
    main()
