"""How far are the clips without labels from those with labels, in scores, layers and audio?"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.errors import AuditError
from sertools.metrics.verification import auc_within
from sertools.probing import probes
from sertools.probing.folds import disjoint_folds
from sertools.statistics.jackknife import Estimate
from sertools.tables.columns import SOUND_COLUMNS
from sertools.tables.condition import CLEAN
from sertools.tables.pairs import speaker_codes
from sertools.tables.tables import Tables

FOLDS = 4
MOST_CLIPS = 6000


def drift(tables: Tables, target: NDArray[np.bool_], source: NDArray[np.bool_]) -> dict[str, Estimate]:
    """How well a linear probe separates both sets of clips, by its input: AUC, .5 if not at all.

    The probe is tested on speakers that it was not fitted on. Targets with the same clips share the result.

    Args:
        tables: clips, scores, layers and sound
        target: one set, shape (n,)
        source: the other, shape (n,)
    """
    key = ("drift", target.tobytes(), source.tobytes())
    if key not in tables.derived:
        tables.derived[key] = _drift(tables, target, source)
    found: dict[str, Estimate] = tables.derived[key]
    return found


def _drift(tables: Tables, target: NDArray[np.bool_], source: NDArray[np.bool_]) -> dict[str, Estimate]:
    order = np.argsort(tables.clips.index.astype(str), kind="stable")
    found = {}
    for name, vectors in inputs(tables).items():
        known = np.isfinite(vectors).all(axis=1) & (target | source)
        rows = order[known[order]]
        if len(rows) > MOST_CLIPS:
            rows = rows[np.linspace(0, len(rows) - 1, MOST_CLIPS).astype(np.int64)]
        estimate = _told_apart(tables, vectors[rows], target[rows], rows)
        if estimate is not None:
            found[name] = estimate
    return found


def inputs(tables: Tables) -> Mapping[str, NDArray[np.float64]]:
    """Scores, last layer and audio measures of all clips, shape (n, d) each, nan where unknown."""
    found = {"scores": tables.predictions[CLEAN].to_numpy(dtype=np.float64)}
    if tables.layers is not None and tables.layers.n_layers:
        found["last layer"] = tables.layers.layer(-1).astype(np.float64)
    columns = [c for c in SOUND_COLUMNS if c in tables.clips and tables.clips[c].notna().any()]
    if columns:
        sound = tables.clips[columns].apply(pd.to_numeric, errors="coerce")
        found["sound"] = sound.fillna(sound.median()).to_numpy(dtype=np.float64)
    return found


def _told_apart(
    tables: Tables, vectors: NDArray[np.float64], target: NDArray[np.bool_], rows: NDArray[np.integer]
) -> Estimate | None:
    """The AUC of a probe; None where it cannot be fitted."""
    unit, by_speaker = speaker_codes(tables.clips.iloc[rows])
    speaker = tables.clips["speaker"].iloc[rows] if by_speaker else pd.Series(None, index=range(len(rows)))
    clips = tables.clips.index[rows]
    names = np.array([f"clip {c}" if pd.isna(s) else f"of {s}" for s, c in zip(speaker, clips, strict=True)])
    try:
        fold = disjoint_folds(names, target.astype(str), FOLDS)
    except AuditError:
        return None
    inner = np.unique(names, return_inverse=True)[1]
    (held_out,) = probes.linear(vectors, target.astype(np.float64)[:, None], inner % 15, fold)
    return auc_within(held_out.prediction, target, np.zeros(len(rows), dtype=np.int64), unit)
