"""Is a model worse than the baseline? Compares two sets of result files, paired by speaker."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import stdtr, stdtrit

from sertools.errors import GateError
from sertools.results.keys import FindingKey
from sertools.results.provenance import closed_sets_differ, corpora_differ
from sertools.results.result import Finding, LeftOut, Limit, Result
from sertools.statistics.jackknife import INNER_LEVEL, LEVEL, MIN_UNITS
from sertools.statistics.shares import least_interval
from sertools.wording import plural

SUFFIX = "_against_baseline"
"""Suffix of the names of comparison findings, e.g. `ccc_against_baseline`."""

COMMON_CLIPS = "on the clips that both models answered, because they answered different ones"
"""What a difference is of whose models did not answer the same clips."""

OTHER_AUDIO = "the corpus is not the same as in the baseline: its clips, labels or audio differ"


@dataclass(frozen=True, kw_only=True)
class Change:
    """The value of a finding minus that of an earlier result; `reason` explains what is missing.

    Attributes:
        value: the difference
        low, high: its 95 % interval, paired by speaker
        inner: its 90 % interval, by which a limit is passed
        reason: why the value or the interval is missing
        n, speakers: numbers of clips and speakers, where they are not those of the finding
        different_clips: whether the two values are of different clips, so that the difference, if there is
            one, is of the clips that both models answered
        p_value: two-sided, of no difference, from the same standard error as the interval
        without: speaker → the difference without that speaker
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    inner: tuple[float, float] | None = None
    reason: str = ""
    n: int | None = None
    speakers: int | None = None
    different_clips: bool = False
    p_value: float | None = None
    without: Mapping[str, float] = field(default_factory=dict, compare=False, repr=False)


ChangesOf = Callable[[Result, Result], Mapping[FindingKey, Change]]
"""(result, earlier result) → the change of each of their findings."""


def against(
    results: Sequence[Result],
    baseline: Sequence[Result],
    *,
    tolerance: float,
    source: str = "baseline",
    changes_of: ChangesOf | None = None,
) -> list[Result]:
    """Results with an added finding for every comparable metric: its value minus the baseline's value.

    The limit allows the metric to be worse by less than `tolerance`, so a metric passes only if a loss as
    large as the tolerance is ruled out, at 5 %. The interval is a jackknife with Student's t, each speaker
    left out of both models, and for shares of clips never of width 0. Findings that cannot be compared are
    inconclusive, with the reason; findings of the baseline that are missing in the results are skipped.

    Args:
        results: results to judge; their existing findings do not change
        baseline: results of an earlier model on the same corpus
        tolerance: allowed loss, in the unit of the metric
        source: location of the baseline, quoted in the limit and in messages
        changes_of: how two results are compared; `paired_changes` by default

    Raises:
        GateError: the tolerance is not above 0, nothing can be compared, or the baseline has two results of
            one audit and corpus
    """
    if not (math.isfinite(tolerance) and tolerance > 0):
        raise GateError(
            f"the tolerance is {tolerance:g}",
            hint="it must be above 0, because a loss of exactly 0 can never be shown",
        )
    before = _by_audit_and_corpus(baseline, source)
    if not any(result.left_out for result in baseline):
        raise GateError(
            f"the results in {source} contain no values by speaker to compare with",
            hint="run sertools audit again on the baseline model; the corpus needs at least 5 speakers",
        )
    compared = []
    for result in results:
        earlier = before.get((result.audit, _corpus(result)))
        added = _comparisons(result, earlier, tolerance, source, changes_of or paired_changes)
        compared.append(result.model_copy(update={"findings": [*result.findings, *added]}))
    found = [f for result in compared for f in result.findings if f.name.endswith(SUFFIX)]
    if all(finding.value is None for finding in found):
        raise GateError(
            f"nothing in {source} can be compared with these results",
            hint="the baseline must contain the same audits of the same corpus",
        )
    return compared


def _by_audit_and_corpus(results: Sequence[Result], source: str) -> dict[tuple[str, str], Result]:
    found: dict[tuple[str, str], Result] = {}
    for result in results:
        key = (result.audit, _corpus(result))
        if key in found:
            raise GateError(f"{source} has two results of {key[0]} on {key[1]}")
        found[key] = result
    return found


def _corpus(result: Result) -> str:
    return str(result.data.get("name", ""))


def _comparisons(
    result: Result, earlier: Result | None, tolerance: float, source: str, changes_of: ChangesOf
) -> list[Finding]:
    """A finding for each comparable metric of either result, with its limit."""
    now = {values.key: values for values in result.left_out}
    then = {values.key: values for values in earlier.left_out} if earlier else {}
    if earlier:
        changes = {
            key: change for key, change in changes_of(result, earlier).items() if key in {**now, **then}
        }
    else:
        absent = Change(reason=f"{source} has no {result.audit} of this corpus")
        changes = dict.fromkeys(now, absent)
    counted = {finding.key: finding.n for finding in reversed(result.findings)}
    found = []
    for key, change in changes.items():
        better = (now.get(key) or then[key]).better
        # the metric may be worse by less than the tolerance, in whichever direction is worse
        above, below = (-tolerance, None) if better == "higher" else (None, tolerance)
        limit = Limit(name=f"{key.name}{SUFFIX}", above=above, below=below, source=source)
        found.append(
            Finding(
                name=limit.name,
                target=key.target,
                slice=key.slice,
                value=change.value,
                low=change.low,
                high=change.high,
                low_90=change.inner[0] if change.inner else None,
                high_90=change.inner[1] if change.inner else None,
                n=counted.get(key, 0) if change.n is None else change.n,
                speakers=change.speakers or (len(now[key].values) if key in now else None),
                limit=limit,
                reason=change.reason or (COMMON_CLIPS if change.different_clips else ""),
            )
        )
    return found


@dataclass(frozen=True, kw_only=True)
class Worse:
    """Changes against a baseline: the metrics that got worse, and the number of compared ones.

    Attributes:
        metrics: (position of the result, finding of the change) of each metric that got worse: its interval
            lies on the worse side of 0; the largest change relative to its limit first
        compared: number of metrics with a change and an interval
        better: number of metrics whose interval lies on the better side of 0
        without: number of metrics with no interval or no value
    """

    metrics: Sequence[tuple[int, Finding]]
    compared: int
    better: int
    without: int


def worse(results: Sequence[Result]) -> Worse:
    """The changes against a baseline, from results to which `against` added them."""
    changes = [(i, f) for i, result in enumerate(results) for f in result.findings if f.name.endswith(SUFFIX)]
    known = [(i, f) for i, f in changes if f.value is not None and f.low is not None and f.high is not None]

    def sign(finding: Finding) -> int:
        """1 for an increase beyond chance that is worse, −1 for a change that is better, 0 otherwise."""
        assert finding.low is not None
        assert finding.high is not None
        beyond = (finding.low > 0) - (finding.high < 0)
        return beyond if finding.limit and finding.limit.above is None else -beyond

    def loss(row: tuple[int, Finding]) -> float:
        limit = row[1].limit
        allowed = (limit.below if limit.above is None else limit.above) if limit else None
        return abs(row[1].value or 0.0) / abs(allowed or 1.0)

    return Worse(
        metrics=sorted((row for row in known if sign(row[1]) > 0), key=loss, reverse=True),
        compared=len(known),
        better=sum(sign(finding) < 0 for _, finding in known),
        without=len(changes) - len(known),
    )


def paired_changes(result: Result, earlier: Result) -> dict[FindingKey, Change]:
    """How much every comparable metric changed from an earlier result, paired by speaker.

    The interval is a 95 % jackknife with Student's t that leaves each speaker out of both results at once; of
    a share of clips, such as UAR, it is never narrower than the number of clips allows, see `least_interval`.
    It is missing if the audio differs, if a speaker is in only one of the results, or if there are fewer
    than five speakers.

    Args:
        result: result with leave-one-speaker-out values
        earlier: result of the same audit on the same corpus

    Returns:
        Key → change, for all findings with leave-one-speaker-out values in either result; those of `result`
        first.
    """
    now = {without.key: without for without in result.left_out}
    then = {without.key: without for without in earlier.left_out}
    values = [{f.key: f.value for f in reversed(each.findings)} for each in (result, earlier)]
    obstacle = OTHER_AUDIO if corpora_differ(result, earlier) else closed_sets_differ(result, earlier)
    found = {}
    for key in {**now, **then}:
        if key not in now:
            found[key] = Change(reason="the baseline has this value, but the result does not")
        elif key not in then:
            found[key] = Change(reason=obstacle or "the baseline does not have this value")
        else:
            ends = values[0].get(key), values[1].get(key)
            found[key] = _paired(ends, now[key], then[key], obstacle)
    return found


def _paired(ends: tuple[float | None, float | None], now: LeftOut, then: LeftOut, obstacle: str) -> Change:
    """The change between two values, `ends`, current and earlier.

    `now` and `then` are the values without each speaker. `obstacle` says why there can be no interval.
    """
    current, before = ends
    if current is None or before is None:
        return Change(reason="the value is undefined in the result or in the baseline")
    value = current - before
    others = now.values.keys() ^ then.values.keys()
    if others:
        counted = plural(len(others), "speaker is", "speakers are")
        obstacle = f"{counted} in only one of the two results, such as {min(others)!r}"
    if obstacle:
        return Change(value=value, reason=obstacle)
    without = {name: left - then.values[name] for name, left in now.values.items()}
    change = jackknifed(Change(value=value), without)
    effective = [each.effective_clips for each in (now, then) if each.effective_clips]
    return _at_least(change, min(effective)) if effective else change


def _at_least(change: Change, effective: float) -> Change:
    """The change of a share of clips, with an interval no narrower than that of so many independent clips."""
    if change.value is None or change.low is None or change.high is None or change.inner is None:
        return change
    (low, high), inner = (least_interval(change.value, effective, level=x) for x in (LEVEL, INNER_LEVEL))
    return with_interval(
        change,
        (min(change.low, low), max(change.high, high)),
        (min(change.inner[0], inner[0]), max(change.inner[1], inner[1])),
    )


def with_interval(change: Change, outer: tuple[float, float], inner: tuple[float, float]) -> Change:
    """The change with other ends of its 95 % and 90 % intervals, and the p-value that belongs to them."""
    if change.value is None:
        return change
    half = change.value - outer[0] if change.value > 0 else outer[1] - change.value
    p_value = p_of_half_width(change.value, half, len(change.without) - 1)
    return replace(change, low=outer[0], high=outer[1], inner=inner, p_value=p_value)


def jackknifed(change: Change, without: Mapping[str, float]) -> Change:
    """The change with its intervals and p-value: a jackknife with Student's t over speakers.

    Args:
        change: the difference over all speakers
        without: speaker → the difference without that speaker
    """
    if change.value is None or len(without) < MIN_UNITS:
        return replace(change, reason=change.reason or f"fewer than {MIN_UNITS} speakers", without=without)
    freedom = len(without) - 1
    error = math.sqrt(freedom * float(np.var(list(without.values()))))
    half, inner = (float(stdtrit(freedom, (1 + level) / 2)) * error for level in (LEVEL, INNER_LEVEL))
    return replace(
        change,
        low=change.value - half,
        high=change.value + half,
        inner=(change.value - inner, change.value + inner),
        p_value=p_of_half_width(change.value, half, freedom),
        without=without,
    )


def mean_change(changes: Sequence[Change]) -> Change:
    """The mean of several differences of the same two models, with its interval; the same speakers in all."""
    values = [change.value for change in changes]
    if len(changes) == 1:
        return changes[0]
    if not changes or any(value is None for value in values):
        return Change(reason="a difference is undefined")
    speakers = set(changes[0].without)
    if any(set(change.without) != speakers for change in changes):
        return Change(reason="the differences are not of the same speakers")
    mean = Change(
        value=sum(value or 0.0 for value in values) / len(values),
        n=min((change.n for change in changes if change.n is not None), default=None),
        different_clips=any(change.different_clips for change in changes),
    )
    return jackknifed(
        mean, {s: sum(change.without[s] for change in changes) / len(changes) for s in sorted(speakers)}
    )


def p_of_half_width(value: float, half: float, freedom: float) -> float:
    """Two-sided p-value of no difference, from the half-width of a 95 % interval with Student's t.

    1 for a difference of 0, also where the interval has no width.

    >>> round(p_of_half_width(0.2, 0.2, 9), 12), p_of_half_width(0.0, 0.0, 9)
    (0.05, 1.0)
    """
    if abs(value) < 1e-12:
        return 1.0
    error = half / float(stdtrit(freedom, 0.975))
    return 0.0 if error == 0 else 2 * float(stdtr(freedom, -abs(value) / error))
