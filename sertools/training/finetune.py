"""Trains a small speech emotion model from a recipe, reproducibly, and writes a checkpoint."""

import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from sertools.corpora.corpus import Corpus
from sertools.errors import ModelError
from sertools.probing.losses import ccc_loss
from sertools.randomness import identity_rng
from sertools.training.augment import augmented
from sertools.training.data import Lessons, lessons
from sertools.training.network import RATE_HZ, _pooled, normalised, untrained
from sertools.training.recipe import Recipe


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


def fit(recipe: Recipe, lessons: Lessons, *, progress: Callable[[int, float], None]) -> Any:
    """Trains a model by the recipe: CCC loss, AdamW, cosine schedule, weights averaged over steps.

    Args:
        recipe: what to train and how
        lessons: labelled clips of the training speakers
        progress: called after each epoch with its number (from 1) and its mean loss

    Returns:
        The trained model in evaluation mode; identical to the byte for the same recipe, clips and platform.
    """
    import torch

    n = len(lessons.signals)
    with _reproducibly(recipe.seed):
        model = untrained(recipe)
        guess = torch.nn.Linear(recipe.shape.pooled, int(lessons.emotions.max(initial=0)) + 1)
        drop = torch.nn.Dropout(recipe.shape.dropout)
        learnt = {name: value for name, value in model.named_parameters() if value.requires_grad}
        parameters = [*learnt.values(), *guess.parameters()]
        optimizer = torch.optim.AdamW(
            parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, betas=(0.9, 0.98)
        )
        steps = recipe.epochs * max(1, n // recipe.batch)

        def pace(step: int) -> float:
            warm = max(1, round(recipe.warm_up * steps))
            done = max(0.0, (step - warm) / max(1, steps - warm))
            return (step + 1) / warm if step < warm else 0.5 + 0.5 * math.cos(math.pi * min(1.0, done))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, pace)
        averages = {name: value.detach().clone() for name, value in learnt.items()}
        truth = torch.from_numpy(lessons.truth.astype(np.float32))
        emotions = torch.from_numpy(lessons.emotions.astype(np.int64))
        step = 0
        for epoch in range(recipe.epochs):
            order = identity_rng(recipe.seed, "order", str(epoch)).permutation(n)
            model.train()
            losses = []
            for rows in np.array_split(order, max(1, n // recipe.batch)):
                signals = [
                    normalised(
                        augmented(
                            lessons.signals[i],
                            RATE_HZ,
                            recipe.augmentation,
                            rng=identity_rng(recipe.seed, "augment", lessons.clips[i], str(epoch)),
                        )
                    )
                    for i in rows
                ]
                pooled = drop(_pooled(model, signals))
                loss = ccc_loss(model.classifier(pooled), truth[rows])
                if recipe.emotion_weight:
                    wrong = torch.nn.functional.cross_entropy(
                        guess(pooled), emotions[rows], ignore_index=-1, label_smoothing=0.1
                    )
                    loss = loss + recipe.emotion_weight * wrong
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]  # untyped in torch
                torch.nn.utils.clip_grad_norm_(parameters, 1.0)
                optimizer.step()
                schedule.step()
                step += 1
                # the average forgets faster in early steps, so that the initial weights do not dominate it
                keep = min(recipe.average, step / (step + 9))
                with torch.no_grad():
                    for name, value in learnt.items():
                        averages[name].lerp_(value, 1 - keep)
                losses.append(loss.item())
            progress(epoch + 1, float(np.mean(losses)))
        with torch.no_grad():
            for name, value in learnt.items():
                value.copy_(averages[name])
    return model.eval()


def train(
    recipe: Recipe,
    corpora: Sequence[Corpus],
    out: Path,
    *,
    progress: Callable[[int, float], None] = lambda epoch, loss: None,
) -> Path:
    """Trains a model by the recipe and writes a checkpoint folder that `load_model` accepts.

    The folder contains `config.json`, `preprocessor_config.json`, `model.safetensors` and `recipe.json`. It
    is created only when it is complete.

    Args:
        recipe: what to train and how
        corpora: the corpora that `recipe.corpora` names, loaded
        out: the folder to create; if it exists, it must be empty
        progress: called after each epoch with its number (from 1) and its mean loss

    Returns:
        `out`

    Raises:
        ModelError: `out` is not empty, or cannot be written
        CorpusError: see `lessons`
        AudioError: a training clip cannot be decoded
    """
    from transformers import Wav2Vec2FeatureExtractor

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ModelError(
            f"{out} already exists and is not empty", hint="name a new folder for the checkpoint"
        )
    model = fit(recipe, lessons(recipe, corpora, recipe.speakers), progress=progress)
    extractor = Wav2Vec2FeatureExtractor(
        feature_size=1,
        sampling_rate=RATE_HZ,
        padding_value=0.0,
        do_normalize=True,
        return_attention_mask=True,
    )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as scratch:
            part = Path(scratch) / out.name
            model.save_pretrained(part)
            extractor.save_pretrained(part)
            (part / "recipe.json").write_text(recipe.model_dump_json(indent=1) + "\n", encoding="utf-8")
            part.replace(out)
    except OSError as error:
        raise ModelError(f"cannot write the checkpoint to {out}: {error.strerror}") from error
    return out
