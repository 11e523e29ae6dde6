"""Reads result files below a folder and writes the leaderboard as a static site with a JSON feed."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sertools import files
from sertools.comparison.leaderboards import pages
from sertools.comparison.leaderboards.feed import Feed, feed
from sertools.comparison.leaderboards.leaderboard import Entry, Group, Standing, board
from sertools.comparison.runs import AUDIT, Measure, run_of
from sertools.errors import GateError
from sertools.results.answers import Answers
from sertools.results.collection import Results
from sertools.results.display import ABSENT, fixed
from sertools.results.provenance import fingerprint_of
from sertools.results.read import answers_in, read_result
from sertools.results.result import NON_RESULT_FILES, Result

ONE_RATER = "one rater (people)"
"""Name of the row with what one rater reaches."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """The results found below a folder.

    Attributes:
        entries: one for each model and corpus
        notes: files that are not results, and results replaced by later ones
    """

    entries: Sequence[Entry]
    notes: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Written:
    """A written leaderboard.

    Attributes:
        groups: the rankings
        feed: text of `feed.json`
        notes: files that were left out
    """

    groups: Sequence[Group]
    feed: str
    notes: Sequence[str]


def write_leaderboard(folder: Path, out: Path) -> Written:
    """Ranks all models with results in or below a folder, and writes the ranking as a site to `out`.

    Writes `index.html`, `models/*.html`, `feed.json` and `feed.schema.json`.

    Raises:
        GateError: the folder does not exist or holds no result
        StoreError: the site cannot be written
    """
    found = read_entries(folder, without=out)
    groups = board(found.entries)
    names = pages.names([entry.model for entry in found.entries])
    feed_text = feed(groups, names).model_dump_json(by_alias=True, indent=1) + "\n"
    written = {
        "index.html": pages.index(groups, names, found.notes),
        "feed.json": feed_text,
        "feed.schema.json": json.dumps(Feed.model_json_schema(), indent=1, ensure_ascii=False) + "\n",
    }
    for model, name in names.items():
        entries = [entry for entry in found.entries if entry.model == model]
        written[name] = pages.model_page(model, groups, entries)
    for name, text in written.items():
        files.write_text(out / name, text)
    return Written(groups=groups, feed=feed_text, notes=found.notes)


def short(group: Group, most: int | None = None) -> tuple[list[str], list[list[str | int | float | None]]]:
    """Columns and rows of a ranking, for a terminal or as a table.

    Args:
        group: the ranking
        most: maximum number of models; None for all
    """
    rows: list[list[str | int | float | None]] = [
        [
            str(standing.places) if standing.places else None,
            f"{standing.entry.model} (check)" if standing.entry.is_check else standing.entry.model,
            standing.score,
            *(_value_text(standing, measure) for measure in group.scores),
        ]
        for standing in group.standings[:most]
    ]
    if group.people:
        reached = [c.value if (c := group.people.get(m)) else None for m in group.scores]
        rows.append([None, ONE_RATER, group.score_of_people, *(fixed(value, 3) for value in reached)])
    return ["place", "model", group.order_by, *(measure.key.label for measure in group.scores)], rows


def _value_text(standing: Standing, measure: Measure) -> str:
    finding = standing.entry.run.findings.get(measure)
    return finding.value_text if finding else ABSENT


def read_entries(folder: Path, without: Path | None = None) -> Found:
    """All results in or below a folder, by model and corpus.

    Comparisons are ignored. Of several results of the same model, corpus and audit the latest one is used.

    Args:
        folder: folder to search
        without: folder below it to ignore, such as that of an earlier leaderboard

    Raises:
        GateError: the folder does not exist or holds no result
    """
    if not folder.is_dir():
        raise GateError(f"no folder {folder}", hint="name a folder that contains --out folders of audits")
    read, notes = _read(folder, without)
    if not read:
        raise GateError(
            f"no results below {folder}", hint="name a folder with --out folders of sertools audit"
        )
    results = [result for _, result in read]
    models = _unique_names(
        [(str(r.model.get("name", "")), fingerprint_of(r, "model_fingerprint")) for r in results], "model"
    )
    corpora = _unique_names([(str(r.data.get("name", "")), fingerprint_of(r)) for r in results], "data")
    latest: dict[tuple[str, str], dict[str, tuple[str, Result]]] = {}
    for found, model, corpus in zip(read, models, corpora, strict=True):
        by_audit = latest.setdefault((model, corpus), {})
        audit = found[1].audit
        if audit in by_audit:
            older, newer = sorted([by_audit[audit], found], key=lambda each: _date(each[1]))
            notes.append(f"{older[0]} is left out: {newer[0]} is the same audit of {model}, made later")
            by_audit[audit] = newer
        else:
            by_audit[audit] = found
    entries = [
        Entry(model=model, corpus=corpus, run=run_of(model, _with_answers(folder, by_audit.values(), notes)))
        for (model, corpus), by_audit in sorted(latest.items())
    ]
    return Found(entries=entries, notes=notes)


def _with_answers(folder: Path, found: Iterable[tuple[str, Result]], notes: list[str]) -> Results:
    """Results with what the model answered in each, so that models meet on the clips that both answered.

    Args:
        folder: folder that was searched
        found: place and content of each result
        notes: files of answers that cannot be read are added to them
    """
    placed = list(found)
    answers: dict[str, Answers] = {}
    for where in dict.fromkeys(Path(place).parent for place, _ in placed):
        try:
            answers |= answers_in(folder / where)
        except GateError as error:
            notes.append(f"{error.message}, so what was answered in {where.as_posix()} is unknown")
    return Results([result for _, result in placed], answers)


def _read(folder: Path, without: Path | None) -> tuple[list[tuple[str, Result]], list[str]]:
    """Place and content of every result in or below a folder, and notes on files that are not results."""
    read = []
    notes = []
    excluded = without.resolve() if without and without.resolve() != folder.resolve() else None
    for path in sorted(folder.rglob("*.json")):
        if path.name in NON_RESULT_FILES or (excluded and path.resolve().is_relative_to(excluded)):
            continue
        place = path.relative_to(folder).as_posix()
        try:
            result = read_result(path)
        except GateError as error:
            notes.append(f"{place} is left out: {error.message.removeprefix(str(path)).strip()}")
            continue
        if result.audit != AUDIT:
            read.append((place, result))
    return read, notes


def _unique_names(identities: Sequence[tuple[str, str]], what: str) -> list[str]:
    """A unique name for each: its own, plus its fingerprint if the same name has several fingerprints."""
    fingerprints: dict[str, set[str]] = {}
    for name, known in identities:
        fingerprints.setdefault(name, set()).add(known)
    named = []
    for name, known in identities:
        is_unique = len(fingerprints[name] - {""}) < 2
        shown = name or f"unnamed {what}"
        named.append(shown if is_unique else f"{shown} ({known[:10] or 'unknown'})")
    return named


def _date(result: Result) -> str:
    return str(result.provenance.get("date", ""))
