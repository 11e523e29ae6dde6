"""The command `cache`."""

from typing import Annotated, Literal

import typer

from sertools.cli import options as o
from sertools.wording import plural


def cache_(
    action: Annotated[
        Literal["show", "verify", "prune"],
        typer.Argument(help="show sizes, verify all files, or delete entries."),
    ] = "show",
    model: Annotated[str, typer.Option("--model", help="prune: only this model, as named by show.")] = "",
    older_than: Annotated[
        float | None,
        typer.Option(
            "--older-than", metavar="DAYS", help="prune: only if last written more than DAYS days ago."
        ),
    ] = None,
    damaged: Annotated[
        bool, typer.Option("--damaged", help="prune: only the files that verify reports.")
    ] = False,
    cache: o.Cache = None,
    output: o.Format = "table",
) -> None:
    """Show the cached predictions, check that they are intact, or delete some.

    Example: sertools cache prune --older-than 90
    """
    from sertools.cli import console
    from sertools.store.cache import prune, table, verify
    from sertools.store.key import default_root

    root = cache or default_root()
    if action == "prune":
        n, size = prune(root, older_than_days=older_than, model=model, damaged=damaged)
        console.message(f"Deleted {plural(n, 'file')}, {size / 1e6:.1f} MB, under {root}")
    elif action == "verify":
        bad = verify(root)
        if bad or output == "json":
            console.table(["file", "reason"], [[str(path), reason] for path, reason in bad], output)
        lost = "nothing is lost: the next run recomputes it; to delete it: sertools cache prune --damaged"
        count = plural(len(bad), "file is", "files are")
        console.message(f"{count} damaged; {lost}" if bad else f"All files under {root} are intact.")
        raise typer.Exit(2 if bad else 0)
    else:
        console.table(*table(root), output)
