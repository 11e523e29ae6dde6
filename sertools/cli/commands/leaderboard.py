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
    output: o.Format = "table",
    quiet: o.Quiet = False,
) -> None:
    """Rank models on the measures that they share.

    Reads result files only, and writes the ranking as a static site with a JSON feed.

    Example: sertools leaderboard results --out site
    """
    from sertools.cli import console
    from sertools.comparison.leaderboards.files import short, write_leaderboard
    from sertools.comparison.runs import MOST_NAMES
    from sertools.wording import plural

    found = write_leaderboard(folder, out)
    if output == "json":
        console.document(found.feed)
    elif not quiet:
        for group in found.groups:
            console.message(f"{group.corpus}, {group.labels}: {group.summary}")
            console.table(*short(group, MOST_NAMES))
            more = group.standings[MOST_NAMES:]
            if more:
                without = sum(standing.places is None for standing in more)
                words = f", {without} of them without a place" if without else ""
                console.message(f"… and {plural(len(more), 'more model')}{words}; the site lists all.")
    for note in found.notes:
        console.warn(note)
    if not quiet:
        console.message(f"Site: {out / 'index.html'}")
