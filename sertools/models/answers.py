"""What a model from elsewhere answers, checked on noise before any clip is heard."""

from collections.abc import Sequence

import numpy as np

from sertools.errors import ModelError
from sertools.seeds import identity_rng

TOLERANCE = 1e-4
"""How far two answers about one clip may lie apart; a graphics processor or a network may round."""


def noise(rate: int, seconds: float) -> np.ndarray:
    """White noise of RMS 0.1, shape (samples,), float32; the same for the same length."""
    rng = identity_rng(0, "noise", str(rate), str(seconds))
    return np.clip(0.1 * rng.standard_normal(int(rate * seconds)), -1, 1).astype(np.float32)


def trial(rate: int) -> list[np.ndarray]:
    """Two clips of noise, 1.0 and 1.5 s long."""
    return [noise(rate, 1.0), noise(rate, 1.5)]


def check_finite(scores: np.ndarray, who: str) -> None:
    """Refuses a model whose every answer about noise has a nan or an infinite number in it.

    A single clip that a model cannot score is missing; a model that can score nothing is broken.

    Raises:
        ModelError: no row of `scores` (n, c) is finite
    """
    if not np.isfinite(scores).all(axis=1).any():
        raise ModelError(
            f"{who} answers noise with {scores.flat[np.flatnonzero(~np.isfinite(scores))[0]]}, "
            "which is no finite number",
            hint="its weights may hold nan or infinite values",
        )


def check_steady(first: np.ndarray, again: np.ndarray, who: str) -> None:
    """Refuses a model that answers one thing and then another about the same clips.

    Raises:
        ModelError: two answers, each (n, c), differ by more than `TOLERANCE`, or one alone is no number
    """
    same = np.isclose(first, again, rtol=0, atol=TOLERANCE, equal_nan=True)
    if not same.all():
        i = int(np.argmax(~same))
        raise ModelError(
            f"{who} changes its answer between calls: {first.flat[i]:.6g}, then {again.flat[i]:.6g} "
            "for the same clip",
            hint="switch dropout off, seed what is drawn, and let no clip depend on the others of its call",
        )


def names(asked: Sequence[str], stated: Sequence[str], count: int, who: str) -> tuple[str, ...]:
    """The labels of a model with `count` outputs: those of `--labels`, else those it states itself.

    Raises:
        ModelError: nobody names them, or as many as it has outputs
    """
    found = tuple(map(str, asked or stated))
    if not found:
        raise ModelError(
            f"{who} does not name its {count} outputs",
            hint="name them in their order: --labels anger,neutral",
        )
    if len(found) != count:
        raise ModelError(
            f"{who} has {count} outputs, but there are {len(found)} labels: {', '.join(found)}",
            hint="name them in their order: --labels anger,neutral",
        )
    return found


def are_probabilities(scores: np.ndarray) -> bool:
    """Whether every row of scores (n, c) is a distribution: in [0, 1], with a sum of 1 within 1e-3.

    >>> are_probabilities(np.array([[0.25, 0.75]])), are_probabilities(np.array([[1.0, 0.5]]))
    (True, False)
    """
    whole = np.abs(scores.sum(axis=1) - 1) < 1e-3
    return bool((scores >= 0).all() and (scores <= 1).all() and whole.all())
