"""Measures of the quality of changed clips, implemented as a model that reads both signals of a clip."""

import functools
import importlib.metadata
import importlib.util
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from sertools.errors import ModelError
from sertools.features.quality.active_level import active_level
from sertools.features.quality.segmental import aligned, segmental_snr
from sertools.models.loaded import LoadedSignalModel
from sertools.models.model import Outputs, Signal, Task
from sertools.tables.changed.quality import (
    LEVEL_CHANGE,
    MEASURES,
    OWN,
    PESQ,
    SEGMENTAL_SNR,
    STOI,
    VISQOL,
    QualityNeeded,
)

RATE_HZ = 16000
SHORTEST_STOI_S = 0.45
"""Least length for which STOI has enough frames."""

MISSING = -1e6
"""Stored where a measure is undefined; nan in the table."""

PACKAGES = {PESQ: "pesq", STOI: "pystoi"}
"""Measure → the package that computes it."""

VISQOL_PACKAGES = {"visqol-python": "visqol", "ai-edge-litert": "ai_edge_litert"}
"""Packages of ViSQOL → their modules; without the second one its scores of bad speech are 1 to 2 too high."""

VERSION = "quality-1"


def absent() -> dict[str, str]:
    """Measure that cannot be computed here → why."""
    return {
        measure: f"{measure} needs the package {package}: pip install {package}"
        for measure, package in PACKAGES.items()
        if importlib.util.find_spec(package) is None
    }


def _fingerprint() -> str:
    """The version of this measure and of the packages that are installed."""
    missing = absent()
    known = [package for measure, package in PACKAGES.items() if measure not in missing]
    return " ".join([VERSION, *(f"{package} {importlib.metadata.version(package)}" for package in known)])


@dataclass(kw_only=True)
class QualityMeasure(LoadedSignalModel):
    """The measures that can be computed here, as a model with a label for each.

    It takes signals of shape (samples, 2): the clean clip and the changed one, the shorter filled with nan.
    """

    name: str = "sound quality"
    labels: tuple[str, ...] = MEASURES
    task: Task = "regression"
    sampling_rate: int = RATE_HZ
    shortest: int = 1
    fingerprint: str = field(default_factory=_fingerprint)
    reads_reference: bool = True

    def predict(self, signals: Sequence[Signal], *, layers: bool = False) -> Outputs:
        """The measures of each clip, shape (n, m), in the order of the labels."""
        missing = absent()
        rows = []
        for both in signals:
            reference, changed = (column[np.isfinite(column)] for column in both.T)
            found = quality(reference, changed, [name for name in self.labels if name not in missing])
            rows.append([found.get(name, math.nan) for name in self.labels])
        scores = np.array(rows, dtype=np.float64).reshape(len(rows), len(self.labels))
        return Outputs(scores=np.nan_to_num(scores, nan=MISSING))

    def columns(self, scores: pd.DataFrame) -> pd.DataFrame:
        """The measures; nan where undefined, and for clips that could not be read or changed."""
        return scores.mask(scores == MISSING).astype(float)


def quality(reference: Signal, changed: Signal, measures: Sequence[str] = OWN) -> dict[str, float]:
    """Measures of one clip at 16 kHz; nan where undefined, as for silence and very short clips.

    Args:
        reference: the clean clip, shape (samples,)
        changed: the same under a perturbation, shape (samples,)
        measures: names of `MEASURES`, or `VISQOL`, whose packages are installed
    """
    found: dict[str, float] = {}
    if SEGMENTAL_SNR in measures:
        found[SEGMENTAL_SNR] = segmental_snr(reference, changed, RATE_HZ)
    if LEVEL_CHANGE in measures:
        before, after = (active_level(each, RATE_HZ)[0] for each in (reference, changed))
        found[LEVEL_CHANGE] = after - before
    if PESQ in measures:
        found[PESQ] = _pesq(reference, changed)
    if STOI in measures:
        found[STOI] = _stoi(reference, changed)
    if VISQOL in measures:
        found[VISQOL] = _visqol(reference, changed)
    return found


def quality_measures(needed: QualityNeeded) -> list[QualityMeasure]:
    """What measures the quality; each stores its columns apart from those of the other.

    Raises:
        ModelError: ViSQOL is asked for, and its package is not installed
    """
    if not needed.visqol:
        return [QualityMeasure()]
    absent_ones = [
        name for name, module in VISQOL_PACKAGES.items() if importlib.util.find_spec(module) is None
    ]
    if absent_ones:
        raise ModelError(
            f"ViSQOL needs the package {absent_ones[0]}, which is not installed",
            hint='pip install "visqol-python[lattice]"',
        )
    versions = " ".join(f"{name} {importlib.metadata.version(name)}" for name in VISQOL_PACKAGES)
    second = QualityMeasure(name="ViSQOL", labels=(VISQOL,), fingerprint=f"{VERSION} {versions}")
    return [QualityMeasure(), second]


def _pesq(reference: Signal, changed: Signal) -> float:
    """Wideband PESQ as a mean opinion score (ITU-T P.862.2), 1.04 to 4.64; nan if it finds no speech."""
    from pesq import PesqError, pesq

    if not reference.any() or not changed.any():
        return math.nan
    scores = pesq(RATE_HZ, reference, changed, "wb", on_error=PesqError.RETURN_VALUES)
    return float(scores) if scores > 0 else math.nan


def _stoi(reference: Signal, changed: Signal) -> float:
    """Short-time objective intelligibility (Taal et al. 2011), up to 1; nan if there is too little speech."""
    from pystoi import stoi

    x, y = aligned(reference, changed, RATE_HZ)
    if len(x) < SHORTEST_STOI_S * RATE_HZ or not x.any():
        return math.nan
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        score = float(stoi(x, y, RATE_HZ))
    return math.nan if said else score


def _visqol(reference: Signal, changed: Signal) -> float:
    """ViSQOL for speech as a mean opinion score, 1 to 5; nan for silence or with too little speech."""
    if not reference.any() or not changed.any():
        return math.nan
    try:
        found = _visqol_api().measure_from_arrays(reference, changed, sample_rate=RATE_HZ)
    except (IndexError, ValueError):  # too short for a window or for a patch
        return math.nan
    return float(found.moslqo)


@functools.cache
def _visqol_api() -> Any:
    """ViSQOL with the mapping of its authors, as their program uses it by default."""
    from visqol import VisqolApi

    made = VisqolApi()
    made.create(mode="speech", use_lattice_model=True)
    return made
