"""Long clips in windows: a model that predicts each window of a clip, and pools the predictions."""

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sertools.errors import ModelError
from sertools.models.loaded import LoadedSignalModel
from sertools.models.model import Outputs, Signal
from sertools.models.task import class_columns

Pooling = Literal["mean", "median", "max"]

POOLINGS: tuple[Pooling, ...] = ("mean", "median", "max")

WINDOWS_AT_ONCE = 8
"""Largest number of windows in one forward pass, so that memory does not grow with the length of a clip."""

FINGERPRINT_VERSION = "window-1"
"""Increased whenever a change of this file changes results; part of the fingerprint."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """How long clips are cut.

    Attributes:
        length_s: length of a window in s; clips that are not longer are predicted whole
        hop_s: time from the beginning of one window to that of the next, in s, at most `length_s`
        pooling: how the windows' predictions become one
    """

    length_s: float
    hop_s: float
    pooling: Pooling = "mean"

    def __post_init__(self) -> None:
        """Checks the settings.

        Raises:
            ModelError: a length that is not positive, a hop that would leave out a part of the clip, or an
                unknown pooling
        """
        for option, value in (("--window", self.length_s), ("--hop", self.hop_s)):
            if not 0 < value < math.inf:
                raise ModelError(f"{option} {value:g} is not a positive number of seconds")
        if self.hop_s > self.length_s:
            raise ModelError(
                f"--hop {self.hop_s:g} is longer than --window {self.length_s:g}, so parts of clips would be "
                "left out"
            )
        if self.pooling not in POOLINGS:
            raise ModelError(f"--pool {self.pooling!r} is not one of {', '.join(POOLINGS)}")

    def __str__(self) -> str:
        return f"{self.pooling} of windows of {self.length_s:g} s every {self.hop_s:g} s"


@dataclass(kw_only=True)
class WindowedModel(LoadedSignalModel):
    """A model that predicts windows of long clips.

    Attributes:
        inner: the model that predicts one window
        window: how clips are cut and predictions pooled
    """

    inner: Any
    window: Window

    has_frames = False
    """Frames of overlapping windows have no common time axis."""

    reads_windows = True
    """Nothing but slices of a signal is read, in order, so that it need not lie in memory."""

    def predict(self, signals: Sequence[Signal], *, layers: bool = False) -> Outputs:
        """Scores of signals, pooled over windows; layers are averaged, weighted by the windows' lengths.

        Probabilities that sum to 1 are divided by their sum after a median or maximum.
        """
        found = [self._of_clip(signal, layers) for signal in signals]
        scores = np.stack([scores for scores, _, _ in found])
        means = [mean for _, mean, _ in found if mean is not None]
        reasons = tuple(reason for _, _, reason in found)
        return Outputs(
            scores=scores,
            layers=np.stack(means) if layers else None,
            reasons=reasons if any(reasons) else (),
        )

    def _of_clip(
        self, signal: Signal, layers: bool
    ) -> tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]] | None, str]:
        """Pooled scores (c,) of a clip, its layers (l, d) if requested, and why a window has no scores."""
        ends = list(self.windows(len(signal)))
        outputs = [
            self.inner.predict([signal[a:b] for a, b in ends[i : i + WINDOWS_AT_ONCE]], layers=layers)
            for i in range(0, len(ends), WINDOWS_AT_ONCE)
        ]
        scores = np.concatenate([output.scores for output in outputs])
        weights = np.array([b - a for a, b in ends], dtype=np.float64)
        weights /= weights.sum()
        mean = None
        if layers:
            stacked = np.concatenate([output.layers for output in outputs])
            mean = np.tensordot(weights, stacked, axes=1).astype(stacked.dtype)
        reasons = [reason for output in outputs for reason in output.reasons if reason]
        return self._pooled(scores, weights), mean, next(iter(reasons), "")

    def windows(self, samples: int) -> Iterator[tuple[int, int]]:
        """First sample and end of each window; a last one that is too short for the model is left out."""
        length = round(self.window.length_s * self.sampling_rate)
        hop = max(round(self.window.hop_s * self.sampling_rate), 1)
        start = 0
        while True:
            end = min(start + length, samples)
            if start == 0 or end - start >= self.shortest:
                yield start, end
            if end >= samples:
                return
            start += hop

    def _pooled(
        self, scores: NDArray[np.floating[Any]], weights: NDArray[np.float64]
    ) -> NDArray[np.floating[Any]]:
        """One row of scores (c,) for the windows' scores (w, c)."""
        pooled: NDArray[np.floating[Any]] = scores[0]
        if len(scores) > 1 and self.window.pooling == "mean":
            pooled = weights @ scores
        elif len(scores) > 1:
            pooled = np.median(scores, axis=0) if self.window.pooling == "median" else scores.max(axis=0)
            if self.task in {"single_label", "joint"}:
                classes = list(class_columns(self.labels, self.task))
                pooled[classes] = pooled[classes] / pooled[classes].sum()
        return pooled.astype(scores.dtype, copy=False)

    @property
    def content(self) -> str:
        """Hash of everything but the number format that affects the predictions, for models that have one."""
        return _stamped(self.inner.content, self.window)

    def __getattr__(self, name: str) -> Any:
        """What else the inner model can do; another number format and a random twin are windowed again."""
        if name in {"inner", "longest", "from_functionals"} or name.startswith("__"):
            raise AttributeError(name)
        value = getattr(self.inner, name)
        if name in {"with_precision", "random_twin"}:
            return lambda *given, **named: windowed(value(*given, **named), self.window)
        return value


def windowed(model: Any, window: Window) -> WindowedModel:
    """A model that predicts the windows of long clips.

    Args:
        model: a model that computes scores from signals
        window: how clips are cut and predictions pooled

    Raises:
        ModelError: the window is too short for the model, or longer than its longest input
    """
    samples = round(window.length_s * model.sampling_rate)
    longest = getattr(model, "longest", None)
    if samples < model.shortest or (longest and samples > longest):
        bound = model.shortest if samples < model.shortest else longest
        raise ModelError(
            f"--window {window.length_s:g} does not fit {model.name}, which takes "
            f"{'at least' if samples < model.shortest else 'at most'} {bound / model.sampling_rate:g} s"
        )
    return WindowedModel(
        name=model.name,
        labels=model.labels,
        task=model.task,
        fingerprint=_stamped(model.fingerprint, window),
        facts={**model.facts, "window": str(window)},
        files=getattr(model, "files", ()),
        keys_read=getattr(model, "keys_read", None),
        compared_with=getattr(model, "compared_with", ""),
        sampling_rate=model.sampling_rate,
        shortest=model.shortest,
        training=getattr(model, "training", None),
        inner=model,
        window=window,
    )


def _stamped(fingerprint: str, window: Window) -> str:
    settings = f"{FINGERPRINT_VERSION} {fingerprint} {window}"
    return hashlib.blake2b(settings.encode(), digest_size=16).hexdigest()
