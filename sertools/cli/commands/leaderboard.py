"""The command `leaderboard`."""

from pathlib import Path
from typing import Annotated

import typer

from sertools.cli import options as o


def leaderboard(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder that contains --out folders of audits, or is one.")
    ],
    out: Annotated[
        Path, typer.Option("--out", rich_help_panel=o.OUTPUT, help="Folder to write the site to.")
    ] = Path("sertools-leaderboard"),
    exports: Annotated[
        list[str] | None,
        typer.Option(
            "--export",
            rich_help_panel=o.OUTPUT,
            metavar="FORMAT",
            help="Also eval-results or every-eval-ever.",
        ),
    ] = None,
    datasets: Annotated[
        list[str] | None,
        typer.Option(
            "--dataset", rich_help_panel=o.OUTPUT, metavar="CORPUS=OWNER/NAME", help="Corpus on the hub."
        ),
    ] = None,
    by: Annotated[
        str, typer.Option("--by", rich_help_panel=o.OUTPUT, help="Who made the audits, for every-eval-ever.")
    ] = "",
    output: o.Format = "table",
    quiet: o.Quiet = False,
) -> None:
    """Rank models on the measures that they share.

    Reads result files only, and writes the ranking as a static site with a JSON feed.

    Example: sertools leaderboard results --out site
    """
    from sertools.cli import arguments, console
    from sertools.comparison.leaderboards.exports import Named, export
    from sertools.comparison.leaderboards.files import write_leaderboard
    from sertools.comparison.runs import MOST_NAMES
    from sertools.errors import GateError
    from sertools.wording import plural

    named = Named(datasets=arguments.pairs(datasets, "--dataset", "CORPUS=OWNER/NAME"), by=by)
    if (datasets or by) and not exports:
        raise GateError("--dataset and --by are for --export", hint="--export eval-results")
    exported = export(folder, out, exports, named) if exports else {}
    found = write_leaderboard(folder, out)
    if output == "json":
        console.document(found.feed)
    elif not quiet:
        for ranking in found.rankings:
            console.message(f"{ranking.corpus}, {ranking.labels}: {ranking.summary}")
            console.table(ranking.columns, ranking.rows)
            more, without = ranking.models - MOST_NAMES, ranking.more_without_place
            if more > 0:
                words = f", {without} of them without a place" if without else ""
                console.message(f"… and {plural(more, 'more model')}{words}; the site lists all.")
    for note in found.notes:
        console.warn(note)
    if not quiet:
        for name, n in exported.items():
            console.message(f"Exported: {plural(n, 'file')} in {out / 'exports' / name}")
        console.message(f"Site: {out / 'index.html'}")
