"""Comparisons from folders and into one: the files around `sertools compare`."""

from collections.abc import Sequence
from pathlib import Path

from sertools import store
from sertools.compare import compare
from sertools.compare_published import published
from sertools.compare_runs import AUDIT, COLUMNS, listed, tell_apart
from sertools.compare_speakers import Row
from sertools.errors import GateError
from sertools.report import comparison as pages_of
from sertools.report import figures
from sertools.report.text import decimals, fixed
from sertools.result import Result, Verdict, read_results


def compare_folders(folders: Sequence[Path], out: Path, references: Sequence[str] = ()) -> Result:
    """The comparison of the results in these folders, and of published models, written to `out`.

    Args:
        folders: `--out` folders of audits, the first being the one to compare with
        out: folder of its own
        references: models whose published values stand beside those of the folders

    Raises:
        GateError: results that cannot be read or compared, a model of which nothing is published, or a place
            where a comparison cannot lie
        StoreError: the place cannot be written
    """
    runs = read_runs(folders)
    measured = [results for _, results in runs]
    comparison = compare([*runs, *(published(model, measured) for model in dict.fromkeys(references))])
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
    drawn = [figures.draw(f, f"audit-{AUDIT}-{i + 1}") for i, f in enumerate(comparison.figures)]
    files = [f"figures/{AUDIT}-{i + 1}.svg" for i in range(len(drawn))]
    pages = {file: figures.standalone(svg) for file, svg in zip(files, drawn, strict=True)}
    pages[f"{AUDIT}.md"] = pages_of.page(comparison, files)
    pages[f"{AUDIT}.html"] = pages_of.html(comparison, drawn)
    pages[f"{AUDIT}.json"] = comparison.to_json()
    for name, page in pages.items():
        store.write_text(folder / name, page)


def short(comparison: Result, most: int = 20) -> tuple[list[str], list[Row]]:
    """Columns and rows for a terminal: what is paired by speaker, then what one passes and another fails.

    Where there is neither, everything that has a difference; never more than `most` rows.
    """
    tables = {table.name: table for table in comparison.tables}
    values, width = tables["values"], len(COLUMNS)
    verdicts = tables["verdicts"].rows if "verdicts" in tables else []
    turned = [row[:width] for row in verdicts if {Verdict.PASS, Verdict.FAIL} <= set(row[width + 1 :])]
    # a column for each run, and three for each but the first: difference, low, high
    first = width + (len(values.columns) - width + 3) // 4
    paired = [row for row in values.rows if _any(row[first + 1 :: 3])]
    told = paired + [row for row in values.rows if row[:width] in turned and row not in paired]
    found = told or [row for row in values.rows if _any(row[first::3])]
    rows: list[Row] = [
        [
            f"{row[0]}: {row[1]} of {row[2]}{'' if row[3] == 'all' else f', {row[3]}'}",
            *row[width:first],
            *(_difference(row[at : at + 3]) for at in range(first, len(row), 3)),
        ]
        for row in found
    ]
    return ["finding", *values.columns[width:first], *values.columns[first::3]], rows[:most]


def _difference(ends: Row) -> str | None:
    """A difference with its interval, where it has one."""
    value, low, high = (float(end) if isinstance(end, int | float) else None for end in ends)
    if value is None:
        return None
    places = decimals([value, low, high])
    interval = "" if low is None or high is None else f" ({fixed(low, places)} … {fixed(high, places)})"
    return fixed(value, places) + interval


def _any(cells: Row) -> bool:
    return any(cell is not None for cell in cells)
