"""Rehearsals: the labels of a part of the corpus are hidden, estimated from the rest, and compared."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.errors import AuditError
from sertools.metrics.groups import groups_of
from sertools.randomness import identity_rng
from sertools.statistics.jackknife import MIN_UNITS, Estimate

from .answers import Answers
from .estimates import MIN_LABELLED, rehearsed

DOMAINS = ("corpus", "language", "sex")
"""Columns whose values are hidden in turn, the first that the corpus has with two values or more."""

MOST_PARTS = 6


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of the labelled clips whose labels are hidden.

    Attributes:
        name: e.g. `language=deu`, or `half 1`
        clips: names of its clips
    """

    name: str
    clips: pd.Index


def parts_of(clips: pd.DataFrame, given: Answers, domain: str, seed: int) -> list[Part]:
    """The parts that are hidden in turn: values of a column, or else two halves of the speakers.

    Args:
        clips: one row per clip
        given: labelled clips
        domain: the column; empty for the first of `DOMAINS` with several values
        seed: of the halves

    Raises:
        AuditError: a column is named that does not divide the clips into parts that are large enough
    """
    rows = clips.loc[given.clips]
    for column in [domain] if domain else list(DOMAINS):
        if column not in rows or rows[column].isna().all():
            continue
        groups = groups_of(rows, column)
        found = [
            Part(name=f"{column}={name}", clips=given.clips[groups.code == code])
            for code, name in enumerate(groups.names)
            if _large(given, groups.code == code) and _large(given, groups.code != code)
        ]
        if len(found) > 1:
            return found[:MOST_PARTS]
    if domain:
        raise AuditError(
            f"{domain} does not divide the clips with labels of {given.target}: two values need at least "
            f"{MIN_LABELLED} clips and {MIN_UNITS} speakers each",
            hint="leave out --domain to divide the speakers into halves",
        )
    half = _half(rows, given, seed)
    return [Part(name=f"half {i + 1}", clips=given.clips[side]) for i, side in enumerate((half, ~half))]


def _large(given: Answers, inside: NDArray[np.bool_]) -> bool:
    """Whether clips suffice for a calibration, or for an interval of a score."""
    return inside.sum() >= MIN_LABELLED and len(np.unique(given.unit[inside])) >= MIN_UNITS


def _half(rows: pd.DataFrame, given: Answers, seed: int) -> NDArray[np.bool_]:
    """The clips of half of the speakers, drawn by their names, shape (n,)."""
    first = np.unique(given.unit, return_index=True)[1]
    named = rows["speaker"].iloc[first] if given.by_speaker else pd.Series(None, index=rows.index[first])
    drawn = [
        identity_rng(seed, "half", f"clip {clip}" if pd.isna(name) else str(name)).random()
        for clip, name in zip(rows.index[first], named, strict=True)
    ]
    chosen = np.zeros(len(first), dtype=np.bool_)
    chosen[np.argsort(drawn, kind="stable")[::2]] = True
    return chosen[np.unique(given.unit, return_inverse=True)[1]]


def split(given: Answers, part: Part) -> tuple[Answers, Answers]:
    """The clips of a part whose labels are hidden, and all others."""
    inside = given.clips.isin(part.clips)
    return given.take(inside), given.take(~inside)


def rehearse(given: Answers, part: Part) -> Estimate:
    """The estimate of the score on a part minus the score, with the calibration on all other clips.

    Args:
        given: labelled clips
        part: the clips whose labels are hidden
    """
    hidden, rest = split(given, part)
    found = Estimate(
        value=np.nan, low=np.nan, high=np.nan, n=len(hidden.clips), units=len(np.unique(hidden.unit))
    )
    if len(rest.clips) < MIN_LABELLED:
        return replace(found, reason=f"fewer than {MIN_LABELLED} labelled clips to calibrate by")
    if given.is_emotion:
        # a class that the calibration has never seen cannot be expected
        seen = np.isin(hidden.truth, np.unique(rest.truth))
        hidden = hidden.take(seen)
    if not len(hidden.clips):
        return replace(found, reason="no clip has an emotion that the others have")
    return rehearsed(hidden, rest)
