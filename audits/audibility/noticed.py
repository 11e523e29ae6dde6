"""Whether people (by objective measures) and the model notice a change of the audio."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.auditing.findings import detail, doubted, finding
from sertools.metrics.better_than_chance import not_better_than_constant
from sertools.metrics.regression import BIAS
from sertools.metrics.unchanged import share_of_equal_pairs
from sertools.results.result import Finding
from sertools.statistics.jackknife import Estimate, estimate
from sertools.statistics.proportions import proportion
from sertools.tables.changed.quality import LEVEL_CHANGE, MEASURES, PESQ, VISQOL
from sertools.tables.pairs import pairs, predictions_of, scored_targets, speaker_codes, unanswered_clips
from sertools.tables.tables import Tables

EXCELLENT = 4.5
"""PESQ from which on the nearest category of opinion is "excellent" (ITU-T P.800)."""

LEVEL_DB = 1.0
"""Change of the level that people begin to hear (Jesteadt, Wier & Green 1977)."""

UNCHANGED = 0.95
"""Limit of the share of unchanged predictions, which predictions that hardly vary reach by chance."""

NO_PESQ = "without PESQ it is not known which changes are audible: pip install pesq"
NO_ANSWER = "the model answers no clip"
NOT_COMPARED = "the audio of no clip could be compared with its change"
ALL_HEARD = "every one of these changes is audible"


@dataclass(frozen=True, kw_only=True)
class Noticed:
    """Which of k changes of n clips people and the model notice, for one target.

    Attributes:
        target: a dimension, or `emotion`
        names: names of the changes
        unheard: 1 where nobody hears the change, 0 where people do, shape (n, k); nan where it is not known
        unchanged: 1 where the prediction stays the same, 0 where it changes, shape (n, k); nan where missing
        clean, changed: predictions, shapes (n,) and (n, k)
        unit, units: speaker codes, shape (n,), and their number
        by_speaker: whether the units are speakers
        withheld: why the model is not shown to beat a constant; empty if it is
        doubt: why the limit is met by any such predictions; empty if it is not
    """

    target: str
    names: tuple[str, ...]
    unheard: NDArray[np.float64]
    unchanged: NDArray[np.float64]
    clean: NDArray[np.float64]
    changed: NDArray[np.float64]
    unit: NDArray[np.integer]
    units: int
    by_speaker: bool
    withheld: str
    doubt: str

    def share(self, of: NDArray[np.float64]) -> Estimate:
        """The mean of an array (n, k) of 1, 0 and nan over all its known entries."""
        known = np.isfinite(of)
        unit = np.broadcast_to(self.unit[:, None], of.shape)[known]
        found = proportion(of[known].astype(np.bool_), unit, self.units)
        return replace(found, n=int(known.any(axis=1).sum()))

    def where_unheard(self, columns: slice = slice(None)) -> Estimate:
        """The share of unchanged predictions where the change is inaudible."""
        unheard, unchanged = self.unheard[:, columns], self.unchanged[:, columns]
        found = self.share(np.where(unheard == 1, unchanged, np.nan))
        if found.n:
            return found
        if not np.isfinite(self.clean).any():
            return replace(found, reason=NO_ANSWER)
        if np.isnan(unchanged).all():
            return replace(found, reason=NOT_COMPARED)
        return replace(found, reason=NO_PESQ if np.isnan(unheard).all() else ALL_HEARD)

    def only(self, who: str) -> Estimate:
        """The share of changes that only the model notices, or only people."""
        both = np.isfinite(self.unheard) & np.isfinite(self.unchanged)
        wanted = (1.0, 0.0) if who == "model" else (0.0, 1.0)
        hits = (self.unheard == wanted[0]) & (self.unchanged == wanted[1])
        return self.share(np.where(both, hits.astype(float), np.nan))

    def findings(self) -> list[Finding]:
        """The judged share, the shares noticed by people or model only, and the share for each change."""
        judged = self._finding("unchanged_if_unheard", self.where_unheard(), withheld=self.withheld)
        found = [doubted(judged, self.doubt)]
        if np.isfinite(self.unheard).any():
            found += [detail(self._finding(f"only_{n}", self.only(w))) for n, w in ONLY]
        for k, name in enumerate(self.names):
            column = slice(k, k + 1)
            unchanged = self.share(self.unchanged[:, column])
            found.append(detail(self._finding("unchanged_if_unheard", self.where_unheard(column), name)))
            found.append(detail(self._finding("unchanged_ratio", unchanged, name)))
        return found

    def _finding(self, name: str, value: Estimate, where: str = "all", withheld: str = "") -> Finding:
        return finding(
            name, value, target=self.target, slice=where, by_speaker=self.by_speaker, withheld=withheld
        )


ONLY = (("the_model", "model"), ("people", "people"))
"""End of the name of a finding, and who alone notices."""


def noticed(tables: Tables, sound: Mapping[str, pd.DataFrame], tolerance: float) -> list[Noticed]:
    """Which changes people and the model notice, for each target that corpus and model share.

    Args:
        tables: clips, and predictions for clean and changed audio
        sound: name of a change → its measures, a row for each clip of the tables, nan where not measured
        tolerance: ratings that differ by less than this count as unchanged
    """
    unit, by_speaker = speaker_codes(tables.clips)
    unheard = np.stack([is_unheard(frame) for frame in sound.values()], axis=1)
    measured = np.stack([frame[LEVEL_CHANGE].notna().to_numpy() for frame in sound.values()], axis=1)
    found = []
    for target in scored_targets(tables):
        pair = pairs(tables, target)
        clean = predictions_of(tables, target)
        changed = np.stack([predictions_of(tables, target, name) for name in sound], axis=1)
        owed = tables.clips.index.isin(pair.clips)[:, None]
        left = np.stack(
            [unanswered_clips(tables, p, n) for p, n in zip(changed.T, sound, strict=True)], axis=1
        )
        moved = np.abs(changed - clean[:, None])
        same = moved == 0 if pair.classes else moved < tolerance
        left_clean = unanswered_clips(tables, clean)[:, None]
        # where the model answers no clean clip at all, it is not known to notice anything
        silent = owed & (left | left_clean) & (np.isfinite(changed) | left) & np.isfinite(clean).any()
        unchanged = np.where(np.isfinite(moved), same, np.where(silent, 0.0, np.nan))
        known = clean[np.isfinite(clean)]
        equal = share_of_equal_pairs(known, 0 if pair.classes else tolerance)
        found.append(
            Noticed(
                target=target,
                names=tuple(sound),
                unheard=unheard,
                unchanged=np.where(owed & measured, unchanged, np.nan),
                clean=clean,
                changed=changed,
                unit=unit,
                units=int(unit.max(initial=-1)) + 1,
                by_speaker=by_speaker,
                withheld=not_better_than_constant(pair, pair.classes),
                doubt=_hardly_varies(equal),
            )
        )
    return found


def _hardly_varies(equal: float) -> str:
    """Why predictions meet the limit by hardly varying; empty if they vary.

    Args:
        equal: share of pairs of different clips whose predictions would count as unchanged
    """
    if not equal >= UNCHANGED:
        return ""
    return f"predictions hardly vary: {equal:.0%} of pairs of different clips get the same prediction"


def measures_of_asked(tables: Tables, name: str, measures: pd.DataFrame) -> pd.DataFrame:
    """The measures of a change by row of the tables; nan for clips that the model was not asked about."""
    scores = tables.predictions[name].to_numpy(dtype=float)
    answered = np.where(np.isfinite(scores).any(axis=1), 1.0, np.nan)
    asked = np.isfinite(answered) | unanswered_clips(tables, answered, name)
    return measures.reindex(tables.clips.index).where(pd.Series(asked, index=tables.clips.index))


def is_unheard(measures: pd.DataFrame) -> NDArray[np.float64]:
    """1 where the change is inaudible, 0 where it is audible, nan where PESQ or the level is unknown; (n,).

    >>> is_unheard(pd.DataFrame({"pesq": [4.6, 4.6, 4.4, np.nan], "level_change_db": [0.5, -2.0, 0.0, 0.0]}))
    array([ 1.,  0.,  0., nan])
    """
    pesq, level = (measures[name].to_numpy(dtype=float) for name in (PESQ, LEVEL_CHANGE))
    unheard = (pesq >= EXCELLENT) & (np.abs(level) < LEVEL_DB)
    known = np.isfinite(pesq) & np.isfinite(level)
    return np.where(known, unheard.astype(float), np.nan)


def sound_findings(tables: Tables, sound: Mapping[str, pd.DataFrame]) -> list[Finding]:
    """Means of the measures of each change, and the share of clips in which it is inaudible; details."""
    unit, by_speaker = speaker_codes(tables.clips)
    units = int(unit.max(initial=-1)) + 1
    found = []
    for name, frame in sound.items():
        for measure in [each for each in (*MEASURES, VISQOL) if each in frame]:
            values = frame[measure].to_numpy(dtype=float)
            known = np.isfinite(values)
            if known.any():
                mean = estimate(BIAS, np.zeros(int(known.sum())), values[known], unit[known], units)
                found.append(detail(finding(measure, mean, slice=name, by_speaker=by_speaker)))
        unheard = is_unheard(frame)
        known = np.isfinite(unheard)
        if known.any():
            share = proportion(unheard[known].astype(np.bool_), unit[known], units)
            found.append(detail(finding("unheard", share, slice=name, by_speaker=by_speaker)))
    return found
