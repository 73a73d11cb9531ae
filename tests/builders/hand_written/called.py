"""Forms by how they are run: under other modes of torch, by other functions of it, or out of its sight."""

import warnings

import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from hand_written.parts import HEAD, TOKENS, C, Projected, kept, merge, split


class InferenceMode(Projected):
    """A layer that runs itself where torch records nothing."""

    @torch.inference_mode()
    def forward(self, x):
        q, k, v = self.parts(x)
        return self.d(merge(kept((q @ k.mT * 0.5).softmax(-1)) @ v))


class NoGradients(Projected):
    @torch.no_grad()
    def forward(self, x):
        q, k, v = self.parts(x)
        return self.d(merge(kept((q @ k.mT * 0.5).softmax(-1)).detach() @ v))


class Checkpointed(Projected):
    """Computed once more where gradients are wanted."""

    def forward(self, x):
        return checkpoint(self.attend, x, use_reentrant=False)

    def attend(self, x):
        q, k, v = self.parts(x)
        return self.d(merge(kept((q @ k.mT * 0.5).softmax(-1)) @ v))


class LinearAlgebra(Projected):
    """Products of ``torch.linalg``."""

    def forward(self, x):
        q, k, v = self.parts(x)
        weights = kept(torch.linalg.matmul(q, other=k.mT).div(2.5).softmax(-1))
        return self.d(merge(torch.linalg.matmul(weights, v)))


class GroupedHeads(nn.Module):
    """Three heads of queries, one of keys and values, which the fused kernel spreads when it is told to."""

    def __init__(self):
        super().__init__()
        self.a, self.bc, self.d = nn.Linear(C, C), nn.Linear(C, 2 * HEAD), nn.Linear(C, C)

    def forward(self, x):
        q, (k, v) = split(self.a(x)), self.bc(x)[:, None].chunk(2, dim=-1)
        kept((q @ k.mT * 0.7).softmax(-1))
        return self.d(merge(functional.scaled_dot_product_attention(q, k, v, scale=0.7, enable_gqa=True)))


class ComplexRotation(Projected):
    """Pairs of channels as complex numbers, turned by the number of the token."""

    def forward(self, x):
        q, k, v = self.parts(x)
        angles = torch.arange(TOKENS)[:, None] * torch.logspace(0, -1, HEAD // 2)
        turns = torch.polar(torch.ones_like(angles), angles)
        q, k = (
            torch.view_as_real(torch.view_as_complex(part.unflatten(-1, (-1, 2)).contiguous()) * turns).flatten(-2)
            for part in (q, k)
        )
        return self.d(merge(kept((q @ k.mT * 0.5).softmax(-1)) @ v))


class HiddenInAList(nn.Module):
    """An attention in a list of Python, which torch does not know as a part."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(5)
        self.d, self.blocks = nn.Linear(C, C), [Checkpointed().eval().requires_grad_(False)]

    def forward(self, x):
        return self.d(self.blocks[0](x))


class DroppedInEval(Projected):
    """A fused kernel that is told to drop weights, whatever the mode."""

    def forward(self, x):
        return self.d(merge(functional.scaled_dot_product_attention(*self.parts(x), dropout_p=0.2)))


def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Return the weighted sums, without what torch.jit does not know."""
    return torch.softmax(torch.matmul(q, k.transpose(-1, -2)) * 0.5, -1) @ v


def scripted(function):
    """Return what torch.jit compiles, which is deprecated and still met."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return torch.jit.script(function)


attend_compiled = scripted(attend)


class Scripted(Projected):
    def forward(self, x):
        return self.d(merge(attend_compiled(*self.parts(x))))


READ = (InferenceMode, NoGradients, Checkpointed, LinearAlgebra, GroupedHeads, ComplexRotation, HiddenInAList)
REFUSED = {
    DroppedInEval: "drops weights at random in eval mode too (dropout_p=0.2)",
    Scripted: "attends by what torch.jit compiled",
}
