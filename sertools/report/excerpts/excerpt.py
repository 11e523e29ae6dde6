"""Shortens results until their page is small; complete tables are in separate files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sertools.report import content
from sertools.report.excerpts import figures
from sertools.report.formats import export
from sertools.report.prose import slugs
from sertools.results.frames import frame
from sertools.results.result import Result, Table

if TYPE_CHECKING:
    import pandas as pd

FOLDER = "tables"
"""Folder of the complete tables, beside the page."""

MOST_BLOCKS = 12
"""A table whose first column has no more texts than this is shortened text by text."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """How much of each result a page shows.

    Attributes:
        rows, columns: most rows and columns of a table
        findings: most judged findings, and most findings without a verdict
        figures: part of the usual number of rows of a figure, from 0 to 1
        items: most elements of any list, such as notes, tables and facts, but not audits; None for all
        characters: most characters of any text; None for all
    """

    rows: int
    columns: int
    findings: int
    figures: float = 1.0
    items: int | None = None
    characters: int | None = None


LEVELS = (
    Bounds(rows=50, columns=40, findings=200),
    Bounds(rows=30, columns=30, findings=60, figures=0.5),
    Bounds(rows=15, columns=20, findings=30, figures=0.2),
    Bounds(rows=10, columns=12, findings=15, figures=0.05),
    Bounds(rows=50, columns=40, findings=100, items=100, characters=2000),
    Bounds(rows=15, columns=20, findings=30, figures=0.3, items=40, characters=500),
    Bounds(rows=5, columns=8, findings=10, figures=0.1, items=10, characters=150),
    Bounds(rows=3, columns=5, findings=3, figures=0.05, items=3, characters=60),
)
"""Bounds in the order in which they are tried, until the page is small enough."""


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """Shortened results, and the complete tables behind them.

    Attributes:
        results: the results as the page shows them, with notes on what is left out
        tables: file name → complete table, for everything of which the page shows a part
    """

    results: list[Result]
    tables: "dict[str, pd.DataFrame]"

    @property
    def characters(self) -> int:
        """Length of all texts and numbers outside figures."""
        return sum(len(each.model_dump_json(exclude={"figures", "missing"})) for each in self.results)


def excerpt(results: Sequence[Result], bounds: Bounds = LEVELS[0]) -> Excerpt:
    """The results as a page shows them.

    Args:
        results: audit results
        bounds: how much of each result to show
    """
    names = export.table_names(results)
    anchors = [slug.removeprefix("audit-") for slug in slugs([result.audit for result in results])]
    complete: dict[str, pd.DataFrame] = {}
    shown = []
    for i, result in enumerate(results):
        notes: list[str] = []
        changed: dict[str, Any] = {"left_out": []}
        changed["findings"], note = _findings(result, bounds.findings)
        if note:
            complete[_file("findings")] = export.all_findings(results)
            notes.append(note)
        changed["tables"] = []
        for j, table in enumerate(result.tables):
            file = _file(names[i, j])
            short = shortened(table, bounds, file)
            if short is not table:
                complete[file] = frame(table.columns, table.rows)
            changed["tables"].append(short)
        changed["figures"] = []
        for j, figure in enumerate(result.figures):
            short_figure, what = figures.shortened(figure, bounds.figures)
            changed["figures"].append(short_figure)
            if what:
                file = _file(f"{anchors[i]}-figure-{j + 1}")
                complete[file] = frame(*figures.rows(figure))
                notes.append(f"The figure “{figure.title}” shows {what}; all values are in `{file}`.")
        changed["notes"] = [*notes, *result.notes]
        shown.append(_cut(result.model_copy(update=changed), bounds))
    return Excerpt(results=shown, tables=complete)


def shortened(table: Table, bounds: Bounds, file: str) -> Table:
    """The table with at most `bounds.rows` rows, and a note on the number and location of all rows.

    A table whose first column has few texts, such as one target after the other, keeps the first rows of
    each; the order within them, such as worst first, is that of the table.

    Args:
        table: the table
        bounds: most rows and columns
        file: file with the whole table
    """
    if len(table.rows) <= bounds.rows and len(table.columns) <= bounds.columns:
        return table
    rows, each = _first_rows(table, bounds.rows)
    parts = []
    if len(rows) < len(table.rows):
        first = f"the first {each} of each {table.columns[0]}, " if each else "the first "
        parts.append(f"{first}{len(rows)} of {len(table.rows)} rows")
    if len(table.columns) > bounds.columns:
        parts.append(f"the first {bounds.columns} of {len(table.columns)} columns")
    note = f"Shown: {' and '.join(parts)}; all are in `{file}`."
    columns = table.columns[: bounds.columns]
    return table.model_copy(
        update={
            "columns": columns,
            "rows": [row[: bounds.columns] for row in rows],
            "note": f"{table.note}. {note}" if table.note else note,
        }
    )


def _first_rows(table: Table, most: int) -> tuple[list[list[Any]], int]:
    """The rows that are kept, and how many of each text in the first column; 0 if it does not matter."""
    if len(table.rows) <= most:
        return table.rows, 0
    firsts = [row[0] if row else None for row in table.rows]
    blocks = [(name, len(list(group))) for name, group in groupby(firsts)]
    if not 1 < len(blocks) <= min(MOST_BLOCKS, most) or len({name for name, _ in blocks}) < len(blocks):
        return table.rows[:most], 0
    each, start = most // len(blocks), 0
    kept: list[list[Any]] = []
    for _, n in blocks:
        kept += table.rows[start : start + min(n, each)]
        start += n
    return kept, each


def _findings(result: Result, most: int) -> tuple[list[Any], str]:
    """At most `most` judged findings, the most urgent first, and as many others; a note if there are more."""
    judged, unjudged = content.judged(result), content.unjudged(result)
    if max(len(judged), len(unjudged)) <= most:
        return result.findings, ""
    kept = {id(finding) for finding in [*judged[:most], *unjudged[:most]]}
    parts = []
    if len(judged) > most:
        parts.append(f"the {most} most urgent of {len(judged)} judged findings")
    if len(unjudged) > most:
        parts.append(f"the first {most} of {len(unjudged)} findings without a verdict")
    note = f"The page shows {' and '.join(parts)}; all are in `{_file('findings')}`."
    return [finding for finding in result.findings if id(finding) in kept], note


def _file(name: str) -> str:
    return f"{FOLDER}/{name}.parquet"


def _cut(result: Result, bounds: Bounds) -> Result:
    """The result with short lists and texts."""
    if bounds.items is None or bounds.characters is None:
        return result
    cut = dict(_items(result.model_dump(by_alias=True), bounds.items, bounds.characters))
    return Result.model_validate(cut)


def _items(value: dict[str, Any], most: int, characters: int) -> Iterator[tuple[str, Any]]:
    """The entries of a mapping with their lists and texts shortened."""
    for key, each in value.items():
        whole = key in _BOUNDED and isinstance(each, list)
        yield key, _shortened(each, len(each) if whole else most, most, characters)


_BOUNDED = {"findings", "rows", "columns", "series", "x", "y", "low", "high", "shade", "missing"}
"""Lists that are already short, and whose lengths must agree."""


def _shortened(value: Any, length: int, most: int, characters: int) -> Any:
    if isinstance(value, dict):
        entries = dict(list(value.items())[: max(most, 20)])
        return dict(_items(entries, most, characters))
    if isinstance(value, list | tuple):
        return [
            _shortened(each, len(each) if isinstance(each, list) else most, most, characters)
            for each in value[:length]
        ]
    if isinstance(value, str) and len(value) > characters:
        return f"{value[: characters - 1]}…"
    return value
