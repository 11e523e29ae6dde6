"""Comparisons from folders and into one: the files around `sertools compare`."""

from collections.abc import Sequence
from pathlib import Path

from sertools import report, store
from sertools.compare import AUDIT, COLUMNS, compare, listed, tell_apart
from sertools.compare_speakers import Row
from sertools.errors import GateError
from sertools.report import figures, markdown
from sertools.result import Result, read_results


def compare_folders(folders: Sequence[Path], out: Path) -> Result:
    """The comparison of the results in these folders, written to `out`.

    Raises:
        GateError: results that cannot be read or compared, or a place where a comparison cannot lie
        StoreError: the place cannot be written
    """
    comparison = compare(read_runs(folders))
    write_comparison(comparison, out)
    return comparison


def read_runs(folders: Sequence[Path]) -> list[tuple[str, list[Result]]]:
    """Name and results of each folder; the name is the model's where that tells all apart, else the folder's.

    Raises:
        GateError: a folder is named twice, or has no results that can be read
    """
    places = [folder.resolve() for folder in folders]
    twice = [folder for i, folder in enumerate(folders) if places[i] in places[:i]]
    if twice:
        raise GateError(f"{twice[0]} is named twice", hint="name the --out folders of two audits or more")
    results = [read_results(folder) for folder in folders]
    models = [listed(list(dict.fromkeys(str(r.model.get("name", "")) for r in each))) for each in results]
    choices = [models, [place.name for place in places], list(map(str, folders))]
    names = next(filter(tell_apart, choices), [f"run {i + 1}" for i in range(len(folders))])
    return list(zip(names, results, strict=True))


def write_comparison(comparison: Result, folder: Path) -> None:
    """Writes `compare.json`, `compare.md` and its figures, and `compare.html` into a folder of their own.

    Raises:
        GateError: the folder holds results of audits, which would be taken together with the comparison
        StoreError: the folder cannot be written
    """
    others = [path.name for path in sorted(folder.glob("*.json")) if path.stem != AUDIT]
    if others:
        raise GateError(
            f"{folder} holds {others[0]}, which is no comparison", hint="name another folder with --out"
        )
    drawn = {(0, i): figures.draw(f, f"audit-{AUDIT}-{i + 1}") for i, f in enumerate(comparison.figures)}
    files = {key: f"figures/{AUDIT}-{key[1] + 1}.svg" for key in drawn}
    pages = {files[key]: figures.standalone(svg) for key, svg in drawn.items()}
    pages[f"{AUDIT}.md"] = markdown.page([comparison], files)
    pages[f"{AUDIT}.html"] = report.html([comparison], drawn)
    pages[f"{AUDIT}.json"] = comparison.to_json()
    for name, page in pages.items():
        store.write_text(folder / name, page)


def short(comparison: Result) -> tuple[list[str], list[Row]]:
    """Columns and rows for a terminal: what is paired by speaker, or judged otherwise.

    Where there is neither, everything that has a difference.
    """
    tables = {table.name: table for table in comparison.tables}
    values, width = tables["values"], len(COLUMNS)
    changed = [row[:width] for row in tables["verdicts"].rows] if "verdicts" in tables else []
    # a column for each run, and three for each but the first: difference, low, high
    first = width + (len(values.columns) - width + 3) // 4
    told = [row for row in values.rows if row[:width] in changed or _any(row[first + 1 :: 3])]
    rows: list[Row] = [
        [f"{row[0]}: {row[1]} of {row[2]}{'' if row[3] == 'all' else f', {row[3]}'}", *row[width:]]
        for row in told or [row for row in values.rows if _any(row[first::3])]
    ]
    return ["finding", *values.columns[width:]], rows


def _any(cells: Row) -> bool:
    return any(cell is not None for cell in cells)
