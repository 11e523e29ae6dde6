"""One training, step by step: loss, optimiser, learning rate, and weights averaged over steps."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sertools.errors import ModelError
from sertools.probing.losses import ccc_loss
from sertools.randomness import identity_rng
from sertools.training.small_network.augment import augmented
from sertools.training.small_network.data import TrainingData
from sertools.training.small_network.network import RATE_HZ, normalised, pooled
from sertools.training.small_network.recipe import Recipe

if TYPE_CHECKING:
    import torch


class DivergedError(ModelError):
    """The loss is not a finite number.

    Args:
        step: number of the update, from 1
        model: with the average of the weights whose loss was finite; None if none was
        phase: what the update is of, if not of the training itself
    """

    def __init__(self, step: int, model: Any, phase: str = "") -> None:
        super().__init__(
            f"the loss became infinite or not a number at step {step}{phase and ' of the '}{phase}",
            hint="lower learning_rate, and use another --out",
        )
        self.model = model


@dataclass(kw_only=True)
class Training:
    """A model in training.

    Attributes:
        recipe: what to train and how
        data: labelled clips of the training speakers
        truth: the ratings of `data` as a tensor, shape (n, c)
        emotions: the codes of its categories as a tensor, shape (n,)
        model: the model
        guess: a second head, which predicts the category and is used only in training; None if the model
            itself predicts the categories
        drop: dropout before both heads
        learnt: trained parameters of the model by name
        averages: their averages over the steps so far
        good: these averages before the last update, whose weights had a finite loss; empty before the first
        optimizer, schedule: of `learnt` and of the second head
        step: number of steps so far
    """

    recipe: Recipe
    data: TrainingData
    truth: "torch.Tensor"
    emotions: "torch.Tensor"
    model: Any
    guess: "torch.nn.Linear | None"
    drop: "torch.nn.Dropout"
    learnt: "dict[str, torch.nn.Parameter]"
    averages: "dict[str, torch.Tensor]"
    optimizer: "torch.optim.AdamW"
    schedule: "torch.optim.lr_scheduler.LambdaLR"
    good: "dict[str, torch.Tensor]" = field(default_factory=dict)
    step: int = 0

    def epoch(self, number: int) -> float:
        """Trains on all clips once, in an order drawn for this epoch; returns the mean loss."""
        n = len(self.data.signals)
        order = identity_rng(self.recipe.seed, "order", str(number)).permutation(n)
        self.model.train()
        batches = np.array_split(order, max(1, n // self.recipe.batch))
        return float(np.mean([self._update(rows, number) for rows in batches]))

    def finish(self) -> Any:
        """The model with the averaged weights, in evaluation mode.

        Raises:
            DivergedError: they are not finite numbers
        """
        import torch

        if not all(bool(torch.isfinite(value).all()) for value in self.averages.values()):
            raise self._diverged(self.step)
        return self._with(self.averages)

    def _with(self, weights: "Mapping[str, torch.Tensor]") -> Any:
        import torch

        with torch.no_grad():
            for name, value in self.learnt.items():
                value.copy_(weights[name])
        return self.model.eval()

    def _diverged(self, step: int) -> DivergedError:
        return DivergedError(step, self._with(self.good) if self.good else None)

    def _update(self, rows: NDArray[np.int64], epoch: int) -> float:
        """One step on the clips of a batch; returns its loss."""
        import torch

        loss = self._loss(rows, epoch)
        if not math.isfinite(loss.item()):
            raise self._diverged(self.step + 1)
        self.good = {name: value.clone() for name, value in self.averages.items()}
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # untyped in torch
        torch.nn.utils.clip_grad_norm_([*self.learnt.values(), *_parameters(self.guess)], 1.0)
        self.optimizer.step()
        self.schedule.step()
        self.step += 1
        # the average forgets faster in early steps, so that the initial weights do not dominate it
        keep = min(self.recipe.average, self.step / (self.step + 9))
        with torch.no_grad():
            for name, value in self.learnt.items():
                self.averages[name].lerp_(value, 1 - keep)
        return loss.item()

    def _loss(self, rows: NDArray[np.int64], epoch: int) -> "torch.Tensor":
        """CCC loss of augmented clips, plus the weighted cross-entropy of the categories."""
        import torch

        recipe = self.recipe
        signals = heard(recipe, self.data, rows, str(epoch))
        states = self.drop(pooled(self.model, signals))
        answers, ratings = self.model.classifier(states), len(recipe.labels)
        loss = ccc_loss(answers[:, :ratings], self.truth[rows])
        emotions = self.emotions[rows]
        if not recipe.emotion_weight or not bool((emotions >= 0).any()):
            return loss
        logits = answers[:, ratings:] if self.guess is None else self.guess(states)
        wrong = torch.nn.functional.cross_entropy(logits, emotions, ignore_index=-1, label_smoothing=0.1)
        return loss + recipe.emotion_weight * wrong


def heard(
    recipe: Recipe, data: TrainingData, rows: NDArray[np.int64], epoch: str
) -> list[NDArray[np.float32]]:
    """Augmented signals of some clips, as the network gets them.

    Args:
        recipe: with the limits of the augmentation, and the seed by which it is drawn
        data: the clips
        rows: which of them
        epoch: for which the augmentation is drawn
    """
    found = []
    for i in rows:
        rng = identity_rng(recipe.seed, "augment", data.clips[i], epoch)
        found.append(normalised(augmented(data.signals[i], RATE_HZ, recipe.augmentation, rng=rng)))
    return found


def begin(recipe: Recipe, data: TrainingData, model: Any) -> Training:
    """A training of a model before its first step."""
    import torch

    guess = None
    if not recipe.emotions:
        guess = torch.nn.Linear(recipe.shape.pooled, int(data.emotions.max(initial=0)) + 1)
    learnt = {name: value for name, value in model.named_parameters() if value.requires_grad}
    optimizer = torch.optim.AdamW(
        [*learnt.values(), *_parameters(guess)],
        lr=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        betas=(0.9, 0.98),
    )
    steps = recipe.epochs * max(1, len(data.signals) // recipe.batch)
    return Training(
        recipe=recipe,
        data=data,
        truth=torch.from_numpy(data.truth.astype(np.float32)),
        emotions=torch.from_numpy(data.emotions.astype(np.int64)),
        model=model,
        guess=guess,
        drop=torch.nn.Dropout(recipe.shape.dropout),
        learnt=learnt,
        averages={name: value.detach().clone() for name, value in learnt.items()},
        optimizer=optimizer,
        schedule=torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: relative_rate(step, steps, recipe.warm_up)
        ),
    )


def _parameters(head: "torch.nn.Linear | None") -> "list[torch.nn.Parameter]":
    return [] if head is None else list(head.parameters())


def relative_rate(step: int, steps: int, warm_up: float) -> float:
    """Learning rate relative to its maximum: a linear rise, then a half cosine down to 0.

    Args:
        step: number of steps so far
        steps: total number of steps
        warm_up: fraction of the steps in which the rate rises
    """
    warm = max(1, round(warm_up * steps))
    done = max(0.0, (step - warm) / max(1, steps - warm))
    return (step + 1) / warm if step < warm else 0.5 + 0.5 * math.cos(math.pi * min(1.0, done))
