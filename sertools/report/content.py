"""Content of the report, independent of its format: pure functions on results."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sertools.report.text import (
    SYMBOLS,
    WORDS,
    column_texts,
    is_numeric,
    p_value_texts,
)
from sertools.results.coverage import coverages, unanswered
from sertools.results.display import ABSENT, clean, one_line
from sertools.results.keys import FindingKey
from sertools.results.provenance import training_sentences
from sertools.results.result import Finding, Missing, Result, Table, Verdict
from sertools.results.terms.names import finding_words, in_words, slice_words
from sertools.results.verdicts.gate import CLIPS_ONLY
from sertools.wording import plural

SHOWN_MISSING = 20
"""How many missing clips are listed; the rest are only counted."""

MAX_REASONS = 25
"""How many different reasons are listed; the rest become one entry."""

CLEAN = "clean"
"""The condition of unperturbed audio."""

UNMATCHED = "unmatched"
"""Key in the facts of a model: how many rows of its table match no clip of the corpus, in words."""


_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])")
"""A number that stands alone in a reason."""


@dataclass(frozen=True, kw_only=True)
class MissingClips:
    """Clips that were not scored: counts by reason, the first clips, and how many more there are."""

    reasons: list[tuple[str, int, list[str]]]
    first: list[Missing]
    more: int


def counts(findings: Iterable[Finding]) -> dict[Verdict, int]:
    """Number of findings by verdict, most urgent first; findings without a limit last."""
    counted = Counter(finding.decides for finding in findings)
    return {verdict: counted[verdict] for verdict in SYMBOLS}


def warnings(results: Sequence[Result]) -> list[str]:
    """Sentences on what every score must be read with, without a full stop.

    On clips in the training, left out, not answered or missing, on predictions that match no clip, and on
    intervals that are too narrow because the corpus names no speakers.
    """
    found = training_sentences(results)
    found += dict.fromkeys(sentence.rstrip(".") for result in results for sentence in result.dropped)
    found += [
        f"{unanswered(f)} of {plural(f.n, 'clip')} were not answered ({target}); they count against the model"
        for target, f in coverages(results).items()
        if unanswered(f)
    ]
    unheard = {m.clip: m.reason for r in results for m in r.missing if m.condition == CLEAN and not m.asked}
    if unheard:
        reason, n = Counter(unheard.values()).most_common(1)[0]
        rest = f"{plural(n, 'clip')}: {reason}" if n < len(unheard) else reason
        found.append(f"{plural(len(unheard), 'clip')} missing, most often because: {rest}")
    odd = {str(r.model[UNMATCHED]) for r in results if r.model.get(UNMATCHED)}
    found += [f"{text} of the predictions match no clip of the corpus" for text in sorted(odd)]
    apart = any(CLIPS_ONLY in f.reason and f.low is not None for result in results for f in result.findings)
    return [*found, CLIPS_ONLY] if apart else found


def judged(result: Result) -> list[Finding]:
    """Headline findings and those that were skipped, most urgent first."""
    order = list(SYMBOLS)
    chosen = [f for f in result.findings if f.headline or f.decides is not Verdict.NONE]
    return sorted(chosen, key=lambda finding: order.index(finding.verdict))


def urgency(verdict: Verdict) -> int:
    """Rank of a verdict by urgency; 0 is a failure."""
    return list(SYMBOLS).index(verdict)


def unjudged(result: Result) -> list[Finding]:
    """Details and findings without a limit, in the order of the audit."""
    return [f for f in result.findings if not f.headline and f.decides is Verdict.NONE]


def failures(results: Sequence[Result]) -> list[tuple[int, str]]:
    """Every failed finding in a few words, with the index of its result."""
    return [
        (i, against_limit(finding))
        for i, result in enumerate(results)
        for finding in result.findings
        if finding.decides is Verdict.FAIL
    ]


def name(results: Sequence[Result], i: int) -> str:
    """The audit of the i-th result, with its model and corpus where the results have several."""
    several = [
        str(results[i].model.get("name", "")) if len({r.model.get("name") for r in results}) > 1 else "",
        str(results[i].data.get("name", "")) if len({r.data.get("name") for r in results}) > 1 else "",
    ]
    return ", ".join([*filter(None, several), results[i].audit])


def against_limit(finding: Finding) -> str:
    """The value of a finding, and the limit that it should meet.

    >>> limit = {"name": "ccc", "above": 0.5}
    >>> against_limit(Finding(name="ccc", value=0.1, low=0.05, high=0.2, n=9, limit=limit))
    'ccc is 0.100 (95 % interval [0.050, 0.200]), wanted > 0.5'
    """
    return f"{finding.label} is {measured(finding)}" + (
        f", wanted {finding.limit_text}" if finding.limit else ""
    )


def measured(finding: Finding) -> str:
    """The value of a finding, with its interval if it has one.

    >>> measured(Finding(name="ccc", value=0.1, low=0.05, high=0.2, n=9))
    '0.100 (95 % interval [0.050, 0.200])'
    """
    interval = finding.interval_text
    return finding.value_text + ("" if interval == ABSENT else f" (95 % interval {interval})")


def answer_itself(result: Result) -> str:
    """The answer without its first sentences on the training of the model, which `warnings()` repeats."""
    answer = result.answer
    for sentence in training_sentences([result]):
        answer = answer.removeprefix(sentence).lstrip()
    return answer


def findings_by_reason(result: Result, verdict: str) -> list[tuple[str, list[str]]]:
    """Reasons for a verdict, each with the findings that it applies to, in order of appearance.

    More than `MAX_REASONS` of them end with one entry for all the others.
    """
    found: dict[str, list[str]] = {}
    for finding in result.findings:
        if finding.decides.value == verdict:
            found.setdefault(finding.reason or "no reason was given", []).append(finding_words(finding.key))
    every = list(found.items())
    others = every[MAX_REASONS:]
    if others:
        labels = [label for _, names in others for label in names]
        every[MAX_REASONS:] = [(plural(len(others), "other reason"), labels)]
    return every


def verdict_of(result: Result) -> Verdict:
    """The most urgent verdict of an audit; `none` if nothing was judged."""
    counted = counts(result.findings)
    return next((v for v, n in counted.items() if n and v is not Verdict.NONE), Verdict.NONE)


def key_finding(result: Result) -> Finding | None:
    """The most important finding: the most urgent judged one, or else the first measured one."""
    decided = [f for f in judged(result) if f.verdict is not Verdict.SKIPPED]
    return next((f for f in [*decided, *unjudged(result)] if f.value is not None), None)


def tally(result: Result) -> str:
    """Number of findings of an audit by verdict, in words.

    >>> limit = {"name": "ccc", "above": 0.5}
    >>> found = [Finding(name="ccc", value=0.6, n=9, limit=limit, verdict="pass")] * 2
    >>> tally(Result(audit="a", question="", method="", answer="", model={}, data={}, findings=found))
    '2 pass'
    """
    words = {**WORDS, Verdict.NONE: "without a verdict"}
    parts = [f"{n} {words[verdict]}" for verdict, n in counts(result.findings).items() if n]
    return ", ".join(parts) or "no findings"


def limits(result: Result) -> list[tuple[str, str, int]]:
    """Every limit that was applied: what it judged in words, its source, and how many findings it judged."""
    judged_by: dict[tuple[str, str, str, str, str], list[str]] = {}
    for finding in result.findings:
        limit = finding.limit
        if limit is None:
            continue
        why = f"because: {limit.why}" if limit.why else ""
        origin = "; ".join(part for part in (limit.source, why) if part) or "no source is stated"
        key = (limit.name, limit.target, limit.slice, finding.limit_text, origin)
        judged_by.setdefault(key, []).append(finding.name)
    rows = []
    for (name, target, part, text, origin), names in judged_by.items():
        measures = list(dict.fromkeys(names)) if "*" in name else [name]
        of_all = FindingKey(
            " or ".join(map(in_words, measures[:3])) + (" and others" if len(measures) > 3 else ""),
            "all" if target == "*" else target,
            "all" if part == "*" else part,
        )
        rows.append((f"{finding_words(of_all)} {text}", origin, len(names)))
    return rows


MOST_FIRST = 6
"""Most findings of an audit that are shown before unfolding."""


def first_findings(result: Result) -> tuple[list[Finding], list[Finding]]:
    """The findings that are shown first, and the others; what was skipped is listed by reason instead."""
    decided = [f for f in judged(result) if f.verdict is not Verdict.SKIPPED]
    first = decided[:MOST_FIRST] or [f for f in unjudged(result) if f.value is not None][:MOST_FIRST]
    others = [f for f in [*decided, *unjudged(result)] if not any(f is each for each in first)]
    return first, others


def same_clips(findings: Sequence[Finding]) -> str:
    """On how many clips all of some findings are, as a sentence; empty if they differ."""
    if len({(f.n, f.speakers) for f in findings}) != 1:
        return ""
    speakers = findings[0].speakers
    of = f" of {plural(speakers, 'speaker')}" if speakers is not None else ""
    return f"On {plural(findings[0].n, 'clip')}{of}."


def columns_of(findings: Sequence[Finding]) -> dict[str, bool]:
    """Which optional columns of a table of findings are not empty."""
    return {
        "interval": any(f.low is not None or f.high is not None for f in findings),
        "limit": any(f.limit is not None or f.verdict is not Verdict.NONE for f in findings),
        "people": any(f.ceiling is not None for f in findings),
        "speakers": any(f.speakers is not None for f in findings),
        "reason": any(f.reason for f in findings),
    }


def licence_of(about: Mapping[str, Any]) -> str:
    """The licence of a model or corpus, or that none is stated."""
    return one_line(about.get("licence") or about.get("license") or "licence not stated")


def texts(results: Sequence[Result]) -> list[str]:
    """All texts of the page that may contain an abbreviation: answers, reasons, notes, titles and names."""
    found: list[str] = []
    for result in results:
        found += [result.question, result.answer, result.method, result.audit.replace("_", " ").upper()]
        found += result.notes
        for finding in result.findings:
            found += [finding.name.replace("_", " ").upper(), finding.reason]
        for figure in result.figures:
            found += [figure.title, figure.alt]
    return found


def commands(results: Sequence[Result]) -> list[str]:
    """The commands that produced these results, without duplicates."""
    return list(dict.fromkeys(clean(r.provenance["command"]) for r in results if r.provenance.get("command")))


def common_notes(results: Sequence[Result]) -> list[str]:
    """Notes that all audits of several have, on the corpus and the model; they are shown once."""
    if len(results) < 2:
        return []
    return [note for note in results[0].notes if all(note in other.notes for other in results[1:])]


def missing_clips(result: Result) -> MissingClips:
    """Clips that were not scored, by reason; the most frequent reason first.

    Reasons that differ in a number only, such as the length of the clip, become one with its range.
    """
    by_reason: dict[str, tuple[set[str], dict[str, None]]] = {}
    for missing in result.missing:
        clips, conditions = by_reason.setdefault(missing.reason, (set(), {}))
        clips.add(missing.clip)
        conditions[slice_words(missing.condition)] = None
    alike: dict[tuple[str, ...], list[str]] = {}
    for reason, (_, conditions) in by_reason.items():
        alike.setdefault((_NUMBER.sub("", reason), *conditions), []).append(reason)
    reasons = [
        (_with_ranges(every), len(set().union(*(by_reason[reason][0] for reason in every))), list(where))
        for (_, *where), every in alike.items()
    ]
    reasons.sort(key=lambda row: -row[1])
    others = reasons[MAX_REASONS:]
    if others:
        where = list(dict.fromkeys(condition for _, _, conditions in others for condition in conditions))
        reasons[MAX_REASONS:] = [(plural(len(others), "other reason"), sum(n for _, n, _ in others), where)]
    return MissingClips(
        reasons=reasons,
        first=result.missing[:SHOWN_MISSING],
        more=max(0, len(result.missing) - SHOWN_MISSING),
    )


def _with_ranges(reasons: Sequence[str]) -> str:
    """Reasons with the same words as one; numbers that differ become a range.

    >>> _with_ranges(["a clip of 3.7 s is not longer than 5 s", "a clip of 1.2 s is not longer than 5 s"])
    'a clip of 1.2 … 3.7 s is not longer than 5 s'
    """
    numbers = zip(*(_NUMBER.findall(reason) for reason in reasons), strict=True)
    ranges = []
    for found in numbers:
        low, high = min(found, key=float), max(found, key=float)
        ranges.append(low if float(low) == float(high) else f"{low} … {high}")
    texts = _NUMBER.split(reasons[0])
    return "".join(text + number for text, number in zip(texts, [*ranges, ""], strict=True))


def name_of(facts: Mapping[str, Any], otherwise: str) -> str:
    """The name of a model or corpus, or `otherwise` if it has none."""
    return clean(facts.get("name") or otherwise)


def subjects(results: Sequence[Result]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Every audited pair of model and corpus, without duplicates, in order of appearance.

    A model stays the same in another number format, or compared with others: it has the facts of all.
    """
    pairs: list[tuple[dict[str, Any], dict[str, Any]]] = []
    for result in results:
        for model, data in pairs:
            if data == result.data and _without_varying(model) == _without_varying(result.model):
                for key in filter(_varies, result.model):
                    model[key] = _both(model.get(key), result.model[key])
                break
        else:
            pairs.append((dict(result.model), result.data))
    return pairs


def _varies(fact: str) -> bool:
    """Whether audits of one model may differ in this fact: its number format, models it is compared with."""
    return fact == "others" or fact.startswith("precision")


def _without_varying(model: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in model.items() if not _varies(key)}


def _both(one: Any, other: Any) -> Any:
    """Two values of a fact that differs between audits, as one."""
    if one in (None, other):
        return other
    if isinstance(one, str) and isinstance(other, str):
        return one if other in one.split("; ") else f"{one}; {other}"
    return one


def subject_names(results: Sequence[Result]) -> tuple[list[str], list[str]]:
    """The names of all models and of all corpora, without duplicates."""
    pairs = subjects(results)
    models = dict.fromkeys(name_of(model, "an unnamed model") for model, _ in pairs)
    return list(models), list(dict.fromkeys(name_of(data, "unnamed data") for _, data in pairs))


def simulated(results: Sequence[Result]) -> list[str]:
    """The statements about labels that nobody rated (simulated labels), without duplicates."""
    said = [clean(data["simulated"]) for _, data in subjects(results) if data.get("simulated")]
    return list(dict.fromkeys(said))


def columns(table: Table) -> list[tuple[str, bool, list[str]]]:
    """A table by column: name, whether it is numeric, and its cells as text; empty columns are left out."""
    by_column = [[row[i] for row in table.rows] for i in range(len(table.columns))]
    return [
        (name, is_numeric(cells), (p_value_texts if _is_p_value(name, cells) else column_texts)(cells))
        for name, cells in zip(table.columns, by_column, strict=True)
        if not table.rows or any(cell not in (None, "") for cell in cells)
    ]


def _is_p_value(name: str, cells: Sequence[object]) -> bool:
    """Whether a column of a table contains p-values, plain or adjusted."""
    return name.startswith(("p-value", "p (")) and is_numeric(cells)
