"""What can a small network predict from a model's layers? Heads trained by gradient descent.

As in published probes, a head computes a weighted average of the layers (the weights are trained too),
followed by dense layers. With a single layer, the average is that layer.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sertools.errors import AuditError

if TYPE_CHECKING:
    import torch

LOWER = 1e-3
"""Minimum drop of the validation loss that counts as an improvement."""

MIXING = 5
"""Learning rate of the layer weights as a multiple of the head's, at which they would hardly change."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The shape of a head.

    Attributes:
        hidden: sizes of the hidden layers
        relu: whether hidden layers are followed by a ReLU
        batch: clips per step; 0 for all clips at once
        epochs: maximum number of epochs
        patience: epochs without a lower validation loss after which training stops
    """

    hidden: tuple[int, ...]
    relu: bool
    batch: int = 64
    epochs: int = 300
    patience: int = 10


RECIPES: Mapping[str, Recipe] = {
    "logistic": Recipe(hidden=(), relu=False, batch=0, epochs=150, patience=30),
    "mlp": Recipe(hidden=(128, 16), relu=True),
    "superb": Recipe(hidden=(256,), relu=True),
}
"""Kind → head: output layer only; as in Li et al. 2023; SUPERB's, as in Ma et al. 2024 (emotion2vec)."""


@dataclass(frozen=True, kw_only=True)
class Head:
    """A trained head.

    Attributes:
        mean, scale: mean and standard deviation of the training clips, shape (l, d)
        shares: weight of each layer, shape (l,), sum 1
        dense: weight (out, in) and bias (out,) of each dense layer
        relu: whether hidden layers are followed by a ReLU
        loss: lowest validation loss; these are the parameters at that point
        epochs: number of epochs after which it was reached
    """

    mean: np.ndarray
    scale: np.ndarray
    shares: np.ndarray
    dense: tuple[tuple[np.ndarray, np.ndarray], ...]
    relu: bool
    loss: float
    epochs: int

    def predict(self, layers: np.ndarray) -> np.ndarray:
        """Outputs (m, k) for layers (m, l, d): class scores before softmax, or predicted values."""
        states: np.ndarray = np.einsum("mld,l->md", (layers - self.mean) / self.scale, self.shares)
        for i, (weight, bias) in enumerate(self.dense):
            states = states @ weight.T + bias
            if self.relu and i + 1 < len(self.dense):
                states = np.maximum(states, 0)
        return states


def train_head(
    layers: np.ndarray,
    truth: np.ndarray,
    train: np.ndarray,
    validation: np.ndarray,
    *,
    kind: str,
    classes: int = 0,
    learning_rate: float = 2e-4,
    rng: np.random.Generator,
) -> Head:
    """Train a head on the training clips and return it at its best epoch on the validation clips.

    AdamW, weight decay 1e-5, batches of 64 (Li et al. 2023; all clips at once for a head without hidden
    layers), cross-entropy for classes, 1 − CCC for values (Wagner et al. 2023). Training stops when the
    validation loss has not fallen by .001 for 10 epochs (30 for a head trained on all clips at once). Every
    dimension of a layer is standardised by the training clips, so that no layer outweighs another by its
    scale alone.

    Args:
        layers: finite layer means, shape (n, l, d)
        truth: class codes or values, shape (n,)
        train: mask of the training clips, shape (n,)
        validation: mask of the validation clips, shape (n,)
        kind: a key of `RECIPES`
        classes: number of classes; 0 for values
        learning_rate: learning rate of the dense layers
        rng: source of the initial parameters and of the order of clips

    Raises:
        AuditError: there are no training clips or no validation clips
    """
    import torch

    if not train.any() or not validation.any():
        raise AuditError("a head needs at least one training clip and one validation clip")
    mean, scale = standard(layers, train)
    sound = torch.from_numpy(np.ascontiguousarray(layers, dtype=np.float32))
    less, by = (torch.from_numpy(numbers.astype(np.float32)) for numbers in (mean, scale))
    values: np.ndarray = truth.astype(np.int64 if classes else np.float32)
    # values are standardised for training and scaled back afterwards
    centre = 0.0 if classes else float(values[train].mean())
    unit = 1.0 if classes else float(values[train].std()) or 1.0
    wanted = torch.from_numpy(values if classes else np.asarray((values - centre) / unit, dtype=np.float32))
    recipe = RECIPES[kind]
    sizes = (layers.shape[2], *recipe.hidden, classes or 1)
    dense = [_dense(i, o, rng) for i, o in itertools.pairwise(sizes)]
    mixing = torch.zeros(layers.shape[1], requires_grad=True)
    flat = [parameter for pair in dense for parameter in pair]
    groups = [
        {"params": flat, "lr": learning_rate},
        {"params": [mixing], "lr": MIXING * learning_rate, "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, weight_decay=1e-5)

    def loss_of(rows: "torch.Tensor") -> "torch.Tensor":
        states = torch.einsum("mld,l->md", (sound[rows] - less) / by, mixing.softmax(0))
        for i, (weight, bias) in enumerate(dense):
            states = states @ weight.T + bias
            if recipe.relu and i + 1 < len(dense):
                states = states.relu()
        if classes:
            return torch.nn.functional.cross_entropy(states, wanted[rows])
        return 1 - _concordance(states[:, 0], wanted[rows])

    fitted, checked = np.flatnonzero(train), np.flatnonzero(validation)
    kept: list[torch.Tensor] = []
    lowest, best = np.inf, 0
    for epoch in range(1, recipe.epochs + 1):
        for rows in _batches(rng.permutation(fitted), recipe.batch or len(fitted)):
            optimiser.zero_grad()
            loss_of(torch.from_numpy(rows)).backward()  # type: ignore[no-untyped-call] # torch has no types here
            optimiser.step()
        with torch.no_grad():
            loss = float(loss_of(torch.from_numpy(checked)))
        if loss < lowest - LOWER:
            lowest, best = loss, epoch
            kept = [parameter.detach().clone() for parameter in (mixing, *flat)]
        elif epoch - best >= recipe.patience:
            break
    shares, *numbers = [tensor.double() for tensor in kept]
    arrays = [tensor.numpy() for tensor in numbers]
    pairs = list(zip(arrays[::2], arrays[1::2], strict=True))
    pairs[-1] = (pairs[-1][0] * unit, pairs[-1][1] * unit + centre)
    return Head(
        mean=mean,
        scale=scale,
        shares=shares.softmax(0).numpy(),
        dense=tuple(pairs),
        relu=recipe.relu,
        loss=lowest,
        epochs=best,
    )


def standard(layers: np.ndarray, train: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of every dimension of every layer, each (l, d); 1 if it is constant.

    Args:
        layers: layer means, shape (n, l, d)
        train: mask of the clips to use, shape (n,)
    """
    means, scales = [], []
    for i in range(layers.shape[1]):  # layer by layer, because a copy of all may not fit in memory
        part = layers[train, i].astype(np.float64)
        mean, spread = part.mean(axis=0), part.std(axis=0)
        means.append(mean)
        # in float32 a constant has a spread of about 1e-7 of its value
        scales.append(np.where(spread <= 1e-6 * np.abs(mean), 1.0, spread))
    return np.array(means), np.array(scales)


def _dense(size: int, out: int, rng: np.random.Generator) -> "tuple[torch.Tensor, torch.Tensor]":
    """Initial weight and bias, uniform within ±1/√size, as in torch's own layers."""
    import torch

    bound = 1 / np.sqrt(size)
    weight, bias = (rng.uniform(-bound, bound, shape).astype(np.float32) for shape in ((out, size), (out,)))
    return torch.from_numpy(weight).requires_grad_(), torch.from_numpy(bias).requires_grad_()


def _batches(rows: np.ndarray, size: int) -> list[np.ndarray]:
    """Rows in batches; a single last row joins the batch before it, because one value has no CCC."""
    cuts = list(range(size, len(rows), size))
    if cuts and len(rows) - cuts[-1] < 2:
        cuts.pop()
    return np.split(rows, cuts)


def _concordance(one: "torch.Tensor", other: "torch.Tensor") -> "torch.Tensor":
    """CCC of two vectors (n,); 0 if both are constant."""
    a, b = one - one.mean(), other - other.mean()
    apart = (a**2).mean() + (b**2).mean() + (one.mean() - other.mean()) ** 2
    return 2 * (a * b).mean() / (apart + 1e-8)
