"""Gradients of softmax attention in panels: the weights are recomputed a panel at a time, and never kept.

With P = softmax(scale theta phi^T) and y = P g, the gradients of a loss are dg = P^T dy, dtheta = scale dS phi and
dphi = scale dS^T theta, where dS = P * (dy g^T - d) and d is the sum of y * dy over channels (Dao et al.,
FlashAttention, algorithm 4). If one table is
compared with itself, the scores are symmetric, and the matrices of both uses are added before they are multiplied.
"""

import math
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from nonlocal_core.ops.panels import LEAST_EXPONENT, cut, softmax_in_panels


def attend_in_panels(
    theta: Float[Tensor, "B Nq Ci"], phi: Float[Tensor, "B Nk Ci"] | None, g: Float[Tensor, "B Nk Cg"], scale: float
) -> Float[Tensor, "B Nq Cg"]:
    """Return softmax(scale theta phi^T) g, with gradients. ``phi`` is None if theta is compared with itself."""
    y: Tensor = _AttentionInPanels.apply(theta, phi, g, scale)  # type: ignore[no-untyped-call]
    return y


class _AttentionInPanels(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, theta: Tensor, phi: Tensor | None, g: Tensor, scale: float) -> Tensor:
        """Return y (B, Nq, Cg)."""
        y, log_total = softmax_in_panels(theta, theta if phi is None else phi, g, scale)
        ctx.save_for_backward(theta, phi, g, y, log_total)
        ctx.scale = scale
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor | None, Tensor, None]:
        """Return the gradients of theta, phi and g; without phi, that of theta is the sum over both of its uses."""
        theta, phi, g, y, log_total = ctx.saved_tensors
        known = _Known(theta, theta if phi is None else phi, g, dy, log_total, (y * dy).sum(dim=2, keepdim=True))
        dtheta, dg = torch.zeros_like(theta), torch.zeros_like(g)
        dphi = dtheta if phi is None else torch.zeros_like(phi)
        clips, rows = cut(theta.shape[1], known.phi.shape[1], buffers=3)
        work = _one_table if phi is None else _two_tables
        for some in zip(*(torch.split(table, clips) for table in (*known, dtheta, dphi, dg)), strict=True):
            work(_Known(*some[:6]), _Gradients(*some[6:]), ctx.scale, rows)
        return dtheta, None if phi is None else dphi, dg, None


class _Known(NamedTuple):
    """Tables, the statistics of each query from the forward pass, and the gradient of y, for some clips."""

    theta: Float[Tensor, "B Nq Ci"]
    phi: Float[Tensor, "B Nk Ci"]
    g: Float[Tensor, "B Nk Cg"]
    dy: Float[Tensor, "B Nq Cg"]
    log_total: Float[Tensor, "B Nq 1"]
    """Logarithm of the sum over keys of exp(score)."""
    d: Float[Tensor, "B Nq 1"]


class _Gradients(NamedTuple):
    """Sums of gradients, zero at first. For a single table, ``theta`` and ``phi`` are one."""

    theta: Float[Tensor, "B Nq Ci"]
    phi: Float[Tensor, "B Nk Ci"]
    g: Float[Tensor, "B Nk Cg"]


def _two_tables(known: _Known, gradients: _Gradients, scale: float, rows: int) -> None:
    theta, phi, g, dy, log_total, d = known
    queries, keys = theta.shape[1], phi.shape[1]
    weight_buffer, buffer = theta.new_empty(2, len(theta) * rows * keys)
    for start in range(0, queries, rows):
        at = slice(start, min(start + rows, queries))
        shape = (len(theta), at.stop - start, keys)
        scores = torch.baddbmm(-log_total[:, at], theta[:, at], phi.mT, alpha=scale, out=_panel(weight_buffer, shape))
        weights = _exponential(scores)
        gradients.g.baddbmm_(weights.mT, dy[:, at])
        dscores = torch.baddbmm(-d[:, at], dy[:, at], g.mT, out=_panel(buffer, shape)).mul_(weights)
        gradients.theta[:, at].baddbmm_(dscores, phi, alpha=scale)
        gradients.phi.baddbmm_(dscores.mT, theta[:, at], alpha=scale)


def _one_table(known: _Known, gradients: _Gradients, scale: float, rows: int) -> None:
    """Add the gradients of both uses for scores between a panel's rows and the positions from the first of them on.

    A score is that of a row with a later position and of the later position with the row: its two weights differ in
    the sum that divides them. Only half of the matrix is computed.
    """
    x, _, g, dy, log_total, d = known
    count = x.shape[1]
    buffers = x.new_empty(3, len(x) * rows * count)
    for start in range(0, count, rows):
        stop = min(start + rows, count)
        at, on, after = slice(start, stop), slice(start, count), slice(stop, count)
        shape, shape_after = (len(x), stop - start, count - start), (len(x), stop - start, count - stop)
        scores = torch.baddbmm(-log_total[:, at], x[:, at], x[:, on].mT, alpha=scale, out=_panel(buffers[0], shape))
        back = torch.add(scores[..., stop - start :], log_total[:, at], out=_panel(buffers[1], shape_after))
        weights, weights_back = _exponential(scores), _exponential(back.sub_(log_total[:, after].mT))
        gradients.g[:, on].baddbmm_(weights.mT, dy[:, at])
        gradients.g[:, at].baddbmm_(weights_back, dy[:, after])
        both = weights.mul_(torch.baddbmm(-d[:, at], dy[:, at], g[:, on].mT, out=_panel(buffers[2], shape)))
        toward_rows = torch.baddbmm(-d[:, after].mT, g[:, at], dy[:, after].mT, out=_panel(buffers[2], shape_after))
        both[..., stop - start :].addcmul_(weights_back, toward_rows)
        gradients.theta[:, at].baddbmm_(both, x[:, on], alpha=scale)
        gradients.theta[:, on].baddbmm_(both.mT, x[:, at], alpha=scale)


def _panel(buffer: Float[Tensor, " most"], shape: tuple[int, int, int]) -> Float[Tensor, "B r c"]:
    return buffer[: math.prod(shape)].view(shape)


def _exponential(exponents: Float[Tensor, "B r c"]) -> Float[Tensor, "B r c"]:
    """Turn exponents into weights, in place."""
    return exponents.clamp_(min=LEAST_EXPONENT).exp_()
