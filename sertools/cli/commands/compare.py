"""The command `compare`."""

from pathlib import Path
from typing import Annotated

import typer

from sertools.cli import options as o


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
