"""Synthetic voices: sums of harmonics in which every acoustic feature is defined, for tests of frames."""

from pathlib import Path

import numpy as np
import pandas as pd

from sertools.audio.files import write_audio
from sertools.corpora.corpus import Corpus
from sertools.corpora.load import load_corpus

RATE = 16000
EMOTIONS = ("anger", "neutral")


def voice(seconds: float, pitch_hz: float, seed: int) -> np.ndarray:
    """A voice that trembles in pitch and level about a formant of its own, with a pause before its end."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * RATE)) / RATE
    drift = np.interp(t, np.linspace(0, seconds, 8), rng.normal(0, 0.08, 8))
    phase = 2 * np.pi * np.cumsum(pitch_hz * (1 + drift)) / RATE
    formant = 500 + 300 * rng.random()
    sound = sum(
        np.sin(k * phase + rng.random()) / (1 + ((k * pitch_hz - formant) / 300) ** 2 + k / 4)
        for k in range(1, 24)
    )
    level = np.interp(t, np.linspace(0, seconds, 9), 0.05 + 0.1 * rng.random(9))
    pause = (t > 0.7 * seconds) & (t < 0.8 * seconds)
    noise = 0.0005 * rng.standard_normal(len(t))
    made: np.ndarray = np.where(pause, 0, sound * level) + noise
    return np.clip(made, -1, 1).astype(np.float32)


def voices(folder: Path, n: int = 10, speakers: int = 4, seconds: float = 0.8) -> Corpus:
    """A corpus of n voices of different length and pitch, by some speakers in turn."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(n):
        write_audio(folder / f"{i:03d}.wav", voice(seconds + 0.06 * i, 110 + 17 * (i % 6), i), RATE)
    table = pd.DataFrame(
        {
            "file": [f"{i:03d}.wav" for i in range(n)],
            "clip": [f"clip {i:03d}" for i in range(n)],
            "speaker": [f"s{i % speakers}" for i in range(n)],
            "emotion": [EMOTIONS[i // 2 % 2] for i in range(n)],
        }
    )
    table.to_csv(folder / "clips.csv", index=False)
    return load_corpus(str(folder / "clips.csv"))
