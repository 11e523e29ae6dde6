"""The command `gate`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sertools.cli import arguments
from sertools.cli import options as o

if TYPE_CHECKING:
    from sertools.results.result import Result


def gate(
    folders: Annotated[list[Path] | None, typer.Argument(help="--out folders of audits.")] = None,
    limits: Annotated[
        Path | None,
        typer.Option("--limits", help="TOML file with your own limits, each with a reason (`why`)."),
    ] = None,
    mode: Annotated[
        Literal["interval", "point"],
        typer.Option(
            "--mode",
            help="interval: judge the interval; point: judge the value alone, as in older tools.",
        ),
    ] = "interval",
    baseline: Annotated[
        Path | None,
        typer.Option("--baseline", help="--out folder of an earlier model; fail if a metric got worse."),
    ] = None,
    tolerance: Annotated[
        float, typer.Option("--tolerance", help="Allowed drop against the baseline, in the metric's unit.")
    ] = 0.02,
    junit: Annotated[
        Path | None,
        typer.Option("--junit", help="Write JUnit XML to this file, with one test case for each limit."),
    ] = None,
    github: Annotated[
        bool,
        typer.Option("--github", help="Write GitHub annotations, and a step summary in GitHub Actions."),
    ] = False,
    strict: o.Strict = False,
    allow_empty: o.AllowEmpty = False,
    output: o.Format = "table",
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
) -> None:
    """Check result files against limits and set the exit code.

    Reads result files only; models and audits are not run again.

    Exit codes: 0 nothing failed, 1 a limit failed, 2 bad input or nothing measured,
    3 a finding was skipped or inconclusive (only with --strict).

    Example: sertools gate sertools-report --limits gate.toml --baseline last-release --strict
    """
    from sertools.cli import console
    from sertools.report.formats import gate_lines

    arguments.check_loudness(quiet, verbose)
    arguments.check_outputs([junit], [str(path) for path in [limits, *(folders or [o.OUT])] if path])
    results = _results(folders or [o.OUT], baseline, tolerance)
    judged, notes = _judged(results, limits, mode)
    for note in [] if quiet else notes:
        console.message(f"Note: {note}.")
    _write_for_ci(judged, junit, github, strict)
    console.show_summary(judged, format=output, quiet=quiet, verbose=verbose)
    if output == "table" and not quiet:
        console.lines(gate_lines.beside_table(judged))
    raise typer.Exit(_exit_code(judged, strict, allow_empty))


def _judged(
    results: "Sequence[Result]", limits: Path | None, mode: Literal["interval", "point"]
) -> "tuple[list[Result], list[str]]":
    """The results judged by a gate file, and notes on rules that apply to nothing of some models."""
    from sertools.results.verdicts import gate, rules
    from sertools.results.verdicts.limits import GateFile, read_gate

    file = read_gate(limits) if limits else GateFile()
    judged = gate.gate(results, file, source=str(limits), mode=mode)
    return judged, rules.unmatched(results, file.rules)


def _results(folders: list[Path], baseline: Path | None, tolerance: float) -> "Sequence[Result]":
    """The results in all folders, with the changes against those of an earlier model."""
    from sertools.comparison.common_clips import against_baseline
    from sertools.results.collection import joined
    from sertools.results.read import read_results

    found = joined(read_results(folder) for folder in folders)
    if not baseline:
        return found
    return against_baseline(found, read_results(baseline), tolerance=tolerance, source=str(baseline))


def _exit_code(judged: "list[Result]", strict: bool, allow_empty: bool) -> int:
    from sertools.errors import GateError
    from sertools.results.verdicts.gate import BAD_INPUT, exit_code

    code = exit_code(judged, strict=strict, allow_empty=allow_empty)
    if code == BAD_INPUT:
        raise GateError("nothing was measured: no finding has a value", hint="the reports say why")
    return code


def _write_for_ci(judged: "list[Result]", junit: Path | None, github: bool, strict: bool) -> None:
    """Writes JUnit XML, and GitHub's annotations and step summary, where they are wanted."""
    from sertools import files
    from sertools.report.formats import ci

    if junit:
        files.write_text(junit, ci.junit(judged, strict=strict))
    if github:
        _write_for_github(judged)


def _write_for_github(judged: "list[Result]") -> None:
    """Prints annotations to stderr, which GitHub reads too; appends the summary to GitHub's summary file."""
    import os

    from sertools import files
    from sertools.cli import console
    from sertools.report.formats import ci

    for line in ci.annotations(judged):
        console.workflow_command(line)
    if place := os.environ.get("GITHUB_STEP_SUMMARY"):
        # the file belongs to the runner, and other steps write to it too, so it is not replaced
        with files.disk_errors(Path(place)), Path(place).open("a", encoding="utf-8") as file:
            file.write(ci.step_summary(judged))
