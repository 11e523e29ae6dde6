"""The command `study`."""

from pathlib import Path
from typing import Annotated

import typer

from sertools.cli import options as o


def study(
    spec: Annotated[
        str, typer.Argument(metavar="STUDY", help="TOML file, or the name of a study of sertools.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder of the study.")],
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Value in place of the study's; repeat for more."),
    ] = None,
    data_root: o.DataRoot = None,
) -> None:
    """Train a recipe with many values, score the models, and write a page on them.

    Repeat an interrupted command to continue it: what is done is not done again.

    Example: sertools study wagner2023_efficiency --set recipe.epochs=3 --out efficiency
    """
    from sertools.cli import console
    from sertools.studies.study import read_study
    from sertools.studies.write import study_to

    wanted = read_study(spec, changes or [])
    result = study_to(wanted, out, data_root=data_root, progress=console.message, warn=console.warn)
    console.message(f"{result.answer} Page: {out / 'study.html'}")
