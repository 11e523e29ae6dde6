"""Does every method train a network of the size of wav2vec2-base, and end with the same bytes after kills?

    python -m tests.bench.resumes DATA FOLDER [METHOD …] [--architecture NAME] [--no-kills]

DATA holds emodb/. Each method takes 20 updates per phase on twelve short clips of three speakers, from random
weights of wav2vec2-base (95 million parameters; `cnn14` in its own shape of 80 million; `baseline` has no
network), or of another architecture of that size: `hubert`, `wavlm`, `data2vec-audio`. Then the same
training is killed by SIGKILL in every phase, as soon as a checkpoint of the phase is complete, and repeated
until it ends. Printed are the first and last loss of each phase, the seconds of the whole training (CPU, of
its process), the number of kills, and whether all files have the same bytes.
Checkpoints of one method need 5 GB in FOLDER for a while.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

from sertools.corpora.load import load_corpus
from sertools.training.objectives import objectives

STEPS = 20
SPEAKERS, DEV = ["03", "08"], ["09"]
CLIPS = 4
"""Shortest clips of each speaker that are read, of two emotions each."""

CUT_S = 0.8
DESCENT = {"epochs": 0, "steps": STEPS, "batch": 2, "every": 10}
PRETRAIN = {**DESCENT, "batch_samples": 0, "accumulate": 1, "warm_up": 2}
HEAD = {"every": 1}
"""A head on kept frames is quick: it is checked after each update, so that there is time to kill it."""

CHANGES: dict[str, dict[str, Any]] = {
    "frozen": HEAD,
    "head": HEAD,
    "emo-superb": {"target": "categories", **HEAD},
    "ser-sota": {"target": "categories"},
    "tapt": {"pretrain": PRETRAIN},
    "p-tapt": {"pretrain": PRETRAIN, "options": {"clusters": [64], "convolutional": DESCENT}},
    "emotion2vec": {"pretrain": PRETRAIN, **HEAD},
}
LEFT_OUT = ("conversation",)
"""Methods that need a corpus of conversations."""


def manifest(data: Path, folder: Path) -> Path:
    """Writes the table of the clips."""
    corpus = load_corpus("emodb", data_root=data)
    clips = corpus.clips[corpus.clips["speaker"].isin([*SPEAKERS, *DEV])]
    clips = clips[clips["emotion"].isin(["anger", "neutral"])].sort_values("duration")
    chosen = clips.groupby(["speaker", "emotion"]).head(CLIPS // 2).sort_index()
    table = chosen[["speaker", "emotion"]].reset_index(names="file")
    table["file"] = [str((data / "emodb" / name).resolve()) for name in table["file"]]
    path = folder / "clips.csv"
    table.to_csv(path, index=False)
    return path


def recipe_file(method: str, architecture: str, clips: Path, folder: Path) -> Path:
    """Writes the recipe of a method, as TOML."""
    table: dict[str, Any] = {"method": method, "corpora": [str(clips)], "dev_speakers": DEV}
    if method != "baseline":
        table |= {**DESCENT, "cut_s": CUT_S}
    if method not in {"cnn14", "baseline"}:
        table["init"] = f"random:{architecture}"
    path = folder / f"{method}.toml"
    lines = [f"{key} = {inline(value)}" for key, value in {**table, **CHANGES.get(method, {})}.items()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def inline(value: Any) -> str:
    """A value in TOML."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {inline(each)}" for key, each in value.items()) + " }"
    return json.dumps(value)


def train(recipe: Path, out: Path, survived: Collection[str] | None = None) -> str:
    """Trains in a process of its own; returns the name of the phase in which it was killed, or nothing.

    Args:
        recipe: file
        out: folder of the checkpoint
        survived: phases in which it is not killed; None for all
    """
    words = [sys.executable, "-m", "sertools", "train", str(recipe), "--out", str(out)]
    work = out.with_name(f"{out.name}.part")
    said = out.with_name(f"{out.name}.txt")
    with said.open("w") as stream:
        process = subprocess.Popen(words, stdout=stream, stderr=stream)
    while process.poll() is None:
        for mark in work.glob("*.steps/checkpoint-*/complete") if survived is not None else ():
            phase = mark.parent.parent.name.removesuffix(".steps")
            if phase not in survived:
                process.kill()
                return phase if process.wait() < 0 else ""
        time.sleep(0.002)
    if process.returncode:
        raise RuntimeError(f"{recipe.stem} ended with {process.returncode}: {said.read_text()}")
    return ""


def losses(out: Path) -> str:
    """First and last loss of each phase."""
    file = out / "train.json"
    if not file.is_file():
        return "fitted at once"
    found = []
    for phase, curve in json.loads(file.read_text(encoding="utf-8")).items():
        logged = [entry["loss"] for entry in curve["log"] if "loss" in entry]
        found.append(f"{phase} {logged[0]:.3f} → {logged[-1]:.3f} in {curve['steps']} steps")
    return "; ".join(found)


def differing(one: Path, other: Path) -> list[str]:
    """Names of the files that two folders do not have in common, byte by byte."""
    names = {str(path.relative_to(where)) for where in (one, other) for path in where.rglob("*")}
    files = [name for name in names if not (one / name).is_dir()]
    return sorted(
        name
        for name in files
        if not ((one / name).is_file() and (other / name).is_file())
        or (one / name).read_bytes() != (other / name).read_bytes()
    )


def measured(method: str, architecture: str, clips: Path, folder: Path, *, kills: bool) -> str:
    """A line on one method; its weights are removed."""
    place = folder / method
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    recipe = recipe_file(method, architecture, clips, place)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    train(recipe, place / "whole")
    took = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    line = f"{method} of {architecture}: {losses(place / 'whole')}; {took:.0f} CPU s"
    if kills:
        survived: list[str] = []
        while phase := train(recipe, place / "cut", survived):
            survived.append(phase)
        left = differing(place / "whole", place / "cut")
        line += f"; killed in {', '.join(survived) or 'no phase'}; "
        line += f"{', '.join(left)} differ" if left else "all files have the same bytes"
    shutil.rmtree(place)
    return line


def main() -> None:
    """Prints a line for each method."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("methods", nargs="*", default=[])
    parser.add_argument("--architecture", default="wav2vec2")
    parser.add_argument("--no-kills", action="store_true")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    clips = manifest(given.data, given.folder)
    for method in given.methods or [name for name in objectives() if name not in LEFT_OUT]:
        place = given.folder.resolve()
        line = measured(method, given.architecture, clips, place, kills=not given.no_kills)
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
