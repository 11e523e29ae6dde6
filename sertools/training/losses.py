"""The losses of trainings: of ratings, of classes with hard or soft labels, and of both."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from sertools.probing.losses import ccc_loss

if TYPE_CHECKING:
    import torch

Weighting = Literal["none", "inverse", "balanced", "balanced-clips"]


def mse_loss(outputs: "torch.Tensor", ratings: "torch.Tensor") -> "torch.Tensor":
    """Mean squared error over all ratings that are known; 0 if none is.

    Args:
        outputs: shape (n, d)
        ratings: shape (n, d), nan where missing

    >>> import torch
    >>> mse_loss(torch.tensor([[1.0], [3.0]]), torch.tensor([[0.0], [float("nan")]])).item()
    1.0
    """
    import torch

    known = torch.isfinite(ratings)
    wrong = (outputs - torch.where(known, ratings, outputs)) ** 2
    found: torch.Tensor = wrong.sum() / known.sum().clamp(min=1)
    return found


def class_weights(shares: NDArray[np.floating], weighting: Weighting) -> NDArray[np.float64]:
    """Weight of each class in cross-entropy, shape (c,); 0 for a class without clips.

    - `none`: 1
    - `inverse`: 1 / n_j, scaled to sum 1 (Chen & Rudnicky 2023)
    - `balanced`: (1 − β) / (1 − β^n_j) with β = (N − 1) / N, scaled to sum C (Cui et al. 2019; EMO-SUPERB,
      Eq. 1); `balanced-clips` are the same weights, applied to clips in place of classes

    n_j is the number of clips whose share of class j exceeds 1 / C, and N the number of clips with a label.

    Args:
        shares: probability of each class, shape (n, c); rows of zeros for clips without a label
        weighting: one of the above

    >>> class_weights(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), "inverse").round(3).tolist()
    [0.333, 0.667]
    """
    known = shares[shares.sum(axis=1) > 0]
    classes = shares.shape[1]
    if weighting == "none":
        return np.ones(classes)
    # a share of exactly 1 / C, which smoothing and float32 round up or down, does not exceed it
    counts = (known > 1 / classes + 1e-6).sum(axis=0).astype(float)
    if weighting == "inverse":
        weights = np.divide(1.0, counts, out=np.zeros(classes), where=counts > 0)
        return np.asarray(weights / max(weights.sum(), 1e-300))
    beta = (len(known) - 1) / max(len(known), 1)
    weights = np.divide(1 - beta, 1 - beta**counts, out=np.zeros(classes), where=counts > 0)
    return np.asarray(weights * classes / max(weights.sum(), 1e-300))


def cross_entropy(
    logits: "torch.Tensor", shares: "torch.Tensor", weights: Sequence[float], weighting: Weighting
) -> "torch.Tensor":
    """Cross-entropy of logits with hard or soft labels, averaged over clips with a label; 0 without any.

    With class weights w, the loss of a clip is −Σ_j w_j t_j log p_j (`balanced`, Eq. 1 of EMO-SUPERB), or
    (Σ_j w_j t_j) · −Σ_j t_j log p_j (`balanced-clips`, its released code). Both are divided by the number of
    clips; `inverse` is divided by the sum of the weights of the clips, Σ_j w_j t_j, as torch's
    `CrossEntropyLoss` does. For hard labels without smoothing, the first two are equal.

    Args:
        logits: shape (n, c)
        shares: probability t of each class, shape (n, c); rows of zeros for clips without a label
        weights: of the classes, shape (c,)
        weighting: how they are applied
    """
    import torch

    w = torch.as_tensor(weights, dtype=logits.dtype, device=logits.device)
    t = shares.to(logits.dtype)
    surprise = -logits.log_softmax(dim=-1)
    known = (t.sum(dim=1) > 0).sum().clamp(min=1)
    of_clip = (w * t).sum(dim=1)
    found: torch.Tensor
    if weighting == "balanced-clips":
        found = (of_clip * (t * surprise).sum(dim=1)).sum() / known
    elif weighting == "inverse":
        found = (w * t * surprise).sum() / of_clip.sum().clamp(min=1e-12)
    else:
        found = (w * t * surprise).sum() / known
    return found


def joint_loss(
    outputs: "torch.Tensor",
    truth: "tuple[torch.Tensor, torch.Tensor]",
    *,
    loss: Literal["ccc", "mse"],
    weights: Sequence[float],
    weighting: Weighting,
    class_share: float,
) -> "dict[str, torch.Tensor]":
    """The loss of ratings and classes, `loss`, and its parts where there are two.

    Args:
        outputs: ratings, then logits of the classes, shape (n, d + c)
        truth: ratings (n, d) and shares of the classes (n, c)
        loss: of the ratings
        weights: of the classes, see `cross_entropy`
        weighting: how they are applied
        class_share: weight of the classes if there are both; the ratings have the rest
    """
    ratings, shares = truth
    d = ratings.shape[1]
    parts: dict[str, torch.Tensor] = {}
    if d:
        parts[loss] = (
            ccc_loss(outputs[:, :d], ratings) if loss == "ccc" else mse_loss(outputs[:, :d], ratings)
        )
    if shares.shape[1]:
        parts["cross_entropy"] = cross_entropy(outputs[:, d:], shares, weights, weighting)
    if len(parts) == 1:
        return {"loss": next(iter(parts.values()))}
    return {"loss": (1 - class_share) * parts[loss] + class_share * parts["cross_entropy"], **parts}
