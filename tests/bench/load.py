"""How long do audits, and reports on large results, take, and how large do the pages become?

    OMP_NUM_THREADS=1 python -m tests.bench.load [audits] [reports]

`audits`: 200 000 clips of 5 000 speakers with random ratings and emotions (8 or 30 classes), and predictions
that agree with them in part: CPU seconds and peak memory of each audit, in a process of its own; building the
tables is not included. `reports`: a report on results with 5 000 speakers, with 300 classes, and of 100 MB.
"""

import argparse
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from sertools.auditing.audit import load
from sertools.auditing.run import run
from sertools.corpora.corpus import Corpus
from sertools.inference.build_tables import Predicted, tables
from sertools.labels import DIMENSIONS
from sertools.models.task import Task
from sertools.report.render import render
from sertools.results.read import read_results
from sertools.results.result import Figure, Finding, Result, Series, Table
from sertools.tables.condition import CLEAN
from sertools.tables.tables import Tables

AUDITS = ("correctness", "fairness", "speakers", "calibration")


class Answers:
    """A model that exists only as its predictions."""

    name, fingerprint = "load", "load"
    task: Task = "single_label"
    conditions = (CLEAN,)

    def __init__(self, labels: tuple[str, ...]) -> None:
        self.labels = labels
        self.facts: dict[str, str] = {}


def many(n: int, speakers: int, classes: int, seed: int = 0) -> Tables:
    """Tables of n clips of a number of speakers, with random truth and predictions that agree in part.

    Args:
        n: number of clips
        speakers: number of speakers, half of them women
        classes: number of emotions
        seed: random seed
    """
    rng = np.random.default_rng(seed)
    speaker = rng.integers(speakers, size=n)
    emotion = rng.integers(classes, size=n)
    names = [f"emotion{i:03d}" for i in range(classes)]
    index = pd.Index([f"clip {i:07d}" for i in range(n)], name="clip")
    clips = pd.DataFrame(
        {
            "file": [f"{i}.wav" for i in range(n)],
            "start": np.nan,
            "end": np.nan,
            "speaker": [f"s{code:05d}" for code in speaker],
            "sex": np.where(speaker % 2, "female", "male"),
            "emotion": np.array(names, dtype=object)[emotion],
        },
        index=index,
    )
    gamma = rng.gamma(1.0, size=(n, classes))
    gamma[np.arange(n), emotion] += 2 * rng.random(n)
    scores = pd.DataFrame(gamma / gamma.sum(axis=1, keepdims=True), index=index, columns=names)
    for dimension in DIMENSIONS:
        clips[dimension] = rng.random(n)
        scores[dimension] = np.clip(0.5 * clips[dimension] + 0.5 * rng.random(n), 0, 1)
    missing = pd.DataFrame(columns=["clip", "condition", "reason"])
    corpus = Corpus(name="load", clips=clips, root=Path())
    predicted = {CLEAN: Predicted(scores=scores.astype(np.float32), missing=missing)}
    return tables(Answers(tuple(scores)), corpus, predicted)


def audited(name: str, n: int, speakers: int, classes: int) -> tuple[float, float]:
    """CPU seconds that an audit takes, and peak memory of the process in MB."""
    read = many(n, speakers, classes)
    began = time.process_time()
    run(load(name).plan(), read, seed=0)
    return time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def reported(results: list[Result]) -> tuple[float, float, float]:
    """Size of the result files in MB, CPU seconds of reading and reporting them, size of the page in MB."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        size = 0
        for result in results:
            (folder / f"{result.audit}.json").write_text(result.to_json(), encoding="utf-8")
            size += (folder / f"{result.audit}.json").stat().st_size
        began = time.process_time()
        render(read_results(folder), folder)
        return size / 1e6, time.process_time() - began, (folder / "report.html").stat().st_size / 1e6


def result(**changes: object) -> Result:
    """A result with one finding."""
    finding = Finding(name="ccc", value=0.5, low=0.4, high=0.6, n=9)
    texts = dict.fromkeys(("question", "method", "answer"), "")
    return Result.model_validate(
        {"audit": "large", "model": {}, "data": {}, "findings": [finding], **texts, **changes}
    )


def of_speakers(n: int) -> Result:
    """Scores of n speakers on four targets."""
    targets = [*DIMENSIONS, "emotion"]
    rows = [[target, f"speaker {i}", 40, i / n, i / n, i / n, True] for target in targets for i in range(n)]
    columns = ["target", "speaker", "clips", "score", "low", "high", "judged"]
    return result(tables=[Table(name="speakers", title="Score, worst first", columns=columns, rows=rows)])


def of_classes(n: int) -> Result:
    """A confusion matrix of n classes, as a figure and as a table, and a finding for each class."""
    names = [f"emotion {i}" for i in range(n)]
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(n), n)
    series = [Series(name=name, x=names, y=list(row)) for name, row in zip(names, shares, strict=True)]
    figure = Figure(name="confusion", kind="heat", title="Confusion", alt="Shares", series=series)
    table = Table(
        name="confusion",
        title="Confusion",
        columns=["truth", *names],
        rows=[[a, *b] for a, b in zip(names, shares.tolist(), strict=True)],
    )
    findings = [Finding(name="recall", target=name, value=0.5, low=0.4, high=0.6, n=9) for name in names]
    return result(figures=[figure], tables=[table], findings=findings)


LARGE: dict[str, Callable[[], Result]] = {
    "5 000 speakers": lambda: of_speakers(5000),
    "300 classes": lambda: of_classes(300),
    "100 MB": lambda: of_speakers(140_000),
}


def main() -> None:
    """Shows the tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", default=["audits", "reports"])
    parser.add_argument("--clips", type=int, default=200_000)
    given = parser.parse_args()
    out = sys.stdout.write
    if "audits" in given.what:
        out("| audit | classes | CPU s | peak MB |\n|---|---|---|---|\n")
        # a process for each, so that the peak is its own
        context = multiprocessing.get_context("spawn")
        for classes in (8, 30):
            for name in AUDITS:
                with context.Pool(1) as pool:
                    cpu_s, peak_mb = pool.apply(audited, (name, given.clips, given.clips // 40, classes))
                out(f"| {name} | {classes} | {cpu_s:.1f} | {peak_mb:.0f} |\n")
                sys.stdout.flush()
    if "reports" in given.what:
        out("| result | size, MB | CPU s | page, MB |\n|---|---|---|---|\n")
        for name, make in LARGE.items():
            size, cpu_s, page = reported([make()])
            out(f"| {name} | {size:.1f} | {cpu_s:.1f} | {page:.2f} |\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
