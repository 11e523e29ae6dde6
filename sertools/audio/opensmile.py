"""Acoustic features of clips by openSMILE: over time, averaged over the frames of a layer, and functionals.

One pass over a clip gives functionals and low-level descriptors. openSMILE releases Python's lock
while it computes, so clips are analysed in threads on all cores. Each clip has its own instance of openSMILE,
so its numbers depend on nothing else.

openSMILE returns the low-level descriptors of eGeMAPSv02 (Eyben et al. 2016) every 10 ms. Two kinds of values
are not measurements and become nan here, and one misalignment is corrected:

- 0 for pitch, HNR, jitter, shimmer and harmonic differences in unvoiced frames, for jitter and shimmer also
  where too few periods were found, and for formants in digital silence;
- −201 dB for the amplitude of a formant in unvoiced frames, which openSMILE's smoothing over three values
  mixes into the neighbours, so that an amplitude is used only where all three are voiced;
- time: pitch and features derived from it come from windows of 60 ms, all others from windows of 20 ms, and a
  row combines windows that begin together. The former are moved by two rows, so that all values in row i are
  centred at 10 + 10 i ms (a tone with a known course of pitch and level confirms both centres).
"""

import importlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sertools.errors import ModelError
from sertools.tables.egemaps import FEATURES

Samples = NDArray[np.float32]
Features = NDArray[np.float32]

RATE_HZ = 16000
SHORTEST = 960
"""Number of samples in 60 ms, the longest window of eGeMAPS; openSMILE has no frame for shorter clips."""

FUNCTIONALS = 88
"""Number of functionals per clip."""

FIRST_S, STEP_S = 0.01, 0.01
"""Centre of the first row of features, and distance between rows, in s."""

VERSION = "egemapsv02-lld-2"
"""Increased whenever a change in this file changes a number."""

PITCH = "F0semitoneFrom27.5Hz_sma3nz"
LATER = 2
"""Rows between the centres of windows of 20 ms and of 60 ms that begin together."""

LONG = (
    PITCH,
    "HNRdBACF_sma3nz",
    "jitterLocal_sma3nz",
    "shimmerLocaldB_sma3nz",
    "logRelF0-H1-H2_sma3nz",
    "logRelF0-H1-A3_sma3nz",
    "F1amplitudeLogRelF0_sma3nz",
    "F2amplitudeLogRelF0_sma3nz",
    "F3amplitudeLogRelF0_sma3nz",
)
"""Features from windows of 60 ms."""

PERIODS = ("jitterLocal_sma3nz", "shimmerLocaldB_sma3nz")
FORMANTS = tuple(f"F{i}{what}_sma3nz" for i in (1, 2, 3) for what in ("frequency", "bandwidth"))


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """The openSMILE features of a clip.

    Attributes:
        functionals: shape (88,), float32; nan for a clip without a frame
        rows: low-level descriptors every 10 ms as openSMILE writes them, columns FEATURES, shape (rows, 25),
            float32
    """

    functionals: NDArray[np.float32]
    rows: Features


def analyses(signals: Sequence[Samples], workers: int | None = None) -> list[Analysis]:
    """The openSMILE features of each clip, independent of the number of threads.

    Args:
        signals: at 16 kHz, n arrays of shape (samples,)
        workers: number of threads; None for one per core

    Raises:
        ModelError: opensmile is not installed
    """
    _order()  # fails early, and is created once
    # in a thread even if there is only one: Ctrl-C would get lost in what openSMILE calls
    pool = ThreadPoolExecutor(min(workers or os.cpu_count() or 1, max(1, len(signals))))
    try:
        return list(pool.map(_analysis, signals))
    finally:
        pool.shutdown(cancel_futures=True)


def _analysis(signal: Samples) -> Analysis:
    smile, lib = extractor(), importlib.import_module("opensmile.core.lib")
    names = importlib.import_module("opensmile.core.config").config
    root = Path(smile.default_config_root)
    options = {
        "source": root / names.EXTERNAL_INPUT_CONFIG,
        "sampleRate": RATE_HZ,
        "nBits": 16,
        "sink": root / names.EXTERNAL_OUTPUT_MULTI_CONFIG,
        "bufferModeRbConf": root / "shared/BufferModeRb.conf.inc",
        "frameModeFunctionalsConf": root / "shared/FrameModeFunctionals.conf.inc",
    }
    rows: list[Features] = []
    functionals: list[NDArray[np.float32]] = []
    found = lib.OpenSMILE()
    found.initialize(config_file=smile.config_path, options=options, loglevel=smile.loglevel)
    try:
        for sink, into in (("extsinklld", rows), ("extsinkfunc", functionals)):
            found.external_sink_set_callback(sink, lambda data, into=into: into.append(data.copy()))
        samples = (np.asarray(signal, dtype=np.float32) * 32768).astype(np.int16)
        found.external_audio_source_write_data(names.EXTERNAL_SOURCE_COMPONENT, samples.tobytes())
        found.external_audio_source_set_eoi(names.EXTERNAL_SOURCE_COMPONENT)
        found.run()
    finally:
        found.free()
    return Analysis(
        functionals=functionals[0] if functionals else np.full(FUNCTIONALS, np.nan, dtype=np.float32),
        rows=np.array(rows, dtype=np.float32).reshape(-1, len(FEATURES))[:, _order()],
    )


@cache
def _order() -> list[int]:
    """The place of each of FEATURES in what openSMILE writes."""
    names = list(_smile("LowLevelDescriptors").feature_names)
    return [names.index(name) for name in FEATURES]


def features(signal: Samples) -> Features:
    """The features of a clip every 10 ms, shape (rows, 25), float32; nan where one is undefined.

    Args:
        signal: at 16 kHz, shape (samples,); a signal shorter than 60 ms has no rows

    Raises:
        ModelError: opensmile is not installed
    """
    if len(signal) < SHORTEST:
        extractor()
        return np.zeros((0, len(FEATURES)), dtype=np.float32)
    return cleaned(analyses([signal])[0].rows)


def cleaned(raw: Features) -> Features:
    """OpenSMILE's features with values that are not measurements set to nan, on one time axis.

    Args:
        raw: columns FEATURES, shape (rows, 25)
    """
    at = {name: i for i, name in enumerate(FEATURES)}
    found = np.array(raw, dtype=np.float32)
    if not len(found):
        return found
    voiced = found[:, at[PITCH]] > 0
    around = voiced.copy()
    around[1:] &= voiced[:-1]
    around[:-1] &= voiced[1:]
    around[[0, -1]] = False
    for name in LONG:
        found[~(around if "amplitude" in name else voiced), at[name]] = np.nan
    for name in (*PERIODS, *FORMANTS):
        found[found[:, at[name]] == 0, at[name]] = np.nan
    late = [at[name] for name in LONG]
    found[LATER:, late] = found[:-LATER, late]
    found[:LATER, late] = np.nan
    return found


def aligned(rows: Features, first_s: float, step_s: float, n: int) -> NDArray[np.float64]:
    """The mean of the features over each frame of a layer, shape (n, 25), float64.

    Frame t reaches half a step to either side of its centre, first_s + t · step_s; the mean runs over the
    defined rows in it. A frame too short to contain a row's centre uses the nearest row, within 10 ms; nan if
    there is none.

    Args:
        rows: from `features`, shape (rows, 25)
        first_s: centre of the first frame
        step_s: distance from one frame to the next
        n: number of frames
    """
    width = rows.shape[1]
    defined = np.isfinite(rows)
    total = np.zeros((len(rows) + 1, width))
    np.cumsum(np.where(defined, rows, 0.0), axis=0, dtype=np.float64, out=total[1:])
    count = np.zeros((len(rows) + 1, width))
    np.cumsum(defined, axis=0, out=count[1:])
    centres = first_s + step_s * np.arange(n)
    begin, end = (
        np.clip(np.ceil((edge - FIRST_S) / STEP_S - 1e-6), 0, len(rows)).astype(int)
        for edge in (centres - step_s / 2, centres + step_s / 2)
    )
    if step_s < STEP_S:
        nearest = np.rint((centres - FIRST_S) / STEP_S).astype(int)
        inside = (begin == end) & (nearest >= 0) & (nearest < len(rows))
        begin, end = np.where(inside, nearest, begin), np.where(inside, nearest + 1, end)
    frames = count[end] - count[begin]
    sums = total[end] - total[begin]
    means: NDArray[np.float64] = np.where(frames > 0, sums / np.maximum(frames, 1), np.nan)
    return means


def functionals(signals: Sequence[Samples]) -> NDArray[np.float64]:
    """The 88 functionals of eGeMAPSv02 of each clip, shape (n, 88); nan for a clip without a frame.

    Args:
        signals: at 16 kHz, n arrays of shape (samples,)

    Raises:
        ModelError: openSMILE is not installed
    """
    rows = [each.functionals for each in analyses(signals)]
    return np.array(rows, dtype=np.float64).reshape(len(rows), FUNCTIONALS)


@cache
def extractor() -> Any:
    """OpenSMILE's own extractor of functionals, which knows their names; created once.

    Raises:
        ModelError: openSMILE is not installed
    """
    return _smile("Functionals")


def _smile(level: Literal["LowLevelDescriptors", "Functionals"]) -> Any:
    try:
        opensmile: Any = importlib.import_module("opensmile")
    except ImportError as error:
        raise ModelError(
            "pitch and acoustic features (eGeMAPS) need opensmile, which is not installed",
            hint="pip install opensmile; probe-layers needs it only without --no-cca",
        ) from error
    return opensmile.Smile(
        feature_set=opensmile.FeatureSet.eGeMAPSv02, feature_level=getattr(opensmile.FeatureLevel, level)
    )
