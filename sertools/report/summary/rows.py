"""The first screen of a report: one row per question, with its verdict, its answer and its numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sertools.report import content
from sertools.report.text import SYMBOLS
from sertools.results.keys import Asks
from sertools.results.result import Finding, Result, Verdict

MOST_NUMBERS = 3
"""Most numbers in a row; the section of the audit has them all."""


@dataclass(kw_only=True)
class Row:
    """One question, and the answers of the audits that ask it.

    Attributes:
        asks: the question
        model, corpus: names of what was audited
        audits: index of each result that asks it
        verdict: the most urgent verdict of their headline findings; `none` if nothing was judged
        numbers: the most urgent measured finding of each target, in the order of the audits
        reason: the first reason why something was skipped; empty if nothing was
    """

    asks: Asks
    model: str
    corpus: str
    audits: list[int] = field(default_factory=list)
    verdict: Verdict = Verdict.NONE
    numbers: list[Finding] = field(default_factory=list)
    reason: str = ""


def rows(results: Sequence[Result]) -> list[Row]:
    """The questions of the audits in the order of their ranks; each subject has rows of its own."""
    found: dict[tuple[str, str, str], Row] = {}
    for i, result in enumerate(results):
        asks = result.asks or Asks(question=result.question or result.audit)
        model = content.name_of(result.model, "an unnamed model")
        corpus = content.name_of(result.data, "unnamed data")
        row = found.setdefault((model, corpus, asks.question), Row(asks=asks, model=model, corpus=corpus))
        row.audits.append(i)
        row.verdict = min(row.verdict, content.verdict_of(result), key=content.urgency)
        row.numbers = _first([*row.numbers, *numbers(result)])
        skipped = [f.reason for f in result.findings if f.verdict is Verdict.SKIPPED]
        row.reason = row.reason or next(iter(skipped), "")
    pairs = list(dict.fromkeys((row.model, row.corpus) for row in found.values()))
    return sorted(found.values(), key=lambda row: (pairs.index((row.model, row.corpus)), row.asks.rank))


def numbers(result: Result) -> list[Finding]:
    """The numbers that answer the question of an audit: the most urgent finding of each target.

    Where nothing was judged, they are the first measured finding and the same measure of other targets.
    """
    decided = [f for f in content.judged(result) if f.value is not None and f.verdict is not Verdict.SKIPPED]
    if decided:
        chosen = {f.target: f for f in reversed(decided)}.values()
        return _first([f for f in result.findings if any(f is each for each in chosen)])
    withheld = [f for f in content.judged(result) if f.verdict is Verdict.SKIPPED]
    measured = [
        f for f in [*withheld, *content.unjudged(result)] if f.value is not None and f.name != "coverage"
    ]
    alike = [f for f in measured if (f.name, f.slice) == (measured[0].name, measured[0].slice)]
    return _first(alike)


def _first(findings: Sequence[Finding]) -> list[Finding]:
    """The most urgent findings, at most `MOST_NUMBERS`, in their own order."""
    order = list(SYMBOLS)
    urgent = sorted(findings, key=lambda f: order.index(f.decides))[:MOST_NUMBERS]
    return [f for f in findings if any(f is each for each in urgent)]


def with_people(results: Sequence[Result]) -> bool:
    """Whether the first screen shows the score of one rater."""
    return any(f.ceiling for row in rows(results) for f in row.numbers)


def dropped(results: Sequence[Result]) -> list[str]:
    """Sentences on clips that the scores exclude: without answers or labels, missing files, odd rows."""
    return [f"{words[:1].upper()}{words[1:].rstrip('.')}." for words in content.warnings(results)]
