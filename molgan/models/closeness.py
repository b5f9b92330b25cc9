"""Closeness of all pairs of a batch, differentiable twice, in the memory of one value a pair.

Written out in plain operations, the L1 distances of a batch pass through a tensor of one entry for
every pair *and coordinate*: in the forward pass, in the gradient, and several times over in the
second derivative that a gradient penalty needs. That was two thirds of a critic step of MolGAN.
The derivatives here are the same, by hand; the signs ``sign(p_i - p_j)`` in them are constant
almost everywhere.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable


def summed_closeness(points: Tensor) -> Tensor:
    r"""How close each point lies to the others of its set, :math:`\sum_j \exp(-|p_i - p_j|_1)`.

    Args:
        points: ``(K, B, C)``, ``K`` sets of ``B`` points.

    Returns:
        ``(K, B)`` from 1 to ``B``; a point counts itself.
    """
    summed: Tensor = _Closeness.apply(points.contiguous())  # type: ignore[no-untyped-call]
    return summed


class _Closeness(Function):
    @staticmethod
    def forward(ctx: Any, points: Tensor) -> Tensor:
        distances = torch.cdist(points, points, p=1.0)
        closeness = torch.exp(-distances)
        ctx.save_for_backward(points, distances, closeness)
        return closeness.sum(2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        to_points: Tensor = _Gradient.apply(gradient, *ctx.saved_tensors)  # type: ignore[no-untyped-call]
        return to_points


class _Gradient(Function):
    r""":math:`-\sum_j (g_i + g_j)\, e_{ij}\, sign(p_i - p_j)` for gradients ``g (K, B)``."""

    @staticmethod
    def forward(
        ctx: Any, gradient: Tensor, points: Tensor, distances: Tensor, closeness: Tensor
    ) -> Tensor:
        # It comes transposed: everything of the size of the pairs would take that layout over.
        gradient = gradient.contiguous()
        ctx.save_for_backward(gradient, points, distances, closeness)
        pairs = _pair_sums(-gradient).mul_(closeness)
        return _distance_gradient(pairs, points, distances)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, direction: Tensor) -> tuple[Tensor, Tensor, None, None]:
        gradient, points, distances, closeness = ctx.saved_tensors
        # How each closeness falls as the points move along `direction`.
        falls = _slopes(points, direction).mul_(closeness)
        to_points = _distance_gradient(_pair_sums(gradient).mul_(falls), points, distances)
        return -falls.sum(2), to_points, None, None


def _pair_sums(values: Tensor) -> Tensor:
    """``(K, B, B)`` of ``v_i + v_j`` for ``values (K, B)``."""
    return values[:, :, None] + values[:, None, :]


def _distance_gradient(pairs: Tensor, points: Tensor, distances: Tensor) -> Tensor:
    """``sum_j w_ij sign(p_i - p_j)`` for symmetric ``pairs`` ``w (K, B, B)``, as ``(K, B, C)``."""
    # What torch itself uses for the derivative of `torch.cdist`.
    weighted: Tensor = torch.ops.aten._cdist_backward(pairs, points, points, 1.0, distances)
    return weighted


def _slopes(points: Tensor, direction: Tensor) -> Tensor:
    """``(K, B, B)``: change of each distance as the points move along ``direction (K, B, C)``."""
    half = points.new_zeros(*points.shape[:2], points.shape[1])
    signs = torch.empty_like(half)
    # One coordinate after another, each with its points side by side in memory.
    places, moves = (each.permute(2, 0, 1).contiguous() for each in (points, direction))
    for place, move in zip(places, moves, strict=True):
        torch.sub(place[:, :, None], place[:, None], out=signs)
        half.addcmul_(signs.sign_(), move[:, :, None])
    # sign(p_i - p_j) (v_i - v_j): the second term is the first with i and j exchanged.
    return half + half.transpose(1, 2)
