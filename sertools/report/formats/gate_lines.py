"""The text of a gate below its table: ignored findings, and metrics that got worse than the baseline."""

from collections import Counter
from collections.abc import Sequence

from sertools.report import content
from sertools.results.reasons import is_ignored
from sertools.results.result import Result, Verdict
from sertools.results.verdicts.regression_check import SUFFIX, worse
from sertools.wording import plural

SHOWN = 10
"""Number of metrics that got worse to name."""

TOLERANCE = {Verdict.PASS: "within the tolerance", Verdict.FAIL: "beyond the tolerance"}


def beside_table(results: Sequence[Result]) -> list[str]:
    """The lines below the table of a gate: ignored findings, and metrics that got worse."""
    return [*ignored(results), *got_worse(results)]


def ignored(results: Sequence[Result]) -> list[str]:
    """A sentence for each reason for which findings are ignored, with their number."""
    reasons = [f.reason for result in results for f in result.findings if is_ignored(f)]
    return [f"{plural(n, 'finding')} {reason}" for reason, n in Counter(reasons).items()]


def got_worse(results: Sequence[Result]) -> list[str]:
    """Which metrics got worse than in the baseline, as lines: a sentence, then the largest losses."""
    found = worse(results)
    if not found.compared and not found.without:
        return []
    better = f"{found.better} {'is' if found.better == 1 else 'are'} better"
    without = f"; {found.without} could not be compared with an interval" if found.without else ""
    metrics = plural(found.compared, "metric")
    if not found.metrics:
        return [
            f"Compared with the baseline: of {metrics}, none is shown to be worse, and {better} beyond "
            f"chance{without}."
        ]
    n = len(found.metrics)
    lines = [
        f"Compared with the baseline: of {metrics}, {n} {'is' if n == 1 else 'are'} worse beyond chance, and "
        f"{better}{without}."
    ]
    for i, finding in found.metrics[:SHOWN]:
        metric = finding.label.replace(SUFFIX, "")
        allowed = TOLERANCE.get(finding.verdict, "not shown to be within the tolerance")
        changed = f"changed by {content.measured(finding)}"
        lines.append(f"– {content.name(results, i)}: {metric} {changed}, {allowed}")
    return [*lines, f"… and {n - SHOWN} more"] if n > SHOWN else lines
