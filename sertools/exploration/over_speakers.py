"""Numbers with intervals over speakers, as findings."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.results.result import Finding, Verdict
from sertools.statistics.jackknife import Estimate, estimate_from_sums
from sertools.statistics.statistic import Statistic
from sertools.tables.pairs import speaker_codes


class Numbers:
    """Makes findings of some clips from sums by speaker.

    Args:
        clips: the clips; those without a speaker count as independent
    """

    def __init__(self, clips: pd.DataFrame) -> None:
        self.unit, self.by_speaker = speaker_codes(clips)
        self.units = int(self.unit.max()) + 1 if len(self.unit) else 0

    def finding(
        self,
        name: str,
        statistic: Statistic,
        sums: NDArray[np.float64],
        clips: NDArray[np.bool_],
        *,
        target: str,
        slice: str = "all",
    ) -> Finding:
        """A finding from the sums of each speaker, shape (units, k), on some of the clips, shape (n,)."""
        there = np.bincount(self.unit[clips], minlength=self.units) > 0
        noun = "speaker" if self.by_speaker else "clip"
        return self.made(
            name, estimate_from_sums(statistic, sums[there], int(clips.sum()), unit_noun=noun), target, slice
        )

    def made(self, name: str, value: Estimate, target: str, slice: str = "all") -> Finding:
        """A finding from an estimate."""
        undefined = bool(np.isnan(value.value))
        return Finding(
            name=name,
            target=target,
            slice=slice,
            value=value.value,
            low=value.low,
            high=value.high,
            n=value.n,
            speakers=value.units if self.by_speaker else None,
            verdict=Verdict.SKIPPED if undefined else Verdict.NONE,
            reason=value.reason or ("" if self.by_speaker else "the corpus names no speakers"),
        )
