"""Phrases in the answers of several audits."""

import math
from collections.abc import Sequence

from sertools.results.result import Finding
from sertools.results.terms.names import finding_words
from sertools.statistics.jackknife import Estimate
from sertools.wording import are, plural


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


MOST_NAMED = 3
"""Most details that an answer names; the others are counted."""


def standing_out(findings: Sequence[Finding]) -> str:
    """A sentence on the details that are significant after Holm's correction, largest first; or empty.

    >>> gap = Finding(name="recall_difference", target="anger", value=-0.2, low=-0.3, high=-0.1, n=9)
    >>> standing_out([gap]), standing_out([gap.model_copy(update={"detail": True, "watch": True})])
    ('', ' Of 1 detail, 1 is significant (Holm): anger, recall difference -0.20 [-0.30, -0.10].')
    """
    shown = [f for f in findings if f.watch]
    if not shown:
        return ""
    largest = sorted(shown, key=lambda f: -abs(f.value or 0.0))
    named = [f"{finding_words(f.key)} {f.value:.2f}{interval_text(f)}" for f in largest[:MOST_NAMED]]
    more = len(shown) - len(named)
    of = sum(f.detail for f in findings) or len(shown)
    significant = f"{len(shown)} {are(len(shown))} significant (Holm)"
    return f" Of {plural(of, 'detail')}, {significant}: {'; '.join(named)}" + (
        f"; and {more} more." if more else "."
    )


def without_speakers(findings: Sequence[Finding]) -> str:
    """A sentence on intervals that treat clips as independent; empty if there are none.

    >>> score = Finding(name="ccc", value=0.5, low=0.4, high=0.6, n=10)
    >>> without_speakers([score]), without_speakers([score.model_copy(update={"speakers": 5})])
    (' The corpus names no speakers, so these intervals are too narrow if speakers repeat.', '')
    """
    if not any(f.speakers is None and f.low is not None and not f.exact for f in findings):
        return ""
    return " The corpus names no speakers, so these intervals are too narrow if speakers repeat."


def counted(n: int, noun: str) -> str:
    """A number with its noun, in the plural unless the number is 1.

    >>> counted(1, "change"), counted(8, "change")
    ('1 change', '8 changes')
    """
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
