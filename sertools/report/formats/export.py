"""Exports results: all of them in one JSON file, tables as CSV and Parquet, findings as LaTeX for papers."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sertools.report import content, prose
from sertools.report.summary import opening
from sertools.results.display import ABSENT, one_line
from sertools.results.frames import frame
from sertools.results.result import Finding, Result

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "audit", "model", "corpus", "name", "target", "slice", "value", "low", "high", "n", "speakers", "verdict",
    "above", "below", "source", "why", "reason",
)  # fmt: skip
"""Columns of the table of all findings; they are stable."""

_ALIGNED = "lllrrllrr"
_PACKAGES = "% needs [T1]{fontenc}, booktabs and longtable; LuaLaTeX for names in non-Latin scripts"
_LONG = 40  # rows of a LaTeX table that may break across pages
_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#",
    "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}", "−": "$-$", "…": r"\ldots{}",
    "[": "{[}", "*": "{*}", "–": "--", "·": r"\textperiodcentered{}",
}  # fmt: skip


class Report(BaseModel):
    """All results of a folder in one document.

    Attributes:
        title, headline: as at the top of the report
        verdicts: verdict → number of findings over all results
        results: the result files, unchanged
    """

    schema_version: Literal[1] = Field(default=1, alias="schema")
    title: str
    headline: str
    verdicts: dict[str, int]
    results: list[Result]

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def combined(results: Sequence[Result]) -> str:
    """The text of `report.json`, whose schema is `Report`."""
    counted = content.counts(finding for result in results for finding in result.findings)
    report = Report(
        title=opening.title(results),
        headline=opening.opening(results),
        verdicts={verdict.value: n for verdict, n in counted.items()},
        results=list(results),
    )
    return report.model_dump_json(by_alias=True, indent=1) + "\n"


def csv(results: Sequence[Result], *, spreadsheet_safe: bool = False) -> dict[str, str]:
    """CSV files of all findings and every table (file → text): full precision, missing values empty.

    Args:
        results: audit results
        spreadsheet_safe: mark texts that a spreadsheet would run, see `harmless`
    """
    tables = frames(results)
    if spreadsheet_safe:
        tables = {name: table.map(harmless).rename(columns=harmless) for name, table in tables.items()}
    return {f"{name}.csv": table.to_csv(index=False) for name, table in tables.items()}


def harmless(cell: object) -> object:
    """A cell that a spreadsheet shows as it is: `'` in front of a text that would be run as a formula.

    >>> harmless("=1+1"), harmless(" @a"), harmless("anger"), harmless(-1.5)
    ("'=1+1", "' @a", 'anger', -1.5)
    """
    if not isinstance(cell, str):
        return cell
    text = cell.replace("\r\n", "\n").replace("\r", "\n")  # a lone \r would begin a new cell
    runs = text.lstrip(" \t\n").startswith(("=", "+", "-", "@", "|", "%")) or text.startswith(("\t", "\n"))
    return f"'{text}" if runs else text


def parquet(results: Sequence[Result]) -> dict[str, bytes]:
    """The same tables as Parquet (file → bytes): one type per column; a mix of text and numbers is text."""
    return {f"{name}.parquet": parquet_bytes(table) for name, table in frames(results).items()}


def parquet_bytes(table: "pd.DataFrame") -> bytes:
    """The content of a Parquet file with one table."""
    file = io.BytesIO()
    table.to_parquet(file, index=False)
    return file.getvalue()


def frames(results: Sequence[Result]) -> "dict[str, pd.DataFrame]":
    """Tables by name: `findings` of all results, then every table of an audit as `<audit>-<table>`."""
    found = {"findings": all_findings(results)}
    for (i, j), name in table_names(results).items():
        table = results[i].tables[j]
        found[name] = frame(table.columns, table.rows)
    return found


def all_findings(results: Sequence[Result]) -> "pd.DataFrame":
    """The findings of all results, with the columns `COLUMNS`."""
    return frame(COLUMNS, [_row(result, finding) for result in results for finding in result.findings])


def table_names(results: Sequence[Result]) -> dict[tuple[int, int], str]:
    """(index of result, index of table) → the name of the table's file, without its ending."""
    keys = [(i, j) for i, result in enumerate(results) for j in range(len(result.tables))]
    names = prose.slugs([f"{results[i].audit} {results[i].tables[j].name}" for i, j in keys])
    return {key: name.removeprefix("audit-") for key, name in zip(keys, names, strict=True)}


def _row(result: Result, finding: Finding) -> list[Any]:
    f, limit = finding, finding.limit
    subject = [result.audit, content.name_of(result.model, ""), content.name_of(result.data, "")]
    limit_cells = [limit.above, limit.below, limit.source, limit.why] if limit else [None] * 4
    measured = [f.name, f.target, f.slice, f.value, f.low, f.high, f.n, f.speakers, f.verdict.value]
    return [*subject, *measured, *limit_cells, f.reason]


def latex(results: Sequence[Result]) -> dict[str, str]:
    """The findings of each audit as a LaTeX table in `booktabs` style, for papers (file → text)."""
    names = prose.slugs([result.audit for result in results])
    return {
        f"{name.removeprefix('audit-')}.tex": _latex(result, name)
        for name, result in zip(names, results, strict=True)
    }


def _latex(result: Result, name: str) -> str:
    header = ["Measure", "Target", "Slice", "Value", "95 % interval", "Limit", "Verdict", "n", "Speakers"]
    findings = [*content.judged(result), *content.unjudged(result)]
    lines = [" & ".join(map(escaped, row)) + r" \\" for row in [header, *map(_cells, findings)]]
    model, corpus = content.name_of(result.model, "an unnamed model"), content.name_of(result.data, "")
    about = f"{result.question} Findings of {result.audit} for {model} on {corpus or 'unnamed data'}."
    title = rf"\caption{{{escaped(about)} Intervals are clustered by speaker.}}\label{{tab:{name}}}"
    head = [r"\toprule", lines[0], r"\midrule"]
    if len(findings) > _LONG:
        body = [rf"\begin{{longtable}}{{{_ALIGNED}}}", rf"{title}\\", *head, r"\endfirsthead", *head]
        body += [r"\endhead", *lines[1:]]
        body += [r"\bottomrule", r"\end{longtable}"]
    else:
        body = [
            r"\begin{table}",
            r"\centering",
            title,
            rf"\begin{{tabular}}{{{_ALIGNED}}}",
            *head,
            *lines[1:],
        ]
        body += [r"\bottomrule", r"\end{tabular}", r"\end{table}"]
    return "\n".join([_PACKAGES, *body]) + "\n"


def _cells(f: Finding) -> list[str]:
    value = [f.value_text, f.interval_text, f.limit_text]
    return [f.name, f.target, f.slice, *value, f.verdict.value, str(f.n), str(f.speakers or ABSENT)]


def escaped(value: object) -> str:
    r"""Text on one line with all special characters of LaTeX escaped.

    >>> escaped("50 % of a_b & {c}")
    '50 \\% of a\\_b \\& \\{c\\}'
    """
    return "".join(_LATEX.get(character, character) for character in one_line(value))
