"""The loss of networks that predict ratings: one minus the concordance of predictions and truth."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def ccc_loss(prediction: "torch.Tensor", truth: "torch.Tensor") -> "torch.Tensor":
    """One minus the concordance (Lin 1989) over a batch, averaged over labels, in [0, 2].

    For each label 1 − 2 s_tp / (s_t² + s_p² + (m_t − m_p)² + 1e-8), moments divided by n; the small number
    keeps the divisor from being 0. If ratings are missing, each label uses the clips that have it, and a
    label that fewer than two clips have is ignored; if no label remains, the loss is 0.

    Args:
        prediction: shape (n, c), or (n,) for a single label
        truth: same shape; nan where a rating is missing

    >>> import torch
    >>> truth = torch.arange(1.0, 6.0, dtype=torch.float64)
    >>> round(ccc_loss(truth + 1, truth).item(), 6)
    0.2
    """
    import torch

    known = torch.isfinite(truth)
    if bool(known.all()):
        return _by_label(prediction, truth).mean()
    columns = [values.reshape(len(truth), -1).unbind(1) for values in (prediction, truth, known)]
    losses = [_by_label(p[rated], t[rated]) for p, t, rated in zip(*columns, strict=True) if rated.sum() > 1]
    return torch.stack(losses).mean() if losses else 0 * prediction.sum()


def _by_label(prediction: "torch.Tensor", truth: "torch.Tensor") -> "torch.Tensor":
    """One minus the concordance of each label, (n, c) → (c,), or (n,) → a scalar."""
    p, t = prediction - prediction.mean(0), truth - truth.mean(0)
    distance = (prediction.mean(0) - truth.mean(0)) ** 2
    spread = (p**2).mean(0) + (t**2).mean(0) + distance
    return 1 - 2 * (p * t).mean(0) / (spread + 1e-8)
