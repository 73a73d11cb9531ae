"""Networks whose layers pool their queries, written from the maths: MViT's, LeViT's, Hiera's and SAM 2's ways.

Each layer keeps the weights of its softmax in ``seen`` and, in ``query``, the number of the query, in the layer's own
order of a frame, that each cell of a frame asks with. A network takes frames (T, 3, 32, 48).
"""

import torch
from foreign_kinds import HEAD, HEADS, WIDTH, Attention, heads_of
from torch import nn
from torch.nn import functional

HW = (32, 48)
PATCH = 4
ROWS, COLS = HW[0] // PATCH, HW[1] // PATCH


def squares(rows, cols):
    """The number of its square of 2 x 2 cells, row by row, of every cell."""
    y, x = torch.arange(rows)[:, None] // 2, torch.arange(cols) // 2
    return y * -(-cols // 2) + x


class MaxPooled(Attention):
    """The maximum of the queries of a square, and a class token that asks by itself (MViT)."""

    def __init__(self, extra=0, order=None):
        super().__init__()
        self.extra, self.order = extra, order

    def forward(self, x, rows, cols):
        q, k, v = (heads_of(layer(x)) for layer in (self.asks_query, self.answers, self.gives))
        maps = q[:, :, self.extra :].flatten(0, 1).mT.unflatten(2, (rows, cols))
        small = functional.max_pool2d(maps, 2).flatten(2).mT.unflatten(0, (-1, HEADS))
        if self.order is not None:
            small = small[:, :, self.order]
        q = torch.cat([q[:, :, : self.extra], small], dim=2)
        self.seen, self.query = self.weigh(q, k), squares(rows, cols)
        return self.last((self.seen @ v).transpose(1, 2).flatten(2))


class Pyramid(nn.Module):
    """Patches, perhaps a class token, and a layer that halves the map beside a shortcut that does the same."""

    def __init__(self, layer):
        super().__init__()
        self.patches, self.layer = nn.Conv2d(3, WIDTH, PATCH, PATCH), layer
        self.first = nn.Parameter(torch.zeros(1, layer.extra, WIDTH)) if layer.extra else None

    def forward(self, frames):
        maps = self.patches(frames)
        tokens = maps.flatten(2).mT
        if self.first is not None:
            tokens = torch.cat([self.first.expand(len(maps), -1, -1), tokens], dim=1)
        return self.layer(tokens, *maps.shape[2:])


class EverySecond(Attention):
    """The queries of every second row and column, and nothing else that the layer hands on (LeViT)."""

    def forward(self, x, rows, cols):
        some = x.unflatten(1, (rows, cols))[:, ::2, ::2].flatten(1, 2)
        q, k, v = heads_of(self.asks_query(some)), heads_of(self.answers(x)), heads_of(self.gives(x))
        self.seen, self.query = self.weigh(q, k), squares(rows, cols)
        return self.last(functional.hardswish((self.seen @ v).transpose(1, 2).flatten(2)))


class Halving(nn.Module):
    """Attention, a layer that halves the map, and attention on what is left, which all came through that layer."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.before, self.halve, self.after = Attention(), EverySecond(), Attention()

    def forward(self, frames):
        maps = self.patches(frames)
        x = maps.flatten(2).mT
        x = self.halve(x + self.before(x), *maps.shape[2:])
        return x + self.after(x)


def unrolled(maps, times):
    """Tokens of a map (T, H, W, C) in Hiera's order: the first cells of all squares of 2 x 2 come first, and so on."""
    if times == 0:
        return maps.flatten(1, 2)
    parts = [maps[:, y::2, x::2] for y in (0, 1) for x in (0, 1)]
    return torch.cat([unrolled(part, times - 1) for part in parts], dim=1)


class MaskUnits(Attention):
    """Tokens that stay within their unit, or see all others; the queries of a square are pooled (Hiera)."""

    def __init__(self, units, left, *, pools, within):
        super().__init__()
        self.units, self.window_size, self.q_stride = units, left, 4 if pools else 1
        self.use_mask_unit_attn = within

    def forward(self, x):
        count = self.units if self.use_mask_unit_attn else 1
        q, k, v = (
            layer(x).unflatten(1, (-1, count)).unflatten(-1, (HEADS, HEAD)).permute(0, 3, 2, 1, 4)
            for layer in (self.asks_query, self.answers, self.gives)
        )  # (T, heads, units, tokens, D)
        if self.q_stride > 1:
            q = q.unflatten(3, (self.q_stride, -1)).amax(dim=3)
        self.seen = self.weigh(q, k)
        return self.last((self.seen @ v).permute(0, 3, 2, 1, 4).flatten(1, 2).flatten(2))


class Units(nn.Module):
    """Patches, unrolled twice: two layers within units, the second of which pools, then two over all, likewise."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        units = ROWS * COLS // 16
        self.layers = nn.ModuleList(
            [
                MaskUnits(units, 16, pools=False, within=True),
                MaskUnits(units, 4, pools=True, within=True),
                MaskUnits(units, 4, pools=False, within=False),
                MaskUnits(units, 1, pools=True, within=False),
            ]
        )

    def forward(self, frames):
        x = unrolled(self.patches(frames).movedim(1, -1), 2)
        for layer in self.layers:
            short = x.unflatten(1, (layer.q_stride, -1)).mean(dim=1)
            x = short + layer(functional.layer_norm(x, x.shape[-1:]))
        return x


class WindowPooled(Attention):
    """Maps of one window each, whose queries are pooled there (SAM 2)."""

    def forward(self, x):
        rows, cols = x.shape[1:3]
        q, k, v = (heads_of(layer(x).flatten(1, 2)) for layer in (self.asks_query, self.answers, self.gives))
        small = functional.max_pool2d(q.flatten(0, 1).mT.unflatten(2, (rows, cols)), 2)
        self.seen = self.weigh(small.flatten(2).mT.unflatten(0, (-1, HEADS)), k)
        return self.last((self.seen @ v).transpose(1, 2).flatten(2)).unflatten(1, (rows // 2, cols // 2))


class WindowLayer(nn.Module):
    """Windows of a map (T, H, W, C) of 4 x 4 cells, out of which come windows of 2 x 2."""

    def __init__(self):
        super().__init__()
        self.norm, self.attention = nn.LayerNorm(WIDTH), WindowPooled()

    def forward(self, x):
        maps = self.norm(x)
        _, height, width, _ = maps.shape
        windows = maps.unflatten(2, (-1, 4)).unflatten(1, (-1, 4)).transpose(2, 3).flatten(0, 2)
        made = self.attention(windows).unflatten(0, (-1, height // 4, width // 4)).transpose(2, 3)
        short = functional.max_pool2d(x.movedim(-1, 1), 2).movedim(1, -1)
        return short + made.flatten(1, 2).flatten(2, 3)


class InWindows(nn.Module):
    """Patches, then one such layer."""

    def __init__(self):
        super().__init__()
        self.patches, self.layer = nn.Conv2d(3, WIDTH, PATCH, PATCH), WindowLayer()

    def forward(self, frames):
        return self.layer(self.patches(frames).movedim(1, -1))
