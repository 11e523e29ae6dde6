"""All terminal output: data to stdout; messages, errors and progress to stderr."""

import csv
import io
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TextIO

from sertools.cli.streams import encodable, only_ascii
from sertools.errors import SertoolsError
from sertools.results.result import Result, Verdict

_PIPE_WIDTH = 160  # width in characters of a table that is not printed to a terminal


_COMMAND = re.compile(r"(^[^\S\n]*(?=::)|##(?=\[|vso\[))(::|\[|vso\[)", re.MULTILINE)
"""Where the runners of GitHub (`::error::`, `##[error]`) and Azure (`##vso[…]`) find commands in a log."""


_STYLES = {
    Verdict.FAIL: "bold red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.PASS: "green",
    Verdict.SKIPPED: "dim",
    Verdict.NONE: "dim",
}


SHOWN_FAILURES = 10
"""Number of failed findings that are listed below the answers; the report and `--verbose` have all."""


def show_summary(
    results: Sequence[Result],
    *,
    format: Literal["table", "json"] = "table",
    quiet: bool = False,
    verbose: bool = False,
) -> None:
    """Prints the answer in one sentence, and then a line for each question with its verdict and its number.

    The JSON is stable API: `schema`, `verdicts` (verdict → count over all audits) and `audits`, each with
    `audit, question, answer, verdicts, findings` as in the result files. `quiet` prints no table;
    `verbose` lists every finding before it. Clips that were not answered or are missing are always warned of.
    """
    from sertools.report import content
    from sertools.report.summary.opening import opening
    from sertools.report.text import verdict
    from sertools.results.display import one_line

    for text in content.warnings(results):
        warn(text)
    if format == "json":
        _write(sys.stdout, _dumps(_summary(results)))
    elif not quiet:
        if verbose:
            _write(sys.stdout, _render(_findings_table(results), sys.stdout))
        _write(sys.stdout, f"{one_line(opening(results))}\n\n")
        _write(sys.stdout, _render(_answers_table(results), sys.stdout))
        failed = [
            f"{verdict(Verdict.FAIL)} {content.name(results, i)}: {said}"
            for i, said in content.failures(results)
        ]
        more = [f"… and {len(failed) - SHOWN_FAILURES} more"] if len(failed) > SHOWN_FAILURES else []
        if failed:
            lines(["", *failed[:SHOWN_FAILURES], *more])


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str | int | float | bool | None]],
    format: Literal["table", "json", "csv"] = "table",
) -> None:
    """Prints a table: aligned for people, as a JSON array of objects, or as CSV with a header."""
    if format == "json":
        _write(sys.stdout, _dumps([dict(zip(columns, row, strict=True)) for row in rows]))
        return
    from sertools.results.display import one_line

    if format == "csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        cleaned = [[one_line(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
        writer.writerows([columns, *cleaned])
        _write(sys.stdout, text.getvalue())
        return
    from rich.text import Text

    from sertools.report.text import column_texts, is_numeric

    grid = _grid()
    values = [[row[i] for row in rows] for i in range(len(columns))]
    for name, column in zip(columns, values, strict=True):
        grid.add_column(Text(one_line(name)), justify="right" if is_numeric(column) else "left")
    texts = [column_texts(column) for column in values]
    for i in range(len(rows)):
        grid.add_row(*(Text(one_line(column[i])) for column in texts))
    _write(sys.stdout, _render(grid, sys.stdout))


def lists(of: Mapping[str, tuple[Sequence[str], Sequence[Sequence[Any]]]]) -> None:
    """Prints several tables (name → columns and rows) as one JSON object of arrays of objects."""
    _write(
        sys.stdout,
        _dumps(
            {
                name: [dict(zip(columns, row, strict=True)) for row in rows]
                for name, (columns, rows) in of.items()
            }
        ),
    )


def document(text: str) -> None:
    """Prints text that is already JSON, unchanged."""
    _write(sys.stdout, text)


def lines(texts: Iterable[str]) -> None:
    """Prints sentences to stdout, each on one line."""
    from sertools.results.display import one_line

    for text in texts:
        _write(sys.stdout, f"{one_line(text)}\n")


def workflow_command(text: str) -> None:
    """Prints a command to the runner of a CI workflow, such as `::error::…`, which other text never is."""
    sys.stderr.write(encodable(sys.stderr, f"{text}\n"))
    sys.stderr.flush()


def message(text: str) -> None:
    """Prints a message on one line."""
    _say(text)


def warn(text: str) -> None:
    """Prints a warning on one line."""
    _say(text, "Warning:", "yellow")


def fail(error: SertoolsError) -> None:
    """Prints an error on one line, and its hint on the next."""
    _say(error.message, "Error:", "bold red")
    if error.hint:
        _say(error.hint, "Hint:", "bold")


def _summary(results: Sequence[Result]) -> dict[str, Any]:
    from sertools.report import content

    def tally(chosen: Sequence[Result]) -> Mapping[str, int]:
        counted = content.counts(finding for result in chosen for finding in result.findings)
        return {verdict.value: n for verdict, n in counted.items()}

    audits = [
        {
            "audit": result.audit,
            "question": result.question,
            "answer": result.answer,
            "verdicts": tally([result]),
            "findings": [finding.model_dump(mode="json") for finding in result.findings],
        }
        for result in results
    ]
    return {"schema": 1, "verdicts": tally(results), "audits": audits}


def _answers_table(results: Sequence[Result]) -> Any:
    from rich.text import Text

    from sertools.report import content
    from sertools.report.summary.rows import rows
    from sertools.report.text import interval_or_reason, people, verdict
    from sertools.results.display import one_line
    from sertools.results.terms.names import finding_words

    found = rows(results)
    several = len({(row.model, row.corpus) for row in found}) > 1
    grid = _grid()
    for name in ("Question", "Verdict", "Most important number"):
        grid.add_column(name, overflow="fold")
    for row in found:
        asked = row.asks.question + (f" ({row.model} on {row.corpus})" if several else "")
        numbers = []
        for f in sorted(row.numbers, key=lambda f: content.urgency(f.verdict))[:1]:
            limit = f", wanted {f.limit_text}" if f.limit else ""
            beside = f"; {people(f)}" if f.ceiling else ""
            numbers.append(f"{finding_words(f.key)} {f.value_text}{interval_or_reason(f)}{limit}{beside}")
        cells = [asked, verdict(row.verdict), "; ".join(numbers) or row.reason]
        styles = ["", _STYLES[row.verdict], ""]
        grid.add_row(*(Text(one_line(cell), style=style) for cell, style in zip(cells, styles, strict=True)))
    return grid


def _findings_table(results: Sequence[Result]) -> Any:
    from rich.text import Text

    from sertools.report.text import verdict
    from sertools.results.display import one_line

    grid = _grid()
    for name in ("Audit", "Finding", "Value", "95 % interval", "n", "Limit", "Verdict", "Reason"):
        justify: Literal["left", "right"] = "right" if name in {"Value", "95 % interval", "n"} else "left"
        grid.add_column(name, justify=justify, overflow="fold")
    for result in results:
        for finding in result.findings:
            cells = [result.audit, finding.label, finding.value_text, finding.interval_text]
            cells += [str(finding.n), finding.limit_text, verdict(finding.verdict), finding.reason]
            grid.add_row(*(Text(one_line(cell)) for cell in cells))
    return grid


def _grid() -> Any:
    from rich import box
    from rich.table import Table

    # box.ASCII would draw a frame; this is SIMPLE_HEAD in ASCII
    ascii_head = box.Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)
    chosen = ascii_head if only_ascii(sys.stdout) else box.SIMPLE_HEAD
    return Table(box=chosen, header_style="bold", pad_edge=False)


def _console(stream: TextIO, file: TextIO | None = None) -> Any:
    """A rich console for a stream: colours on a terminal that supports them, otherwise plain text."""
    from rich.console import Console

    terminal = stream.isatty()
    return Console(
        file=file or stream,
        force_terminal=terminal,
        no_color=bool(os.environ.get("NO_COLOR")) or None,
        width=None if terminal else _PIPE_WIDTH,
        highlight=False,
        markup=False,
        emoji=False,
    )


def _render(thing: Any, stream: TextIO) -> str:
    text = io.StringIO()
    _console(stream, text).print(thing)
    lines = text.getvalue().split("\n")
    return "\n".join(line.rstrip() for line in lines).strip("\n") + "\n"


def _say(text: str, start: str = "", style: str = "") -> None:
    """Prints one line to stderr, whatever its length and content."""
    from rich.text import Text

    from sertools.results.display import one_line

    line = io.StringIO()
    console = _console(sys.stderr, line)
    console.print(Text.assemble((start, style), " " if start else "", one_line(text)), soft_wrap=True)
    _write(sys.stderr, line.getvalue())


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _write(stream: TextIO, text: str) -> None:
    """Writes text in which no line is a command to the runner of a CI workflow."""
    harmless = _COMMAND.sub(lambda found: f"{found[1]}\\{found[2]}", text)
    stream.write(encodable(stream, harmless))
    stream.flush()
