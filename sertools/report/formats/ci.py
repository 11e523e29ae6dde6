"""Formats judged results for CI: JUnit XML, and GitHub annotations and step summary.

Pure functions from results to text.
"""

from collections.abc import Sequence
from xml.etree import ElementTree

from sertools.report import content
from sertools.report.formats import gate_lines
from sertools.report.markdown import plain
from sertools.results.display import ABSENT, clean, one_line
from sertools.results.reasons import is_ignored
from sertools.results.result import Finding, Result, Verdict

SHOWN = 10
"""Number of annotations of one kind that GitHub shows for a step; the last one counts the rest."""

SYMBOLS = {Verdict.FAIL: "❌", Verdict.INCONCLUSIVE: "❓", Verdict.SKIPPED: "➖", Verdict.PASS: "✅"}
KINDS = {Verdict.FAIL: "error", Verdict.INCONCLUSIVE: "warning", Verdict.SKIPPED: "notice"}


def junit(results: Sequence[Result], *, strict: bool = False) -> str:
    """JUnit XML with one test suite for each result and one test case for each limit.

    A failed limit is a failure. An inconclusive or skipped finding is a skipped case, which no JUnit reader
    counts as passed; with `strict` it is an error, as it is for the exit code. A finding that a gate file
    ignores is always a skipped case. Names of cases do not contain the limit, so that a system of CI still
    knows a case by its history after the limit has changed.
    """
    root = ElementTree.Element("testsuites", name="sertools")
    for result in results:
        ignored = [finding for finding in result.findings if is_ignored(finding)]
        cases = [*_judged(result), *ignored]
        undecided = sum(f.verdict in {Verdict.INCONCLUSIVE, Verdict.SKIPPED} for f in cases)
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=clean(f"{result.audit}: {_subject(result)}"),
            tests=str(len(cases)),
            failures=str(sum(f.verdict is Verdict.FAIL for f in cases)),
            errors=str(undecided if strict else 0),
            skipped=str(len(ignored) + (0 if strict else undecided)),
        )
        for finding in cases:
            case = ElementTree.SubElement(
                suite,
                "testcase",
                classname=clean(f"sertools.{result.audit}"),
                name=clean(finding.label),
            )
            _add_outcome(case, finding, strict)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _add_outcome(case: ElementTree.Element, finding: Finding, strict: bool) -> None:
    """Adds to a test case how it came out: what failed, or the value and the limit that it met."""
    text = clean(_outcome(finding))
    if finding.verdict is Verdict.PASS:
        ElementTree.SubElement(case, "system-out").text = text
    elif is_ignored(finding):
        ElementTree.SubElement(case, "skipped", message=text)
    else:
        tag = "failure" if finding.verdict is Verdict.FAIL else "error" if strict else "skipped"
        outcome = ElementTree.SubElement(case, tag, message=f"{finding.verdict}: {text}")
        if tag != "skipped":
            outcome.set("type", finding.verdict)


def annotations(results: Sequence[Result]) -> list[str]:
    """GitHub workflow commands: errors for failures, warnings for inconclusive and notices for skipped."""
    lines = []
    for verdict, kind in KINDS.items():
        found = [(result, f) for result in results for f in _judged(result) if f.verdict is verdict]
        shown = found if len(found) <= SHOWN else found[: SHOWN - 1]
        for result, finding in shown:
            title = _escaped(f"sertools {result.audit}: {verdict}").replace(":", "%3A").replace(",", "%2C")
            message = _escaped(f"{finding.label}: {_outcome(finding)} ({_subject(result)})")
            lines.append(f"::{kind} title={title}::{message}")
        if len(shown) < len(found):
            more = f"{len(found) - len(shown)} more; all are in the step summary"
            lines.append(f"::{kind} title=sertools%3A {verdict}::{more}")
    return lines


def step_summary(results: Sequence[Result]) -> str:
    """A Markdown page for GitHub's step summary: counts of verdicts, then the judged findings."""
    counts = {v: sum(f.verdict is v for r in results for f in _judged(r)) for v in SYMBOLS}
    lines = ["## sertools", "", " · ".join(f"{SYMBOLS[v]} {n} {v}" for v, n in counts.items()), ""]
    for result in results:
        cases = sorted(_judged(result), key=lambda f: list(SYMBOLS).index(f.verdict))
        lines += [f"### {plain(result.audit)}: {plain(_subject(result))}", "", plain(result.answer), ""]
        if cases:
            lines += [
                "| | finding | value | 95 % interval | wanted | clips | speakers | reason |",
                "|" + "---|" * 8,
            ]
            lines += [_row(finding) for finding in cases]
            lines.append("")
    lines += [plain(sentence) for sentence in gate_lines.ignored(results)]
    return "\n".join(lines) + "\n"


def _judged(result: Result) -> list[Finding]:
    """Findings that have a limit or were skipped; the others cannot pass or fail."""
    return [f for f in result.findings if f.decides is not Verdict.NONE]


def _subject(result: Result) -> str:
    return f"{result.model.get('name', 'a model')} on {result.data.get('name', 'a corpus')}"


def _outcome(finding: Finding) -> str:
    """Value, interval, limit and reason of a finding on one line."""
    parts = [] if finding.value is None else [content.measured(finding)]
    if finding.limit:
        source = f" ({finding.limit.source})" if finding.limit.source else ""
        parts.append(f"wanted {finding.limit_text}{source}")
    parts += [text for text in (finding.reason, finding.limit.why if finding.limit else "") if text]
    return "; ".join(parts)


def _row(finding: Finding) -> str:
    cells = [
        SYMBOLS[finding.verdict],
        plain(finding.label),
        finding.value_text,
        finding.interval_text,
        plain(finding.limit_text),
        str(finding.n),
        ABSENT if finding.speakers is None else str(finding.speakers),
        plain(finding.reason),
    ]
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    """Text escaped for the message of a GitHub workflow command."""
    return one_line(text).replace("%", "%25")
