"""Takes the verdicts from results on a corpus that no model may be judged on."""

from collections.abc import Collection

from sertools.results.collection import Results
from sertools.results.result import Finding, Result, Verdict


def without_verdicts(results: Results, audits: Collection[str], reason: str) -> Results:
    """The results, those of some audits without verdicts and with the reason.

    It is said in the answer of each audit, beside each score, and in the notes.

    Args:
        results: of audits
        audits: names of those that ask the model something
        reason: why nothing is judged
    """
    said = f"{reason[0].upper()}{reason[1:]}."

    def told(result: Result) -> Result:
        if result.audit not in audits:
            return result
        findings = [_unjudged(each, reason) for each in result.findings]
        return result.model_copy(update={"answer": f"{said} {result.answer}", "findings": findings})

    return Results([told(result) for result in results], results.answers)


def _unjudged(finding: Finding, reason: str) -> Finding:
    """The finding without a verdict, now and in `gate`, which leaves alone what an audit has skipped."""
    both = "; ".join(dict.fromkeys(filter(None, [finding.reason, reason])))
    return finding.model_copy(update={"verdict": Verdict.SKIPPED, "watch": False, "reason": both})
