"""The result files below a folder: which there are, and the results of one corpus or model at a time.

A leaderboard of ten thousand files must not hold them all, so the files are listed first, by model and
corpus, and read again when their ranking or page is written. What was listed is kept with the size and the
time of each file, so that the next time only new and changed files are read for the list.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from sertools.comparison.leaderboards.leaderboard import Entry
from sertools.comparison.runs import AUDIT, run_of
from sertools.errors import GateError
from sertools.results.answers import FILE, IN_FP32, PROVENANCE, Answers, unreadable
from sertools.results.provenance import fingerprint_of
from sertools.results.read import answers_in, read_result
from sertools.results.result import NON_RESULT_FILES

WITHOUT: dict[str, Any] = {"tables": [], "figures": [], "sounds": []}
"""Parts of a result that no leaderboard shows."""

MANY_FILES = 1000
"""If more result files than this have to be read for what is written, several processes do it."""

Task = TypeVar("Task")
Done = TypeVar("Done")


@dataclass(frozen=True, kw_only=True)
class Source:
    """A result file.

    Attributes:
        place: its path relative to the folder that was searched
        size, time_ns: of the file; a change of either means that its content may have changed
        audit: name of its audit
        model, model_print: name and fingerprint of its model; after `_named`, the name is unique
        corpus, corpus_print: the same for its corpus
        date: when the audit was made
        toy: whether the model is a toy model with known behaviour
        unreadable: why what the model answered, in a file beside it, cannot be read; empty if it can
    """

    place: str
    size: int
    time_ns: int
    audit: str
    model: str
    model_print: str
    corpus: str
    corpus_print: str
    date: str
    toy: bool
    unreadable: str = ""


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The result files of a leaderboard.

    Attributes:
        folder: the folder that was searched
        listed: the files that count, by model and corpus, with unique names of models and corpora
        read: all results that were found, with their own names
        notes: files that are not results, and results replaced by later ones
    """

    folder: Path
    listed: Sequence[Source]
    read: Sequence[Source]
    notes: Sequence[str]

    @cached_property
    def by_corpus(self) -> Mapping[str, Sequence[Source]]:
        """Corpus → its files, both in alphabetical order."""
        return _by(self.listed, "corpus")

    @cached_property
    def by_model(self) -> Mapping[str, Sequence[Source]]:
        """Model → its files."""
        return _by(self.listed, "model")


class _KeptAnswers(Mapping[str, Answers]):
    """Audit → what the model answered, read when it is asked for; absent if the file is of other results."""

    def __init__(self, places: Mapping[str, tuple[Path, str]]) -> None:
        self.places = places
        self.known: dict[tuple[Path, str], Answers | None] = {}

    def __getitem__(self, audit: str) -> Answers:
        place = self.places[audit]
        if place not in self.known:
            folder, digest = place
            try:
                self.known[place] = answers_in(folder).get(digest)
            except GateError:  # noted when the files were listed
                self.known[place] = None
        found = self.known[place]
        if found is None:
            raise KeyError(audit)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)


def entries_of(folder: Path, sources: Sequence[Source]) -> list[Entry]:
    """The results in some files, one entry for each model and corpus; tables and figures are left out.

    Args:
        folder: the folder that was searched
        sources: some of the files that were found

    Raises:
        GateError: a file has changed since it was listed and cannot be read any more
    """
    groups: dict[tuple[str, str], list[Source]] = {}
    for source in sources:
        groups.setdefault((source.model, source.corpus), []).append(source)
    entries = []
    for (model, corpus), of_entry in sorted(groups.items()):
        results = {
            each.audit: read_result(folder / each.place).model_copy(update=WITHOUT) for each in of_entry
        }
        answers = _KeptAnswers(
            {
                each.audit: ((folder / each.place).parent, digest)
                for each in of_entry
                if (digest := str(results[each.audit].provenance.get(PROVENANCE, "")))
            }
        )
        run = run_of(model, list(results.values()), answers)
        entries.append(Entry(model=model, corpus=corpus, run=run))
    return entries


def search(folder: Path, without: Path | None = None, known: Sequence[Source] = ()) -> Sources:
    """Lists the results in or below a folder.

    Comparisons are ignored. Of several results of the same model, corpus and audit the latest one is used.

    Args:
        folder: folder to search
        without: folder below it to ignore, such as that of an earlier leaderboard
        known: what `Sources.read` was before; files that have not changed are not read again

    Raises:
        GateError: the folder does not exist or holds no result
    """
    if not folder.is_dir():
        raise GateError(f"no folder {folder}", hint="name a folder that contains --out folders of audits")
    read, notes = _read(folder, without, {each.place: each for each in known})
    if not read:
        raise GateError(
            f"no results below {folder}", hint="name a folder with --out folders of sertools audit"
        )
    for where, why in {
        str(Path(each.place).parent): each.unreadable for each in read if each.unreadable
    }.items():
        notes.append(f"{why}, so what was answered in {where} is unknown")
    latest: dict[tuple[str, str, str], Source] = {}
    for source in _named(read):
        key = (source.model, source.corpus, source.audit)
        if key in latest:
            older, newer = sorted([latest[key], source], key=lambda each: each.date)
            notes.append(
                f"{older.place} is left out: {newer.place} is the same audit of {source.model}, made later"
            )
            latest[key] = newer
        else:
            latest[key] = source
    listed = sorted(latest.values(), key=lambda each: (each.model, each.corpus))
    return Sources(folder=folder, listed=listed, read=read, notes=notes)


def _read(folder: Path, without: Path | None, known: Mapping[str, Source]) -> tuple[list[Source], list[str]]:
    """Every result in or below a folder, and notes on files that are not results."""
    found: dict[str, Source | str | None] = {}  # place → result, or note, or nothing yet
    excluded = without.resolve() if without and without.resolve() != folder.resolve() else None
    root = folder.resolve()
    for path in sorted(folder.rglob("*.json")):
        relative = path.relative_to(folder)
        if path.name in NON_RESULT_FILES or (excluded and (root / relative).is_relative_to(excluded)):
            continue
        place = relative.as_posix()
        if not path.is_file():
            found[place] = f"{place} is left out: it is not a file"
            continue
        stat = path.stat()
        source = known.get(place)
        unchanged = source and (source.size, source.time_ns) == (stat.st_size, stat.st_mtime_ns)
        found[place] = source if unchanged else None
    new = [place for place, source in found.items() if source is None]
    found |= zip(new, in_processes(partial(_source, folder), new, len(new)), strict=True)
    results = [each for each in found.values() if isinstance(each, Source) and each.audit != AUDIT]
    return results, [each for each in found.values() if isinstance(each, str)]


def in_processes(work: Callable[[Task], Done], tasks: Sequence[Task], files_read: int) -> list[Done]:
    """What is done for each task, in several processes if many files have to be read for them.

    Args:
        work: what to do for a task; it can be pickled, as can the tasks
        tasks: the tasks
        files_read: number of result files that are read for all of them
    """
    if files_read <= MANY_FILES or len(tasks) < 2:
        return [work(task) for task in tasks]
    with ProcessPoolExecutor(min(8, os.cpu_count() or 1), mp_context=get_context("spawn")) as pool:
        return list(pool.map(work, tasks, chunksize=max(1, min(16, len(tasks) // 32))))


def _source(folder: Path, place: str) -> Source | str:
    """What a file is a result of, or a note that it is left out."""
    path = folder / place
    try:
        stat = path.stat()
        result = read_result(path)
    except GateError as error:
        return f"{place} is left out: {error.message.removeprefix(str(path)).strip()}"
    problems = (unreadable(path.parent, file) for file in (FILE, IN_FP32))
    return Source(
        place=place,
        size=stat.st_size,
        time_ns=stat.st_mtime_ns,
        audit=result.audit,
        model=str(result.model.get("name", "")),
        model_print=fingerprint_of(result, "model_fingerprint"),
        corpus=str(result.data.get("name", "")),
        corpus_print=fingerprint_of(result),
        date=str(result.provenance.get("date", "")),
        toy=result.model.get("kind") == "toy",
        unreadable="; ".join(filter(None, problems)) if PROVENANCE in result.provenance else "",
    )


def _named(read: Sequence[Source]) -> list[Source]:
    """The results with a unique name for each model and each corpus."""
    models = _unique_names([(each.model, each.model_print) for each in read], "model")
    corpora = _unique_names([(each.corpus, each.corpus_print) for each in read], "data")
    return [
        replace(each, model=model, corpus=corpus)
        for each, model, corpus in zip(read, models, corpora, strict=True)
    ]


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


def _by(sources: Sequence[Source], what: str) -> dict[str, list[Source]]:
    groups: dict[str, list[Source]] = {}
    for source in sources:
        groups.setdefault(getattr(source, what), []).append(source)
    return dict(sorted(groups.items()))
