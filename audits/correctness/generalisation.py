"""How much lower scores are here than on the corpus that the model was trained on."""

from sertools.auditing.findings import finding
from sertools.errors import AuditError
from sertools.results.result import Finding
from sertools.statistics.jackknife import Estimate


def generalisation_drops(findings: list[Finding], in_domain: tuple[str, ...]) -> list[Finding]:
    """The generalisation drop of each target with a given in-domain score."""
    drops = []
    scores = {f.target: f for f in findings if f.name in {"ccc", "uar"}}
    for text in in_domain:
        target, _, number = text.partition("=")
        try:
            home = float(number)
        except ValueError as error:
            raise AuditError(f"--in-domain {text!r} must have the form arousal=0.745") from error
        if target not in scores or home <= 0:
            raise AuditError(
                f"--in-domain {text!r} needs a positive score of {', '.join(scores) or 'a measured target'}"
            )
        here = scores[target]
        nan = float("nan")
        ends = [nan if end is None else 1 - end / home for end in (here.value, here.high, here.low)]
        drop = Estimate(value=ends[0], low=ends[1], high=ends[2], n=here.n, units=here.speakers or here.n)
        reason = "" if here.value is not None else here.reason
        drops.append(
            finding(
                "generalisation_drop",
                drop,
                target=target,
                by_speaker=here.speakers is not None,
                withheld=reason,
            )
        )
    return drops
