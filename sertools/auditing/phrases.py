"""Phrases in the answers of several audits."""

import math

from sertools.results.result import Finding
from sertools.statistics.jackknife import Estimate


def interval_text(value: Finding | Estimate, form: str = ".2f") -> str:
    """The confidence interval of a value in brackets, after a space; empty if there is none.

    Args:
        value: a finding or an estimate
        form: format of each end, as in an f-string

    >>> interval_text(Finding(name="ccc", value=0.5, low=0.4, high=0.6, n=10))
    ' [0.40, 0.60]'
    >>> interval_text(Finding(name="ccc", value=0.5, n=10))
    ''
    """
    low, high = value.low, value.high
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return ""
    return f" [{low:{form}}, {high:{form}}]"


def counted(n: int, noun: str) -> str:
    """A number with its noun, in the plural unless the number is 1.

    >>> counted(1, "change"), counted(8, "change")
    ('1 change', '8 changes')
    """
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
