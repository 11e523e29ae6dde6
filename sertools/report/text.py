"""Shows verdicts, counts and table columns as text."""

from collections.abc import Sequence

from sertools.results.display import ABSENT, clean, fixed, is_number, shared_decimals, with_minus
from sertools.results.result import Finding, Verdict

SYMBOLS = {
    Verdict.FAIL: "✗",
    Verdict.INCONCLUSIVE: "?",
    Verdict.PASS: "✓",
    Verdict.SKIPPED: "–",
    Verdict.NONE: "·",
}
"""A symbol for each verdict, so that no reader depends on colour; most urgent first."""

WORDS = {
    Verdict.FAIL: "fail",
    Verdict.INCONCLUSIVE: "inconclusive",
    Verdict.PASS: "pass",
    Verdict.SKIPPED: "skipped",
    Verdict.NONE: "no verdict",
}


def clean_unless_safe(value: object) -> object:
    """The cleaned text; markup is returned unchanged."""
    return value if hasattr(value, "__html__") else clean(value)


def verdict(value: Verdict) -> str:
    """Symbol and name of a verdict.

    >>> verdict(Verdict.FAIL)
    '✗ fail'
    """
    return f"{SYMBOLS[value]} {WORDS[value]}"


def verdict_of_finding(finding: Finding) -> str:
    """Symbol and name of the verdict of a finding, or, for a detail without one, whether it is significant.

    >>> verdict_of_finding(Finding(name="gap", value=0.2, n=9, detail=True, watch=True))
    '· stands out'
    """
    return f"{SYMBOLS[Verdict.NONE]} stands out" if finding.watch else verdict(finding.decides)


def interval_or_reason(finding: Finding) -> str:
    """The 95 % interval of a finding or, in parentheses, why an undecided one has none; after a space.

    >>> few = "fewer than 5 speakers"
    >>> interval_or_reason(Finding(name="ccc", value=0.7, n=9, verdict="inconclusive", reason=few))
    ' (fewer than 5 speakers)'
    """
    if finding.interval_text != ABSENT:
        return f" {finding.interval_text}"
    undecided = finding.decides is Verdict.INCONCLUSIVE and finding.reason
    return f" ({finding.reason})" if undecided else ""


def people(finding: Finding) -> str:
    """The score of one rater on the clips of a finding, and how the model compares; empty if unknown.

    >>> from sertools.results.values import Ceiling
    >>> gap = {"difference": -0.1, "difference_low": -0.2, "difference_high": -0.05}
    >>> of = Ceiling(value=0.53, n=9, against="the others", **gap)
    >>> people(Finding(name="uar", value=0.4, n=9, ceiling=of))
    'one rater 0.530; the model is worse than one rater'
    """
    if finding.ceiling is None:
        return ""
    return f"one rater {finding.ceiling.text}; the model is {finding.ceiling.comparison}"


def exact(value: object) -> str:
    """A number in full precision, used for sorting; empty if there is none.

    >>> exact(0.1 + 0.2), exact(None)
    ('0.30000000000000004', '')
    """
    return "" if value is None else str(value)


def is_numeric(column: Sequence[object]) -> bool:
    """Whether a table column contains only numbers, and at least one."""
    known = [value for value in column if value is not None]
    return bool(known) and all(is_number(value) for value in known)


def column_texts(column: Sequence[str | int | float | bool | None]) -> list[str]:
    """The cells of a table column as text; numbers share their decimals, see `shared_decimals()`.

    >>> column_texts([0.5, 0.61234, None]), column_texts([40.0, 35]), column_texts([True, "x"])
    (['0.500', '0.612', '–'], ['40', '35'], ['yes', 'x'])
    """
    floats = [float(v) for v in column if isinstance(v, int | float) and not isinstance(v, bool)]
    places = shared_decimals(floats)
    return [_cell_text(value, places) for value in column]


def p_value_texts(column: Sequence[object]) -> list[str]:
    """The cells of a column of p-values as text: two decimals, three below .1, and `< 0.001` below that.

    >>> p_value_texts([0.25, 0.0496, 0.0003, None])
    ['0.25', '0.050', '< 0.001', '–']
    """
    return [_p_value_text(value) if is_number(value) else ABSENT for value in column]


def _p_value_text(value: float) -> str:
    return "< 0.001" if value < 0.001 else fixed(value, 2 if value >= 0.1 else 3)


def _cell_text(value: str | int | float | bool | None, places: int) -> str:
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return clean(value)
    return with_minus(str(value)) if isinstance(value, int) else fixed(value, places)
