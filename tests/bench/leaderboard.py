"""How long a leaderboard of many results takes, and how much memory: `python -m tests.bench.leaderboard`.

The files are made from those of `reports/sample`: each model has other values, by chance, and so ranks of its
own. Prints the seconds and the largest memory of a first site, of a second without changes, and of a third
after the results on one corpus have changed.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from sertools.comparison.leaderboards.files import write_leaderboard
from sertools.results.read import read_result
from sertools.results.result import Result
from tests.helpers.places import ROOT

BOTH = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def make(folder: Path, *, models: int, corpora: int, audits: int = 1, seed: int = 0) -> int:
    """Writes result files of models on corpora, a folder for each pair; returns how many there are."""
    names = ("correctness", "fairness", "speakers")[:audits]
    templates = [read_result(ROOT / "reports" / "sample" / f"{name}.json") for name in names]
    for corpus in range(corpora):
        rng = np.random.default_rng([seed, corpus])
        for model in range(models):
            place = folder / f"corpus-{corpus}" / f"model-{model}"
            place.mkdir(parents=True, exist_ok=True)
            shift = rng.normal(0, 0.1)
            for template in templates:
                made = moved(template, f"model {model}", f"corpus {corpus}", shift, rng)
                (place / f"{template.audit}.json").write_text(made.to_json())
    return models * corpora * audits


def moved(template: Result, model: str, corpus: str, shift: float, rng: np.random.Generator) -> Result:
    """A result of another model: its values and those without each speaker are moved by chance."""

    def number(value: float | None) -> float | None:
        return None if value is None else value + shift

    findings = [
        found
        if found.exact
        else found.model_copy(update={k: number(getattr(found, k)) for k in ("value", "low", "high")})
        for found in template.findings
    ]
    left_out = [
        each.model_copy(
            update={"values": {s: v + shift + rng.normal(0, 0.004) for s, v in each.values.items()}}
        )
        for each in template.left_out
    ]
    return template.model_copy(
        update={
            "model": {**template.model, "name": model},
            "data": {**template.data, "name": corpus},
            "findings": findings,
            "left_out": left_out,
            "provenance": {
                **template.provenance, "model_fingerprint": model, "corpus_fingerprint": corpus
            },
        }
    )  # fmt: skip


def measured(folder: Path, out: Path) -> None:
    """Writes the site and prints seconds and the largest memory of one process."""
    began = time.perf_counter()
    written = write_leaderboard(folder, out)
    seconds = time.perf_counter() - began
    busy = sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, BOTH))
    memory = max(resource.getrusage(who).ru_maxrss for who in BOTH) / 1024
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 1e6
    say(
        f"{seconds:.1f} s ({busy:.1f} s of processors), {memory:.0f} MB, site {size:.0f} MB, "
        f"{len(written.rankings)} rankings, {written.pages} pages written\n"
    )


def say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--corpora", type=int, default=10)
    parser.add_argument("--audits", type=int, default=1)
    parser.add_argument("--one", nargs=2, metavar=("DIR", "OUT"), type=Path, help="write one site, and stop")
    given = parser.parse_args()
    if given.one:
        measured(*given.one)
        return
    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name) / "in", Path(name) / "site"
        n = make(folder, models=given.models, corpora=given.corpora, audits=given.audits)
        say(f"{n} files, {given.models} models, {given.corpora} corpora, {os.cpu_count()} cores\n")
        again = [sys.executable, "-m", "tests.bench.leaderboard", "--one", str(folder), str(out)]
        for what in ("first", "again", "after one corpus has changed"):
            if what.startswith("after"):
                make(folder, models=given.models, corpora=1, audits=given.audits, seed=1)
            say(f"{what}: ")
            subprocess.run(again, check=True)


if __name__ == "__main__":
    main()
