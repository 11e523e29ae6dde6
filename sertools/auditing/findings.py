"""Builds findings from estimates, and their values without each speaker."""

import math
from collections.abc import Iterable
from typing import Literal

import numpy as np
import pandas as pd

from sertools.metrics.better_than_chance import NOT_BETTER
from sertools.results.coverage import MIN_COVERAGE, TOO_LOW
from sertools.results.keys import ReasonCode
from sertools.results.result import Finding, LeftOut, Verdict
from sertools.results.values import finite
from sertools.results.verdicts.gate import CLIPS_ONLY
from sertools.statistics.jackknife import MIN_UNITS, Estimate
from sertools.statistics.statistic import Statistic, without_each
from sertools.statistics.wilson import effective_clips
from sertools.tables.pairs import Pairs, known_speakers
from sertools.tables.tables import Tables
from sertools.wording import plural

CLIPS_APART = (
    "clips of unknown speakers count as independent, so the interval is too narrow if speakers repeat"
)


def finding(
    name: str,
    estimate: Estimate,
    *,
    by_speaker: bool,
    target: str = "all",
    slice: str = "all",
    withheld: str = "",
    coverage: float = 1.0,
) -> Finding:
    """Turn an estimate into a finding.

    Args:
        name: the field's term for what was measured
        target: the label it was measured on
        slice: the clips it was measured on
        estimate: value and interval
        by_speaker: whether the estimate's units are speakers, not clips
        withheld: why no limit may judge the finding; empty if limits apply. Where the model is not shown to
            beat a constant prediction, limits apply, but none is passed: a failure stands
        coverage: share of the clips that the model answered, if the estimate is of these clips alone; below
            95 % no limit can decide it
    """
    notes = [] if by_speaker else [CLIPS_ONLY]
    notes += [TOO_LOW] if coverage < MIN_COVERAGE else []
    reason = "; ".join(dict.fromkeys(filter(None, [withheld, estimate.reason, *notes])))
    without_skill = NOT_BETTER in reason
    undefined = math.isnan(estimate.value)
    inner = estimate.inner if estimate.inner and not math.isnan(estimate.low) else (None, None)
    code: ReasonCode | None = "low_coverage" if coverage < MIN_COVERAGE else None
    return Finding(
        name=name,
        target=target,
        slice=slice,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        low_90=inner[0],
        high_90=inner[1],
        n=estimate.n,
        speakers=estimate.units if by_speaker else None,
        verdict=Verdict.SKIPPED if undefined or (withheld and not without_skill) else Verdict.NONE,
        reason=reason,
        reason_code="not_better_than_constant" if without_skill else code,
    )


def doubted(made: Finding, reason: str, code: ReasonCode = "trivially_met") -> Finding:
    """The finding, where a reason turns a pass into inconclusive but keeps a failure; unchanged without one.

    Args:
        made: the finding
        reason: why the value proves nothing, as where any predictions meet the limit; empty if it does
        code: the kind of reason
    """
    if not reason or made.reason_code or made.value is None:
        return made
    said = "; ".join(filter(None, [reason, made.reason]))
    return made.model_copy(update={"reason": said, "reason_code": code})


def detail(made: Finding, p_value: float | None = None) -> Finding:
    """The finding as a detail, which is shown but does not affect the verdict.

    Args:
        made: the finding
        p_value: of the audit's test of no effect, by which it can stand out; None or nan if none was made
    """
    return made.model_copy(update={"detail": True, "p_value": finite(p_value)})


def left_out(
    statistic: Statistic,
    pairs: Pairs,
    tables: Tables,
    *,
    target: str,
    slice: str = "all",
    better: Literal["higher", "lower"] = "higher",
) -> list[LeftOut]:
    """Leave-one-speaker-out values of a statistic, for `Outcome.left_out`; empty if undefined.

    A clip whose speaker is unknown counts as a separate speaker named after the clip. The statistic must have
    the finding's name.
    """
    if not pairs.by_speaker or pairs.units < MIN_UNITS:
        return []
    sums = statistic.sums(pairs.truth, pairs.prediction, pairs.unit, pairs.units)
    values = without_each(statistic.value, sums)
    first = np.unique(pairs.unit, return_index=True)[1]
    speakers = tables.clips.loc[pairs.clips[first], "speaker"]
    names = [f"unknown: {clip}" if pd.isna(s) else str(s) for clip, s in speakers.items()]
    if np.isnan(values).any() or len(set(names)) < len(names):
        return []
    without = dict(zip(names, values.tolist(), strict=True))
    weights = statistic.weights(pairs.truth) if statistic.weights else None
    return [
        LeftOut(
            name=statistic.name,
            target=target,
            slice=slice,
            better=better,
            values=without,
            effective_clips=None if weights is None else effective_clips(weights, pairs.unit),
        )
    ]


def with_known_speakers(findings: Iterable[Finding], tables: Tables) -> list[Finding]:
    """Findings with at most as many speakers as the corpus names.

    A clip whose speaker is unknown is a unit of its own in statistics, but it is no further speaker. Where
    too few speakers are named for an interval, such clips do not make up for them: no limit is passed.
    """
    known = known_speakers(tables.clips)
    return [_of_known_speakers(finding, known) for finding in findings]


def _of_known_speakers(finding: Finding, known: int | None) -> Finding:
    if finding.speakers is None or known is None or finding.speakers <= known:
        return finding
    found = finding.model_copy(update={"speakers": known})
    return (
        found
        if known >= MIN_UNITS
        else doubted(found, f"only {plural(known, 'speaker is', 'speakers are')} named, and {CLIPS_APART}")
    )


def skipped(name: str, tables: Tables, reason: str, target: str = "all") -> Finding:
    """A skipped finding for something that could not be measured."""
    return Finding(
        name=name, target=target, value=None, n=len(tables.clips), verdict=Verdict.SKIPPED, reason=reason
    )
