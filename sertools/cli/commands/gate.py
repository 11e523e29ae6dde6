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
            help="interval: judge the 95 % interval; point: judge the value alone, as in older tools.",
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
    from sertools import files
    from sertools.cli import console
    from sertools.comparison.common_clips import against_baseline
    from sertools.errors import GateError
    from sertools.report.formats import ci
    from sertools.results.collection import joined
    from sertools.results.gate import BAD_INPUT, exit_code, unmatched
    from sertools.results.gate import gate as judge
    from sertools.results.limits import read_limits
    from sertools.results.read import read_results

    arguments.check_loudness(quiet, verbose)
    found = joined(read_results(folder) for folder in folders or [o.OUT])
    overrides = read_limits(limits) if limits else []
    results: Sequence[Result] = found
    if baseline:
        results = against_baseline(found, read_results(baseline), tolerance=tolerance, source=str(baseline))
    judged = judge(results, overrides, source=str(limits), mode=mode)
    for note in unmatched(results, overrides):
        console.warn(note)
    if junit:
        files.write_text(junit, ci.junit(judged, strict=strict))
    if github:
        _write_for_github(ci.annotations(judged), ci.step_summary(judged))
    console.show_summary(judged, format=output, quiet=quiet, verbose=verbose)
    code = exit_code(judged, strict=strict, allow_empty=allow_empty)
    if code == BAD_INPUT:
        raise GateError("nothing was measured: no finding has a value", hint="the reports say why")
    raise typer.Exit(code)


def _write_for_github(annotations: list[str], summary: str) -> None:
    """Prints annotations to stderr, which GitHub reads too; appends the summary to GitHub's summary file."""
    import os

    from sertools import files
    from sertools.cli import console

    for line in annotations:
        console.message(line)
    if place := os.environ.get("GITHUB_STEP_SUMMARY"):
        path = Path(place)
        before = path.read_text(encoding="utf-8") if path.is_file() else ""
        files.write_text(path, before + summary)
