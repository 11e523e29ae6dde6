"""The sections of an exploration: sentences, numbers, tables and figures."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from sertools.results.result import Figure, Finding, Series, Table

Row = list[str | int | float | bool | None]
"""A row of a table."""

MAX_ROWS = 60
"""Most rows of a table; the rest are counted in its note."""

SCHEMA = 1
"""Version of the JSON file; it increases when a name or a meaning changes."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Section(_Strict):
    """One part of the page.

    Attributes:
        name: an identifier, such as `labels`
        title: heading
        answer: what to know of it, in one or two sentences
        sentences: further sentences
        findings: numbers with their intervals
        tables, figures: as in results of audits
    """

    name: str
    title: str
    answer: str
    sentences: list[str] = []
    findings: list[Finding] = []
    tables: list[Table] = []
    figures: list[Figure] = []


class Exploration(_Strict):
    """The results of an exploration, as stored in `explore.json`.

    Attributes:
        schema_version: `schema` in the file
        data: name, clips, speakers, licence and other facts of the corpus
        sections: in the order of the page
        notes: sentences on how the corpus was read
        provenance: command, date and versions
    """

    schema_version: int = Field(default=SCHEMA, alias="schema")
    data: dict[str, Any]
    sections: list[Section]
    notes: list[str] = []
    provenance: dict[str, Any] = {}

    def to_json(self) -> str:
        """The text of the file."""
        return self.model_dump_json(by_alias=True, indent=1) + "\n"

    def section(self, name: str) -> Section | None:
        """The section with this name; None if the page has no such section."""
        return next((each for each in self.sections if each.name == name), None)


def table(name: str, title: str, columns: Sequence[str], rows: Sequence[Row], note: str = "") -> Table:
    """A table with at most `MAX_ROWS` rows, and how many more there are."""
    more = len(rows) - MAX_ROWS
    notes = [note, f"{more} more rows are not shown" if more > 0 else ""]
    return Table(
        name=name,
        title=title,
        columns=list(columns),
        rows=list(rows[:MAX_ROWS]),
        note="; ".join(filter(None, notes)),
    )


def bars(name: str, title: str, counts: Mapping[str, int], what: str, alt: str) -> Figure:
    """Bars of counts by name."""
    series = Series(x=list(counts), y=[float(n) for n in counts.values()])
    return Figure(name=name, kind="bar", title=title, alt=alt, x_label=what, y_label="clips", series=[series])


def histogram(
    name: str,
    title: str,
    values: Mapping[str, NDArray[np.float64]],
    label: str,
    *,
    bins: int = 20,
    of: str = "clips",
) -> Figure:
    """Shares of values in equal bins, or for each value where they are few whole numbers.

    Args:
        name: name of the figure
        title: its title
        values: name in the legend → values, nan where unknown
        label: what the values are
        bins: number of bins
        of: what has the values
    """
    known = {key: each[np.isfinite(each)] for key, each in values.items()}
    every = np.concatenate(list(known.values())) if known else np.zeros(0)
    low, high = (float(every.min()), float(every.max())) if len(every) else (0.0, 1.0)
    whole = bool((every == np.round(every)).all()) and high - low <= 2 * bins
    edges = (
        np.arange(low, high + 2) - 0.5
        if whole
        else np.linspace(low, high if high > low else low + 1, bins + 1)
    )
    digits = 2 - math.floor(math.log10(high - low)) if high > low else 9  # 0.00007 in a range of 1 is 0
    names = [f"{number:g}" for number in edges[:-1] + 0.5] if whole else _short(edges[:-1].round(digits))
    series = [
        Series(
            name=key if len(known) > 1 else "",
            x=list(names),
            y=(np.histogram(each, bins=edges)[0] / max(len(each), 1)).tolist(),
        )
        for key, each in known.items()
    ]
    parts = [
        f"{f'{key} ' if key else ''}{span(each.min().round(digits), each.max().round(digits), '.3g')}"
        for key, each in known.items()
        if len(each)
    ]
    return Figure(
        name=name,
        kind="histogram",
        title=title,
        alt=f"Share of {of} by {label}: {', '.join(parts) or 'none is known'}.",
        x_label=label if whole else f"{label}, from",
        y_label=f"share of {of}",
        series=series,
    )


def _short(numbers: NDArray[np.float64]) -> list[str]:
    """Numbers with as few digits as keep them apart."""
    texts = [[f"{number:.{digits}g}" for number in numbers] for digits in range(2, 18)]
    return next(each for each in texts if len(set(each)) == len(numbers))


SUMMARY = ("lowest", "25 %", "median", "75 %", "highest", "mean")


def summary_table(name: str, title: str, values: Mapping[str, NDArray[np.float64]], note: str = "") -> Table:
    """Quartiles and mean of the known values; one column for each name, so that it has its own decimals."""
    known = {key: each[np.isfinite(each)] for key, each in values.items()}
    numbers = [
        [*np.percentile(each, [0, 25, 50, 75, 100]).tolist(), float(each.mean())] if len(each) else [None] * 6
        for each in known.values()
    ]
    rows: list[Row] = [[what, *(column[i] for column in numbers)] for i, what in enumerate(SUMMARY)]
    counts = {key: len(each) for key, each in known.items()}
    of = ", ".join(f"{key} {n}" for key, n in counts.items())
    said = f"of {next(iter(counts.values()))} clips" if len(set(counts.values())) == 1 else f"clips: {of}"
    return table(name, title, ["", *known], rows, "; ".join(filter(None, [said, note])))


def span(low: float, high: float, form: str = "g") -> str:
    """A range, or the number if both ends are equal.

    >>> span(2, 5), span(3, 3)
    ('2 to 5', '3')
    """
    ends = f"{low:{form}}", f"{high:{form}}"
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)


def listed(names: Iterable[str], last: str = "and") -> str:
    """Names as in a sentence.

    >>> listed(["a", "b", "c"]), listed(["a"])
    ('a, b and c', 'a')
    """
    every = list(names)
    return f" {last} ".join(filter(None, [", ".join(every[:-1]), *every[-1:]]))
