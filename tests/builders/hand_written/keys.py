"""Forms whose keys are fewer or more than their tokens."""

import torch
from torch import nn

from hand_written.parts import COLS, HEAD, HEADS, ROWS, TOKENS, C, Projected, kept, merge, split


class SharedKeys(nn.Module):
    """Three heads of queries, one of keys and values, spread by ``expand``."""

    def __init__(self):
        super().__init__()
        self.q, self.kv, self.o = nn.Linear(C, C), nn.Linear(C, 2 * HEAD), nn.Linear(C, C)

    def forward(self, x):
        k, v = (part[:, None].expand(-1, HEADS, -1, -1) for part in self.kv(x).split(HEAD, dim=-1))
        return self.o(merge(kept((split(self.q(x)) @ k.mT * 0.5).softmax(-1)) @ v))


class ReducedKeys(nn.Module):
    """Keys of a strided convolution."""

    def __init__(self):
        super().__init__()
        self.q, self.kv, self.proj = nn.Linear(C, C), nn.Linear(C, 2 * C), nn.Linear(C, C)
        self.sr, self.norm = nn.Conv2d(C, C, kernel_size=2, stride=2), nn.LayerNorm(C)

    def forward(self, x):
        small = self.norm(self.sr(x.transpose(1, 2).reshape(len(x), C, ROWS, COLS)).flatten(2).transpose(1, 2))
        k, v = (split(part) for part in self.kv(small).chunk(2, -1))
        return self.proj(merge(kept((split(self.q(x)) @ k.mT * 0.5).softmax(-1)) @ v))


class ProjectedKeys(Projected):
    """Linformer: keys that are mixtures of all tokens, and so lie nowhere."""

    def __init__(self):
        super().__init__()
        self.shorter = nn.Linear(TOKENS, 7, bias=False)

    def forward(self, x):
        q, k, v = self.parts(x)
        k, v = self.shorter(k.mT).mT, self.shorter(v.mT).mT
        return self.d(merge(kept((q @ k.mT * 0.5).softmax(-1)) @ v))


class ExtraKey(Projected):
    """A key without a token and without a value: softmax with one more in its sum."""

    def forward(self, x):
        q, k, v = self.parts(x)
        scores = q @ k.mT * 0.5
        more = torch.zeros_like(scores[..., :1])
        return self.d(merge(kept(torch.cat([scores, more], dim=-1).softmax(-1)[..., :-1]) @ v))


class BestKeys(Projected):
    """The five best keys of each query; the others are forbidden."""

    def forward(self, x):
        q, k, v = self.parts(x)
        scores = q @ k.mT * 0.5
        least = scores.topk(5, dim=-1).values[..., -1:]
        return self.d(merge(kept(scores.masked_fill(scores < least, float("-inf")).softmax(-1)) @ v))


class Sinks(Projected):
    """A learned score of no key beside the others, less the largest, as in gpt-oss; its weight is dropped."""

    def __init__(self):
        super().__init__()
        self.sinks = nn.Parameter(torch.zeros(HEADS))

    def forward(self, x):
        q, k, v = self.parts(x)
        scores = torch.cat([q @ k.mT * 0.5, self.sinks[None, :, None, None].expand(len(x), -1, x.shape[1], 1)], dim=-1)
        attn = (scores - scores.max(dim=-1, keepdim=True).values).softmax(dim=-1)[..., :-1]
        return self.d(merge(kept(attn) @ v))


class SinksBefore(Sinks):
    """Two of them, before the keys."""

    def forward(self, x):
        q, k, v = self.parts(x)
        sinks = torch.stack([self.sinks, 2 * self.sinks], dim=-1)[:, None].expand(len(x), -1, x.shape[1], -1)
        attn = torch.cat([sinks, torch.einsum("bhid,bhjd->bhij", q, k)], dim=-1).softmax(dim=-1)[..., 2:]
        return self.d(merge(kept(attn) @ v))


class MemoryKeys(Projected):
    """Learned keys and values before those of the tokens."""

    def __init__(self):
        super().__init__()
        self.memory = nn.Parameter(torch.zeros(2, HEADS, 3, HEAD))

    def joined(self, k, v):
        return (
            torch.cat([own.expand(len(k), -1, -1, -1), part], 2) for own, part in zip(self.memory, (k, v), strict=True)
        )

    def forward(self, x):
        q, k, v = self.parts(x)
        k, v = self.joined(k, v)
        return self.d(merge(kept((q @ k.mT * 0.5).softmax(-1)) @ v))


class MemoryKeysBehind(MemoryKeys):
    """The same behind them."""

    def joined(self, k, v):
        return (
            torch.cat([part, own.expand(len(k), -1, -1, -1)], 2) for own, part in zip(self.memory, (k, v), strict=True)
        )

    def forward(self, x):
        q, k, v = self.parts(x)
        k, v = self.joined(k, v)
        attn = (q @ k.mT * 0.5).softmax(-1)
        kept(attn[..., :TOKENS])
        return self.d(merge(attn @ v))


class GroupsOfHeads(nn.Module):
    """Two heads of keys for four of queries, in an axis of groups."""

    def __init__(self):
        super().__init__()
        self.q, self.kv, self.o = nn.Linear(C, C), nn.Linear(C, C), nn.Linear(C, C)

    def forward(self, x):
        q = self.q(x).view(*x.shape[:2], 2, 2, 3).permute(0, 2, 3, 1, 4)
        k, v = self.kv(x).view(*x.shape[:2], 2, 2, 3).permute(2, 0, 3, 1, 4)[:, :, :, None]
        attn = (q @ k.mT).softmax(-1)
        kept(attn.flatten(1, 2))
        return self.o((attn @ v).flatten(1, 2).transpose(1, 2).flatten(2))


class HeadsAmongQueries(Projected):
    """One head of keys, and the queries of all heads in one axis, as in multi-query attention."""

    def __init__(self):
        super().__init__()
        self.kv = nn.Linear(C, 2 * HEAD)

    def forward(self, x):
        q, (k, v) = self.a(x).view(len(x), -1, HEAD), self.kv(x).split(HEAD, dim=-1)
        return self.d((torch.bmm(q, k.mT * 0.5).softmax(-1) @ v).view(x.shape))


class PooledBeside(Projected):
    """Keys of 2 x 2 pooled cells beside those of all cells."""

    def both(self, part):
        pooled = nn.functional.avg_pool2d(part.mT.flatten(0, 1).unflatten(-1, (ROWS, COLS)), 2)
        return torch.cat([part, pooled.flatten(2).mT.unflatten(0, part.shape[:2])], dim=2)

    def forward(self, x):
        q, k, v = self.parts(x)
        return self.d(merge((q @ self.both(k).mT * 0.5).softmax(-1) @ self.both(v)))


READ = (
    SharedKeys,
    GroupsOfHeads,
    ReducedKeys,
    BestKeys,
    ExtraKey,
    Sinks,
    SinksBefore,
    MemoryKeys,
    MemoryKeysBehind,
)
REFUSED = {
    HeadsAmongQueries: "has 3 heads among its 72 queries, as in multi-query attention",
    PooledBeside: "has 24 queries for 30 keys: it pools its queries otherwise than by squares of its cells",
    ProjectedKeys: "has 7 keys for 24 queries on a grid of 2x4x6 cells, which are no cells of it pooled",
}
