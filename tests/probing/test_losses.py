import numpy as np
import pytest
import torch

from sertools.metrics.regression import ccc
from sertools.probing.losses import ccc_loss


def test_the_loss_is_one_minus_the_concordance():
    rng = np.random.default_rng(0)
    truth, prediction = rng.random((20, 3)), rng.random((20, 3))
    naive = 1 - np.mean([ccc(truth[:, i], prediction[:, i]) for i in range(3)])
    loss = ccc_loss(torch.from_numpy(prediction), torch.from_numpy(truth)).item()
    # 1e-7: a small number keeps the loss's divisor from being 0
    assert loss == pytest.approx(naive, abs=1e-7)


def test_the_loss_of_one_to_five_against_two_to_six_is_a_fifth():
    truth = torch.arange(1.0, 6.0, dtype=torch.float64)[:, None]
    assert ccc_loss(truth + 1, truth).item() == pytest.approx(0.2, abs=1e-8)


def test_one_label_may_be_a_vector():
    rng = np.random.default_rng(1)
    truth, prediction = torch.from_numpy(rng.random(12)), torch.from_numpy(rng.random(12))
    # 1e-12: sums over a column and over a vector may be taken in another order
    column = ccc_loss(prediction[:, None], truth[:, None]).item()
    assert ccc_loss(prediction, truth).item() == pytest.approx(column, abs=1e-12)


def test_missing_ratings_are_ignored():
    rng = np.random.default_rng(2)
    truth, prediction = rng.random((20, 4)), rng.random((20, 4))
    truth[rng.random((20, 4)) < 0.4] = np.nan
    truth[:, 2] = np.nan
    truth[1:, 3], truth[0, 3] = np.nan, 0.5
    values = []
    for i in range(2):
        known = np.isfinite(truth[:, i])
        values.append(ccc(truth[known, i], prediction[known, i]))
    predicted = torch.from_numpy(prediction).requires_grad_()
    loss = ccc_loss(predicted, torch.from_numpy(truth))
    # 1e-7: a small number keeps the loss's divisor from being 0
    assert loss.item() == pytest.approx(1 - np.mean(values), abs=1e-7)
    loss.backward()
    assert torch.equal(predicted.grad != 0, torch.from_numpy(np.isfinite(truth) & [True, True, False, False]))


def test_a_batch_without_any_rating_has_a_loss_of_zero_and_no_slope():
    prediction = torch.ones(3, 2, requires_grad=True)
    loss = ccc_loss(prediction, torch.full((3, 2), torch.nan))
    loss.backward()
    assert loss.item() == 0
    assert not prediction.grad.any()
