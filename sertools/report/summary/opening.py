"""The sentence that opens every report: how well a model serves a corpus."""

import re
from collections.abc import Sequence

from sertools.report import content
from sertools.report.summary.rows import Row, rows
from sertools.results.coverage import COVERAGE
from sertools.results.provenance import UNSEEN
from sertools.results.result import Result, Verdict
from sertools.wording import NO_MODEL, plural

SHORT = 160
"""Most characters of an answer in an overview, unless its first sentence has more."""


def opening(results: Sequence[Result]) -> str:
    """The answer of all audits in one sentence for each pair of model and corpus."""
    found = rows(results)
    pairs = list(dict.fromkeys((row.model, row.corpus) for row in found))
    return " ".join(
        _sentence(model, corpus, [row for row in found if (row.model, row.corpus) == (model, corpus)])
        for model, corpus in pairs
    )


def _sentence(model: str, corpus: str, asked: Sequence[Row]) -> str:
    silent = [row for row in asked if row.asks.claim and _answers_too_little(row)]
    asked = [row for row in asked if row not in silent]
    by = {v: [row.asks.claim for row in asked if row.asks.claim and row.verdict is v] for v in Verdict}
    refuted = _listed([f"not {claim}" for claim in by[Verdict.FAIL]], "and")
    shown, undecided = _listed(by[Verdict.PASS], "and"), _listed(by[Verdict.INCONCLUSIVE], "or")
    failed = [row.asks.question for row in asked if not row.asks.claim and row.verdict is Verdict.FAIL]
    parts = []
    without = model == NO_MODEL
    if shown or refuted:
        who = f"{corpus}" if without else f"On {corpus}, {model}"
        parts.append(f"{who} is {', but '.join(filter(None, [shown, refuted]))}.")
    if undecided:
        who, where = ("it", "") if parts else (corpus, "") if without else (model, f" on {corpus}")
        parts.append(f"Whether {who} is {undecided}{where} could not be decided.")
    if silent:
        who = "it" if parts else f"On {corpus}, {model}"
        unknown = _listed([row.asks.claim for row in silent], "or")
        parts.append(f"{who[:1].upper()}{who[1:]} answered too few clips to be called {unknown}.")
    if failed:
        where = "are also missed" if parts else f"are missed for {_subject(model, corpus)}"
        parts.append(f"Limits {where} under {_listed([f'“{question}”' for question in failed], 'and')}.")
    return " ".join(parts) or _without_verdict(_subject(model, corpus), asked)


def _answers_too_little(row: Row) -> bool:
    """Whether nothing failed but the coverage, so that the question is open and the model is to blame."""
    failed = {f.name for f in row.numbers if f.decides is Verdict.FAIL}
    return row.verdict is Verdict.FAIL and failed == {COVERAGE}


def _subject(model: str, corpus: str) -> str:
    """What was audited, in words."""
    return corpus if model == NO_MODEL else f"{model} on {corpus}"


def _without_verdict(subject: str, asked: Sequence[Row]) -> str:
    """The sentence where no claim is shown, refuted or open, and no question failed."""
    verdicts = {row.verdict for row in asked}
    open_ = [row for row in asked if row.asks.claim and row.verdict is Verdict.SKIPPED]
    if open_ and Verdict.PASS in verdicts:
        reasons = list(dict.fromkeys(row.reason for row in open_ if row.reason))
        why = f": {reasons[0]}" if len(reasons) == 1 else ""
        claims = _listed([row.asks.claim for row in open_], "or")
        return f"Whether {subject} is {claims} was not judged{why}. Everything else that was judged passed."
    if Verdict.INCONCLUSIVE in verdicts:
        return f"Nothing failed for {subject}, but not everything could be decided."
    if Verdict.PASS in verdicts:
        return f"Everything that was judged for {subject} passed."
    if Verdict.SKIPPED in verdicts:
        reasons = list(dict.fromkeys(row.reason for row in asked if row.reason))
        why = f": {reasons[0]}" if len(reasons) == 1 else ""
        return f"Nothing could be judged for {subject}{why}."
    return f"No limit applies to what was measured for {subject}."


def _listed(words: Sequence[str], last: str) -> str:
    """Words as a list in a sentence.

    >>> _listed(["a", "b", "c"], "and"), _listed(["a"], "or")
    ('a, b and c', 'a')
    """
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def title(results: Sequence[Result]) -> str:
    """The question of the whole report."""
    models, corpora = content.subject_names(results)
    model = models[0] if len(models) == 1 else plural(len(models), "model")
    # audits without a model read the whole corpus, also where a model is judged on unseen speakers only
    corpora = list(dict.fromkeys(name.removesuffix(f":{UNSEEN}") for name in corpora))
    corpus = corpora[0] if len(corpora) == 1 else f"{len(corpora)} corpora"
    if models == [NO_MODEL]:
        return f"What do audits of {corpus} without a model show?"
    return f"How well {'does' if len(models) == 1 else 'do'} {model} serve {corpus}?"


def shortest_answer(result: Result) -> str:
    """The first sentences of the answer, as many as `SHORT` characters hold, for an overview.

    A longer first sentence ends with … after the last part that fits, up to a semicolon.
    """
    whole = content.answer_itself(result)
    if len(whole) <= SHORT:
        return whole
    for gap, end in ((r"(?<=[a-z)\]%\d][.!?]) (?=[A-Z])", ""), ("; ", " …")):
        ends = [found.start() for found in re.finditer(gap, whole)]
        if ends and (ends[0] <= SHORT or end):
            return whole[: max([each for each in ends if each <= SHORT], default=ends[0])] + end
    return whole
