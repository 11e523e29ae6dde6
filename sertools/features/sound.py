"""Level, noise, bandwidth, pitch, tempo and length of clips, measured by simple arithmetic without a model.

The level of a clip is followed in frames of 20 ms every 10 ms. Frames of digital silence (padding) have no
level and are ignored. The noise floor is the 5th percentile of the levels, the peak level the 95th; a frame
is active where its level is in the upper half between the two, in dB, unless they differ by less than 6 dB:
then all frames are active, and the noise cannot be told from the speech.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.models.loaded import LoadedSignalModel
from sertools.models.model import Outputs, Signal, Task
from sertools.tables.columns import SOUND_COLUMNS

RATE_HZ = 16000
FRAME, HOP = 320, 160
"""Samples of a frame, and from one frame to the next, at 16 kHz."""

SILENT_DB = -96.0
"""Level below which a frame holds no sound: less than one step of 16-bit samples."""

LEAST_SPREAD_DB = 6.0
"""Least distance of peak level and noise floor at which active frames are told from pauses."""

NOISE_SHARE = 0.1
"""Share of the frames, the quietest ones, whose mean power is that of the noise."""

BAND_DB = 50.0
"""How far below its maximum the spectrum is where the bandwidth ends."""

DIP_DB, SMOOTHED = 2.0, 7
"""A syllable is a peak of the level at least this far above the dips beside it, after a mean over frames."""

PITCH_FRAME, PITCH_HOP, PITCH_FFT = 960, 320, 2048
"""Samples of a frame in which pitch is looked for, from one to the next, and of its Fourier transform."""

LOWEST_HZ, HIGHEST_HZ = 60.0, 500.0
VOICED, OCTAVE_COST = 0.5, 0.02
"""Least autocorrelation of a voiced frame, and what an octave lower costs, so that the true one is chosen."""

MISSING = -1e6
"""Stored where a value is undefined; in the corpus column it is missing."""


@dataclass(kw_only=True)
class SoundMeasures(LoadedSignalModel):
    """Simple acoustic measures of clips, implemented as a model with a label for each."""

    name: str = "sound"
    labels: tuple[str, ...] = SOUND_COLUMNS
    task: Task = "regression"
    sampling_rate: int = RATE_HZ
    shortest: int = 1
    fingerprint: str = "sound-2"

    def predict(self, signals: Sequence[Signal], *, layers: bool = False) -> Outputs:
        """The measures of each clip, shape (n, 7), in the order of `SOUND_COLUMNS`."""
        rows = [list(sound_of(signal).values()) for signal in signals]
        scores = np.array(rows, dtype=np.float64).reshape(len(rows), len(SOUND_COLUMNS))
        return Outputs(scores=np.nan_to_num(scores, nan=MISSING))

    def columns(self, scores: pd.DataFrame) -> pd.DataFrame:
        """The columns `SOUND_COLUMNS`; missing where a value is undefined or the audio cannot be read."""
        return scores.mask(scores == MISSING)


def sound_of(signal: Signal) -> dict[str, float]:
    """The measures of one clip; nan where undefined, as for digital silence.

    - `duration_s`: length in s;
    - `level_dbfs`: root mean square of all samples, in dB relative to full scale;
    - `snr_db`: estimated ratio of speech to noise in dB, 10 log10((P_active − P_noise) / P_noise), with the
      mean power of the active frames and of the quietest tenth of the frames;
    - `bandwidth_hz`: highest frequency at which the mean power spectrum is within 50 dB of its maximum (as in
      NVIDIA's Speech Data Explorer), at most 8000;
    - `pitch_hz`: median over voiced frames of the fundamental frequency, 60 to 500 Hz, by the highest peak of
      the autocorrelation divided by that of the window (Boersma 1993, without his search for a smooth path);
      openSMILE's `f0_hz` is more exact, and takes twenty times longer;
    - `speech_rate`: peaks of the level in active frames, at least 2 dB above the dips beside them, per second
      from the first to the last active frame (after de Jong & Wempe 2009, without their test of voicing);
    - `active_share`: share of the frames that are active.

    Args:
        signal: at 16 kHz, shape (samples,)

    Source: de Jong & Wempe, Praat script to detect syllable nuclei and measure speech rate automatically,
        2009. Boersma, Accurate short-term analysis of the fundamental frequency, 1993.
    """
    x = np.asarray(signal, dtype=np.float64)
    found = dict.fromkeys(SOUND_COLUMNS, np.nan) | {"duration_s": len(x) / RATE_HZ}
    power = frame_power(x)
    loud = 10 * np.log10(np.maximum(power, 1e-30)) > SILENT_DB
    if not loud.any():
        return found
    power = power[loud]
    level = 10 * np.log10(power)
    floor, peak = np.percentile(level, [5, 95])
    apart = peak - floor >= LEAST_SPREAD_DB
    active = level >= (floor + peak) / 2 if apart else np.ones(len(level), dtype=np.bool_)
    found["level_dbfs"] = float(10 * np.log10(np.mean(x**2)))
    found["bandwidth_hz"] = _bandwidth(x)
    found["pitch_hz"] = pitch_hz(x, 10 ** ((floor + peak) / 20) if apart else 0.0)
    found["active_share"] = float(active.sum() / len(loud))
    found["speech_rate"] = _peaks_per_second(level, active)
    if apart:
        quietest = np.sort(power)[: max(1, int(NOISE_SHARE * len(power)))].mean()
        found["snr_db"] = float(10 * np.log10(power[active].mean() / quietest - 1))
    return found


def frame_power(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean square of each frame, shape (frames,); a clip shorter than a frame is one frame."""
    if len(x) < FRAME:
        return np.array([np.mean(x**2)] if len(x) else [])
    total = np.concatenate([[0.0], np.cumsum(x**2)])
    starts = np.arange(0, len(x) - FRAME + 1, HOP)
    # a difference of sums may be a rounding error below 0
    power: NDArray[np.float64] = np.maximum(total[starts + FRAME] - total[starts], 0.0) / FRAME
    return power


def pitch_hz(x: NDArray[np.float64], least_power: float = 0.0) -> float:
    """Median fundamental frequency of the voiced frames in Hz; nan without a voiced frame.

    Args:
        x: at 16 kHz, shape (samples,)
        least_power: mean square below which a frame is a pause
    """
    if len(x) < PITCH_FRAME:
        return float("nan")
    frames = np.lib.stride_tricks.sliding_window_view(x, PITCH_FRAME)[::PITCH_HOP]
    frames = frames[(frames**2).mean(axis=1) > max(least_power, 1e-12)]
    if not len(frames):
        return float("nan")
    window = np.hanning(PITCH_FRAME)
    lags = np.arange(int(RATE_HZ / HIGHEST_HZ), int(RATE_HZ / LOWEST_HZ) + 1)
    of_window = np.fft.irfft(np.abs(np.fft.rfft(window, PITCH_FFT)) ** 2)
    centred = (frames - frames.mean(axis=1, keepdims=True)) * window
    spectrum = np.abs(np.fft.rfft(centred, PITCH_FFT, axis=1)) ** 2
    product = np.fft.irfft(spectrum, axis=1)
    power = np.maximum(product[:, :1], 1e-30)
    r = product[:, lags] / power * (of_window[0] / of_window[lags])
    best = np.argmax(r - OCTAVE_COST * np.log2(lags), axis=1)
    height = r[np.arange(len(r)), best]
    # a maximum at the ends of the range is the slope of a peak outside
    voiced = (height >= VOICED) & (best > 0) & (best < len(lags) - 1)
    return float(np.median(RATE_HZ / lags[best[voiced]])) if voiced.any() else float("nan")


def _bandwidth(x: NDArray[np.float64]) -> float:
    """Highest frequency in Hz whose power is within `BAND_DB` of the strongest; nan for a very short clip."""
    from scipy.signal import welch  # slow to import

    if len(x) < FRAME:
        return float("nan")

    frequency, power = welch(x, fs=RATE_HZ, nperseg=min(512, len(x)), detrend=False)
    return float(frequency[np.flatnonzero(power >= power.max() * 10 ** (-BAND_DB / 10))[-1]])


def _peaks_per_second(level: NDArray[np.float64], active: NDArray[np.bool_]) -> float:
    """Peaks of the smoothed level per second of the speech; nan where it is too short to have any."""
    from scipy.signal import find_peaks  # slow to import

    first, last = np.flatnonzero(active)[[0, -1]]
    seconds = (last - first + 1) * HOP / RATE_HZ
    if last - first + 1 < 3 * SMOOTHED:
        return float("nan")
    padded = np.pad(level, SMOOTHED // 2, mode="edge")
    smooth = np.convolve(padded, np.full(SMOOTHED, 1 / SMOOTHED), mode="valid")[first : last + 1]
    # a peak at the first or last active frame counts, too
    walled = np.concatenate([[-np.inf], smooth, [-np.inf]])
    walled[[0, -1]] = smooth.min() - DIP_DB - 1

    peaks, _ = find_peaks(walled, prominence=DIP_DB)
    return float(active[first : last + 1][peaks - 1].sum() / seconds)
