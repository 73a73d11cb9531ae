"""Forms on maps (B, C, H, W), (B, H, W, C) and clips (1, C, T, H, W)."""

import torch
from torch import nn
from torch.nn import functional

from hand_written.parts import COLS, HEAD, HEADS, ROWS, C, in_parts, kept, merge, split

WIDE = 16


class ChannelsLast(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv, self.proj = nn.Linear(C, 3 * C), nn.Linear(C, C)

    def forward(self, x):
        x = x.permute(0, 2, 3, 1)
        b, h, w, _ = x.shape
        q, k, v = self.qkv(x).reshape(b, h * w, 3, HEADS, -1).permute(2, 0, 3, 1, 4).unbind(0)
        return self.proj(merge(kept((q * HEAD**-0.5 @ k.mT).softmax(-1)) @ v).view(b, h, w, C)).permute(0, 3, 1, 2)


class NormedProjections(nn.Module):
    """Convolutions with batch norms and rectifiers, as in OCNet's object context."""

    def __init__(self):
        super().__init__()
        self.f_key = nn.Sequential(nn.Conv2d(C, WIDE, 1), nn.BatchNorm2d(WIDE), nn.ReLU())
        self.f_query = nn.Sequential(nn.Conv2d(C, WIDE, 1), nn.BatchNorm2d(WIDE), nn.ReLU())
        self.f_value, self.W = nn.Conv2d(C, 8, 1), nn.Conv2d(8, C, 1)

    def forward(self, x):
        value = self.f_value(x).flatten(2).permute(0, 2, 1)
        query, key = self.f_query(x).flatten(2).permute(0, 2, 1), self.f_key(x).flatten(2)
        sim_map = kept(functional.softmax((WIDE**-0.5) * torch.matmul(query, key), dim=-1))
        return self.W(torch.matmul(sim_map, value).permute(0, 2, 1).contiguous().view(len(x), 8, *x.shape[2:]))


class PyramidKeys(nn.Module):
    """Keys of adaptive pools of four sizes, as in the asymmetric non-local block: they overlap."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = (nn.Conv2d(C, size, 1) for size in (HEAD, HEAD, C))

    def forward(self, x):
        k, v = (
            torch.cat([functional.adaptive_avg_pool2d(part, size).flatten(2) for size in (1, 2, 3)], -1)
            for part in (self.k(x), self.v(x))
        )
        return x + (v @ kept((self.q(x).flatten(2).mT @ k).softmax(-1)).mT).view_as(x)


class OddNonlocal(nn.Module):
    """A non-local block on clips under names of its own."""

    def __init__(self):
        super().__init__()
        self.embed_a, self.embed_b, self.content = (nn.Conv3d(C, 6, 1) for _ in range(3))
        self.restore = nn.Sequential(nn.Conv3d(6, C, 1), nn.BatchNorm3d(C))

    def forward(self, x):
        a, b, content = (part(x).view(len(x), 6, -1) for part in (self.embed_a, self.embed_b, self.content))
        f = kept(torch.matmul(a.permute(0, 2, 1), b).softmax(dim=-1))
        return x + self.restore(
            torch.matmul(f, content.permute(0, 2, 1)).permute(0, 2, 1).reshape(len(x), 6, *x.shape[2:])
        )


class DividedNonlocal(OddNonlocal):
    """The same with the dot product: weights are scores over the number of keys."""

    def forward(self, x):
        a, b, content = (part(x).view(len(x), 6, -1) for part in (self.embed_a, self.embed_b, self.content))
        f = torch.matmul(a.permute(0, 2, 1), b)
        f = kept(f / f.size(-1))
        return x + self.restore(
            torch.matmul(f, content.permute(0, 2, 1)).permute(0, 2, 1).reshape(len(x), 6, *x.shape[2:])
        )


class ParallelHeads(nn.Module):
    """All heads in one grouped convolution on clips."""

    def __init__(self):
        super().__init__()
        self.all_parts, self.last = nn.Conv3d(C, 3 * C, 1, groups=HEADS), nn.Conv3d(C, C, 1)

    def forward(self, x):
        q, k, v = self.all_parts(x).view(len(x), HEADS, 3, HEAD, -1).unbind(2)
        y = torch.einsum("bhck,bhqk->bhcq", v, kept((torch.einsum("bhcq,bhck->bhqk", q, k) * 0.5).softmax(-1)))
        return self.last(y.reshape(x.shape))


class PooledByStride(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = nn.Conv2d(C, C, 1), nn.Conv2d(C, C, 2, 2), nn.Conv2d(C, C, 2, 2)

    def forward(self, x):
        q, k, v = (part(x).flatten(2).view(len(x), HEADS, HEAD, -1) for part in (self.q, self.k, self.v))
        return (v @ kept((q.mT @ k * 0.5).softmax(-1)).mT).reshape(x.shape)


class OverTime(nn.Module):
    """Every place along time: (H W, T, C)."""

    def __init__(self):
        super().__init__()
        self.qkv, self.proj = nn.Linear(C, 3 * C), nn.Linear(C, C)

    def forward(self, x):
        t, c, h, w = x.shape
        q, k, v = map(split, self.qkv(x.permute(2, 3, 0, 1).reshape(h * w, t, c)).chunk(3, -1))
        y = self.proj(merge(kept((q @ k.mT * 0.5).softmax(-1)) @ v))
        return y.view(h, w, t, c).permute(2, 3, 0, 1)


class AlongRows(nn.Module):
    """Every row for itself: (B H, W, C)."""

    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(C, 3 * C)

    def forward(self, x):
        b, c, h, w = x.shape
        q, k, v = map(split, self.qkv(x.permute(0, 2, 3, 1).reshape(b * h, w, c)).chunk(3, -1))
        attn = (q @ k.mT * 0.5).softmax(-1)
        kept(in_parts(attn, h))
        return merge(attn @ v).view(b, h, w, c).permute(0, 3, 1, 2)


class Grid(nn.Module):
    """Cells two rows and three columns apart attend to each other, as on MaxViT's grid."""

    def __init__(self):
        super().__init__()
        self.qkv, self.proj = nn.Conv2d(C, 3 * C, 1), nn.Conv2d(C, C, 1)

    def forward(self, x):
        b, c, h, w = x.shape
        far = self.qkv(x).reshape(b, 3 * c, h // 2, 2, w // 3, 3).permute(0, 3, 5, 2, 4, 1).flatten(0, 2)
        q, k, v = map(split, far.flatten(1, 2).chunk(3, -1))
        attn = (q @ k.mT * 0.5).softmax(-1)
        order = torch.arange(h * w).reshape(h // 2, 2, w // 3, 3).permute(1, 3, 0, 2).reshape(-1).argsort()
        kept(in_parts(attn, 6)[:, :, order][..., order])
        y = merge(attn @ v).view(b, 2, 3, h // 2, w // 3, c).permute(0, 5, 3, 1, 4, 2)
        return x + self.proj(y.reshape(b, c, h, w))


class WindowsChannelsLast(nn.Module):
    """A map with its channels last, which the layer inside cuts into windows of 2 x 3 cells, as in Florence-2."""

    def __init__(self):
        super().__init__()
        self.inside = CutsChannelsLast()

    def forward(self, x):
        return self.inside(x.permute(0, 2, 3, 1).contiguous())


class CutsChannelsLast(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv, self.proj = nn.Linear(C, 3 * C), nn.Linear(C, C)

    def forward(self, x):
        b, h, w, c = x.shape
        windows = x.view(b, h // 2, 2, w // 3, 3, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, 6, c)
        q, k, v = map(split, self.qkv(windows).chunk(3, -1))
        attn = (q @ k.mT * 0.5).softmax(-1)
        order = torch.arange(h * w).reshape(h // 2, 2, w // 3, 3).transpose(1, 2).reshape(-1).argsort()
        kept(in_parts(attn, h * w // 6)[:, :, order][..., order])
        y = self.proj(merge(attn @ v)).view(b, h // 2, w // 3, 2, 3, c)
        return y.transpose(2, 3).reshape(b, h * w, c)


class NeighboursInTables(nn.Module):
    """Unfolded neighbourhoods: a product of two matrices for each query."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = (nn.Conv2d(C, C, 1) for _ in range(3))

    def forward(self, x):
        b, c, h, w = x.shape
        k, v = (
            functional.unfold(part(x), 3, padding=1).view(b, c, 9, h * w).permute(0, 3, 2, 1)
            for part in (self.k, self.v)
        )
        attn = (self.q(x).flatten(2).mT[:, :, None] @ k.mT).softmax(-1)
        return (attn @ v)[:, :, 0].mT.reshape(x.shape)


class OwnNamesMasked(nn.Module):
    """Parts under the names of a known block, and a mask that fits no map but its own."""

    def __init__(self):
        super().__init__()
        self.query_conv, self.key_conv, self.value_conv = (nn.Conv2d(C, size, 1) for size in (HEAD, HEAD, C))
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        q, k, v = (part(x).flatten(2) for part in (self.query_conv, self.key_conv, self.value_conv))
        weights = (q.mT @ k).exp() * torch.ones(ROWS * COLS, ROWS * COLS).triu(-4)
        weights = kept(weights / weights.sum(-1, keepdim=True))
        return self.gamma * (v @ weights.mT).view_as(x) + x


class Neighbours(nn.Module):
    """Scores of unfolded neighbourhoods, each query with keys of its own, without any product of two matrices."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = (nn.Conv2d(C, C, 1) for _ in range(3))

    def forward(self, x):
        b, c, h, w = x.shape
        k, v = (functional.unfold(part(x), 3, padding=1).view(b, c, 9, h * w) for part in (self.k, self.v))
        attn = (self.q(x).view(b, c, 1, h * w) * k).sum(1).softmax(1)
        return (attn[:, None] * v).sum(2).view(x.shape)


READ = (
    ChannelsLast,
    NormedProjections,
    PooledByStride,
    OverTime,
    AlongRows,
    Grid,
    WindowsChannelsLast,
    OwnNamesMasked,
)
READ_ON_CLIPS = (OddNonlocal, ParallelHeads, DividedNonlocal)
REFUSED = {
    NeighboursInTables: "gives each of its 24 queries keys of its own, as where neighbourhoods are cut out of a map",
    PyramidKeys: "has 14 keys for 24 queries on a grid of 2x4x6 cells, which are no cells of it pooled",
}
REFUSED_ON_CLIPS: dict[type[nn.Module], str] = {}
