"""AdamW for parameters as few as those of a head, for which calling torch costs more than the arithmetic."""

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

BETAS, EPSILON = (0.9, 0.999), 1e-8
"""Decay of the running means of gradients and of their squares, and what keeps the divisor from 0."""


def adamw(
    parameters: "Sequence[torch.Tensor]", *, learning_rate: float, weight_decay: float
) -> Callable[[], None]:
    """A function that takes one step by the gradients of the parameters, and sets these to zero.

    The numbers are those of `torch.optim.AdamW` to the bit, whose operations these are, in the same order.
    All parameters and all gradients lie in one block of memory each, so that a step is ten operations however
    many parameters there are; torch's own class takes five times as long on a head of seven parameters, and
    imports what it compiles with in more than a second.

    Args:
        parameters: float32 on the CPU; they keep their values and are changed in place
        learning_rate: size of a step
        weight_decay: share of a parameter, times the learning rate, by which it shrinks in each step

    Source: Loshchilov & Hutter, Decoupled weight decay regularization, 2019.
    """
    import torch

    block = torch.cat([each.detach().reshape(-1) for each in parameters])
    gradient, mean, square = (torch.zeros_like(block) for _ in range(3))
    stop = 0
    for each in parameters:
        start, stop = stop, stop + each.numel()
        each.data = block[start:stop].view_as(each)
        each.grad = gradient[start:stop].view_as(each)
    beta, beta_of_squares = BETAS
    count = itertools.count(1)

    def step() -> None:
        n = next(count)
        block.mul_(1 - learning_rate * weight_decay)
        mean.lerp_(gradient, 1 - beta)
        square.mul_(beta_of_squares).addcmul_(gradient, gradient, value=1 - beta_of_squares)
        spread = square.sqrt().div_((1 - beta_of_squares**n) ** 0.5).add_(EPSILON)
        block.addcdiv_(mean, spread, value=-learning_rate / (1 - beta**n))
        gradient.zero_()

    return step
