"""The command `init`."""

import shlex
from pathlib import Path
from typing import Annotated

import typer


def init(
    places: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PLACE]…",
            help="Tables, folders, names of corpora, a model as after --model; by default this folder.",
        ),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace an existing sertools.toml.")] = False,
) -> None:
    """Look at corpora and a model, and write sertools.toml.

    Suggests how columns are named, on which scale the ratings are and which columns are groups of speakers.
    Every command that runs in this folder reads its options from the file; an option on the command line
    replaces the one in the file.

    Example: sertools init clips.csv my-checkpoint
    """
    from sertools.api.suggest import suggest
    from sertools.cli import console, project
    from sertools.errors import SertoolsError
    from sertools.files import write_text

    path = Path(project.PROJECT)
    if path.exists() and not replace:
        raise SertoolsError(f"{path} exists already", hint="change it by hand, or add --replace")
    found = suggest(*(places or []))
    if found.model.startswith("py:"):
        found.notes.append(
            f"A model that runs code is not kept in {path}: add --model {found.model} yourself."
        )
        found.model = ""
    if not found.data and not found.model:
        raise SertoolsError(
            "neither a corpus nor a model was found, so nothing was written",
            hint="name a table, a folder of recordings or a model: sertools init clips.csv my-checkpoint",
        )
    write_text(path, project.text_of(found))
    console.lines(found.notes)
    check = f"sertools corpus check {shlex.quote(found.data[0])}, " if found.data else ""
    console.message(f"Written: {path}. Next: {check}sertools plan, sertools audit.")
