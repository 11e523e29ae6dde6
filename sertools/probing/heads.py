"""What can a small network predict from a model's layers? Heads trained by gradient descent.

As in published probes, a head computes a weighted average of the layers (the weights are trained too),
followed by dense layers. With a single layer, the average is that layer.
"""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from sertools.errors import AuditError
from sertools.probing.adamw import adamw
from sertools.probing.losses import ccc_loss
from sertools.threads import one_thread_of_torch

if TYPE_CHECKING:
    import torch

LAYER_WEIGHT_RATE = 5
"""Learning rate of the layer weights as a multiple of the head's, at which they would hardly change."""

Activation = Literal["relu", "tanh"]


@dataclass(frozen=True, kw_only=True)
class HeadShape:
    """The layers of a head, and how it is trained.

    Attributes:
        hidden: sizes of the hidden layers
        activation: function after each hidden layer
        dropout: share of the inputs of each dense layer that is set to 0 in a training step
        learning_rate: learning rate of the dense layers
        weight_decay: weight decay of the dense layers
        batch: clips per step; 0 for all clips at once
        epochs: maximum number of epochs
        patience: epochs without a lower validation loss after which training stops
        min_improvement: drop of the validation loss below which it does not count as lower
    """

    hidden: tuple[int, ...]
    activation: Activation = "relu"
    dropout: float = 0.0
    learning_rate: float = 2e-4
    weight_decay: float = 1e-5
    batch: int = 64
    epochs: int = 300
    patience: int = 10
    min_improvement: float = 1e-3


HEAD_SHAPES: Mapping[str, HeadShape] = {
    "logistic": HeadShape(hidden=(), batch=0, epochs=150, patience=30),
    "mlp": HeadShape(hidden=(128, 16)),
    "superb": HeadShape(hidden=(256,)),
}
"""Kind → head: output layer only; as in Li et al. 2023; SUPERB's, as in Ma et al. 2024 (emotion2vec)."""


@dataclass(frozen=True, kw_only=True)
class Head:
    """A trained head.

    Attributes:
        mean, scale: mean and standard deviation of the training clips, shape (l, d)
        layer_weights: weight of each layer, shape (l,), sum 1
        dense: weight (out, in) and bias (out,) of each dense layer
        activation: function after each hidden layer
        loss: lowest validation loss; these are the parameters at that point
        epochs: number of epochs after which it was reached
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    layer_weights: NDArray[np.float64]
    dense: tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]
    activation: Activation
    loss: float
    epochs: int

    def predict(self, layers: NDArray[np.floating]) -> NDArray[np.float64]:
        """Outputs (m, k) for layers (m, l, d): class scores before softmax, or predicted values."""
        states: NDArray[np.float64] = np.einsum(
            "mld,l->md", (layers - self.mean) / self.scale, self.layer_weights
        )
        for i, (weight, bias) in enumerate(self.dense):
            states = states @ weight.T + bias
            if i + 1 < len(self.dense):
                states = np.tanh(states) if self.activation == "tanh" else np.maximum(states, 0)
        return states


@dataclass(frozen=True, kw_only=True)
class _Goal:
    """What a head is trained to predict: class codes, or values standardised by the training clips.

    Attributes:
        truth: class codes (n,), or standardised values, shape (n,) or (n, k); nan where unknown
        centre, unit: mean and standard deviation of the values of the training clips, shape (k,)
        outputs: number of outputs of the head
    """

    truth: "torch.Tensor"
    centre: NDArray[np.float64]
    unit: NDArray[np.float64]
    outputs: int


@dataclass(frozen=True, kw_only=True)
class _Parameters:
    """Trained parameters: layer weights before softmax (l,), and weight and bias of each dense layer."""

    mixing: "torch.Tensor"
    dense: "tuple[tuple[torch.Tensor, torch.Tensor], ...]"

    @property
    def of_dense_layers(self) -> "list[torch.Tensor]":
        return [parameter for pair in self.dense for parameter in pair]


def train_head(
    layers: NDArray[np.floating],
    truth: NDArray[np.number],
    train: NDArray[np.bool_],
    validation: NDArray[np.bool_],
    *,
    shape: HeadShape,
    classes: int = 0,
    rng: np.random.Generator,
) -> Head:
    """Train a head on the training clips and return it at its best epoch on the validation clips.

    AdamW, cross-entropy for classes, 1 − CCC for values (Wagner et al. 2023; with several values per clip
    the mean over them), by default weight decay 1e-5 and batches of 64 (Li et al. 2023; all clips at once for
    a head without hidden layers). Training stops when the validation loss has not fallen by .001 for 10
    epochs (30 for a head trained on all clips at once). Every dimension of a layer is standardised by the
    training clips, so that no layer outweighs another by its scale alone.

    Args:
        layers: finite layer means, shape (n, l, d)
        truth: class codes, shape (n,), or values, shape (n,) or (n, k); a value may be nan
        train: mask of the training clips, shape (n,)
        validation: mask of the validation clips, shape (n,)
        shape: the layers of the head, and how it is trained
        classes: number of classes; 0 for values
        rng: source of the initial parameters, of the order of clips and of dropout

    Raises:
        AuditError: there are no training clips or no validation clips
    """
    if not train.any() or not validation.any():
        raise AuditError("a head needs at least one training clip and one validation clip")
    mean, scale = standard(layers, train)
    goal = _goal(truth, train, classes)
    start = _initial(layers.shape[1], (layers.shape[2], *shape.hidden, goal.outputs), rng)
    with one_thread_of_torch():
        loss_of = _loss(_network(layers, (mean, scale), start, shape, rng), goal, bool(classes))
        best, loss, epochs = _descend(
            start, loss_of, np.flatnonzero(train), np.flatnonzero(validation), shape, rng
        )
    return Head(
        mean=mean,
        scale=scale,
        layer_weights=best.mixing.double().softmax(0).numpy(),
        dense=_in_units_of_truth(best, goal),
        activation=shape.activation,
        loss=loss,
        epochs=epochs,
    )


def standard(
    layers: NDArray[np.floating], train: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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


def _goal(truth: NDArray[np.number], train: NDArray[np.bool_], classes: int) -> _Goal:
    """The truth as a tensor; values are standardised for training, and predictions scaled back afterwards."""
    import torch

    if classes:
        codes = torch.from_numpy(truth.astype(np.int64))
        return _Goal(truth=codes, centre=np.zeros(classes), unit=np.ones(classes), outputs=classes)
    values = truth.astype(np.float32)
    columns, centres, units = [], [], []
    for column in np.atleast_2d(values.T):
        known = column[train & np.isfinite(column)]
        centres.append(float(known.mean()) if len(known) else 0.0)
        units.append((float(known.std()) if len(known) else 0.0) or 1.0)
        columns.append(np.asarray((column - centres[-1]) / units[-1], dtype=np.float32))
    scaled = np.stack(columns, axis=1).reshape(values.shape)
    return _Goal(
        truth=torch.from_numpy(scaled), centre=np.array(centres), unit=np.array(units), outputs=len(columns)
    )


def _initial(n_layers: int, widths: tuple[int, ...], rng: np.random.Generator) -> _Parameters:
    """Equal layer weights, and dense layers drawn uniformly within ±1/√width, as in torch's own layers."""
    import torch

    dense = []
    for width, out in itertools.pairwise(widths):
        bound = 1 / np.sqrt(width)
        weight, bias = (
            torch.from_numpy(rng.uniform(-bound, bound, size).astype(np.float32)).requires_grad_()
            for size in ((out, width), (out,))
        )
        dense.append((weight, bias))
    return _Parameters(mixing=torch.zeros(n_layers, requires_grad=True), dense=tuple(dense))


def _network(
    layers: NDArray[np.floating],
    standardisation: tuple[NDArray[np.float64], NDArray[np.float64]],
    parameters: _Parameters,
    shape: HeadShape,
    rng: np.random.Generator,
) -> "Callable[[torch.Tensor, bool], torch.Tensor]":
    """The head as a function: numbers of m clips, whether in training → outputs (m, k)."""
    import torch

    means = torch.from_numpy(np.ascontiguousarray(layers, dtype=np.float32))
    mean, scale = (torch.from_numpy(numbers.astype(np.float32)) for numbers in standardisation)
    generator = torch.Generator()
    if shape.dropout:
        generator.manual_seed(int(rng.integers(2**63)))
    # the average of a single layer is that layer, whatever its weight
    alone = (means[:, 0] - mean[0]) / scale[0] if means.shape[1] == 1 else None

    def outputs(rows: "torch.Tensor", training: bool) -> "torch.Tensor":
        if alone is None:
            states = torch.einsum("mld,l->md", (means[rows] - mean) / scale, parameters.mixing.softmax(0))
        else:
            states = alone[rows]
        for i, (weight, bias) in enumerate(parameters.dense):
            if training and shape.dropout:
                states = states * _dropout_mask(states, shape.dropout, generator)
            states = states @ weight.T + bias
            if i + 1 < len(parameters.dense):
                states = states.tanh() if shape.activation == "tanh" else states.relu()
        return states

    return outputs


def _dropout_mask(states: "torch.Tensor", dropout: float, generator: "torch.Generator") -> "torch.Tensor":
    """0 where a state is dropped, else 1 / (1 − dropout); torch's own dropout takes no generator."""
    import torch

    return (torch.rand(states.shape, generator=generator) >= dropout) / (1 - dropout)


def _loss(
    outputs: "Callable[[torch.Tensor, bool], torch.Tensor]", goal: _Goal, of_classes: bool
) -> "Callable[[torch.Tensor, bool], torch.Tensor]":
    """The loss as a function: numbers of m clips, whether in training → cross-entropy or 1 − CCC."""
    import torch

    def loss_of(rows: "torch.Tensor", training: bool) -> "torch.Tensor":
        states = outputs(rows, training)
        if of_classes:
            return torch.nn.functional.cross_entropy(states, goal.truth[rows])
        return ccc_loss(states[:, 0] if goal.truth.ndim == 1 else states, goal.truth[rows])

    return loss_of


def _in_units_of_truth(
    parameters: _Parameters, goal: _Goal
) -> tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]:
    """Dense layers whose last one gives values in the unit of the truth, not standardised ones."""
    *hidden, (weight, bias) = [(w.double().numpy(), b.double().numpy()) for w, b in parameters.dense]
    return (*hidden, (weight * goal.unit[:, None], bias * goal.unit + goal.centre))


def _descend(
    parameters: _Parameters,
    loss_of: "Callable[[torch.Tensor, bool], torch.Tensor]",
    train: NDArray[np.integer],
    validation: NDArray[np.integer],
    shape: HeadShape,
    rng: np.random.Generator,
) -> tuple[_Parameters, float, int]:
    """Gradient descent with early stopping: the best parameters, their validation loss, and their epoch."""
    import torch

    flat, rate = parameters.of_dense_layers, shape.learning_rate
    steps = [
        adamw(flat, learning_rate=rate, weight_decay=shape.weight_decay),
        adamw([parameters.mixing], learning_rate=LAYER_WEIGHT_RATE * rate, weight_decay=0.0),
    ]
    best = [parameter.detach().clone() for parameter in (parameters.mixing, *flat)]
    lowest, epoch_of_best = np.inf, 0
    for epoch in range(1, shape.epochs + 1):
        for rows in _batches(rng.permutation(train), shape.batch or len(train)):
            loss_of(torch.from_numpy(rows), True).backward()  # type: ignore[no-untyped-call] # torch has no types here
            for step in steps:
                step()
        with torch.no_grad():
            loss = float(loss_of(torch.from_numpy(validation), False))
        if loss < lowest - shape.min_improvement:
            lowest, epoch_of_best = loss, epoch
            best = [parameter.detach().clone() for parameter in (parameters.mixing, *flat)]
        elif epoch - epoch_of_best >= shape.patience:
            break
    mixing, *dense = best
    pairs = tuple(zip(dense[::2], dense[1::2], strict=True))
    return _Parameters(mixing=mixing, dense=pairs), lowest, epoch_of_best


def _batches(rows: NDArray[np.integer], size: int) -> list[NDArray[np.integer]]:
    """Rows in batches; a single last row joins the batch before it, because one value has no CCC."""
    cuts = list(range(size, len(rows), size))
    if cuts and len(rows) - cuts[-1] < 2:
        cuts.pop()
    return np.split(rows, cuts)
