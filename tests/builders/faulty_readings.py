"""Attention over tokens with all that a reading can leave out, and readings of it with one fault or none."""

import torch
from torch import nn
from torch.nn.functional import linear

from nonlocal_core.capture import BlockReading, BlockSite, attach, recording
from nonlocal_core.geometry import ViewTransform

T, H, W, HEADS, D = 2, 3, 5, 3, 4
N, WIDTH = T * H * W, HEADS * D
VIEW = ViewTransform(shown_hw=(H * 8, W * 8), input_hw=(H * 8, W * 8))
MASKED = {5: slice(2, 12), 7: slice(3, 9)}  # 2 of the queries, and the keys that they do not see


class Attention(nn.Module):
    """Attention over tokens with everything that a reading can leave out: bias, rotation, a mask on two queries."""

    def __init__(self, *, rotates=False, masks=False, within=False, width_out=WIDTH):
        super().__init__()
        torch.manual_seed(2)
        self.q, self.k, self.v = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.out = nn.Linear(WIDTH, width_out)
        self.rotates, self.masks, self.within, self.scale = rotates, masks, within, D**-0.5
        for parameter in self.parameters():
            nn.init.normal_(parameter, std=0.4)

    def heads(self, x):
        q, k, v = (layer(x)[0].unflatten(-1, (HEADS, D)).transpose(0, 1) for layer in (self.q, self.k, self.v))
        return (turned(q), turned(k), v) if self.rotates else (q, k, v)

    def forward(self, x):
        q, k, v = self.heads(x)
        scores = q @ k.mT * self.scale
        if self.within:  # each frame by itself
            frame = torch.arange(x.shape[1]) // (H * W)
            scores = scores.masked_fill(frame[:, None] != frame[None], -torch.inf)
        if self.masks:
            for query, keys in MASKED.items():
                scores[:, query, keys] = -torch.inf
        return self.out((scores.softmax(-1) @ v).transpose(0, 1).flatten(1)[None])


def turned(x, sign=1):
    """Rotate pairs of channels by an angle that grows with the position."""
    angle = sign * torch.arange(x.shape[1], dtype=x.dtype)[:, None] * torch.tensor([1.0, 0.3], dtype=x.dtype)
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()], dim=-1)


class Reader:
    """A reading of ``Attention`` with one fault, or none."""

    def __init__(self, layer, fault=None):
        self.layer, self.fault = layer, fault

    def read(self, x):
        layer, fault = self.layer, self.fault
        q, k, v = layer.heads(x)
        if fault == "no rotation":
            q, k = turned(q, -1), turned(k, -1)
        if fault == "wrong rotation":
            q = turned(q, -2)
        if fault == "dropped bias of q":
            q = linear(x, layer.q.weight)[0].unflatten(-1, (HEADS, D)).transpose(0, 1)
        if fault == "dropped bias of v":
            v = linear(x, layer.v.weight)[0].unflatten(-1, (HEADS, D)).transpose(0, 1)
        if fault == "swapped heads":
            q, k = q[[1, 0, 2]], k[[1, 0, 2]]
        if fault == "wrong scale of a head":
            q = torch.cat([1.05 * q[:1], q[1:]])
        return BlockReading(
            theta=q,
            phi=k,
            g=v,
            query_thw=(T, H, W),
            pairwise="embedded_gaussian",
            scale=layer.scale * (1.05 if fault == "wrong scale" else 1),
            project=self.project,
            scope="space" if layer.within else "spacetime",
            rows=lambda z: z[0],
            residual=False,
        )

    def project(self, y):
        return self.layer.out(y)


def site_of(layer, fault=None):
    return BlockSite(name="a", title="Layer a", module=layer, reader=Reader(layer, fault), status="trained")


def record(layer, x, fault=None, site=None):
    site = site or site_of(layer, fault)
    detach = attach((site,))
    with recording(view=VIEW, clip_frames=T) as found:
        layer(x)
    detach()
    return found


def tokens(dtype=torch.float32, seed=0):
    return torch.randn(1, N, WIDTH, generator=torch.Generator().manual_seed(seed)).to(dtype)
