"""Targets for probes: columns of a corpus, with cross-validation folds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.errors import AuditError
from sertools.labels import DIMENSIONS
from sertools.metrics.classification import accuracy_statistic, uar_statistic
from sertools.metrics.regression import CCC
from sertools.probing.folds import disjoint_folds, shared_folds
from sertools.randomness import identity_rng
from sertools.statistics.jackknife import Estimate, estimate
from sertools.statistics.proportions import proportion
from sertools.statistics.statistic import Statistic
from sertools.tables.pairs import Pairs, speaker_codes
from sertools.tables.tables import Tables
from sertools.wording import are, plural

LABELS = ("emotion", *DIMENSIONS)
"""Targets of speech emotion recognition; all others show what else a layer encodes."""

DEFAULT_TARGETS = (*LABELS, "sex", "speaker", "age", "f0_hz")
"""Default targets, where the corpus has them."""

FOLDS = 4
"""Default number of speaker groups; Li et al. (2023) put the 24 speakers of RAVDESS into 4."""

MAX_CLIPS = 20_000
"""Most clips that probes use; from larger corpora a random sample is drawn, so that probes fit in memory."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """One column as a target for probes.

    Attributes:
        name: name of the column
        rows: the clips with a value in it, as positions in the tables, shape (n,), ordered by clip name
        truth: class codes or values, shape (n,)
        classes: names of the classes; empty for numeric targets
        fold: the fold in which each clip is held out, shape (n,)
        group: codes of the groups left out within training folds to choose the penalty, shape (n,)
        unit: speaker codes 0..units−1, shape (n,)
        units: number of speakers, or of clips if the corpus names no speakers
        by_speaker: the units are speakers
        closed_set: training and test clips of every fold are from the same speakers
        notes: sentences on clips or classes that were left out
    """

    name: str
    rows: NDArray[np.integer]
    truth: NDArray[Any]
    classes: tuple[str, ...]
    fold: NDArray[np.integer]
    group: NDArray[np.integer]
    unit: NDArray[np.integer]
    units: int
    by_speaker: bool
    closed_set: bool = False
    notes: tuple[str, ...] = ()

    @property
    def metric(self) -> str:
        """Name of the metric for this target: accuracy, uar or ccc."""
        return "accuracy" if self.closed_set else "uar" if self.classes else "ccc"

    @property
    def chance(self) -> float:
        """Chance level: one over the number of classes, for speakers the largest one's share, 0 for CCC."""
        if self.closed_set:
            return float(np.bincount(self.truth).max() / len(self.truth))
        return 1 / len(self.classes) if self.classes else 0.0

    @property
    def statistic(self) -> Statistic:
        """The metric as a statistic of `pairs`."""
        if self.closed_set:
            return accuracy_statistic(2)
        return uar_statistic(len(self.classes)) if self.classes else CCC

    def pairs(self, prediction: NDArray[Any], clips: pd.Index) -> Pairs:
        """Truth and predictions of a probe; for speakers, 1 or 0 for right or wrong against a truth of 1."""
        # with a class for each of thousands of speakers, confusion counts would not fit in memory
        hit = (prediction == self.truth).astype(np.int64)
        return Pairs(
            truth=np.ones_like(hit) if self.closed_set else self.truth,
            prediction=hit if self.closed_set else prediction,
            unit=self.unit,
            units=self.units,
            by_speaker=self.by_speaker,
            clips=clips[self.rows],
        )

    def score(self, prediction: NDArray[Any], clips: pd.Index) -> Estimate:
        """The metric of a probe's predictions with its 95 % interval over speakers."""
        pair = self.pairs(prediction, clips)
        if self.closed_set:
            return proportion(pair.prediction == 1, pair.unit, pair.units)
        return estimate(self.statistic, pair.truth, pair.prediction, pair.unit, pair.units)


def clips_with_layers(tables: Tables) -> NDArray[np.integer]:
    """Positions of the clips that have layers of every model, ordered by clip name; at most `MAX_CLIPS`."""
    known = np.ones(len(tables.clips), dtype=bool)
    for each in (tables, *tables.others.values()):
        if each.layers is not None:
            known &= np.isfinite(each.layers.layer(-1)).all(axis=1)
    order = np.argsort(tables.clips.index.astype(str), kind="stable")
    rows = order[known[order]]
    if len(rows) > MAX_CLIPS:
        rows = rows[
            np.sort(identity_rng(0, "probing", tables.corpus).choice(len(rows), MAX_CLIPS, replace=False))
        ]
    return rows


def target(
    tables: Tables, name: str, rows: NDArray[np.integer], *, folds: int = 0, group: str = ""
) -> Target:
    """Make a target of one column of the corpus.

    Speaker identification is closed-set: each speaker's clips are spread over all folds. All other targets
    are tested on speakers that are not in the training folds.

    Args:
        tables: the clips
        name: name of the column
        rows: positions of the clips that have layers
        folds: number of folds; 0 for one fold per session where the corpus has sessions, else `FOLDS`
        group: column whose values are never split between training and test; empty for sessions, else
            speakers

    Raises:
        AuditError: the column is missing or empty, or cannot be divided into that many folds
    """
    clips = tables.clips.iloc[rows]
    by, count = _grouping(tables.clips, clips, name, folds, group)
    values = _values(clips[name])
    usable = values.notna().to_numpy().copy()
    if not usable.any():
        raise AuditError(f"column {name!r} of the corpus has no numbers")
    notes = []
    unvoiced = int((~usable).sum())
    if name == "f0_hz" and unvoiced:
        counted = plural(unvoiced, "clip has", "clips have")
        notes.append(f"f0_hz: {counted} no voiced frame and {are(unvoiced)} left out.")
    fold, inner, dropped = _divided(clips, values, usable, by, count)
    part, labels = clips[usable], values[usable]
    classes = () if labels.dtype == float else tuple(sorted(labels.unique()))
    codes, by_speaker = speaker_codes(part)
    known, unit = np.unique(codes, return_inverse=True)
    return Target(
        name=name,
        rows=rows[usable],
        truth=np.searchsorted(classes, labels.to_numpy(dtype=str)) if classes else labels.to_numpy(),
        classes=classes,
        fold=fold,
        group=inner,
        unit=unit,
        units=len(known),
        by_speaker=by_speaker,
        closed_set=name == "speaker",
        notes=(*notes, *dropped),
    )


def _grouping(every: pd.DataFrame, clips: pd.DataFrame, name: str, folds: int, group: str) -> tuple[str, int]:
    """The column whose values are never split between training and test, and the number of folds.

    Args:
        every: all clips of the corpus
        clips: the clips that have layers
        name: column of the target
        folds: argument of `target`
        group: argument of `target`
    """
    by = group or sessions(every) or ("speaker" if "speaker" in clips else "")
    for column in (name, *([by] if by else [])):
        if column not in clips or clips[column].isna().all():
            raise AuditError(f"the corpus has no column {column!r}")
    count = folds or (clips[by].nunique() if by and by == sessions(every) else FOLDS)
    if count < 2:
        raise AuditError(f"folds is {count}", hint="folds must be at least 2")
    return by, count


def _divided(
    clips: pd.DataFrame, values: pd.Series, usable: NDArray[np.bool_], by: str, count: int
) -> tuple[NDArray[np.integer], NDArray[np.integer], list[str]]:
    """Folds, groups within them, and notes on classes that are left out because too few folds have them.

    Clips of such classes are marked in `usable` as not usable, and the others are divided anew.
    """
    name, notes = str(values.name), list[str]()
    closed_set = name == "speaker"
    fewest, why = (
        (count, f"it has fewer clips than the {count} folds")
        if closed_set
        else (2, "its clips are in one fold")
    )
    while True:
        part, labels = clips[usable], values[usable]
        if labels.nunique() < 2:
            problem = (
                "only one value" if values.nunique() < 2 else "no two classes that are each in two folds"
            )
            raise AuditError(f"the clips with {name} have {problem}")
        fold, inner = (
            _speakers_in_every_fold(labels, count) if closed_set else _speaker_disjoint(part, by, count)
        )
        rare = [] if labels.dtype == float else _rare(labels, fold, fewest)
        if not rare:
            return fold, inner, notes
        usable &= ~values.isin(rare).to_numpy()
        notes += [
            f"{name}: {one} ({plural(int((labels == one).sum()), 'clip')}) is left out: {why}."
            for one in rare
        ]


def sessions(clips: pd.DataFrame) -> str:
    """Name of the column of recording sessions that share no speaker (as in IEMOCAP); empty if none."""
    for column in ("session", "split"):
        if column in clips and "speaker" in clips:
            known = clips[[column, "speaker"]].dropna()
            named = column == "session" or known[column].astype(str).str.match("session").all()
            apart = known.groupby("speaker")[column].nunique().max() == 1
            if named and apart and known[column].nunique() > 2:
                return column
    return ""


def targets_to_probe(tables: Tables, names: Sequence[str]) -> list[str]:
    """Names of the targets to probe: those given, else the default ones that the corpus has."""
    available = [n for n in DEFAULT_TARGETS if n in tables.clips and tables.clips[n].notna().any()]
    return list(dict.fromkeys(names)) or available


def _values(column: pd.Series) -> pd.Series:
    """Numbers as floats, everything else as text; nan or None where unknown."""
    if column.name == "age" or (pd.api.types.is_numeric_dtype(column) and column.dtype != bool):
        return pd.to_numeric(column, errors="coerce").astype(float)
    return column.astype(object).where(column.notna(), None).map(lambda x: x if x is None else str(x))


def _speaker_disjoint(
    part: pd.DataFrame, by: str, count: int
) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """Folds that share no speaker (or other group), and the groups' codes."""
    codes, _ = speaker_codes(part)
    names = part[by].astype(object).where(part[by].notna(), None) if by else pd.Series(None, part.index)
    # a clip without a known group forms its own group
    named = np.array([f"clip {clip}" if n is None else f"of {n}" for clip, n in names.items()])
    strata = pd.Series("", index=part.index)
    for column in ("sex", "emotion"):
        if column in part:
            strata = strata + "/" + part[column].astype(str)
    fold = disjoint_folds(named, strata.to_numpy(dtype=str), count)
    return fold, np.unique(named, return_inverse=True)[1] if by else codes


def _speakers_in_every_fold(
    speaker: pd.Series, count: int
) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """Folds that share all speakers, and the groups that are left out in turn to choose the penalty."""
    names = speaker.to_numpy(dtype=str)
    fold = shared_folds(names, count)
    return fold, shared_folds(np.char.add(names, fold.astype(str)), 5)


def _rare(labels: pd.Series, fold: NDArray[np.integer], least: int) -> list[str]:
    """Classes whose clips are in fewer than `least` folds."""
    folds_of = pd.Series(fold, index=labels.index).groupby(labels.to_numpy()).nunique()
    return sorted(folds_of.index[folds_of < least])
