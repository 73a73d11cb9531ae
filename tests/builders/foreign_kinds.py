"""Layers of attention of every kind, written from the maths under names that no adapter knows.

Each keeps the weights of its softmax in ``seen``, so that a test can compare rows with the layer's own. A network takes
frames (T, 3, H, W), is not square, and its layer has several heads, some with other tokens before those of the grid.
"""

import torch
from torch import nn
from torch.nn import functional

WIDTH, HEADS, HEAD, FRAMES = 12, 3, 4, 4
PATCH, IMAGE_HW = 8, (24, 40)
ROWS, COLS = IMAGE_HW[0] // PATCH, IMAGE_HW[1] // PATCH


def heads_of(x, width=HEAD):
    return x.unflatten(-1, (-1, width)).transpose(1, 2)


class Attention(nn.Module):
    """The common frame: three projections under odd names, then whatever ``weigh`` makes of queries and keys."""

    def __init__(self):
        super().__init__()
        self.asks_query, self.answers, self.gives = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.last, self.num_heads = nn.Linear(WIDTH, WIDTH), HEADS

    def forward(self, x):
        q, k, v = (heads_of(layer(x)) for layer in (self.asks_query, self.answers, self.gives))
        self.seen = self.weigh(q, k)
        return self.last((self.seen @ v).transpose(1, 2).flatten(2))

    def weigh(self, q, k):
        return (q @ k.mT / HEAD**0.5).softmax(-1)


class RotaryAttention(Attention):
    """Norms of q and k, then a rotation by tables of its own; the first tokens stay as they are."""

    def __init__(self, extra):
        super().__init__()
        self.q_rms, self.k_rms = nn.LayerNorm(HEAD), nn.LayerNorm(HEAD)
        self.angles, self.extra = nn.Parameter(torch.zeros(ROWS * COLS, HEAD // 2)), extra

    def weigh(self, q, k):
        q, k = self.turned(self.q_rms(q)), self.turned(self.k_rms(k))
        return (q @ k.mT * HEAD**-0.5).softmax(-1)

    def turned(self, x):
        still, moved = x[..., : self.extra, :], x[..., self.extra :, :]
        a, b = moved.chunk(2, dim=-1)
        cos, sin = (3 * self.angles).cos(), (3 * self.angles).sin()
        return torch.cat([still, torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)], dim=2)


class CosineAttention(Attention):
    """Cosines with a temperature for each head, as in SwinV2."""

    def __init__(self):
        super().__init__()
        self.heat = nn.Parameter(torch.zeros(HEADS, 1, 1))

    def weigh(self, q, k):
        return (functional.normalize(q, dim=-1) @ functional.normalize(k, dim=-1).mT * (1 + self.heat).exp()).softmax(
            -1
        )


class BiasAttention(Attention):
    """A bias for each pair of tokens and each head, added in place, as in BEiT and LeViT."""

    def __init__(self, extra):
        super().__init__()
        self.table = nn.Parameter(torch.zeros(HEADS, extra + ROWS * COLS, extra + ROWS * COLS))

    def weigh(self, q, k):
        scores = q @ k.mT
        scores *= HEAD**-0.5
        scores += 4 * self.table
        return functional.softmax(scores, dim=-1)


class FusedBiasAttention(BiasAttention):
    """The same through torch's own kernel."""

    def forward(self, x):
        q, k, v = (heads_of(layer(x)) for layer in (self.asks_query, self.answers, self.gives))
        self.seen = self.weigh(q, k)
        y = functional.scaled_dot_product_attention(q, k, v, attn_mask=4 * self.table)
        return self.last(y.transpose(1, 2).flatten(2))


class DecomposedAttention(Attention):
    """A bias of rows and one of columns that hang on the query, heads in the batch, as in SAM."""

    def __init__(self):
        super().__init__()
        self.by_row, self.by_col = nn.Parameter(torch.zeros(ROWS, HEAD)), nn.Parameter(torch.zeros(COLS, HEAD))

    def forward(self, x):
        q, k, v = (heads_of(layer(x)).flatten(0, 1) for layer in (self.asks_query, self.answers, self.gives))
        rows = torch.einsum("bnc,hc->bnh", q, 4 * self.by_row)[..., None]
        cols = torch.einsum("bnc,wc->bnw", q, 4 * self.by_col)[:, :, None]
        scores = (q * HEAD**-0.5) @ k.mT
        weights = (scores + (rows + cols).flatten(2)).softmax(-1)
        self.seen = weights.unflatten(0, (-1, HEADS))
        y = (weights @ v).unflatten(0, (-1, HEADS))
        return self.last(y.transpose(1, 2).flatten(2))


class EinsteinAttention(Attention):
    """Products in Einstein's notation, heads behind the tokens."""

    def forward(self, x):
        q, k, v = (layer(x).unflatten(-1, (HEADS, HEAD)) for layer in (self.asks_query, self.answers, self.gives))
        self.seen = torch.softmax(torch.einsum("bihd,bjhd->bhij", q, k) * 0.7, dim=-1)
        return self.last(torch.einsum("bhij,bjhd->bihd", self.seen, v).flatten(2))


class GroupedAttention(nn.Module):
    """One head of keys for all queries, and an output that is bent before it is projected."""

    def __init__(self):
        super().__init__()
        self.asks_query, self.answers, self.gives = (nn.Linear(WIDTH, n) for n in (WIDTH, HEAD, 2 * HEAD))
        self.last, self.num_heads = nn.Linear(2 * WIDTH, WIDTH), HEADS

    def forward(self, x):
        q, k, v = heads_of(self.asks_query(x)), self.answers(x)[:, None], self.gives(x)[:, None]
        self.seen = (q @ k.mT * HEAD**-0.5).softmax(-1)
        return self.last(functional.hardswish((self.seen @ v).transpose(1, 2).flatten(2)))


class TurnedAttention(Attention):
    """Values to the left of the weights, sequences behind the tokens, and the queries added to the result."""

    def forward(self, x):
        q, k, v = (heads_of(layer(x)) for layer in (self.asks_query, self.answers, self.gives))
        self.seen = self.weigh(q, k)
        y = (v.mT @ self.seen.mT).mT + 3 * q
        return self.last(y.transpose(1, 2).flatten(2)).transpose(0, 1)


class PooledAttention(Attention):
    """Keys that a convolution pools by two, as in SegFormer and PVT."""

    def __init__(self):
        super().__init__()
        self.reduce, self.norm = nn.Conv2d(WIDTH, WIDTH, 2, 2), nn.LayerNorm(WIDTH)

    def forward(self, x, height, width):
        small = self.norm(self.reduce(x.mT.unflatten(2, (height, width))).flatten(2).mT)
        q, k, v = heads_of(self.asks_query(x)), heads_of(self.answers(small)), heads_of(self.gives(small))
        self.seen = self.weigh(q, k)
        return self.last((self.seen @ v).transpose(1, 2).flatten(2))


class MixedAttention(Attention):
    """Heads that exchange their weights after the softmax, as in CaiT: no row is that of one head."""

    def __init__(self):
        super().__init__()
        self.mix = nn.Parameter(torch.zeros(HEADS, HEADS))

    def forward(self, x):
        q, k, v = (heads_of(layer(x)) for layer in (self.asks_query, self.answers, self.gives))
        weights = torch.einsum("gh,bhij->bgij", self.mix, self.weigh(q, k))
        return self.last((weights @ v).transpose(1, 2).flatten(2))


class GatedAttention(Attention):
    """A gate on each token of the output."""

    def forward(self, x):
        return super().forward(x) * (3 * x[..., :1]).sigmoid()


class LinearAttention(Attention):
    """Without a softmax over keys: no row exists."""

    def forward(self, x):
        q, k, v = (heads_of(layer(x)).relu() for layer in (self.asks_query, self.answers, self.gives))
        return self.last((q @ (k.mT @ v)).transpose(1, 2).flatten(2))


class ElsewhereAttention(Attention):
    """Keys of other tokens, as many as there are of its own."""

    def __init__(self):
        super().__init__()
        self.others = nn.Parameter(torch.zeros(1, ROWS * COLS, WIDTH))

    def forward(self, x):
        others = 3 * self.others.expand(len(x), -1, -1)
        q, k, v = heads_of(self.asks_query(x)), heads_of(self.answers(others)), heads_of(self.gives(others))
        return self.last((self.weigh(q, k) @ v).transpose(1, 2).flatten(2))


class Tokens(nn.Module):
    """Patches of every frame, other tokens before them, and one layer; the grid is stated nowhere."""

    def __init__(self, layer, extra=0, *, given_size=False):
        super().__init__()
        self.patches, self.layer = nn.Conv2d(3, WIDTH, PATCH, PATCH), layer
        self.first = nn.Parameter(torch.zeros(1, extra, WIDTH)) if extra else None
        self.places = nn.Parameter(torch.zeros(1, extra + ROWS * COLS, WIDTH))
        self.given_size = given_size

    def forward(self, frames):
        maps = self.patches(frames)
        x = maps.flatten(2).mT
        if self.first is not None:
            x = torch.cat([self.first.expand(len(maps), -1, -1), x], dim=1)
        x = x + self.places
        return self.layer(x, *maps.shape[2:]) if self.given_size else self.layer(x)


class WindowLayer(nn.Module):
    """Windows of a map (T, H, W, C), rolled by ``shift`` with a mask, and a bias for each pair in a window: Swin's."""

    def __init__(self, window, shift, *, pads=False):
        super().__init__()
        self.window, self.shift, self.pads = window, shift, pads
        self.norm, self.attention = nn.LayerNorm(WIDTH), WindowAttention(window)

    def forward(self, x):
        (rows, cols), (_, height, width, _) = self.window, x.shape
        maps = self.norm(x)
        if self.pads:
            maps = functional.pad(maps, (0, 0, 0, -width % cols, 0, -height % rows))
        size = maps.shape[1:3]
        maps = maps.roll([-s for s in self.shift], dims=(1, 2))
        mask = None if self.shift == (0, 0) else self.mask(*size)
        made = self.joined(self.attention(self.parted(maps), mask), size)
        return x + made.roll(self.shift, dims=(1, 2))[:, :height, :width]

    def parted(self, maps):
        rows, cols = self.window
        maps = maps.unflatten(2, (-1, cols)).unflatten(1, (-1, rows))  # (T, H/r, r, W/c, c, C)
        return maps.transpose(2, 3).flatten(0, 2).flatten(1, 2)

    def joined(self, windows, size):
        rows, cols = self.window
        maps = windows.unflatten(1, self.window).unflatten(0, (-1, size[0] // rows, size[1] // cols))
        return maps.transpose(2, 3).flatten(1, 2).flatten(2, 3)

    def mask(self, height, width):
        regions = torch.zeros(1, height, width, 1)
        (rows, cols), (down, right) = self.window, self.shift
        for i, ys in enumerate((slice(-rows), slice(-rows, -down), slice(-down, None))):
            for j, xs in enumerate((slice(-cols), slice(-cols, -right), slice(-right, None))):
                regions[:, ys, xs] = 3 * i + j
        parts = self.parted(regions)[..., 0]
        return torch.where(parts[:, :, None] == parts[:, None], 0.0, -100.0)


class WindowAttention(Attention):
    def __init__(self, window):
        super().__init__()
        self.table = nn.Parameter(torch.zeros(HEADS, window[0] * window[1], window[0] * window[1]))

    def forward(self, x, mask=None):
        q, k, v = (heads_of(layer(x)) for layer in (self.asks_query, self.answers, self.gives))
        scores = q @ k.mT * HEAD**-0.5 + 4 * self.table
        if mask is not None:
            scores = (scores.unflatten(0, (-1, len(mask))) + mask[:, None]).flatten(0, 1)
        self.seen = scores.softmax(-1)
        return self.last((self.seen @ v).transpose(1, 2).flatten(2))


class Windowed(nn.Module):
    """Patches of four pixels, then a layer without a shift and one with."""

    def __init__(self, window=(2, 3), *, pads=False):
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, 4, 4)
        self.plain = WindowLayer(window, (0, 0), pads=pads)
        self.shifted = WindowLayer(window, (1, 1), pads=pads)

    def forward(self, frames):
        return self.shifted(self.plain(self.patches(frames).movedim(1, -1)))
