"""Which of a user's rules applies to a finding: the narrowest one, so that a rule can be an exception.

A rule is an exception to another if each of its patterns for name, target and slice is covered by that of the
other: `sex_score` of `arousal` is an exception to `sex_score` of `*`. Two rules that match a finding and of
which neither is an exception to the other must demand the same.
"""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TypeVar

from sertools.errors import GateError, nearest
from sertools.results.coverage import OF_ANSWERED
from sertools.results.keys import FindingKey
from sertools.results.result import Finding, Limit, Result
from sertools.results.verdicts.limits import Override, Rule

AnyRule = TypeVar("AnyRule", bound=Rule)

PATTERNS = ("name", "target", "slice")


def matches(rule: Limit | Rule, finding: Finding) -> bool:
    """Whether a limit or a rule applies to a finding: its name, target and slice match the patterns.

    None applies to a score on the answered clips alone: not answering would improve it.
    """
    return not finding.name.endswith(OF_ANSWERED) and all(
        fnmatchcase(getattr(finding, part), getattr(rule, part)) for part in PATTERNS
    )


def is_exception(one: Rule, other: Rule) -> bool:
    """Whether the first rule is an exception to the second: narrower in its patterns, of the same audit.

    >>> wide = Rule(audit="fairness", name="sex_score", why="w")
    >>> narrow = Rule(audit="fairness", name="sex_score", target="arousal", why="w")
    >>> is_exception(narrow, wide), is_exception(wide, narrow), is_exception(wide, wide)
    (True, False, False)
    """

    def covers(wide: Rule, narrow: Rule) -> bool:
        return all(fnmatchcase(getattr(narrow, part), getattr(wide, part)) for part in PATTERNS)

    return one.audit == other.audit and covers(other, one) and not covers(one, other)


def widest_first(rules: Sequence[AnyRule]) -> list[AnyRule]:
    """The rules in an order in which every exception comes after what it is an exception to."""
    return sorted(rules, key=lambda rule: sum(is_exception(rule, other) for other in rules))


def applying(rules: Sequence[Rule], finding: Finding, source: str) -> Rule | None:
    """The rule that applies to a finding; None if there is none.

    Args:
        rules: rules of the finding's audit
        finding: what was measured
        source: file of the rules, for the message

    Raises:
        GateError: two rules demand different things, and neither is an exception to the other
    """
    chosen = [rule for rule in rules if matches(rule, finding)]
    kept = [rule for rule in chosen if not any(is_exception(other, rule) for other in chosen)]
    demands = dict.fromkeys(
        str(rule.limit(source)) if isinstance(rule, Override) else "ignore" for rule in kept
    )
    if len(demands) > 1:
        raise GateError(
            f"{source}: limits of {kept[0].audit} contradict each other for {finding.name} with target "
            f"{finding.target!r} and slice {finding.slice!r}: {' and '.join(demands)}",
            hint="narrow the target or slice of one of them: the narrower one applies",
        )
    return kept[-1] if kept else None


def check_known(rule: Rule, results: Sequence[Result]) -> None:
    """Checks that a rule matches a finding.

    Raises:
        GateError: it matches none; with the nearest name, target or slice
    """
    audits = sorted({result.audit for result in results})
    if rule.audit not in audits:
        raise GateError(f"no result of the audit {rule.audit!r}", hint=nearest(rule.audit, audits))
    findings = [f for result in results if result.audit == rule.audit for f in result.findings]
    if not any(matches(rule, finding) for finding in findings):
        wanted = f"{rule.name!r} with target {rule.target!r} and slice {rule.slice!r}"
        hint = _hint(rule, findings)
        raise GateError(f"{rule.audit} has no finding {wanted}", hint=hint)


def _hint(rule: Rule, findings: Sequence[Finding]) -> str:
    """The nearest existing name; if the name matches, the nearest target; then the nearest slice."""
    for part in ("name", "target"):
        pattern = getattr(rule, part)
        there = [finding for finding in findings if fnmatchcase(getattr(finding, part), pattern)]
        if not there:
            return nearest(pattern, sorted({getattr(finding, part) for finding in findings}))
        findings = there
    return nearest(rule.slice, sorted({finding.slice for finding in findings}))


def unmatched(results: Sequence[Result], rules: Sequence[Rule]) -> list[str]:
    """A sentence for each rule that matches findings of some models and none of others."""
    models = list(dict.fromkeys(str(result.model.get("name", "")) for result in results))
    notes = []
    for rule in rules:
        having = {
            str(result.model.get("name", ""))
            for result in results
            if result.audit == rule.audit and any(matches(rule, f) for f in result.findings)
        }
        without = [model for model in models if model not in having]
        if having and without:
            every = [part if part != "*" else "all" for part in (rule.target, rule.slice)]
            where = f"{rule.audit}: {FindingKey(rule.name, *every).label}"
            notes.append(f"the rule for {where} applies to nothing of {_shortened(without)}")
    return notes


def _shortened(names: Sequence[str], most: int = 5) -> str:
    more = len(names) - most
    return f"{', '.join(names[:most])} and {more} more models" if more > 0 else ", ".join(names)
