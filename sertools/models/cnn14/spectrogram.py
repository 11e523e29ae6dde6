"""The log-mel spectrogram of CNN14, and the settings in config.json that define it."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

BANDS = 64

FLOOR = 1e-10
"""Smallest power before taking the logarithm, as in PANNs."""


class Config(BaseModel):
    """The contents of `config.json`; the spectrogram defaults are those of PANNs at 16 kHz."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    labels: list[str] = []
    task: Literal["regression", "single_label", "multi_label"] | None = None
    sampling_rate: int = 16000
    window: int = 512
    hop: int = 160
    fmin: float = 50
    fmax: float = 8000


def mel_filters(config: Config) -> NDArray[np.float32]:
    """Triangular filters on Slaney's mel scale, each with area 1 in Hz, shape (64, window / 2 + 1).

    The scale is linear below 1 kHz (15 mel) and logarithmic above, with 27 steps for a factor of 6.4
    (Slaney 1998, "Auditory Toolbox").
    """
    steps = np.log(6.4) / 27

    def mel(hz: float) -> float:
        return 3 * hz / 200 if hz < 1000 else 15 + np.log(hz / 1000) / steps

    mels = np.linspace(mel(config.fmin), mel(config.fmax), BANDS + 2)
    corners = np.where(mels < 15, mels * 200 / 3, 1000 * np.exp((mels - 15) * steps))
    bins = np.arange(config.window // 2 + 1) * config.sampling_rate / config.window
    low, centre, high = (corners[i : BANDS + i, None] for i in range(3))
    rising, falling = (bins - low) / (centre - low), (high - bins) / (high - centre)
    filters: NDArray[np.float64] = np.maximum(0, np.minimum(rising, falling)) * 2 / (high - low)
    return filters.astype(np.float32)


def log_mel(signal: NDArray[np.float32], config: Config) -> NDArray[np.float32]:
    """Power in 64 mel bands in dB, shape (frames, 64); frames = 1 + samples // hop.

    Periodic Hann window; frames are centred on multiples of the hop, with the signal reflected at both ends.
    """
    half = config.window // 2
    padded = np.pad(np.asarray(signal, dtype=np.float32), half, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, config.window)[:: config.hop]
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(config.window) / config.window)).astype(np.float32)
    power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
    bands = power @ mel_filters(config).T
    decibels: NDArray[np.float64] = 10 * np.log10(np.maximum(bands, FLOOR, dtype=np.float64))
    return decibels.astype(np.float32)
