"""Load, inspect and train models from Python."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from sertools.corpora.corpus import Corpus, join_corpora
from sertools.models import describe, load
from sertools.models.load import LoadOptions
from sertools.models.model import ClipModel, Model
from sertools.pipeline.request import ModelRequest
from sertools.training.small_network.recipe import BaselineRecipe, Recipe, read_recipe

ModelSource = str | Path | Model | ClipModel
"""A loaded model, or the text after `--model`."""


def load_model(spec: str | Path = "default", options: LoadOptions | None = None) -> Model | ClipModel:
    """Load a model.

    Args:
        spec: as after `--model`: `default` (the embedded one), a checkpoint folder, a hub id `owner/name`, or
            another kind of `list_models()`, such as `predictions:FILE.csv` or `toy:random`
        options: device, number format, head, labels, sampling rate in Hz; None for the defaults

    Returns:
        A model that predicts from audio, or one that looks up predictions by clip.

    Raises:
        ModelError: there is no such model, or it cannot be loaded; the message says what to do

    Example:
        ```python
        model = sertools.load_model("my-checkpoint", sertools.LoadOptions(device="cpu"))
        model.labels, model.sampling_rate
        ```
    """
    return load.load_model(str(spec), options)


def model_of(model: ModelSource, corpus: Corpus | None = None) -> Model | ClipModel:
    """The model itself, loaded if `model` only names it.

    The labels of the corpus, if given, tell the answers in a table of predictions from its other columns.

    Raises:
        ModelError: there is no such model, or it cannot be loaded
    """
    return ModelRequest(spec=str(model)).load(corpus) if isinstance(model, str | Path) else model


def inspect_model(model: ModelSource = "default") -> pd.DataFrame:
    """Describe a model: architecture, labels, head, layers, size, and speed on this machine.

    Args:
        model: a model, or the text that `load_model` takes

    Returns:
        Columns `property` and `value`; units are in the names of the properties, unknown values are None.

    Raises:
        ModelError: there is no such model, or it cannot be loaded

    Example:
        ```python
        sertools.inspect_model("my-checkpoint").set_index("property").at["sampling rate in Hz", "value"]
        ```
    """
    columns, rows = describe.inspect_model(model_of(model))
    return pd.DataFrame(rows, columns=columns, dtype=object)


def finetune(
    recipe: str | Path | Recipe | BaselineRecipe,
    out: str | Path,
    *,
    data_root: str | Path | None = None,
    progress: Callable[[int, float], None] = lambda epoch, loss: None,
    warn: Callable[[str], None] = lambda sentence: None,
) -> str:
    """Train a model as described in a recipe, reproducibly.

    Clips that are too short for the network, even if they are played fastest, are left out.

    Args:
        recipe: a recipe, or its TOML file; examples/finetune.toml is an example
        out: checkpoint folder to write, or a .skops file for a baseline
        data_root: folder of a registered corpus, or its parent folder
        progress: called after each epoch with its number (from 1) and its mean loss; not for a baseline
        warn: called with each sentence on clips that were left out; not for a baseline

    Returns:
        The text that `load_model` and `--model` take to load the trained model.

    Raises:
        ModelError: the recipe is not valid, or `out` exists or cannot be written
        CorpusError: a corpus, speaker or label of the recipe is missing, or all clips are too short

    Example:
        ```python
        model = sertools.load_model(sertools.finetune("recipe.toml", "trained"))
        ```
    """
    from sertools.training.small_network.data import recipe_corpora
    from sertools.training.small_network.finetune import train

    steps = read_recipe(Path(recipe)) if isinstance(recipe, str | Path) else recipe
    corpora = recipe_corpora(steps, None if data_root is None else Path(data_root))
    if isinstance(steps, BaselineRecipe):
        from sertools.training.baseline import fit_baseline

        whole = corpora[0] if len(corpora) == 1 else join_corpora(corpora)
        fit_baseline(whole, steps.labels, Path(out), strength=steps.strength)
        return f"sklearn:{out}"
    return str(train(steps, corpora, Path(out), progress=progress, warn=warn))
