"""Answer coverage: the share of the clips that a model was asked about and did answer."""

from collections.abc import Sequence

from sertools.results.result import Finding, Limit, Result

COVERAGE = "coverage"
"""Name of the finding; its target is what was asked for, its slice the condition (`all` for clean audio)."""

OF_ANSWERED = "_of_answered"
"""Suffix of findings on the answered clips alone; they stand beside the finding that limits judge."""

MIN_COVERAGE = 0.95
"""A model that answers less of what it is asked fails; at this share or above, the share is only reported."""

LIMIT = Limit(
    name=COVERAGE,
    above=MIN_COVERAGE,
    source="ours: a model that answers less is described by what it leaves out",
)

TOO_LOW = (
    f"the model answered less than {MIN_COVERAGE:.0%} of the clips, and this value is of the answered ones"
)
"""Reason of findings on the answered clips that no limit may decide."""


def coverages(results: Sequence[Result]) -> dict[str, Finding]:
    """Target → coverage on clean audio; the lowest where several results have it."""
    found: dict[str, Finding] = {}
    for finding in (f for result in results for f in result.findings if f.name == COVERAGE):
        known = found.get(finding.target)
        if finding.slice == "all" and (known is None or (finding.value or 0.0) < (known.value or 0.0)):
            found[finding.target] = finding
    return found


def unanswered(coverage: Finding) -> int:
    """Number of the clips that were asked and not answered.

    >>> unanswered(Finding(name="coverage", value=0.75, n=8, reason="counted"))
    2
    """
    return coverage.n - round((coverage.value or 0.0) * coverage.n)
