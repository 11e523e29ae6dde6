"""Small bars for table cells: a value, its interval, and the limit that it should meet."""

from collections.abc import Sequence
from html import escape

from sertools.report.content import against_limit
from sertools.report.text import people
from sertools.results.result import Finding

WIDTH, HEIGHT = 160, 16
"""Size of a bar in pixels."""

_EDGE = 5.0


def extent(findings: Sequence[Finding]) -> tuple[float, float]:
    """The range of the axis on which some findings can be compared: a round one where they fit into it.

    >>> extent([Finding(name="ccc", value=0.5, low=-0.1, high=0.6, n=2)])
    (-1.0, 1.0)
    >>> extent([Finding(name="f0", value=50.0, n=2)])
    (0.0, 50.0)
    """
    ends = [end for f in findings for end in (f.value, f.low, f.high) if end is not None]
    ends += [f.ceiling.value for f in findings if f.ceiling and f.ceiling.value is not None]
    ends += [end for f in findings if f.limit for end in (f.limit.above, f.limit.below) if end is not None]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    for start, stop in ((0.0, 1.0), (-1.0, 1.0)):
        if start <= low and high <= stop:
            return start, stop
    return low, high if high > low else low + 1.0


def bar(finding: Finding, axis: tuple[float, float]) -> str:
    """The bar of a finding as one `<svg>` element: limit as a band, zero as a line, interval and value."""
    low, high = axis

    def at(value: float) -> float:
        share = (min(max(value, low), high) - low) / (high - low)
        return round(_EDGE + share * (WIDTH - 2 * _EDGE), 1)

    middle = HEIGHT / 2
    parts = [f'<line class="axis" x1="{_EDGE}" x2="{WIDTH - _EDGE}" y1="{middle}" y2="{middle}"/>']
    if finding.limit:
        start = at(low if finding.limit.above is None else finding.limit.above)
        wide = round(at(high if finding.limit.below is None else finding.limit.below) - start, 1)
        parts.insert(0, f'<rect class="band" x="{start}" y="1" width="{wide}" height="{HEIGHT - 2}"/>')
    parts.append(f'<line class="axis" x1="{at(0)}" x2="{at(0)}" y1="3" y2="{HEIGHT - 3}"/>')
    if finding.low is not None and finding.high is not None:
        ends = f'x1="{at(finding.low)}" x2="{at(finding.high)}"'
        parts.append(f'<line class="range" {ends} y1="{middle}" y2="{middle}"/>')
    if finding.ceiling and finding.ceiling.value is not None:
        x = at(finding.ceiling.value)
        parts.append(f'<path class="people" d="M{x} 1 l5 7 l-5 7 l-5 -7 z"/>')
    if finding.value is not None:
        parts.append(f'<circle cx="{at(finding.value)}" cy="{middle}" r="4"/>')
    label = escape("; ".join(filter(None, [against_limit(finding), people(finding)])), quote=True)
    return (
        f'<svg class="bar {finding.verdict.value}" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'
    )
