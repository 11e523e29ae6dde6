"""Measurements of one target, and how they become findings."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sertools.auditing.findings import finding
from sertools.results.result import Figure, Finding
from sertools.statistics.jackknife import Estimate, estimate_from_sums
from sertools.statistics.statistic import Statistic
from sertools.tables.pairs import speaker_codes
from sertools.tables.tables import Tables

WHO = ("one_rater", "half_of_raters", "best_answer")
"""Beginnings of the names of findings: who is held against whom."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """The findings of one target, with the text of the report on it.

    Attributes:
        target: `emotion` or a dimension
        main: the metric of the answer, `uar` or `ccc`
        raters: number of raters of each clip that has any
        findings, figures, notes: as in `Outcome`
    """

    target: str
    main: str
    raters: NDArray[np.float64]
    findings: list[Finding]
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def of(self, name: str) -> Finding | None:
        """The finding with this name and the target of the part; None if there is none."""
        found = (f for f in self.findings if (f.name, f.target, f.slice) == (name, self.target, "all"))
        return next(found, None)


class Maker:
    """Makes findings of some clips from sums by speaker.

    Args:
        tables: the clips
        target: `emotion` or a dimension
    """

    def __init__(self, tables: Tables, target: str) -> None:
        self.target = target
        self.unit, self.by_speaker = speaker_codes(tables.clips)
        self.units = int(self.unit.max()) + 1 if len(self.unit) else 0

    def finding(
        self,
        name: str,
        statistic: Statistic,
        sums: NDArray[np.float64],
        clips: NDArray[np.bool_],
        *,
        target: str = "",
        slice: str = "all",
    ) -> Finding:
        """A finding from the sums of each unit, shape (units, k), on some of the clips, shape (n,)."""
        there = np.bincount(self.unit[clips], minlength=self.units) > 0
        n = int(clips.sum())
        if not there.any():
            value = Estimate(value=np.nan, low=np.nan, high=np.nan, n=0, units=0, reason="no clips")
        else:
            value = estimate_from_sums(statistic, sums[there], n)
        return self.made(name, value, target=target, slice=slice)

    def made(self, name: str, value: Estimate, *, target: str = "", slice: str = "all") -> Finding:
        """A finding from an estimate."""
        return finding(name, value, target=target or self.target, slice=slice, by_speaker=self.by_speaker)
