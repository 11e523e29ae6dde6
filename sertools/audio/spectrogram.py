"""Draws a clip as an image: waveform above, spectrogram below, with the same scale for every clip."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

WIDTH, WAVE, HEIGHT = 480, 56, 112
"""Pixels: width, height of the waveform, height of the spectrogram."""

WINDOW_S, HOP_S = 0.025, 0.005
"""Length of the Hann window and step between windows, in seconds."""

QUIETEST_DB, LOUDEST_DB = -100.0, -20.0
"""Ends of the colour scale, relative to a sine at full scale."""

SHADES = 30
"""Number of shades in the spectrogram; few shades keep the file small."""


def picture(signal: NDArray[np.floating[Any]], rate: int) -> bytes:
    """The waveform and the spectrogram of a signal as a PNG file; time runs to the right, frequency upwards.

    The waveform spans −1 to 1, the spectrogram 0 Hz to half the rate. The colours suit light and dark pages,
    so one version is enough.

    Args:
        signal: shape (samples,), at least one
        rate: samples per second
    """
    import matplotlib as mpl
    from PIL import Image

    levels = np.clip((decibels(signal, rate) - QUIETEST_DB) / (LOUDEST_DB - QUIETEST_DB), 0, 1)
    shades = np.rint(levels * (SHADES - 1)).astype(np.uint8)
    ink = np.uint8(SHADES)
    image = np.concatenate([waveform(signal) * ink, np.full((1, WIDTH), ink), shades[::-1]])
    colours = (255 * mpl.colormaps["magma"](np.linspace(0, 1, SHADES))[:, :3]).round().astype(int).tolist()
    drawn = Image.fromarray(image.astype(np.uint8), mode="L")
    drawn.putpalette([value for colour in [*colours, [140, 190, 235]] for value in colour])
    file = io.BytesIO()
    drawn.save(file, format="PNG", compress_level=6)  # the best level takes three times as long for 1 % less
    return file.getvalue()


def waveform(signal: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """The pixels that the waveform covers, shape (WAVE, WIDTH), bool: from lowest to highest sample."""
    first = np.arange(WIDTH) * len(signal) // WIDTH
    lowest, highest = np.minimum.reduceat(signal, first), np.maximum.reduceat(signal, first)
    row = np.arange(WAVE)[:, None]
    top, bottom = (np.rint((1 - np.clip(x, -1, 1)) / 2 * (WAVE - 1)) for x in (highest, lowest))
    covered: NDArray[np.bool_] = (row >= top) & (row <= bottom)
    return covered


def decibels(signal: NDArray[np.floating[Any]], rate: int) -> NDArray[np.float64]:
    """Level by frequency and time, in dB relative to a sine at full scale, shape (HEIGHT, WIDTH).

    |X|² of Hann windows, divided by (Σ window / 2)², averaged over each pixel. Silence is
    far below `QUIETEST_DB`, not minus infinity.
    """
    length = max(2, round(WINDOW_S * rate))
    padded = np.pad(np.asarray(signal, dtype=np.float64), (length // 2, length))
    frames = np.lib.stride_tricks.sliding_window_view(padded, length)[:: max(1, round(HOP_S * rate))]
    frames = frames[: max(1, -(-len(signal) // max(1, round(HOP_S * rate))))]
    window = np.hanning(length + 1)[:-1]
    size = max(length, 2 * HEIGHT)
    power = np.abs(np.fft.rfft(frames * window, n=size, axis=1)) ** 2 / (window.sum() / 2) ** 2
    pooled = _pooled(_pooled(power.T, WIDTH).T, HEIGHT).T
    levels: NDArray[np.float64] = 10 * np.log10(np.maximum(pooled, 1e-20))
    return levels


def _pooled(values: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """The means of n sections of the last axis, or its nearest values if it is shorter than n."""
    length = values.shape[-1]
    first = np.arange(n) * length // n
    last = np.maximum(np.arange(1, n + 1) * length // n, first + 1)
    sums = np.concatenate([np.zeros((*values.shape[:-1], 1)), np.cumsum(values, axis=-1)], axis=-1)
    means: NDArray[np.float64] = (sums[..., last] - sums[..., first]) / (last - first)
    return means
