"""Show results: explanations of measures, and the pages in the browser."""

import importlib
import inspect
import pkgutil
import re
import threading
import webbrowser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from types import TracebackType
from typing import Self

from sertools.auditing.audit import Audit, load
from sertools.auditing.discovery import discover
from sertools.errors import AuditError, nearest
from sertools.report import content
from sertools.report.prose import blocks
from sertools.report.serve import Pages
from sertools.report.text import verdict
from sertools.results.read import read_results
from sertools.results.result import Finding, Result
from sertools.results.terms import glossary, names

MOST_OUTCOMES = 12
"""Most findings whose outcome is told; the others are counted."""


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """The explanation of one measure of one audit.

    Attributes:
        audit: the audit that reports it
        name: its name in result files
        meaning: sentences on what it is, with its formula, range and source
        limits: each limit, with the source of the limit
        outcomes: each finding of this measure in the given results
    """

    audit: str
    name: str
    meaning: list[str]
    limits: list[str]
    outcomes: list[str]

    def __str__(self) -> str:
        parts = [f"{names.in_words(self.name)} ({self.audit}.{self.name})", *self.meaning]
        parts += [f"Limit: {limit}" for limit in self.limits] or ["No limit applies to it by default."]
        return "\n".join([*parts, *self.outcomes])


def explain(finding: str, results: str | Path | None = None) -> Explanation:
    """Explain a measure: definition, formula, source, limit, and its value in results.

    Args:
        finding: the measure as in result files (`sex_score`), with its audit (`fairness.sex_score`), or as a
            report names a finding (`arousal, worst speaker (en-us+m1)`)
        results: folder of results, to tell how it came out; None tells only what it is

    Returns:
        The explanation; `print()` shows it as text.

    Raises:
        AuditError: no audit has this measure
        GateError: the results cannot be read

    Example:
        ```python
        print(sertools.explain("correctness.ccc"))
        ```
    """
    found = list(read_results(Path(results))) if results is not None else []
    audits = {name: load(name) for name in discover()}
    audit, name = _resolved(finding, audits, found)
    own = [(r, f) for r in found if r.audit == audit.name for f in r.findings if f.name == name]
    return Explanation(
        audit=audit.name,
        name=name,
        meaning=_meaning(audit, name, [*audits.values()]),
        limits=list(dict.fromkeys([*_limits(audit, name), *_limits_of([f for _, f in own])])),
        outcomes=_outcomes(own, found, audit.name),
    )


class Served:
    """Pages that are served until they are closed, or until Python ends.

    Attributes:
        url: address of the page
    """

    def __init__(self, pages: Pages) -> None:
        self.url = pages.url
        self._pages = pages
        self._thread = threading.Thread(target=pages.serve_forever, daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait until the pages are closed from elsewhere, or until Ctrl-C."""
        self._thread.join()

    def close(self) -> None:
        """Stop serving."""
        self._pages.shutdown()
        self._pages.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()


def view(folder: str | Path, *, port: int = 0, open_browser: bool = True) -> Served:
    """Serve the pages of an audit, a comparison or a leaderboard to this machine.

    Args:
        folder: folder with `report.html`, `compare.html` or the `index.html` of a leaderboard
        port: port to listen on; 0 takes a free one
        open_browser: open the page in the browser

    Returns:
        The address, and how to stop serving.

    Raises:
        GateError: the folder holds no page, or the port is taken or not allowed

    Example:
        ```python
        with sertools.view("report", open_browser=False) as page:
            print(page.url)  # such as http://127.0.0.1:40123/report.html
        ```
    """
    served = Served(Pages(Path(folder), port))
    if open_browser:
        webbrowser.open(served.url)
    return served


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def _resolved(text: str, audits: Mapping[str, Audit], found: Sequence[Result]) -> tuple[Audit, str]:
    """The audit and the name of the measure that a text names."""
    head, dot, rest = text.strip().partition(".")
    given = head.replace("-", "_") if dot and head.replace("-", "_") in audits else ""
    wanted = _plain(rest if given else text)
    known: dict[str, tuple[str, str]] = {}
    for result in found:
        for each in result.findings:
            for words in (each.name, each.label, names.finding_words(each.key)):
                if result.audit in audits and given in ("", result.audit):
                    known.setdefault(_plain(words), (result.audit, each.name))
    for audit in audits.values():
        for name in _measures(audit):
            if given in ("", audit.name):
                known.setdefault(_plain(name), (audit.name, name))
    # the target before the name, and the clips after it, need not be in the results
    for candidate in (wanted, _plain(re.sub(r"\(.*\)$", "", (rest if given else text)).split(", ")[-1])):
        if candidate in known:
            owner, name = known[candidate]
            return audits[owner], name
    raise AuditError(
        f"no audit reports {text!r}", hint=nearest(wanted, sorted({name for _, name in known.values()}))
    )


def _measures(audit: Audit) -> list[str]:
    """Names of measures that an audit declares, or has a limit for."""
    every = [*audit.measures, *(limit.name for limit in audit.limits)]
    return [name for name in dict.fromkeys(every) if not re.search(r"[*?\[]", name)]


def _meaning(audit: Audit, name: str, others: Sequence[Audit]) -> list[str]:
    """Sentences on a measure: what its audit declares, its metric's docstring, or else the audit's method."""
    found = [declared[name] for declared in (a.measures for a in (audit, *others)) if name in declared][:1]
    documented = of_metric(name)
    term = next((t for t in glossary.TERMS if t.short.lower() == name), None)
    if term:
        found.append(f"{term.short} is the {term.long}: {term.meaning}.")
    found += documented
    if not found:
        words = names.in_words(name).lower()
        said = [item for _, items in blocks(audit.method) for item in items]
        found = [item for item in said if words in item.lower() or name in item]
    return found or [f"The audit asks: {audit.question} Its method is shown by: sertools {audit.name} --help"]


def of_metric(name: str) -> list[str]:
    """The docstring of the metric with this name, up to its arguments; empty if there is none."""
    from sertools import metrics

    for module in pkgutil.iter_modules(metrics.__path__):
        function = getattr(importlib.import_module(f"{metrics.__name__}.{module.name}"), name, None)
        if inspect.isfunction(function):
            text = (inspect.getdoc(function) or "").split("\nArgs:")[0]
            return [" ".join(items) for kind, items in blocks(text) if kind != "list"]
    return []


def _limits(audit: Audit, name: str) -> list[str]:
    return [
        text
        for limit in audit.limits
        if fnmatchcase(name, limit.name)
        for text in _limits_of([Finding(name=name, value=0, n=0, limit=limit, slice=limit.slice)])
    ]


def _limits_of(findings: Sequence[Finding]) -> list[str]:
    """Each limit in words, with its source."""
    said = []
    for f in findings:
        if f.limit is None:
            continue
        part = names.slice_words(f.limit.slice) if f.limit.slice != "*" else ""
        where = f" for {part}" if part else ""
        source = "; ".join(filter(None, [f.limit.source, f.limit.why])) or "no source is stated"
        said.append(f"{f.limit_text}{where} ({source})")
    return said


def _outcomes(own: Sequence[tuple[Result, Finding]], found: Sequence[Result], audit: str) -> list[str]:
    """How each finding came out, in sentences."""
    if found and not own:
        return [f"These results have no such finding of {audit}."]
    said = []
    for result, f in own[:MOST_OUTCOMES]:
        model = content.name_of(result.model, "the model")
        corpus = content.name_of(result.data, "the corpus")
        value = "not measured" if f.value is None else content.measured(f)
        judged = f", {verdict(f.verdict)}" if f.limit or f.value is None else ""
        why = f" Reason: {f.reason}." if f.reason else ""
        what = names.finding_words(f.key)
        said.append(f"{model} on {corpus}: {what}: {value}{judged}. {content.same_clips([f])}{why}")
    more = len(own) - MOST_OUTCOMES
    return [*said, f"… and {more} more"] if more > 0 else said
