"""Predicted and known members of two groups, and how often the prediction is right."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.errors import AuditError
from sertools.metrics.groups import sex_from_pitch
from sertools.statistics.wilson import wilson
from sertools.tables.pairs import Pairs

PITCH, PREDICTED_SEX = "pitch_hz", "predicted_sex"
"""The column with the pitch of a clip, and the sex that the mean pitch of a speaker suggests."""

UNKNOWN = -1


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How often the prediction is right for one group.

    Attributes:
        right: share of the speakers of the group whose group is predicted
        n: number of speakers on which that was measured; 0 if it is taken as exact
        text: what it was read from
    """

    right: float
    n: int
    text: str

    @property
    def variance(self) -> float:
        """Variance of the share, 0 if it is taken as exact.

        Half a right and half a wrong prediction are added, so that a share of 1 has a variance, too.
        """
        if not self.n:
            return 0.0
        share = (self.right * self.n + 0.5) / (self.n + 1)
        return share * (1 - share) / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval; nan if it is taken as exact."""
        return wilson(self.right, self.n, 1.959963984540054) if self.n else (float("nan"), float("nan"))


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """Two groups of speakers, as predicted and as far as known.

    Attributes:
        column: the column of the prediction
        names: names of the two groups
        predicted: group that each unit is predicted to be in, −1 if none, shape (units,)
        known: group that each unit is known to be in, −1 if unknown, shape (units,)
    """

    column: str
    names: tuple[str, str]
    predicted: NDArray[np.integer]
    known: NDArray[np.integer]


def with_predicted_sex(clips: pd.DataFrame) -> pd.DataFrame:
    """The clips with a sex predicted from pitch, if the corpus has no prediction and the pitch is known."""
    if PREDICTED_SEX in clips or PITCH not in clips:
        return clips
    return clips.assign(**{PREDICTED_SEX: sex_from_pitch(clips)})


def attribute(clips: pd.DataFrame, pair: Pairs, column: str, truth: str) -> Attribute:
    """The groups of the speakers of some clips.

    The prediction of a speaker is that of most of the speaker's clips, ties in the order of names.

    Args:
        clips: one row per clip, with the prediction
        pair: the clips that are compared, with their units
        column: the column of the prediction
        truth: column in which the group is known for some speakers; need not exist

    Raises:
        AuditError: the prediction does not have two values, or the known groups are others
    """
    rows = clips.loc[pair.clips]
    names = sorted(rows[column].dropna().astype(str).unique())
    if len(names) != 2:
        listed = ", ".join(names[:5]) or "none"
        raise AuditError(
            f"{column} has {len(names)} values among these clips ({listed})",
            hint="gaps are corrected between two groups: name a column with two values",
        )
    known = np.full(pair.units, UNKNOWN)
    if truth in rows and truth != column:
        others = sorted(set(rows[truth].dropna().astype(str)) - set(names))
        if others:
            raise AuditError(
                f"{truth} has {others[0]!r}, which {column} never predicts",
                hint=f"rename its values to {names[0]} and {names[1]} with --map-values",
            )
        known = _majority(rows[truth], pair, names)
    return Attribute(
        column=column,
        names=(names[0], names[1]),
        predicted=_majority(rows[column], pair, names),
        known=known,
    )


def _majority(values: pd.Series, pair: Pairs, names: Sequence[str]) -> NDArray[np.integer]:
    """The group of most clips of each unit, −1 where no clip has one, shape (units,)."""
    text = values.astype(object).where(values.notna(), None)
    counts = np.stack(
        [
            np.bincount(pair.unit, weights=(text == name).to_numpy(dtype=float), minlength=pair.units)
            for name in names
        ],
        axis=1,
    )
    return np.where(counts.sum(axis=1) > 0, counts.argmax(axis=1), UNKNOWN)


def parsed_rates(texts: Sequence[str], names: tuple[str, str]) -> tuple[Rate, Rate] | None:
    """The rates that a user gives, one for each group; None without any.

    Args:
        texts: `GROUP=SHARE` or `GROUP=SHARE:SPEAKERS`
        names: names of the groups

    Raises:
        AuditError: a text has another form, a group is missing, or the prediction is not better than chance
    """
    if not texts:
        return None
    found: dict[str, Rate] = {}
    for text in texts:
        name, equals, rest = text.partition("=")
        share, _, count = rest.partition(":")
        try:
            rate = Rate(right=float(share), n=int(count) if count else 0, text=text)
        except ValueError:
            equals = ""
        if not equals or name not in names or not 0 <= rate.right <= 1 or rate.n < 0:
            raise AuditError(
                f"rates has {text!r}",
                hint=f"give the share that is predicted rightly, e.g. {names[0]}=0.95:200 for 200 speakers",
            )
        found[name] = rate
    missing = [name for name in names if name not in found]
    if missing:
        raise AuditError(f"rates has nothing for {missing[0]}", hint=f"add e.g. {missing[0]}=0.95:200")
    return found[names[0]], found[names[1]]
