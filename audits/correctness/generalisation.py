"""How much lower scores are here than on the corpus that the model was trained on."""

import math
from dataclasses import replace

from sertools.auditing.findings import finding
from sertools.errors import AuditError
from sertools.results.result import Finding
from sertools.statistics.jackknife import Estimate

NO_INTERVAL = (
    "the in-domain score was given without its interval, so the drop has none; "
    "give both ends, as in arousal=0.745:0.71:0.78"
)
TOO_WIDE = "the interval of the in-domain score is too wide: it must be above 0 and below twice the score"


def generalisation_drops(findings: list[Finding], in_domain: tuple[str, ...]) -> list[Finding]:
    """The generalisation drop of each target with a given in-domain score.

    Both scores are uncertain, so the drop has an interval only if both have one. The corpora are different,
    so the scores are independent, and their intervals are joined by MOVER for ratios (Donner & Zou 2012).

    Args:
        findings: scores on this corpus
        in_domain: `arousal=0.745` or, with the ends of the 95 % interval, `arousal=0.745:0.71:0.78`

    Raises:
        AuditError: a text is not of this form, or there is no such score
    """
    drops = []
    scores = {f.target: f for f in findings if f.name in {"ccc", "uar"}}
    for text in in_domain:
        target, _, numbers = text.partition("=")
        home, low, high = _score_at_home(text, numbers)
        if target not in scores:
            raise AuditError(
                f"--in-domain {text!r} needs a positive score of {', '.join(scores) or 'a measured target'}"
            )
        here = scores[target]
        drop = _drop(here, home, low, high)
        withheld = "" if here.value is not None else here.reason
        drops.append(
            finding(
                "generalisation_drop",
                drop,
                target=target,
                by_speaker=here.speakers is not None,
                withheld=withheld,
            )
        )
    return drops


def _score_at_home(text: str, numbers: str) -> tuple[float, float, float]:
    """The in-domain score and the ends of its interval; nan for ends that are not given."""
    try:
        given = [float(number) for number in numbers.split(":")]
    except ValueError:
        given = []
    if len(given) not in {1, 3} or not all(map(math.isfinite, given)):
        raise AuditError(
            f"--in-domain {text!r} must have the form arousal=0.745, "
            "or arousal=0.745:0.71:0.78 with the ends of its 95 % interval"
        )
    home, low, high = given if len(given) == 3 else (given[0], math.nan, math.nan)
    if home <= 0:
        raise AuditError(f"--in-domain {text!r} needs a positive score")
    if low > home or high < home:
        raise AuditError(f"--in-domain {text!r}: the score must be inside its interval")
    return home, low, high


def _drop(here: Finding, home: float, low: float, high: float) -> Estimate:
    """One minus the ratio of two independent scores, with an interval that contains what both do not know."""
    value = math.nan if here.value is None else 1 - here.value / home
    found = Estimate(value=value, low=math.nan, high=math.nan, n=here.n, units=here.speakers or here.n)
    if here.value is None or here.low is None or here.high is None:
        return replace(found, reason=here.reason)
    if math.isnan(low):
        return replace(found, reason=NO_INTERVAL)
    if low <= 0 or high >= 2 * home:
        return replace(found, reason=TOO_WIDE)
    return replace(
        found,
        low=1 - _ratio_end(here.value, here.high, home, low),
        high=1 - _ratio_end(here.value, here.low, home, high),
    )


def _ratio_end(value: float, end: float, home: float, home_end: float) -> float:
    """One end of the interval of value / home, from the ends of both intervals that make it extreme.

    (ab ± √((ab)² − e f (2a − e)(2b − f))) / (f (2b − f)), where a is the value, b the score at home, and e
    and f are their ends; + for the upper end, where e > a and f < b.
    """
    product, below = value * home, home_end * (2 * home - home_end)
    root = math.sqrt(max(product**2 - end * (2 * value - end) * below, 0.0))
    return (product + math.copysign(root, end - value)) / below
