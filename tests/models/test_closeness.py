"""Closeness within a batch, against its plain formula: value, gradient, second derivative."""

from __future__ import annotations

import torch
from torch import Tensor

from molgan.models.closeness import summed_closeness


def plain(points: Tensor) -> Tensor:
    """The formula in operations that torch differentiates by itself."""
    distances = (points[:, :, None] - points[:, None]).abs().sum(-1)
    return torch.exp(-distances).sum(2)


def points() -> Tensor:
    rng = torch.Generator().manual_seed(0)
    return torch.randn(3, 7, 4, generator=rng, dtype=torch.float64).requires_grad_()


def test_closeness_is_the_plain_formula():
    torch.testing.assert_close(summed_closeness(points()), plain(points()))


def test_equal_points_are_as_close_as_can_be():
    same = torch.ones(1, 5, 2, requires_grad=True)
    summed = summed_closeness(same)
    assert torch.equal(summed, torch.full((1, 5), 5.0))
    summed.sum().backward()
    assert torch.count_nonzero(same.grad) == 0


def test_gradient_and_second_derivative_are_those_of_the_plain_formula():
    assert torch.autograd.gradcheck(summed_closeness, points())
    assert torch.autograd.gradgradcheck(summed_closeness, points())


def test_a_gradient_penalty_is_that_of_the_plain_formula():
    found = []
    for function in (summed_closeness, plain):
        at = points()
        weights = torch.linspace(-1, 2, 21, dtype=torch.float64).view(3, 7)
        (gradient,) = torch.autograd.grad((function(at) * weights).sum(), at, create_graph=True)
        penalty = (gradient.square().sum(-1).sqrt() - 1).square().sum()
        (second,) = torch.autograd.grad(penalty, at)
        found.append((gradient.detach(), second))
    torch.testing.assert_close(found[0], found[1])
