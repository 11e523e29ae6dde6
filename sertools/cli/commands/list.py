"""The command `list`."""

from typing import Annotated, Literal

import typer


def list_(
    what: Annotated[
        Literal["audits", "models", "corpora", "perturbations", "suites"] | None,
        typer.Argument(help="List to show; all lists by default."),
    ] = None,
    output: Annotated[Literal["table", "json", "csv"], typer.Option("--format")] = "table",
) -> None:
    """List the available audits, models, corpora, perturbations and suites.

    Example: sertools list corpora
    """
    from sertools.cli import console, listing

    if what is None and output == "json":
        console.lists({name: listing.rows(name) for name in listing.LISTS})
        return
    for name in [what] if what else listing.LISTS:
        console.table(*listing.rows(name), output)
