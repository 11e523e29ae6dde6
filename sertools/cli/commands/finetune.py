"""The command `finetune`: another name of `train`."""

from sertools.cli import options as o
from sertools.cli.commands.train import MaxMinutes, Out, RecipeFile, Set, train


def finetune(
    recipe: RecipeFile,
    out: Out,
    changes: Set = None,
    data_root: o.DataRoot = None,
    max_minutes: MaxMinutes = None,
) -> None:
    """Train a model as described in a recipe; the same as train.

    Example: sertools finetune examples/finetune.toml --out my-model
    """
    train(recipe, out, changes, data_root, max_minutes)
