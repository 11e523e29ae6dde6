"""Which details are significant? Findings without a verdict are tested together (Holm's correction).

An audit judges a few headline findings. Its details (gaps per class, per bin, per pair) are many, so that
some of them lie beyond their limits by chance alone: they have no verdict, and are marked where they stand
out.
Pure functions.
"""

from collections.abc import Sequence

import numpy as np
from scipy.special import stdtr, stdtrit

from sertools.results.result import Finding, Limit
from sertools.statistics.permutation import holm

MAX_P_VALUE = 0.05
"""A detail stands out if its p-value, adjusted for the details of its audit (Holm 1979), is at most this."""


def watched(findings: Sequence[Finding]) -> list[Finding]:
    """The findings of an audit; a detail is marked (`watch`) if it is significant after Holm's correction.

    Details with a test of no effect by the audit (`p_value`) are one family of tests. The others that have a
    limit are another: a detail stands out if it is shown to be beyond its limit. None stands out where the
    corpus names no speakers, because p-values are then too small if speakers repeat.

    Args:
        findings: all findings of one audit, judged

    Source: Holm, A simple sequentially rejective multiple test procedure, 1979.
    """
    own = [i for i, f in enumerate(findings) if _tested(f) and f.p_value is not None]
    by_limit = [i for i, f in enumerate(findings) if _tested(f) and f.p_value is None and f.limit]
    standing_out: set[int] = set()
    for family, p_values in (
        (own, [findings[i].p_value for i in own]),
        (by_limit, [p_beyond(findings[i], findings[i].limit) for i in by_limit]),
    ):
        adjusted = holm(np.array(p_values, dtype=np.float64))
        standing_out |= {i for i, p in zip(family, adjusted, strict=True) if p <= MAX_P_VALUE}
    return [
        f if f.watch == (i in standing_out) else f.model_copy(update={"watch": i in standing_out})
        for i, f in enumerate(findings)
    ]


def p_beyond(finding: Finding, limit: Limit | None) -> float:
    """Two-sided p-value of a finding outside a limit; 1 if it is inside, nan without an interval.

    From the half of the 95 % interval that faces the limit, with Student's t: .05 where its end is the limit.

    >>> below = Limit(name="gap", above=-0.1, below=0.1)
    >>> found = Finding(name="gap", value=0.3, low=0.1, high=0.5, n=90, speakers=10)
    >>> round(p_beyond(found, below), 12), p_beyond(found, Limit(name="gap", below=0.4))
    (0.05, 1.0)
    """
    value, low, high = finding.value, finding.low, finding.high
    if limit is None or value is None or low is None or high is None or not finding.speakers:
        return float("nan")
    if limit.above is not None and value <= limit.above:
        distance, half = limit.above - value, high - value
    elif limit.below is not None and value >= limit.below:
        distance, half = value - limit.below, value - low
    else:
        return 1.0
    freedom = max(finding.speakers - 1, 1)
    error = half / float(stdtrit(freedom, 0.975))
    if not error > 0:
        return 0.0 if distance > 0 else 1.0
    return 2 * float(stdtr(freedom, -distance / error))


def _tested(finding: Finding) -> bool:
    return finding.detail and finding.value is not None and finding.speakers is not None
