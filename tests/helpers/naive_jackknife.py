"""The jackknife by its definition, which the fast one is compared with."""

import numpy as np


def leave_one_out(metric, unit):
    """Leave one unit out after the other, the slow way; `metric` takes the mask of the clips kept."""
    return np.array([metric(unit != code) for code in np.unique(unit)])


def jackknife_variance(values):
    """(G−1)/G Σ(θ₍ᵢ₎ − mean θ₍.₎)² of G leave-one-out values."""
    count = len(values)
    return (count - 1) / count * sum((v - values.mean()) ** 2 for v in values)
