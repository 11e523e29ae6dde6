"""The command `list`."""

from typing import Annotated, Literal

import typer


def list_(
    what: Annotated[
        Literal["audits", "models", "checkpoints", "corpora", "perturbations", "suites", "methods", "studies"]
        | None,
        typer.Argument(help="List to show; all lists by default."),
    ] = None,
    output: Annotated[Literal["table", "json", "csv"], typer.Option("--format")] = "table",
) -> None:
    """List the available audits, models, public checkpoints, corpora, perturbations, suites and trainings.

    Example: sertools list corpora
    """
    from sertools.api import lists
    from sertools.cli import console

    if what is None and output == "json":
        console.lists({name: lists.rows(name) for name in lists.LISTS})
        return
    for name in [what] if what else lists.LISTS:
        console.table(*lists.rows(name), output)
