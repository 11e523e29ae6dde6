"""Commands that work from what audits wrote: reports, comparisons, the gate; and the test of the audits."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from sertools import options as o

OUT = Path("sertools-report")
"""Where an audit writes by default, and where the commands here look for it."""

outputs = typer.Typer()


@outputs.command("report")
def report(
    folder: Annotated[Path, typer.Argument(help="The --out folder of an earlier audit.")] = OUT,
    out: Annotated[Path | None, typer.Option("--out", help="Where to write; that folder by default.")] = None,
    model_card: Annotated[
        Path | None,
        typer.Option(
            "--model-card",
            metavar="FILE.md|DIR",
            help="Write findings and limits into this model card instead, as the Hugging Face hub reads it.",
        ),
    ] = None,
    format: Annotated[
        Literal["html", "md", "json", "csv", "parquet", "latex"] | None,
        typer.Option(
            "--format",
            help="html, md and json by default; csv, parquet: every table; latex: findings for papers.",
        ),
    ] = None,
) -> None:
    """Write report.html, report.md and report.json anew, from result files alone.

    Example: sertools report sertools-report --format latex
    """
    from sertools import console
    from sertools.report import USUAL, render
    from sertools.result import read_results

    if model_card:
        from sertools.model_card import write_card

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
        Path | None, typer.Option("--limits", help="gate.toml: limits of your own, each with a why.")
    ] = None,
    mode: Annotated[
        Literal["interval", "point"],
        typer.Option("--mode", help="point: the value alone decides, as in older tools."),
    ] = "interval",
    baseline: Annotated[
        Path | None,
        typer.Option("--baseline", help="--out folder of an earlier model: fail where a metric got worse."),
    ] = None,
    tolerance: Annotated[
        float, typer.Option("--tolerance", help="How much worse than the baseline a metric may be.")
    ] = 0.02,
    junit: Annotated[
        Path | None, typer.Option("--junit", help="Write JUnit XML, one test case for each limit.")
    ] = None,
    github: Annotated[
        bool,
        typer.Option("--github", help="Write GitHub annotations, and its step summary where it has one."),
    ] = False,
    strict: o.Strict = False,
    output: o.Format = "table",
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
) -> None:
    """Judge result files by their limits and set the exit code; computes nothing.

    Exit codes: 0 nothing failed, 1 a limit failed, 2 bad input, 3 with --strict something was skipped or
    inconclusive.

    Example: sertools gate sertools-report --limits gate.toml --baseline last-release --strict
    """
    from sertools import ci, console, gate_formats, store
    from sertools import gate as gates
    from sertools.result import read_results

    o.check_loudness(quiet, verbose)
    results = [result for folder in folders or [OUT] for result in read_results(folder)]
    overrides = gates.read_limits(limits) if limits else []
    if baseline:
        results = ci.against(results, read_results(baseline), tolerance=tolerance, source=str(baseline))
    judged = gates.gate(results, overrides, source=str(limits), mode=mode)
    if junit:
        store.write_text(junit, gate_formats.junit(judged, strict=strict))
    if github:
        _tell_github(gate_formats.annotations(judged), gate_formats.step_summary(judged))
    console.show_summary(judged, format=output, quiet=quiet, verbose=verbose)
    raise typer.Exit(gates.exit_code(judged, strict=strict))


@outputs.command("compare")
def compare(
    folders: Annotated[list[Path], typer.Argument(help="--out folders of audits.")],
    reference: Annotated[
        list[str] | None,
        typer.Option(
            "--reference",
            rich_help_panel=o.INPUT,
            metavar="MODEL",
            help="Also a published model, such as w2v2-L-robust, where its values are of the same corpus.",
        ),
    ] = None,
    out: o.Out = Path("sertools-compare"),
    output: o.Format = "table",
    quiet: o.Quiet = False,
) -> None:
    """Compare models, from the --out folders of audits alone; the first is the one to compare with.

    Example: sertools compare last-release this-release --reference w2v2-L-robust --out comparison
    """
    from sertools import compare_files, console

    found = compare_files.compare_folders(folders, out, reference or [])
    if output == "json":
        console.show_summary([found], format=output)
    elif not quiet:
        console.table(*compare_files.short(found))
    if not quiet:
        console.message(f"{found.answer} Report: {out / 'compare.html'}")


@outputs.command("leaderboard")
def leaderboard(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="--out folders of audits lie in or below it.")
    ],
    out: Annotated[Path, typer.Option("--out", rich_help_panel=o.OUTPUT, help="Folder of the site.")] = Path(
        "sertools-leaderboard"
    ),
    output: o.Format = "table",
    quiet: o.Quiet = False,
) -> None:
    """Rank models by what they have in common, from result files alone, as a static site with a feed.

    Example: sertools leaderboard results --out site
    """
    from sertools import console, leaderboard_files

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


def _tell_github(annotations: list[str], summary: str) -> None:
    """Annotations to stderr, which GitHub reads as well; the summary at the end of the file that it names."""
    import os

    from sertools import console, store

    for line in annotations:
        console.message(line)
    if place := os.environ.get("GITHUB_STEP_SUMMARY"):
        path = Path(place)
        before = path.read_text(encoding="utf-8") if path.is_file() else ""
        store.write_text(path, before + summary)


@outputs.command("selftest")
def selftest(
    data: Annotated[
        list[str] | None,
        typer.Option("--data", rich_help_panel=o.INPUT, help="Also the power of each audit on this corpus."),
    ] = None,
    data_root: o.DataRoot = None,
    column_map: o.ColumnMap = None,
    scale: o.Scales = None,
    label_map: o.LabelMap = None,
    derive: o.Derive = False,
    plants: Annotated[
        int, typer.Option("--plants", rich_help_panel=o.HOW, min=1, help="Planted defects of each strength.")
    ] = 5,
    seed: o.Seed = 0,
    output: o.Format = "table",
) -> None:
    """Audit toy models with known defects: the defects must be found, and the oracle must pass.

    Exit code 1 where an audit does not keep its promise. With --data, no sound is opened.

    Example: sertools selftest --data my-clips.csv
    """
    from sertools import console
    from sertools import selftest as tests

    if data:
        corpus = o.read_data(data, data_root, column_map, scale, label_map, derive)
        console.table(tests.POWER, tests.power(corpus.clips, plants=plants, seed=seed), output)
        return
    found = list(tests.checks(seed))
    console.table(tests.CHECKS, tests.rows(found), output)
    raise typer.Exit(0 if all(check.kept for check in found) else 1)
