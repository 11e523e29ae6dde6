"""Load, inspect and train models from Python."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from sertools.api.corpora import CorpusSource
from sertools.corpora.corpus import Corpus
from sertools.models import describe, load
from sertools.models.load import LoadOptions
from sertools.models.model import ClipModel, Model
from sertools.pipeline.requests.models import ModelRequest
from sertools.results.result import Result
from sertools.training.small_network.recipe import BaselineRecipe, Recipe

ModelSource = str | Path | Callable[..., Any] | Model | ClipModel
"""A loaded model, the text after `--model`, or a function of signals and their sampling rate."""


def load_model(
    spec: str | Path | Callable[..., Any] = "default", options: LoadOptions | None = None
) -> Model | ClipModel:
    """Load a model.

    Args:
        spec: as after `--model`: `default` (the embedded one), a checkpoint folder, a hub id `owner/name`, or
            another kind of `list_models()`, such as `predictions:FILE.csv` or `toy:random`; or a function
            that takes a list of signals and their sampling rate in Hz, and returns scores, as after `py:`
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
    return load.load_model(str(spec) if isinstance(spec, Path) else spec, options)


def model_of(model: ModelSource, corpus: Corpus | None = None) -> Model | ClipModel:
    """The model itself, loaded if `model` only names it, or is a function.

    The labels of the corpus, if given, tell the answers in a table of predictions from its other columns.

    Raises:
        ModelError: there is no such model, or it cannot be loaded
    """
    if isinstance(model, str | Path):
        return ModelRequest(spec=str(model)).load(corpus)
    if callable(model) and not hasattr(model, "facts"):
        return ModelRequest(spec=model).load(corpus)
    loaded: Any = model
    found: Model | ClipModel = loaded
    return found


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


def domain_shift(
    spec: str, corpora: Sequence[CorpusSource], *, data_root: str | Path | None = None, seed: int = 0
) -> pd.DataFrame:
    """How far are corpora from what a checkpoint of wav2vec 2.0 was pre-trained on? Its pre-training loss.

    Args:
        spec: checkpoint with the quantiser of its pre-training
        corpora: corpora, or what `load_corpus` takes
        data_root: folder of a registered corpus, or its parent folder
        seed: of masks and negatives

    Returns:
        One row per corpus: the loss per masked frame with its 95 % interval over speakers, the loss per clip
        (the sum over its masked frames), and the numbers of clips and speakers.

    Raises:
        ModelError: the checkpoint is not one of wav2vec 2.0, or has no quantiser
        CorpusError: a corpus cannot be read, or none of its clips can be used

    Example:
        ```python
        sertools.domain_shift("pre-trained", ["clips.csv"])[["corpus", "loss per masked frame"]]
        ```
    """
    from sertools.api.corpora import load_corpus
    from sertools.studies.domain_shift import COLUMNS
    from sertools.studies.domain_shift import domain_shift as measured

    loaded = [
        each if isinstance(each, Corpus) else load_corpus(each, data_root=data_root) for each in corpora
    ]
    return pd.DataFrame(measured(spec, loaded, seed=seed), columns=list(COLUMNS))


def finetune(
    recipe: str | Path | Recipe | BaselineRecipe,
    out: str | Path,
    *,
    data_root: str | Path | None = None,
    progress: Callable[[int, float], None] = lambda epoch, loss: None,
    warn: Callable[[str], None] = lambda sentence: None,
) -> str:
    """Train the small network of the model `default`, or a baseline; for all else see `train`.

    Clips that are too short for the network, even if they are played fastest, are left out.

    Args:
        recipe: a recipe, or its TOML file; examples/finetune.toml is an example
        out: checkpoint folder to write, or a .skops file for a baseline
        data_root: folder of a registered corpus, or its parent folder
        progress: called after each epoch with its number (from 1) and its mean loss, in a recipe with a
            method with the number of updates; not for a baseline
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
    from sertools.training.run import train_file, train_small

    place = None if data_root is None else Path(data_root)

    def advance(phase: str, step: int, steps: int, loss: float) -> None:
        progress(step, loss)

    if isinstance(recipe, str | Path):
        return train_file(Path(recipe), Path(out), data_root=place, progress=advance, warn=warn)
    return train_small(recipe, Path(out), data_root=place, progress=advance, warn=warn)


def train(
    recipe: str | Path | Mapping[str, Any],
    out: str | Path,
    *,
    changes: Sequence[str] = (),
    data_root: str | Path | None = None,
    progress: Callable[[str, int, int, float], None] = lambda phase, step, steps, loss: None,
    warn: Callable[[str], None] = lambda sentence: None,
) -> str:
    """Train a model by one of the methods in `list_methods()`, as described in a recipe.

    An interrupted training continues if the same call is repeated, on a CPU to the same weights.

    Args:
        recipe: TOML file, such as examples/train.toml, or its content as a table
        out: folder to create, with the checkpoint, its training record, curves and model card
        changes: `key=value`, which replace values of the recipe, as after `--set`
        data_root: folder of a registered corpus, or its parent folder
        progress: called with the name of a phase, the updates so far, all updates, and the mean loss
        warn: called with each sentence on clips that were left out

    Returns:
        The text that `load_model` and `--model` take to load the trained model.

    Raises:
        ModelError: the recipe is not valid, the method cannot follow the checkpoint, the loss becomes
            infinite or not a number, or `out` cannot be written
        CorpusError: a corpus, speaker or label is missing, or a speaker of dev or test would train

    Example:
        ```python
        model = sertools.load_model(sertools.train("recipe.toml", "trained-again", changes=["epochs=1"]))
        ```
    """
    from sertools.training.recipe import recipe_of
    from sertools.training.run import train_file
    from sertools.training.train import train_recipe

    place = None if data_root is None else Path(data_root)
    if isinstance(recipe, str | Path):
        return train_file(Path(recipe), Path(out), changes, data_root=place, progress=progress, warn=warn)
    made = recipe_of(recipe, changes)
    return train_recipe(made, Path(out), data_root=place, progress=progress, warn=warn)


def study(
    spec: str | Path,
    out: str | Path,
    *,
    changes: Sequence[str] = (),
    data_root: str | Path | None = None,
    progress: Callable[[str], None] = lambda sentence: None,
    warn: Callable[[str], None] = lambda sentence: None,
) -> Result:
    """Train a recipe with many values and seeds, score the models, and write a page on them.

    Models that were trained before are not trained again.

    Args:
        spec: TOML file of a study, or a name of `list_studies()`
        out: folder for `study.html`, `study.json` and the answers of the models
        changes: `key=value`, which replace values of the study, such as `recipe.epochs=3`
        data_root: folder of a registered corpus, or its parent folder
        progress: called with a sentence before each training
        warn: called with sentences on clips that were left out, and on trainings that failed

    Returns:
        Means over seeds, with intervals over speakers; its tables also have intervals over seeds, the
        differences between variants, and published values.

    Raises:
        ModelError: the study is not valid, no model can be trained, or `out` cannot be written
        CorpusError: a test corpus is missing

    Example:
        ```python
        sertools.study("study.toml", "study").to_pandas()[["name", "slice", "value"]]
        ```
    """
    from sertools.studies.study import read_study
    from sertools.studies.write import study_to

    place = None if data_root is None else Path(data_root)
    return study_to(read_study(str(spec), changes), Path(out), data_root=place, progress=progress, warn=warn)
