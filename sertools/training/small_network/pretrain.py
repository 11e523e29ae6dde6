"""Pre-trains the encoder of the small network on its training clips, without their labels.

The losses are those of the methods `tapt` and `emotion2vec` of `objectives/`.
"""

import copy
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sertools.randomness import identity_rng
from sertools.training.data.batches import collate, key_of
from sertools.training.distillation.losses import collapse
from sertools.training.distillation.student import student_and_teacher
from sertools.training.encoders import Start
from sertools.training.networks.contrastive import contrastive
from sertools.training.small_network.data import TrainingData
from sertools.training.small_network.loop import DivergedError, heard, relative_rate
from sertools.training.small_network.recipe import Emotion2vec, Recipe, Tapt

if TYPE_CHECKING:
    import torch

Progress = Callable[[int, float], None]
"""Called after each epoch with its number (from 1) and its mean loss."""


def no_progress(epoch: int, loss: float) -> None:
    """No progress display."""


def pretrained(
    encoder: Any,
    recipe: Recipe,
    data: TrainingData,
    *,
    progress: Progress = no_progress,
    warn: Callable[[str], None] = lambda sentence: None,
) -> "Mapping[str, torch.Tensor]":
    """Weights of the encoder after the pre-training of a recipe; the encoder itself keeps its own.

    AdamW with the recipe's weight decay, warm-up and cosine schedule, on clips that are augmented as in
    training. Dropout and the quantiser's noise are drawn from torch's global generator, all else from the
    names of what is drawn.

    Args:
        encoder: module of transformers without a head
        recipe: with `pretraining`
        data: the training clips; their labels are not read
        progress: see `Progress`
        warn: called with a sentence if a teacher's targets have collapsed

    Raises:
        DivergedError: the loss is not a finite number
    """
    import torch

    how = recipe.pretraining
    assert how is not None, "the recipe has a pre-training"
    module: Any = objective(copy.deepcopy(encoder), how, recipe.seed).train()
    learnt = [value for value in module.parameters() if value.requires_grad]
    optimizer = torch.optim.AdamW(learnt, lr=how.learning_rate, weight_decay=recipe.weight_decay)
    per_epoch = max(1, len(data.signals) // how.batch)
    steps, step = how.epochs * per_epoch, 0
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda done: relative_rate(done, steps, recipe.warm_up)
    )
    for epoch in range(how.epochs):
        order = identity_rng(recipe.seed, "pre-training", "order", str(epoch)).permutation(len(data.signals))
        losses = []
        for rows in np.array_split(order, per_epoch):
            step += 1
            loss = module(**batch_of(recipe, data, rows, epoch))["loss"]
            losses.append(loss.item())
            if not math.isfinite(losses[-1]):
                raise DivergedError(step, None, "pre-training")
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(learnt, 1.0)
            optimizer.step()
            schedule.step()
            if isinstance(how, Emotion2vec):
                module.after_update(step, steps)
        progress(epoch + 1, float(np.mean(losses)))
    if isinstance(how, Emotion2vec):
        for note in collapse(*module.spreads.tolist()):
            warn(note)
    found: Mapping[str, torch.Tensor] = module.encoder.state_dict()
    return found


def objective(encoder: Any, how: Tapt | Emotion2vec, seed: int) -> "torch.nn.Module":
    """The module whose loss pre-trains the encoder: that of the method of the same name.

    Args:
        encoder: of wav2vec 2.0's architecture; it trains, and the settings of the loss go into its `config`
        how: which loss, and its settings
        seed: of what the module has besides the encoder, and of masks
    """
    if isinstance(how, Emotion2vec):
        return student_and_teacher(encoder, how.distillation(seed))
    encoder.config.update(how.model_dump(exclude={"method", "epochs", "batch", "learning_rate"}))
    return contrastive(Start(encoder=encoder, scaled=True, source="small network"), seed)[0]


def batch_of(
    recipe: Recipe, data: TrainingData, rows: NDArray[np.int64], epoch: int
) -> "dict[str, torch.Tensor]":
    """Some clips as the methods of `objectives/` take them: augmented, padded, with keys for their masks."""
    signals = heard(recipe, data, rows, f"pre-training {epoch}")
    return collate(
        [
            {"signal": signal, "key": key_of(data.clips[i]), "epoch": epoch}
            for signal, i in zip(signals, rows, strict=True)
        ]
    )
