"""Reads the runs of a comparison from folders and writes its report, for `sertools compare`."""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from sertools import files
from sertools.comparison import pages as comparison_pages
from sertools.comparison.compare import compare
from sertools.comparison.leaderboards.published import published
from sertools.comparison.runs import AUDIT, COLUMNS, MOST_NAMES, Measure, are_usable_names, listed
from sertools.comparison.speakers import Row
from sertools.errors import GateError
from sertools.report import figures
from sertools.results.collection import Results
from sertools.results.display import finding_decimals, fixed, is_number, with_interval
from sertools.results.keys import FindingKey
from sertools.results.read import read_results
from sertools.results.result import Result, Verdict


def compare_folders(folders: Sequence[Path], out: Path, references: Sequence[str] = ()) -> Result:
    """Compares the results in these folders, and published models, and writes the comparison to `out`.

    Args:
        folders: `--out` folders of audits; all others are compared with the first
        out: folder for the comparison alone
        references: models whose published values are compared as well

    Raises:
        GateError: results cannot be read or compared, a model has no published values, or `out` holds results
            of audits
        StoreError: the folder cannot be written
    """
    runs = read_runs(folders)
    measured = [results for _, results in runs]
    comparison = compare([*runs, *(published(model, measured) for model in dict.fromkeys(references))])
    if not _share_a_value(comparison):
        names = listed(list(comparison.provenance))
        raise GateError(
            f"no two of {names} have a value of the same measure, so nothing can be compared",
            hint="compare models that predict the same labels, on the same corpus",
        )
    write_comparison(comparison, out)
    return comparison


def _share_a_value(comparison: Result) -> bool:
    """Whether two runs have a value of the same measure."""
    (values,) = (table for table in comparison.tables if table.name == "values")
    first = len(COLUMNS)
    runs = (len(values.columns) - first + 3) // 4  # of each but the first: difference, low, high
    return any(sum(value is not None for value in row[first : first + runs]) > 1 for row in values.rows)


def read_runs(folders: Sequence[Path]) -> list[tuple[str, Results]]:
    """Name and results of each folder, named by the model if that is unique, otherwise by the folder.

    Raises:
        GateError: a folder is named twice, or has no results that can be read
    """
    places = [folder.resolve() for folder in folders]
    twice = [folder for i, folder in enumerate(folders) if places[i] in places[:i]]
    if twice:
        raise GateError(f"{twice[0]} is named twice", hint="name the --out folders of at least two audits")
    results = [read_results(folder) for folder in folders]
    models = [listed(list(dict.fromkeys(str(r.model.get("name", "")) for r in each))) for each in results]
    choices = [models, [place.name for place in places], list(map(str, folders))]
    names = next(filter(are_usable_names, choices), [f"run {i + 1}" for i in range(len(folders))])
    return list(zip(names, results, strict=True))


def write_comparison(comparison: Result, folder: Path) -> None:
    """Writes `compare.json`, `compare.html`, and `compare.md` with its figures, into a separate folder.

    Raises:
        GateError: the folder holds results of audits, which would be mixed with the comparison
        StoreError: the folder cannot be written
    """
    others = [path.name for path in sorted(folder.glob("*.json")) if path.stem != AUDIT]
    if others:
        raise GateError(
            f"{folder} holds {others[0]}, which is not a comparison", hint="name another folder with --out"
        )
    drawn = [figures.draw(f, f"audit-{AUDIT}-{i + 1}") for i, f in enumerate(comparison.figures)]
    images = [f"figures/{AUDIT}-{i + 1}.svg" for i in range(len(drawn))]
    pages = {file: figures.standalone(svg) for file, svg in zip(images, drawn, strict=True)}
    pages[f"{AUDIT}.md"] = comparison_pages.page(comparison, images)
    pages[f"{AUDIT}.html"] = comparison_pages.html(comparison, drawn)
    pages[f"{AUDIT}.json"] = comparison.to_json()
    for name, page in pages.items():
        files.write_text(folder / name, page)


def short(comparison: Result, most: int = 20) -> tuple[list[str], list[Row]]:
    """Columns and rows for a terminal: findings paired by speaker, then those that only some runs pass.

    If there are neither, all findings with a difference; never more than `most` rows, nor more than
    `MOST_NAMES` runs: the first one, and those of the others with the best scores.
    """
    tables = {table.name: table for table in comparison.tables}
    values, width = tables["values"], len(COLUMNS)
    verdicts = tables["verdicts"].rows if "verdicts" in tables else []
    decided_differently = [
        row[:width] for row in verdicts if {Verdict.PASS, Verdict.FAIL} <= set(row[width + 1 :])
    ]
    # one column for each run, and three for each run but the first: difference, low, high
    first = width + (len(values.columns) - width + 3) // 4
    paired = [row for row in values.rows if _any(row[first + 1 :: 3])]
    chosen = paired + [row for row in values.rows if row[:width] in decided_differently and row not in paired]
    found = chosen or [row for row in values.rows if _any(row[first::3])]
    intervals = tables["intervals"].rows if "intervals" in tables else []
    ends = {tuple(row[:width]): row[width:] for row in intervals}
    rows: list[Row] = [
        [
            Measure(str(row[0]), FindingKey(*map(str, row[1:width]))).label,
            *_value_texts(row[width:first], ends[tuple(row[:width])]),
            *(with_interval(*_numbers(row[at : at + 3])) for at in range(first, len(row), 3)),
        ]
        for row in found
    ]
    chosen_runs = [0, *_best_others(comparison, values.columns[width:first])]
    shown = [0, *(1 + run for run in chosen_runs), *(first - width + run for run in chosen_runs[1:])]
    columns = ["finding", *values.columns[width:first], *values.columns[first::3]]
    return [columns[i] for i in shown], [[row[i] for i in shown] for row in rows[:most]]


def _best_others(comparison: Result, names: Sequence[str]) -> list[int]:
    """Positions of the runs to show beside the first, in order: all if they are few, else the best ones.

    The best have the highest mean of the scores in the figure of scores, which all are better the higher.
    There each run is a series, or, of many runs, each of the best ones a row.
    """
    others = list(range(1, len(names)))
    scores = next((figure.series for figure in comparison.figures if figure.name == "scores"), [])
    by_run: dict[str, list[float]] = {}
    for each in scores:
        for row, y in zip(each.x, each.y, strict=True):
            if y is not None:
                by_run.setdefault(each.name if each.name in names else str(row), []).append(y)
    means = {run: fmean(known) for run, known in by_run.items()}
    best = sorted(others, key=lambda run: -means.get(names[run], -1.0))
    return sorted(best[: MOST_NAMES - 1])


def _value_texts(values: Row, ends: Row) -> list[str]:
    """The value of each run, rounded as in its report.

    Args:
        values: value of each run
        ends: low, high, n and speakers of each run, one run after the other
    """
    texts = []
    for i, value in enumerate(_numbers(values)):
        texts.append(fixed(value, finding_decimals([value, *_numbers(ends[4 * i : 4 * i + 2])])))
    return texts


def _numbers(cells: Row) -> list[float | None]:
    return [float(cell) if is_number(cell) else None for cell in cells]


def _any(cells: Row) -> bool:
    return any(cell is not None for cell in cells)
