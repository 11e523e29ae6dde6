"""Adversarial changes of a clip: small changes chosen to alter the prediction of a model.

The changes of a level are bounded alike: no sample moves by more than ε = rms(x) · 10^(−SNR/20), so that
the ratio of signal to change is at least the stated SNR. `pgd_l2` bounds the energy of the change instead,
at the same SNR.

- `fgsm`: one step of ε along the sign of the gradient (Goodfellow et al. 2015);
- `pgd`: ten steps of ε/4 from a random start, each brought back within ε; the best is taken (Madry et al.
  2018);
- `pgd_l2`: the same along the gradient itself, within a ball of the energy;
- `random_signs`: ±ε at random, the opponent that knows nothing of the model.

What is moved is the model's own answer to the clean clip, so no label is needed: away from its class
(cross-entropy) and, for ratings, towards the farther end of the scale.
"""

import threading
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from typing_extensions import TypeIs

from sertools.errors import AudioError, ModelError
from sertools.models.checks import noise
from sertools.models.model import Signal
from sertools.models.task import class_columns

if TYPE_CHECKING:
    import torch

METHODS = ("fgsm", "pgd", "pgd_l2", "random_signs")

STEPS = 10
STEP = 2.5 / STEPS
"""Length of a step of PGD, as a share of the largest change."""

_ONE_AT_A_TIME = threading.Lock()
"""Clips are changed by several threads, but networks are not made for that."""


class Differentiable(Protocol):
    """A model whose output is differentiable with respect to the samples."""

    name: str
    labels: tuple[str, ...]
    task: Any
    sampling_rate: int
    shortest: int
    device: Any

    def logits(self, signal: "torch.Tensor") -> "torch.Tensor":
        """Logits (c,) of a signal (samples,), through which gradients flow."""
        ...


def has_logits(model: object) -> TypeIs[Differentiable]:
    """Whether a model declares its output differentiable with respect to the samples."""
    return callable(getattr(model, "logits", None))


def has_gradient(model: object) -> bool:
    """Whether a model's output is differentiable with respect to the samples, tested on a second of noise."""
    if not has_logits(model):
        return False
    import torch

    sound = torch.from_numpy(noise(max(model.sampling_rate, model.shortest), 0.1))
    try:
        with torch.enable_grad():
            given = sound.to(model.device).requires_grad_(True)
            (slope,) = torch.autograd.grad(model.logits(given).sum(), given)
    except (ModelError, RuntimeError):
        return False
    return bool(torch.isfinite(slope).all() and (slope != 0).any())


def attacked(
    model: Differentiable, signal: Signal, method: str, snr_db: float, rng: np.random.Generator
) -> Signal:
    """A signal changed by an attack, float32, shape (samples,).

    Args:
        model: whose gradient is followed; not used by `random_signs`
        signal: shape (samples,)
        method: one of `METHODS`
        snr_db: least ratio of signal to change, in dB
        rng: for the random start and random signs

    Raises:
        AudioError: the signal is silent, so that no ratio is defined
    """
    size = float(np.sqrt(np.mean(np.square(signal, dtype=np.float64)))) * 10 ** (-snr_db / 20)
    if not size > 0:
        raise AudioError(f"{method} is undefined for digital silence")
    if method == "random_signs":
        change = size * rng.choice(np.array([-1.0, 1.0]), len(signal))
    elif len(signal) < model.shortest:
        raise AudioError(f"{len(signal)} samples, but the attacked model needs {model.shortest}")
    else:
        with _ONE_AT_A_TIME:
            change = _Attack(model, signal, size).change(method, rng)
    found: Signal = (signal + change).astype(np.float32)
    return found


class _Attack:
    """The search for a change of one clip."""

    def __init__(self, model: Differentiable, signal: Signal, size: float) -> None:
        import torch

        self.model, self.size = model, size
        self.clean = torch.from_numpy(np.ascontiguousarray(signal, dtype=np.float32)).to(model.device)
        with torch.no_grad():
            answer = model.logits(self.clean)
        classes = list(class_columns(model.labels, model.task))
        self.classes = classes
        self.ratings = [i for i in range(len(model.labels)) if i not in classes]
        self.own = int(answer[classes].argmax()) if classes else 0
        rated: Any = getattr(model, "rated", lambda scores: scores)
        ends = rated(answer.float().cpu().numpy()[None])[0]
        self.away = torch.tensor([1.0 if ends[i] < 0.5 else -1.0 for i in self.ratings], device=model.device)

    def change(self, method: str, rng: np.random.Generator) -> "np.ndarray[Any, np.dtype[np.float64]]":
        """The change of each sample, shape (samples,)."""
        import torch

        with torch.enable_grad():
            if method == "fgsm":
                found = self.size * self._slope(torch.zeros_like(self.clean))[1].sign()
            else:
                found = self._descent(method == "pgd_l2", rng)
        return found.double().cpu().numpy()

    def _descent(self, euclidean: bool, rng: np.random.Generator) -> "torch.Tensor":
        """The best of ten steps within the largest change."""
        import torch

        start = torch.from_numpy(rng.uniform(-1, 1, len(self.clean))).to(self.clean)
        change = self._within(self.size * start, euclidean)
        radius = self.size * len(self.clean) ** 0.5
        best, best_change = -float("inf"), change
        for step in range(STEPS + 1):
            loss, slope = self._slope(change)
            if loss > best:
                best, best_change = loss, change
            if step == STEPS:
                break
            along = slope / slope.norm().clamp_min(1e-20) * radius if euclidean else slope.sign() * self.size
            change = self._within(change + STEP * along, euclidean)
        return best_change

    def _within(self, change: "torch.Tensor", euclidean: bool) -> "torch.Tensor":
        """The change, brought back to the largest one that is allowed."""
        if not euclidean:
            return change.clamp(-self.size, self.size)
        radius = self.size * len(change) ** 0.5
        nearest: torch.Tensor = change * min(1.0, radius / max(float(change.norm()), 1e-20))
        return nearest

    def _slope(self, change: "torch.Tensor") -> tuple[float, "torch.Tensor"]:
        """What is made large, and its gradient with respect to the change."""
        import torch

        given = change.detach().clone().requires_grad_(True)
        answer = self.model.logits(self.clean + given)
        loss = answer.new_zeros(())
        if self.classes:
            scores = answer[self.classes]
            if self.model.task == "multi_label":
                rest = torch.cat([scores[: self.own], scores[self.own + 1 :]])
                loss = loss + (rest.max() if len(rest) else 0.0) - scores[self.own]
            else:
                loss = loss - scores.log_softmax(dim=-1)[self.own]
        if self.ratings:
            loss = loss + (answer[self.ratings] * self.away).sum()
        (slope,) = torch.autograd.grad(loss, given)
        return float(loss.detach()), slope
