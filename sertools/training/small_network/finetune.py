"""Trains a small speech emotion model from a recipe, reproducibly, and writes a checkpoint."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from sertools.corpora.corpus import Corpus
from sertools.corpora.seen.record import FILE, TrainingRecord
from sertools.errors import ModelError
from sertools.files import atomic_folder, check_writable
from sertools.training.finite import LAST_GOOD
from sertools.training.small_network.data import TrainingData, training_data
from sertools.training.small_network.loop import DivergedError, begin
from sertools.training.small_network.network import RATE_HZ, untrained
from sertools.training.small_network.pretrain import Progress, no_progress, pretrained
from sertools.training.small_network.recipe import Recipe


@contextmanager
def _reproducibly(seed: int) -> Iterator[None]:
    """Uses one thread, deterministic kernels and a seeded generator; restores the caller's settings after."""
    import torch

    threads = torch.get_num_threads()
    deterministic = torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng(devices=[]):
        torch.set_num_threads(1)  # with several threads, sums would depend on the number of cores
        torch.use_deterministic_algorithms(True)
        torch.manual_seed(seed)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(deterministic)


def fit(
    recipe: Recipe,
    data: TrainingData,
    *,
    progress: Progress,
    pretraining: Progress = no_progress,
    warn: Callable[[str], None] = lambda sentence: None,
) -> Any:
    """Trains a model by the recipe: CCC loss, AdamW, cosine schedule, weights averaged over steps.

    If the recipe has a pre-training, the encoder first learns from the same clips without their labels.

    Args:
        recipe: what to train and how
        data: labelled clips of the training speakers
        progress: called after each epoch with its number (from 1) and its mean loss
        pretraining: the same for the epochs of the pre-training
        warn: called with a sentence if the pre-training learnt little

    Returns:
        The trained model in evaluation mode; identical to the byte for the same recipe, clips and platform.
    """
    with _reproducibly(recipe.seed):
        model = untrained(recipe)
        if recipe.pretraining is not None:
            weights = pretrained(model.wav2vec2, recipe, data, progress=pretraining, warn=warn)
            model.wav2vec2.load_state_dict(weights)
        training = begin(recipe, data, model)
        for number in range(recipe.epochs):
            progress(number + 1, training.epoch(number))
        return training.finish()


def train(
    recipe: Recipe,
    corpora: Sequence[Corpus],
    out: Path,
    *,
    progress: Progress = no_progress,
    pretraining: Progress = no_progress,
    warn: Callable[[str], None] = lambda sentence: None,
) -> Path:
    """Trains a model by the recipe and writes a checkpoint folder that `load_model` accepts.

    The folder contains `config.json`, `preprocessor_config.json`, `model.safetensors`, `recipe.json` and
    `training_record.json`, which names the training speakers and has hashes of the clips. It is created only
    when it is complete.

    Args:
        recipe: what to train and how
        corpora: the corpora that `recipe.corpora` names, loaded
        out: the folder to create; if it exists, it must be empty
        progress: called after each epoch with its number (from 1) and its mean loss
        pretraining: the same for the epochs of the pre-training
        warn: called with each sentence on clips that were left out, and if the pre-training learnt little

    Returns:
        `out`

    Raises:
        ModelError: `out` is not empty, or cannot be written, or the loss is not a number (the last weights
            with a finite loss are kept in `OUT.part`), or see `training_data`
        CorpusError: see `training_data`
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ModelError(
            f"{out} already exists and is not empty", hint="name a new folder for the checkpoint"
        )
    check_writable(out, error=ModelError)
    data = training_data(recipe, corpora, recipe.speakers)
    for note in data.notes:
        warn(note)
    record = data.record()
    try:
        model = fit(recipe, data, progress=progress, pretraining=pretraining, warn=warn)
    except DivergedError as error:
        if error.model is None:
            raise
        place = out.with_name(f"{out.name}.part") / LAST_GOOD
        shutil.rmtree(place, ignore_errors=True)
        _write(error.model, recipe, record, place)
        kept = f"{error.message}; the average of the weights with a finite loss is kept in {place}"
        raise ModelError(kept, hint=error.hint) from None
    try:
        _write(model, recipe, record, out)
    except ModelError as error:
        _rescue(model, recipe, record, out, error)
    return out


def _rescue(model: Any, recipe: Recipe, record: TrainingRecord, out: Path, error: ModelError) -> NoReturn:
    """Writes a checkpoint to another place, since hours of training must not be lost, and says so.

    Raises:
        ModelError: always; it names that place, or says that there is none either
    """
    place = Path(tempfile.mkdtemp(prefix="sertools-")) / out.name
    try:
        _write(model, recipe, record, place)
    except ModelError:
        raise error from None
    raise ModelError(
        f"{error.message}; the trained checkpoint is in {place} instead", hint="move it to another disk"
    ) from error


def _write(model: Any, recipe: Recipe, record: TrainingRecord, out: Path) -> None:
    """Writes the checkpoint to a temporary folder, and renames that when it is complete."""
    from transformers import Wav2Vec2FeatureExtractor
    from transformers.utils import logging

    logging.disable_progress_bar()
    extractor = Wav2Vec2FeatureExtractor(
        feature_size=1,
        sampling_rate=RATE_HZ,
        padding_value=0.0,
        do_normalize=True,
        return_attention_mask=True,
    )
    with atomic_folder(out, error=ModelError) as part:
        model.save_pretrained(part)
        extractor.save_pretrained(part)
        (part / "recipe.json").write_text(recipe.model_dump_json(indent=1) + "\n", encoding="utf-8")
        (part / FILE).write_text(record.to_json(), encoding="utf-8")
