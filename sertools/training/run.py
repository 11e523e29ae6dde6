"""Trains what a recipe file describes: by a method of `objectives/`, the small network, or the baseline."""

from collections.abc import Callable, Sequence
from pathlib import Path

from sertools.errors import ModelError
from sertools.files import read_toml
from sertools.training.phases import Progress
from sertools.training.recipe import changed, recipe_of
from sertools.training.small_network.recipe import BaselineRecipe
from sertools.training.small_network.recipe import Recipe as SmallRecipe
from sertools.training.small_network.recipe import recipe_of as small_recipe_of
from sertools.training.train import no_progress, train_recipe


def train_file(
    path: Path,
    out: Path,
    changes: Sequence[str] = (),
    *,
    data_root: Path | None = None,
    progress: Progress = no_progress,
    warn: Callable[[str], None] = lambda sentence: None,
) -> str:
    """Trains what a recipe file describes, and returns what `--model` takes to load it.

    A recipe with a `method` is one of `training/recipe.py`. Recipes without are those of
    `training/small_network/`: the network of the model `default`, or a linear model (`kind = "baseline"`).

    Args:
        path: TOML file
        out: folder or file to create
        changes: `key=value`, which replace values of the file
        data_root: folder of a registered corpus, or its parent folder
        progress: called with a phase, its step, its number of steps, and the loss
        warn: called with each sentence on clips that were left out

    Raises:
        ModelError: the recipe is not valid, or `out` cannot be written
        CorpusError: a corpus, speaker or label is missing
    """
    table = changed(read_toml(path, error=ModelError, what="the recipe"), changes)
    if "method" in table:
        recipe = recipe_of(table, source=str(path))
        return train_recipe(recipe, out, data_root=data_root, progress=progress, warn=warn)
    recipe_of_small = small_recipe_of(table, str(path))
    return train_small(recipe_of_small, out, data_root=data_root, progress=progress, warn=warn)


def train_small(
    recipe: SmallRecipe | BaselineRecipe,
    out: Path,
    *,
    data_root: Path | None = None,
    progress: Progress = no_progress,
    warn: Callable[[str], None] = lambda sentence: None,
) -> str:
    """Trains the small network, or fits the baseline; see `train_file`."""
    from sertools.training.small_network.data import recipe_corpora
    from sertools.training.small_network.finetune import train

    corpora = recipe_corpora(recipe, data_root)
    if isinstance(recipe, BaselineRecipe):
        from sertools.corpora.corpus import join_corpora
        from sertools.training.baseline import fit_baseline

        whole = corpora[0] if len(corpora) == 1 else join_corpora(corpora)
        fit_baseline(whole, recipe.labels, out, strength=recipe.strength)
        return f"sklearn:{out}"

    def advance(epoch: int, loss: float) -> None:
        progress("epochs", epoch, recipe.epochs, loss)

    def prepare(epoch: int, loss: float) -> None:
        progress("pre-training", epoch, recipe.pretraining.epochs if recipe.pretraining else 0, loss)

    return str(train(recipe, corpora, out, progress=advance, pretraining=prepare, warn=warn))
