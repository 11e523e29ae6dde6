"""AdamW of our own gives the numbers of torch's, to the bit."""

import numpy as np
import pytest
import torch

from sertools.probing.adamw import adamw

SIZES = [(7, 5), (7,), (3, 7), (3,)]


def drawn() -> list[torch.Tensor]:
    rng = np.random.default_rng(0)
    return [torch.from_numpy(rng.normal(size=size).astype(np.float32)).requires_grad_() for size in SIZES]


def loss(parameters: list[torch.Tensor], rows: torch.Tensor) -> torch.Tensor:
    first, bias, second, other = parameters
    return (((rows @ first.T + bias).tanh() @ second.T + other) ** 2).mean()


@pytest.mark.parametrize("weight_decay", [0.0, 1e-2])
def test_a_hundred_steps_are_those_of_torch_to_the_bit(weight_decay):
    mine, theirs = drawn(), drawn()
    step = adamw(mine, learning_rate=3e-3, weight_decay=weight_decay)
    optimiser = torch.optim.AdamW(theirs, lr=3e-3, weight_decay=weight_decay)
    batches = torch.randn((100, 16, 5), generator=torch.Generator().manual_seed(0))
    for rows in batches:
        loss(mine, rows).backward()
        step()
        optimiser.zero_grad()
        loss(theirs, rows).backward()
        optimiser.step()
    for one, other in zip(mine, theirs, strict=True):
        np.testing.assert_array_equal(one.detach().numpy(), other.detach().numpy())


def test_a_parameter_that_the_loss_does_not_hold_stays_as_it_is():
    used, unused = (torch.ones(3, requires_grad=True) for _ in range(2))
    step = adamw([used, unused], learning_rate=0.1, weight_decay=0.0)
    (used**2).sum().backward()
    step()
    assert unused.tolist() == [1, 1, 1]
    assert used.tolist() == pytest.approx([0.9] * 3, abs=1e-6)  # the first step is one learning rate; float32
