"""The command `finetune`."""

from pathlib import Path
from typing import Annotated

import typer

from sertools.cli import options as o


def finetune(
    recipe: Annotated[Path, typer.Argument(help="TOML file; examples/finetune.toml is an example.")],
    out: Annotated[Path, typer.Option("--out", help="Checkpoint folder or .skops file to write.")],
    data_root: o.DataRoot = None,
    max_minutes: Annotated[
        float | None,
        typer.Option(
            "--max-minutes",
            rich_help_panel=o.INPUT,
            min=0.001,
            help="Longest clip that is read, in minutes, in place of the recipe's; a longer one is left out.",
        ),
    ] = None,
) -> None:
    """Train a model as described in a recipe.

    The result can be passed to --model: a checkpoint folder, or a .skops file for a baseline.

    Example: sertools finetune examples/finetune.toml --out my-model
    """
    from sertools.cli import console, progress
    from sertools.training.data import recipe_corpora
    from sertools.training.finetune import train
    from sertools.training.recipe import BaselineRecipe, read_recipe

    steps = read_recipe(recipe)
    if max_minutes is not None:
        steps = steps.model_copy(update={"max_minutes": max_minutes})
    corpora = recipe_corpora(steps, data_root)
    if isinstance(steps, BaselineRecipe):
        from sertools.corpora.corpus import join_corpora
        from sertools.training.baseline import fit_baseline

        whole = corpora[0] if len(corpora) == 1 else join_corpora(corpora)
        fit_baseline(whole, steps.labels, out, strength=steps.strength)
        console.message(f"Baseline written to {out}; audit it with: sertools audit --model sklearn:{out}")
        return
    with progress.progress("training", steps.epochs, "epochs") as advance:
        train(steps, corpora, out, progress=lambda epoch, loss: advance(1), warn=console.warn)
    console.message(f"Checkpoint written to {out}; audit it with: sertools audit --model {out}")
