"""The command `train`."""

from pathlib import Path
from typing import Annotated

import typer

from sertools.cli import options as o

RecipeFile = Annotated[Path, typer.Argument(help="TOML file; examples/train.toml is an example.")]
Out = Annotated[Path, typer.Option("--out", help="Checkpoint folder or .skops file to write.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Value in place of the recipe's; repeat for more."),
]
MaxMinutes = Annotated[
    float | None,
    typer.Option(
        "--max-minutes",
        rich_help_panel=o.INPUT,
        min=0.001,
        help="Longest clip that is read, in minutes, in place of the recipe's; a longer one is left out.",
    ),
]


def train(
    recipe: RecipeFile,
    out: Out,
    changes: Set = None,
    data_root: o.DataRoot = None,
    max_minutes: MaxMinutes = None,
) -> None:
    """Train a model as described in a recipe.

    The result can be passed to --model. Repeat an interrupted command to continue it.

    Example: sertools train recipe.toml --set epochs=10 --out my-model
    """
    from sertools.cli import console, progress
    from sertools.training.run import train_file

    given = [*(changes or []), *([] if max_minutes is None else [f"max_minutes={max_minutes!r}"])]
    with progress.steps("training") as advance:
        spec = train_file(recipe, out, given, data_root=data_root, progress=advance, warn=console.warn)
    console.message(f"Model written to {out}; audit it with: sertools audit --model {spec}")
