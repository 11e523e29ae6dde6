"""What a sweep on two cores costs beside two commands of its own.

    python -m tests.bench.sweep_efficiency ravdess --data-root DATA --clips 200 --model default --turns 3

Of a corpus two are made. Two commands `sertools audit`, one for each of them, run at the same time; then a
sweep with two workers does the same two cells. Both take turns, each with an empty cache and one thread a
process. Printed are seconds by the clock and of processors, and what share the commands take of the sweep's:
its efficiency. The end of the sweep, leaderboard and matrices, is shown by itself.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from sertools.corpora.corpus import Corpus
from sertools.corpora.load import load_corpus
from tests.bench.inference import show, write_model

PROGRAM = [sys.executable, "-m", "sertools"]
AUDIT = "robustness"


def measured(work: Callable[[], None]) -> tuple[float, float]:
    """Seconds by the clock, and of processors of all processes that were started."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    work()
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run(commands: list[list[str]], folder: Path) -> None:
    """Runs commands at the same time."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=None)
        for command in commands
    ]
    codes = [process.wait() for process in started]
    if not set(codes) <= {0, 1}:  # 1 for a limit that is not met
        raise SystemExit("a command failed")


def write_inputs(folder: Path, corpus: Corpus, clips: int, model: str) -> None:
    """Two tables of clips, spread over the corpus, and the sweep over them."""
    table = corpus.clips.assign(file=[str((corpus.root / file).resolve()) for file in corpus.clips["file"]])
    chosen = table.iloc[[i * len(table) // (2 * clips) for i in range(2 * clips)]]
    for k in range(2):
        part = chosen.iloc[k::2]
        part[[c for c in ("file", "speaker", "emotion") if c in part]].to_csv(
            folder / f"c{k}.csv", index=False
        )
    (folder / "sweep.toml").write_text(
        f'models = ["{model}"]\ndata = ["c0.csv", "c1.csv"]\naudits = ["{AUDIT}"]\n'
    )


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", help="a corpus with emotions")
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--clips", type=int, default=200, help="of each corpus")
    parser.add_argument("--model", default="default", help="a model, or base for the shape of wav2vec2-base")
    parser.add_argument("--turns", type=int, default=3)
    given = parser.parse_args()
    found: dict[str, list[tuple[float, float]]] = {"two commands": [], "sweep": [], "its end": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = given.model
        if model == "base":
            write_model(folder / "base", "base")
            model = str(folder / "base")
        write_inputs(folder, load_corpus(given.data, data_root=given.data_root), given.clips, model)
        alone = [
            [*PROGRAM, "audit", AUDIT, "--model", model, "--data", f"c{k}.csv", "--out", f"out{k}", "--cache",
             f"cache{k}", "--quiet"]
            for k in range(2)
        ]  # fmt: skip
        swept = [*PROGRAM, "sweep", "sweep.toml", "--on", "local:2", "--cache", "cache", "--quiet"]
        for _ in range(given.turns):
            for left in ("out0", "out1", "cache0", "cache1", "cache", "sertools-sweep"):
                shutil.rmtree(folder / left, ignore_errors=True)
            found["two commands"].append(measured(lambda: run(alone, folder)))
            found["sweep"].append(measured(lambda: run([swept], folder)))
            found["its end"].append(measured(lambda: run([swept], folder)))  # all cells are done
    middle = {what: [median(each) for each in zip(*of, strict=True)] for what, of in found.items()}
    for what, (wall, busy) in middle.items():
        show(f"{what}: {wall:.1f} s, {busy:.1f} s of processors")
    shares = [one / other for one, other in zip(middle["two commands"], middle["sweep"], strict=True)]
    show(f"efficiency: {shares[0]:.0%} by the clock, {shares[1]:.0%} by processors")


if __name__ == "__main__":
    main()
