"""Commands that read result files: report, gate, compare and leaderboard; also selftest."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from sertools.cli import arguments
from sertools.cli import options as o

OUT = Path("sertools-report")
"""Default output folder of an audit, and default input folder of the commands here."""

outputs = typer.Typer()


@outputs.command("report")
def report(
    folder: Annotated[Path, typer.Argument(help="The --out folder of an earlier audit.")] = OUT,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder to write to; by default the folder of the audit.")
    ] = None,
    model_card: Annotated[
        Path | None,
        typer.Option(
            "--model-card",
            metavar="FILE.md|DIR",
            help="Write findings and limitations into this Hugging Face model card instead of a report.",
        ),
    ] = None,
    format: Annotated[
        Literal["html", "md", "json", "csv", "parquet", "latex"] | None,
        typer.Option(
            "--format",
            help="html, md and json by default; csv, parquet: all tables; latex: findings for papers.",
        ),
    ] = None,
) -> None:
    """Write a report again from result files.

    Writes report.html, report.md and report.json, without running the model or the audits.

    Example: sertools report sertools-report --format latex
    """
    from sertools.cli import console
    from sertools.report.render import USUAL, render
    from sertools.results.read import read_results

    if model_card:
        from sertools.report.formats.model_card import write_card

        console.message(str(write_card(read_results(folder), model_card)))
        return
    written = render(
        read_results(folder),
        out or folder,
        recordings=folder / "sounds",
        formats=[format] if format else USUAL,
    )
    for path in written:
        if path.suffix not in {".svg", ".png", ".flac"}:
            console.message(str(path))


@outputs.command("gate")
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
    output: o.Format = "table",
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
) -> None:
    """Check result files against limits and set the exit code.

    Reads result files only; models and audits are not run again.

    Exit codes: 0 nothing failed, 1 a limit failed, 2 bad input,
    3 a finding was skipped or inconclusive (only with --strict).

    Example: sertools gate sertools-report --limits gate.toml --baseline last-release --strict
    """
    from sertools import files
    from sertools.cli import console
    from sertools.report.formats import ci
    from sertools.results import gate as judging
    from sertools.results import regression_check
    from sertools.results.limits import read_limits
    from sertools.results.read import read_results

    arguments.check_loudness(quiet, verbose)
    results = [result for folder in folders or [OUT] for result in read_results(folder)]
    overrides = read_limits(limits) if limits else []
    if baseline:
        results = regression_check.against(
            results, read_results(baseline), tolerance=tolerance, source=str(baseline)
        )
    judged = judging.gate(results, overrides, source=str(limits), mode=mode)
    if junit:
        files.write_text(junit, ci.junit(judged, strict=strict))
    if github:
        _write_for_github(ci.annotations(judged), ci.step_summary(judged))
    console.show_summary(judged, format=output, quiet=quiet, verbose=verbose)
    raise typer.Exit(judging.exit_code(judged, strict=strict))


@outputs.command("compare")
def compare(
    folders: Annotated[list[Path], typer.Argument(help="--out folders of audits.")],
    reference: Annotated[
        list[str] | None,
        typer.Option(
            "--reference",
            rich_help_panel=o.INPUT,
            metavar="MODEL",
            help="Add a published model, such as w2v2-L-robust, that has values on the same corpus.",
        ),
    ] = None,
    out: o.Out = Path("sertools-compare"),
    output: o.Format = "table",
    quiet: o.Quiet = False,
) -> None:
    """Compare audited models with the first one.

    Reads the --out folders of audits only; models and audits are not run again.

    Example: sertools compare last-release this-release --reference w2v2-L-robust --out comparison
    """
    from sertools.cli import console
    from sertools.comparison import write

    found = write.compare_folders(folders, out, reference or [])
    if output == "json":
        console.show_summary([found], format=output)
    elif not quiet:
        console.table(*write.short(found))
    if not quiet:
        console.message(f"{found.answer} Report: {out / 'compare.html'}")


@outputs.command("leaderboard")
def leaderboard(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder that contains --out folders of audits, or is one.")
    ],
    out: Annotated[
        Path, typer.Option("--out", rich_help_panel=o.OUTPUT, help="Folder to write the site to.")
    ] = Path("sertools-leaderboard"),
    output: o.Format = "table",
    quiet: o.Quiet = False,
) -> None:
    """Rank models on the measures that they share.

    Reads result files only, and writes the ranking as a static site with a JSON feed.

    Example: sertools leaderboard results --out site
    """
    from sertools.cli import console
    from sertools.comparison import leaderboard_files

    found = leaderboard_files.write_leaderboard(folder, out)
    if output == "json":
        console.document(found.feed)
    elif not quiet:
        for group in found.groups:
            console.message(f"{group.corpus}, {group.labels}:")
            console.table(*leaderboard_files.short(group))
    for note in found.notes:
        console.warn(note)
    if not quiet:
        console.message(f"Site: {out / 'index.html'}")


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


@outputs.command("selftest")
def selftest(
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data", rich_help_panel=o.INPUT, help="Measure the power of each audit on this corpus instead."
        ),
    ] = None,
    data_root: o.DataRoot = None,
    column_map: o.ColumnMap = None,
    scale: o.Scales = None,
    label_map: o.LabelMap = None,
    derive: o.Derive = False,
    plants: Annotated[
        int,
        typer.Option(
            "--plants", rich_help_panel=o.HOW, min=1, help="Number of planted defects for each strength."
        ),
    ] = 5,
    seed: o.Seed = 0,
    output: o.Format = "table",
) -> None:
    """Test the audits on toy models with known defects.

    The defects must be found, and the oracle must pass. The exit code is 1 if any check fails.

    With --data, measures instead how often each audit finds its planted defect
    in a corpus of this size; no audio is opened.

    Example: sertools selftest --data my-clips.csv
    """
    from sertools.cli import console
    from sertools.selftest import selftest as tests

    if data:
        corpus = arguments.read_data(data, data_root, column_map, scale, label_map, derive)
        console.table(tests.POWER, tests.power(corpus.clips, plants=plants, seed=seed), output)
        return
    found = list(tests.checks(seed))
    console.table(tests.CHECKS, tests.rows(found), output)
    raise typer.Exit(0 if all(check.kept for check in found) else 1)
