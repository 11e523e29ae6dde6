"""Checks of a third-party model's predictions on noise, made before any clip of the corpus is used."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sertools.errors import ModelError
from sertools.models.model import Signal
from sertools.randomness import identity_rng
from sertools.wording import are, plural

if TYPE_CHECKING:
    import torch

NEVER_TRAINED = (
    "All normalisation layers of this network have the values that they are created with, so it was never "
    "trained. It passes no limit."
)
"""Note about a network for which `never_trained` holds."""

NORMALISATIONS = ("Norm", "Norm1d", "Norm2d")
"""Ends of the class names of normalisation layers."""

TOLERANCE = 1e-4
"""Largest allowed difference between two predictions for one clip; a GPU or a remote service may round."""


MAX_RATE_HZ = 768_000
"""Highest sampling rate of a model; no recording device is faster."""


def check_rate(rate: int, name: str) -> None:
    """Refuses a sampling rate that no model can have.

    Raises:
        ModelError: the rate is not between 1 and `MAX_RATE_HZ`
    """
    if not 1 <= rate <= MAX_RATE_HZ:
        raise ModelError(f"{name} has a sampling rate of {rate} Hz, but it can be at most {MAX_RATE_HZ} Hz")


def noise(rate: int, seconds: float) -> Signal:
    """White noise of RMS 0.1, shape (samples,), float32; the same for the same length."""
    rng = identity_rng(0, "noise", str(rate), str(seconds))
    return np.clip(0.1 * rng.standard_normal(int(rate * seconds)), -1, 1).astype(np.float32)


def trial(rate: int) -> list[Signal]:
    """Two clips of noise, 1.0 and 1.5 s long."""
    return [noise(rate, 1.0), noise(rate, 1.5)]


def check_finite(scores: NDArray[np.floating[Any]], name: str) -> None:
    """Refuses a model whose predictions for noise all contain nan or infinity.

    A single clip that a model cannot score counts as missing; a model that can score no clip is broken.

    Raises:
        ModelError: no row of `scores` (n, c) is finite
    """
    if not np.isfinite(scores).all(axis=1).any():
        raise ModelError(
            f"{name} predicts {scores.flat[np.flatnonzero(~np.isfinite(scores))[0]]} for noise, "
            "which is not a finite number",
            hint="check its weights for nan and infinite values",
        )


def check_steady(first: NDArray[np.floating[Any]], again: NDArray[np.floating[Any]], name: str) -> None:
    """Refuses a model that gives different predictions for the same clips.

    Raises:
        ModelError: the two predictions, each (n, c), differ by more than `TOLERANCE`, or only one is nan
    """
    same = np.isclose(first, again, rtol=0, atol=TOLERANCE, equal_nan=True)
    if not same.all():
        i = int(np.argmax(~same))
        raise ModelError(
            f"{name} gives different predictions for the same clip: {first.flat[i]:.6g}, then "
            f"{again.flat[i]:.6g}",
            hint="disable dropout, fix random seeds, and make each prediction independent of the other clips",
        )


def names(given: Sequence[str], stated: Sequence[str], count: int, name: str) -> tuple[str, ...]:
    """The labels of a model with `count` outputs: from `--labels`, or else as declared by the model.

    Raises:
        ModelError: there are no labels, or their number differs from the number of outputs
    """
    found = tuple(map(str, given or stated))
    if not found:
        raise ModelError(
            f"{name} declares no labels for its {count} outputs",
            hint="name them in output order: --labels anger,neutral",
        )
    if len(found) != count:
        raise ModelError(
            f"{name} has {plural(count, 'output')}, but there {are(len(found))} "
            f"{plural(len(found), 'label')}: {', '.join(found)}",
            hint="name them in output order: --labels anger,neutral",
        )
    return found


def are_probabilities(scores: NDArray[np.floating[Any]]) -> bool:
    """Whether every row of scores (n, c) is a probability distribution: in [0, 1], sum 1 within 1e-3.

    >>> are_probabilities(np.array([[0.25, 0.75]])), are_probabilities(np.array([[1.0, 0.5]]))
    (True, False)
    """
    whole = np.abs(scores.sum(axis=1) - 1) < 1e-3
    return bool((scores >= 0).all() and (scores <= 1).all() and whole.all())


def never_trained(network: "torch.nn.Module") -> bool:
    """Whether a network still has its initial weights.

    Training changes the scale and the shift of every normalisation layer, which are created as exactly 1 and
    0. A network without such layers counts as trained.

    Args:
        network: any network
    """
    import torch

    found = [module for module in network.modules() if type(module).__name__.endswith(NORMALISATIONS)]
    created = {"weight": 1.0, "bias": 0.0}
    weights = [(getattr(each, name, None), value) for each in found for name, value in created.items()]
    known = [(weight, value) for weight, value in weights if isinstance(weight, torch.Tensor)]
    return bool(known) and all(bool(torch.all(weight == value)) for weight, value in known)
