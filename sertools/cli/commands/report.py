"""The command `report`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from sertools.cli import options as o


def report(
    folder: Annotated[Path, typer.Argument(help="The --out folder of an earlier audit.")] = o.OUT,
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
    log: Annotated[
        list[str] | None,
        typer.Option(
            "--log",
            metavar="mlflow|wandb",
            help="Send values, settings and the report to this tracker of experiments too; repeatable.",
        ),
    ] = None,
    spreadsheet_safe: Annotated[
        bool,
        typer.Option(
            "--spreadsheet-safe",
            help="With --format csv: put ' before texts that a spreadsheet would run as formulas.",
        ),
    ] = False,
) -> None:
    """Write a report again from result files.

    Writes report.html, report.md and report.json, without running the model or the audits.

    Example: sertools report sertools-report --format latex
    """
    from sertools.cli import console
    from sertools.errors import GateError
    from sertools.report.render import USUAL, render
    from sertools.report.trackers.logged import tracker
    from sertools.results.read import read_results

    if spreadsheet_safe and format != "csv":
        raise GateError("--spreadsheet-safe only applies to --format csv")
    sending = {name: tracker(name) for name in log or []}
    if model_card:
        from sertools.report.formats.model_card import write_card

        console.message(str(write_card(read_results(folder), model_card)))
        return
    written = render(
        read_results(folder),
        out or folder,
        recordings=folder / "sounds",
        formats=[format] if format else USUAL,
        spreadsheet_safe=spreadsheet_safe,
    )
    for path in written:
        if path.suffix not in {".svg", ".png", ".flac"}:
            console.message(str(path))
    for name, module in sending.items():
        console.message(f"{name}: run {module.log(read_results(folder), out or folder)}")
