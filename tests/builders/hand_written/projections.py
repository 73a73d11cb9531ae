"""Forms whose queries, keys and values come out of other projections, or are multiplied in another order of axes."""

import math

import torch
from torch import nn
from torch.nn import functional

from hand_written.parts import HEAD, HEADS, TOKENS, WEIGHTS, C, Projected, kept, merge, split


class EinsumFused(nn.Module):
    def __init__(self):
        super().__init__()
        self.to_qkv, self.proj, self.scale = nn.Linear(C, 3 * C, bias=False), nn.Linear(C, C), HEAD**-0.5

    def forward(self, x):
        b, n, _ = x.shape
        q, k, v = self.to_qkv(x).reshape(b, n, 3, HEADS, HEAD).permute(2, 0, 3, 1, 4)
        attn = kept((torch.einsum("b h i d, b h j d -> b h i j", q, k) * self.scale).softmax(dim=-1))
        return self.proj(torch.einsum("b h i j, b h j d -> b h i d", attn, v).transpose(1, 2).reshape(b, n, C))


class EinsumEllipsis(EinsumFused):
    def forward(self, x):
        q, k, v = map(split, self.to_qkv(x).chunk(3, dim=-1))
        attn = kept(torch.einsum("...id,...jd->...ij", q * self.scale, k).softmax(dim=-1))
        return self.proj(merge(torch.einsum("...ij,...jd->...id", attn, v)))


class EinsumWithoutArrow(EinsumFused):
    def forward(self, x):
        q, k, v = map(split, self.to_qkv(x).chunk(3, dim=-1))
        attn = kept(torch.einsum("...id,...jd", q * self.scale, k).softmax(dim=-1))
        return self.proj(merge(torch.einsum("...ij,...jk", attn, v)))


class EinsumKeysBeforeHeads(Projected):
    """Scores (B, q, k, heads), as ports from TensorFlow have them, and a softmax in the middle."""

    def forward(self, x):
        q, k, v = (layer(x).view(*x.shape[:2], HEADS, HEAD) for layer in (self.a, self.b, self.c))
        attn = torch.softmax(torch.einsum("bqhd,bkhd->bqkh", q, k) / math.sqrt(HEAD), dim=2)
        kept(attn.permute(0, 3, 1, 2))
        return self.d(torch.einsum("bqkh,bkhd->bqhd", attn, v).flatten(2))


class HeadsBeforeParts(nn.Module):
    """One projection whose channels run head by head, each with its queries, keys and values."""

    def __init__(self):
        super().__init__()
        self.query_key_value, self.dense = nn.Linear(C, 3 * C), nn.Linear(C, C)

    def forward(self, hidden):
        q, k, v = self.query_key_value(hidden).unflatten(-1, (HEADS, 3 * HEAD)).transpose(1, 2).chunk(3, dim=-1)
        attn = kept(functional.softmax(torch.matmul(q, k.transpose(-1, -2)) / HEAD**0.5, dim=-1))
        return self.dense(merge(torch.matmul(attn, v)))


class KeysValuesQueries(nn.Module):
    """A fused projection in the order key, value, query."""

    def __init__(self):
        super().__init__()
        self.kvq, self.out = nn.Linear(C, 3 * C), nn.Linear(C, C)

    def forward(self, x):
        k, v, q = map(split, self.kvq(x).chunk(3, -1))
        attn = kept((q @ k.transpose(-2, -1) * HEAD**-0.5).softmax(-1))
        return self.out(merge(attn @ v))


class OneHead(nn.Module):
    def __init__(self):
        super().__init__()
        self.key, self.query, self.value = (nn.Linear(C, HEAD, bias=False) for _ in range(3))
        self.dropout = nn.Dropout(0.2)

    def forward(self, x):
        wei = self.query(x) @ self.key(x).transpose(-2, -1) * HEAD**-0.5
        return self.dropout(kept(functional.softmax(wei, dim=-1))) @ self.value(x)


class HeadModules(nn.Module):
    """A list of heads, each a module of its own: read one by one."""

    def __init__(self):
        super().__init__()
        self.heads, self.proj = nn.ModuleList([OneHead() for _ in range(HEADS)]), nn.Linear(C, C)

    def forward(self, x):
        made = self.proj(torch.cat([head(x) for head in self.heads], dim=-1))
        WEIGHTS[-HEADS:] = [torch.cat(WEIGHTS[-HEADS:], dim=1)]
        return made


class HeadLoop(nn.Module):
    """A loop over lists of projections: as many softmaxes as heads."""

    def __init__(self):
        super().__init__()
        self.qs, self.ks, self.vs = (nn.ModuleList([nn.Linear(C, HEAD) for _ in range(HEADS)]) for _ in range(3))
        self.mix = nn.Linear(C, C)

    def forward(self, x):
        made, weights = [], []
        for q, k, v in zip(self.qs, self.ks, self.vs, strict=True):
            weights.append(torch.softmax(torch.bmm(q(x), k(x).transpose(1, 2)) / 2.0, dim=2))
            made.append(torch.bmm(weights[-1], v(x)))
        kept(torch.stack(weights, dim=1))
        return self.mix(torch.cat(made, dim=2))


class MatrixProducts(nn.Module):
    """torch.mm, one frame after another."""

    def __init__(self):
        super().__init__()
        self.f, self.g, self.h = (nn.Linear(C, C, bias=False) for _ in range(3))

    def forward(self, x):
        made, weights = [], []
        for tokens in x:
            q, k, v = self.f(tokens), self.g(tokens), self.h(tokens)
            weights.append(torch.softmax(torch.mm(q, k.t()) / math.sqrt(C), dim=1))
            made.append(torch.mm(weights[-1], v))
        kept(torch.stack(weights))
        return torch.stack(made)


class Baddbmm(Projected):
    def forward(self, x):
        q, k, v = (part.flatten(0, 1) for part in self.parts(x))
        empty = torch.empty(len(q), q.shape[1], k.shape[1], dtype=q.dtype)
        attn = torch.baddbmm(empty, q, k.transpose(-1, -2), beta=0, alpha=0.5).softmax(dim=-1)
        kept(attn.unflatten(0, (-1, HEADS)))
        return self.d(merge(torch.bmm(attn, v).unflatten(0, (-1, HEADS))))


class BaddbmmBias(Projected):
    def __init__(self):
        super().__init__()
        self.places = nn.Parameter(torch.zeros(TOKENS, TOKENS))

    def forward(self, x):
        q, k, v = (part.flatten(0, 1) for part in self.parts(x))
        attn = self.places.expand(len(q), -1, -1).baddbmm(q, k.mT, beta=2.0, alpha=0.5).softmax(-1)
        kept(attn.unflatten(0, (-1, HEADS)))
        return self.d(merge((attn @ v).unflatten(0, (-1, HEADS))))


class Weightless(nn.Module):
    """No projection at all: tokens compare with tokens."""

    def forward(self, x):
        return x + kept((x @ x.mT / C**0.5).softmax(-1)) @ x


READ = (
    EinsumFused,
    EinsumEllipsis,
    EinsumWithoutArrow,
    EinsumKeysBeforeHeads,
    HeadsBeforeParts,
    KeysValuesQueries,
    HeadModules,
    HeadLoop,
    Baddbmm,
    BaddbmmBias,
    MatrixProducts,
    Weightless,
)
