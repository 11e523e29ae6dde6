"""Judges findings by limits, and derives the exit code.

`pass` = the 90 % interval is inside the limit, which is an equivalence test at 5 % (TOST, Schuirmann 1987),
or a test of non-inferiority where the limit has one side; `fail` = the 95 % interval is outside;
`inconclusive` = neither, with the number of speakers that would decide; `skipped` = not measurable, with the
reason. Only headline findings have verdicts; a detail is shown beside its limit. Pure functions.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from sertools.errors import GateError
from sertools.results.coverage import COVERAGE
from sertools.results.reasons import IGNORED
from sertools.results.result import Finding, Limit, Result, Verdict
from sertools.results.verdicts import rules
from sertools.results.verdicts.details import watched
from sertools.results.verdicts.limits import GateFile, Ignore, Override, Rule
from sertools.results.verdicts.regression_check import SUFFIX
from sertools.wording import plural

Mode = Literal["interval", "point"]


PASSED, FAILED, BAD_INPUT, NOT_SHOWN = 0, 1, 2, 3
"""Exit codes. `BAD_INPUT` also if nothing was measured. `NOT_SHOWN` only with `--strict`: nothing failed, but
a finding is skipped or inconclusive.
"""


MOST_SPEAKERS = 20
"""Most speakers, as a multiple of those of the corpus, for which a number that would decide is given."""

CLIPS_ONLY = "the corpus names no speakers: the interval is too narrow if speakers repeat"


def judge(finding: Finding, limit: Limit, mode: Mode = "interval") -> Finding:
    """The finding with the verdict of a limit.

    A finding that its audit excluded from judgement (`skipped` with a reason) stays skipped. In mode `point`
    only the value counts, as in older tools, and the reason states this. If the corpus names no speakers,
    nothing passes, and only exact counts and findings with an interval of width 0 can fail. A value of the
    answered clips is inconclusive if the model answered too few. Where the model is not shown to beat a
    constant prediction, or was never trained, nothing passes in either mode, and failures stand. A detail
    gets no verdict, unless the limit is a user's own.
    """
    if (finding.detail or limit.detail) and not limit.why:
        return finding.model_copy(update={"limit": limit, "detail": True})
    finding = finding.model_copy(update={"detail": False})
    if finding.verdict is Verdict.SKIPPED or finding.value is None:
        return finding.model_copy(update={"verdict": Verdict.SKIPPED, "limit": limit})
    low, high = (finding.value, finding.value) if finding.exact else (finding.low, finding.high)
    inner = _inner(finding, low, high)
    if finding.reason_code == "low_coverage":
        verdict, reason = Verdict.INCONCLUSIVE, finding.reason
    elif mode == "point":
        verdict = Verdict.PASS if _inside(finding.value, limit) else Verdict.FAIL
        reason = "; ".join(filter(None, ["judged by its value alone, not by its interval", finding.reason]))
    elif low is None or high is None:
        verdict, reason = Verdict.INCONCLUSIVE, finding.reason or "there is no interval"
    elif finding.speakers is None and not (low == high and _outside(low, high, limit)):
        verdict, reason = Verdict.INCONCLUSIVE, CLIPS_ONLY
    elif all(bound is not None and _inside(bound, limit) for bound in inner):
        verdict, reason = Verdict.PASS, finding.reason
    elif _outside(low, high, limit):
        verdict, reason = Verdict.FAIL, finding.reason
    else:
        verdict, reason = Verdict.INCONCLUSIVE, finding.reason or _undecided(finding, limit)
    if verdict is Verdict.PASS and finding.reason_code:
        verdict = Verdict.INCONCLUSIVE  # a constant is trivially robust and fair
    return finding.model_copy(update={"verdict": verdict, "limit": limit, "reason": reason})


def _inner(finding: Finding, low: float | None, high: float | None) -> tuple[float | None, float | None]:
    """The interval that must lie inside a limit to pass it: the 90 % interval, if the finding has one."""
    if finding.exact or finding.low_90 is None or finding.high_90 is None:
        return low, high
    return finding.low_90, finding.high_90


def _undecided(finding: Finding, limit: Limit) -> str:
    """Why an interval decides nothing, and about how many more speakers would.

    Standard errors shrink with the root of the number of speakers. To pass, the 90 % interval must lie inside
    the limit; to fail, the 95 % interval must lie outside. What is of one speaker does not depend on others.
    """
    crosses = "the interval crosses the limit"
    value, low, high = finding.value, finding.low, finding.high
    if value is None or low is None or high is None or not finding.speakers or finding.speakers == 1:
        return crosses
    inner_low, inner_high = _inner(finding, low, high)
    assert inner_low is not None
    assert inner_high is not None
    below, above = (inner_low, inner_high) if _inside(value, limit) else (low, high)
    ratios = [
        (above - value if bound > value else value - below) / abs(bound - value)
        for bound in (limit.above, limit.below)
        if bound is not None and bound != value
    ]
    more = finding.speakers * (max(ratios) ** 2 - 1) if ratios else math.inf
    if not 0 < more <= MOST_SPEAKERS * finding.speakers:
        return crosses
    return f"{crosses}; about {plural(math.ceil(more), 'more speaker')} would decide"


def _inside(value: float, limit: Limit) -> bool:
    return (limit.above is None or value > limit.above) and (limit.below is None or value < limit.below)


def _outside(low: float, high: float, limit: Limit) -> bool:
    return (limit.above is not None and high <= limit.above) or (
        limit.below is not None and low >= limit.below
    )


def judge_all(findings: Iterable[Finding], limits: Sequence[Limit], mode: Mode = "interval") -> list[Finding]:
    """Findings with verdicts; the last limit that matches a finding applies."""
    judged = []
    for finding in findings:
        limit = next((limit for limit in reversed(limits) if rules.matches(limit, finding)), None)
        judged.append(judge(finding, limit, mode) if limit else finding)
    return judged


def gate(
    results: Sequence[Result],
    limits: Sequence[Override] | GateFile = (),
    *,
    source: str = "gate.toml",
    mode: Mode = "interval",
) -> list[Result]:
    """Results judged again, by their own limits and by rules, from the result files alone.

    Args:
        results: results of audits
        limits: a user's limits, or a whole gate file, which may also ignore findings, and may leave out the
            limits of the audits
        source: file of the rules, for limits and messages
        mode: whether the interval or the value alone decides

    Raises:
        GateError: a result is a comparison, a rule matches no finding, two rules contradict each other, or
            nothing is left to judge
    """
    if any(result.audit == "compare" for result in results):
        raise GateError("a comparison of runs has no limits", hint="give the folders of the compared runs")
    file = limits if isinstance(limits, GateFile) else GateFile(limit=list(limits))
    for rule in file.rules:
        rules.check_known(rule, results)
    judged = []
    for result in results:
        ours = [rule for rule in file.rules if rule.audit == result.audit]
        findings = []
        for finding in result.findings:
            own = file.builtin == "keep" or finding.name.endswith(SUFFIX)
            findings.append(_judged(finding, rules.applying(ours, finding, source), own, source, mode))
        judged.append(result.model_copy(update={"findings": watched(findings)}))
    if file.builtin == "none" and not any(finding.limit for result in judged for finding in result.findings):
        raise GateError(
            f'{source}: builtin is "none" and no limit is set, so nothing would be judged',
            hint="add a [[limit]], or leave builtin out to keep the limits of the audits",
        )
    return judged


def _judged(finding: Finding, rule: Rule | None, own: bool, source: str, mode: Mode) -> Finding:
    """A finding judged anew: by a user's rule, or else by the limit of its audit if `own`."""
    if isinstance(rule, Ignore):
        reason = "; ".join(filter(None, [f"{IGNORED}{rule.why}", finding.reason]))
        return finding.model_copy(update={"verdict": Verdict.NONE, "limit": None, "reason": reason})
    if not isinstance(rule, Override) and not own:
        return finding.model_copy(update={"verdict": Verdict.NONE, "limit": None})
    limit = rule.limit(source) if isinstance(rule, Override) else finding.limit
    fresh = _unjudged(finding)
    return judge(fresh, limit, mode) if limit else fresh


def _unjudged(finding: Finding) -> Finding:
    """The finding without a verdict, unless its audit excluded it from judgement."""
    if finding.verdict is Verdict.SKIPPED:
        return finding
    return finding.model_copy(update={"verdict": Verdict.NONE})


def verdicts(results: Iterable[Result]) -> Mapping[Verdict, int]:
    """Number of findings per verdict; details and findings without a limit count as `none`."""
    return Counter(finding.decides for result in results for finding in result.findings)


def measured(results: Sequence[Result]) -> bool:
    """Whether any finding has a value; counts only suffice where every audit does nothing but count."""
    estimating = [
        result
        for result in results
        if not any(finding.exact and finding.name != COVERAGE for finding in result.findings)
    ]
    return not results or any(
        finding.value is not None and finding.name != COVERAGE
        for result in estimating or results
        for finding in result.findings
    )


def exit_code(results: Sequence[Result], *, strict: bool = False, allow_empty: bool = False) -> int:
    """The exit code of results.

    0: nothing failed · 1: a limit failed · 2: nothing was measured, unless `allow_empty` · 3: with `strict`,
    a finding is skipped or inconclusive.
    """
    counts = verdicts(results)
    if counts.get(Verdict.FAIL, 0):
        return FAILED
    if not allow_empty and not measured(results):
        return BAD_INPUT
    if strict and (counts.get(Verdict.SKIPPED, 0) or counts.get(Verdict.INCONCLUSIVE, 0)):
        return NOT_SHOWN
    return PASSED
