"""Writes a leaderboard as a static site with a JSON feed, corpus by corpus, so that memory stays small.

What each ranking consists of is kept in the folder `.kept` of the site: its sections, its part of the feed,
and what the page of each model says of it. If the results on a corpus have not changed, nothing is computed
again for it, and the page of a model is only written again if something on it has changed.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from textwrap import indent
from typing import Any

import sertools
from sertools import files
from sertools.comparison.leaderboards import pages
from sertools.comparison.leaderboards.feed import Feed, ranking
from sertools.comparison.leaderboards.leaderboard import Entry, Group, board
from sertools.comparison.leaderboards.sources import Source, Sources, entries_of, in_processes, search
from sertools.comparison.leaderboards.terminal import Row, short
from sertools.comparison.runs import MOST_NAMES
from sertools.report.pages import look

KEPT = ".kept"
"""Folder of the site with what the next one can use again."""


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
class Shown:
    """The first rows of a ranking, for a terminal.

    Attributes:
        corpus, labels, summary: of the ranking
        columns, rows: result of `terminal.short`
        models: number of models
        more_without_place: number of those that are not shown and have no place
    """

    corpus: str
    labels: str
    summary: str
    columns: list[str]
    rows: list[Row]
    models: int
    more_without_place: int


@dataclass(frozen=True, kw_only=True)
class Written:
    """A written leaderboard.

    Attributes:
        rankings: the first rows of each ranking
        site: its folder
        notes: files that were left out
        computed: corpora whose rankings were computed; the others had not changed
        pages: number of pages that were written
    """

    rankings: Sequence[Shown]
    site: Path
    notes: Sequence[str]
    computed: Sequence[str] = ()
    pages: int = 0

    @property
    def feed(self) -> str:
        """The text of `feed.json`."""
        return (self.site / "feed.json").read_text(encoding="utf-8")


def write_leaderboard(folder: Path, out: Path) -> Written:
    """Ranks all models with results in or below a folder, and writes the ranking as a site to `out`.

    Writes `index.html`, `models/*.html`, `corpora/*.html` where there are too many models for one page,
    `feed.json` and `feed.schema.json`.

    Raises:
        GateError: the folder does not exist or holds no result
        StoreError: the site cannot be written
    """
    known = [Source(**each) for each in _load(out / KEPT / "sources.kept", [])]
    found = search(folder, without=out, known=known)
    site = _Site(out=out, found=found)
    rankings = site.rank()
    site.write_feed()
    site.write_models()
    site.write_index()
    _keep(out / KEPT / "sources.kept", [asdict(each) for each in found.read])
    return Written(rankings=rankings, site=out, notes=found.notes, computed=site.computed, pages=site.written)


@dataclass(kw_only=True)
class _Site:
    """A site while it is written.

    Attributes:
        out: its folder
        found: the result files
        stands: model → what its page says of each ranking, as JSON
        sections: corpus → the sections of its rankings on the first page
        people: whether a ranking shows what one rater reaches
        audits: names of all audits with ranks
        computed: corpora whose rankings were computed
        written: number of pages that were written
    """

    out: Path
    found: Sources
    stands: dict[str, list[str]] = field(default_factory=dict)
    sections: dict[str, list[str]] = field(default_factory=dict)
    people: bool = False
    audits: set[str] = field(default_factory=set)
    computed: list[str] = field(default_factory=list)
    written: int = 0

    def __post_init__(self) -> None:
        self.pages_of = pages.names(list(self.found.by_model))
        self.corpora = pages.names(list(self.found.by_corpus), "corpora")

    def rank(self) -> list[Shown]:
        """All rankings, kept or computed."""
        tasks = [task for corpus in self.found.by_corpus if not (task := self._ranking(corpus)).is_kept()]
        _write_all(tasks, files_read=sum(len(task.sources) for task in tasks))
        self.computed += [task.corpus for task in tasks]
        shown = []
        for corpus in self.found.by_corpus:
            kept = _load(self._ranking(corpus).kept, {})
            self.written += bool(kept["page"]) and corpus in self.computed
            self.sections[corpus] = kept["sections"]
            self.people |= kept["people"]
            self.audits.update(kept["audits"])
            for model, stands in kept["stands"].items():
                self.stands.setdefault(model, []).extend(stands)
            shown += [Shown(**each) for each in kept["shown"]]
        return shown

    def _ranking(self, corpus: str) -> "_Ranking":
        sources = self.found.by_corpus[corpus]
        return _Ranking(
            out=self.out,
            folder=self.found.folder,
            corpus=corpus,
            page=self.corpora[corpus],
            sources=sources,
            pages_of={each.model: self.pages_of[each.model] for each in sources},
        )

    def _has(self, page: str) -> bool:
        return not page or (self.out / page).is_file()

    def write_feed(self) -> None:
        """Writes the feed from its parts."""
        with files.atomic(self.out / "feed.json") as part, part.open("w", encoding="utf-8") as file:
            file.write('{\n "schema": 2,\n "groups": [\n')
            for i, corpus in enumerate(self.found.by_corpus):
                text = self._ranking(corpus).part.read_text(encoding="utf-8")
                file.write((",\n" if i and text else "") + text)
            file.write("\n ]\n}\n")
        schema = json.dumps(Feed.model_json_schema(), indent=1, ensure_ascii=False) + "\n"
        files.write_text(self.out / "feed.schema.json", schema)

    def write_models(self) -> None:
        """Writes the pages of models on which something has changed."""
        place = self.out / KEPT / "models.kept"
        before, now = _load(place, {}), {}
        changed = []
        for model, sources in self.found.by_model.items():
            page, stands = self.pages_of[model], self.stands.get(model, [])
            now[page] = _digest([look(), [asdict(each) for each in sources], stands])
            if before.get(page) != now[page] or not self._has(page):
                changed.append(_Page(self.out / page, model, stands, self.found.folder, sources))
        _write_all(changed, files_read=sum(len(page.sources) for page in changed))
        self.written += len(changed)
        files.sync([page.path for page in changed])  # before they are noted as written
        _keep(place, now)

    def write_index(self) -> None:
        """Writes the first page."""
        self._page(
            "index.html",
            pages.index(
                self.sections,
                self.pages_of,
                self.found.notes,
                audits=sorted(self.audits),
                people=self.people,
                corpora_of={model: len({s.corpus for s in of}) for model, of in self.found.by_model.items()},
            ),
        )

    def _page(self, name: str, text: str) -> None:
        files.write_text(self.out / name, text)
        self.written += 1


@dataclass(frozen=True, kw_only=True)
class _Ranking:
    """The rankings on a corpus, ready to be computed in this process or another one.

    Attributes:
        out: folder of the site
        folder: folder of the result files
        corpus: name of the corpus
        page: its page, if it has so many models that it needs one
        sources: the results on it
        pages_of: model → its page
    """

    out: Path
    folder: Path
    corpus: str
    page: str
    sources: Sequence[Source]
    pages_of: Mapping[str, str]

    @property
    def kept(self) -> Path:
        """The file with what the site says of the rankings."""
        return self.out / KEPT / f"{Path(self.page).name}.kept"

    @property
    def part(self) -> Path:
        """The file with the rankings as they are in the feed."""
        return self.out / KEPT / f"{Path(self.page).name}.feed"

    def is_kept(self) -> bool:
        """Whether nothing has changed since the rankings were computed."""
        found = _load(self.kept, {})
        page = found.get("page", "")
        return (
            found.get("digest") == self._digest
            and self.part.is_file()
            and (not page or (self.out / page).is_file())
        )

    @property
    def _digest(self) -> str:
        return _digest(
            [look(), [asdict(each) for each in self.sources], list(self.pages_of.values()), self.corpus]
        )

    def write(self) -> None:
        """Computes the rankings and writes what is kept of them, their part of the feed, and their page."""
        groups = board(entries_of(self.folder, self.sources))
        page = self.page if any(len(group.standings) > pages.WHOLE for group in groups) else ""
        if page:
            files.write_text(self.out / page, pages.corpus_page(self.corpus, groups, self.pages_of))
        stands: dict[str, list[str]] = {}
        for group in groups:
            for standing in group.standings:
                told = json.dumps(pages.stand(group, standing), ensure_ascii=False)
                stands.setdefault(standing.entry.model, []).append(told)
        texts = [ranking(group, self.pages_of).model_dump_json(by_alias=True, indent=1) for group in groups]
        files.write_text(self.part, ",\n".join(indent(each, "  ") for each in texts))
        kept = {
            "digest": self._digest,
            "page": page,
            "sections": [pages.section(group, self.pages_of, more=page) for group in groups],
            "people": any(group.people for group in groups),
            "audits": sorted({audit for group in groups for audit in group.audits}),
            "shown": [asdict(_shown(group)) for group in groups],
            "stands": stands,
        }
        files.write_sealed(self.kept, json.dumps(kept))


def _write_all(tasks: Sequence["_Ranking | _Page"], *, files_read: int) -> None:
    """Writes rankings or pages, in several processes if many files have to be read for them."""
    in_processes(_write, tasks, files_read)


def _write(task: "_Ranking | _Page") -> None:
    task.write()


@dataclass(frozen=True)
class _Page:
    """The page of a model, ready to be written in this process or another one.

    Attributes:
        path: its file
        model: name of the model
        stands: what it says of each ranking, as JSON
        folder: folder of the result files
        sources: the model's result files
    """

    path: Path
    model: str
    stands: Sequence[str]
    folder: Path
    sources: Sequence[Source]

    def write(self) -> None:
        """Reads the results and writes the page."""
        entries = entries_of(self.folder, self.sources)
        told = [json.loads(each) for each in self.stands]
        files.write_text(self.path, pages.model_page(self.model, told, entries), durable=False)


def _shown(group: Group) -> Shown:
    columns, rows = short(group, MOST_NAMES)
    return Shown(
        corpus=group.corpus,
        labels=group.labels,
        summary=group.summary,
        columns=columns,
        rows=rows,
        models=len(group.standings),
        more_without_place=sum(standing.places is None for standing in group.standings[MOST_NAMES:]),
    )


def read_entries(folder: Path, without: Path | None = None) -> Found:
    """All results in or below a folder, by model and corpus; see `sources.search`.

    Args:
        folder: folder to search
        without: folder below it to ignore, such as that of an earlier leaderboard

    Raises:
        GateError: the folder does not exist or holds no result
    """
    found = search(folder, without)
    return Found(entries=entries_of(folder, found.listed), notes=found.notes)


def _digest(content: Any) -> str:
    text = json.dumps([sertools.__version__, content])
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _load(path: Path, otherwise: Any) -> Any:
    """What was kept in a file; `otherwise` if there is nothing, or it was changed."""
    text = files.read_sealed(path)
    return otherwise if text is None else json.loads(text)


def _keep(path: Path, content: Any) -> None:
    files.write_sealed(path, json.dumps(content))
