"""A corpus of noises and models of a few lines, for tests of the path from sound to tables."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sertools.audio.files import write_audio
from sertools.corpora.corpus import Corpus
from sertools.corpora.load import load_corpus
from sertools.inference.jobs import Job, jobs_of_conditions
from sertools.labels import DIMENSIONS
from sertools.models.model import Model, Outputs, Task
from sertools.tables.condition import Condition

RATE = 16000
EMOTIONS = ("anger", "happiness", "neutral", "sadness")

SLOW = """
import time
import numpy as np
labels = ("arousal", "valence")
def slow(signals, rate):
    time.sleep(0.005 * len(signals))
    return [[float(np.abs(s).mean()), float(s.std())] for s in signals]
slow.labels = labels
"""
"""A file for `--model py:`, whose answers are quick to check and slow to come."""


def write_noises(folder: Path, n: int = 12, *, seed: int = 0, samples: int = 800) -> Path:
    """A manifest of n noises of different loudness and length, by six speakers; returns its path.

    Clip i has `samples` + 7 i samples, a level that rises with i, and labels that follow from i.
    """
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(n):
        noise = (0.01 + 0.3 * i / n) * rng.standard_normal(samples + 7 * i)
        write_audio(folder / f"{i:03d}.wav", np.clip(noise, -1, 1), RATE)
    table = pd.DataFrame(
        {
            "file": [f"{i:03d}.wav" for i in range(n)],
            "clip": [f"clip {i:03d}" for i in range(n)],
            "speaker": [f"s{i % 6}" for i in range(n)],
            "sex": ["female" if i % 2 else "male" for i in range(n)],
            "emotion": [EMOTIONS[i % 4] for i in range(n)],
            "arousal": [i / n for i in range(n)],
            "valence": [(i * 5 % n) / n for i in range(n)],
        }
    )
    table.to_csv(folder / "clips.csv", index=False)
    return folder / "clips.csv"


def noises(folder: Path, n: int = 12, **settings: int) -> Corpus:
    """The corpus of `write_noises`."""
    return load_corpus(str(write_noises(folder, n, **settings)))


class Meter:
    """A model that answers mean |x|, sd and 2 mean x², and counts how often it is asked."""

    def __init__(self, labels: tuple[str, ...] = DIMENSIONS, task: Task = "regression") -> None:
        self.name = "meter"
        self.labels = labels
        self.task: Task = task
        self.sampling_rate = RATE
        self.shortest = 400
        self.fingerprint = "meter-1"
        self.facts: Mapping[str, Any] = {"kind": "test"}
        self.calls = 0
        self.clips = 0

    def predict(self, signals: Sequence[np.ndarray], *, layers: bool = False) -> Outputs:
        """Scores from the samples alone."""
        self.calls += 1
        self.clips += len(signals)
        rows = np.array([self.answer(signal) for signal in signals])
        means = rows[:, None, :].astype(np.float32) if layers else None
        return Outputs(scores=rows, layers=means)

    def answer(self, signal: np.ndarray) -> list[float]:
        """The scores of one clip, in float64."""
        x = signal.astype(np.float64)
        return [float(np.abs(x).mean()), float(x.std()), float(2 * np.mean(x**2))][: len(self.labels)]


def jobs(
    model: Model, corpus: Corpus, root: Path, condition: Condition | None = None, layers: bool = False
) -> Job:
    """What a store lacks of one condition, without a look at the sound."""
    (job,) = jobs_of_conditions(
        corpus.clips.index,
        model=(model.name, model.fingerprint),
        corpus=(corpus.name, "1"),
        conditions=[condition or Condition()],
        layers=layers,
        root=root,
    )
    return job


def stored(root: Path) -> int:
    """Number of bytes of what a cache holds."""
    return sum(path.stat().st_size for path in root.glob("*/*/*/*") if path.is_file())
