"""Attention as strangers write it, on tokens of frames (B, N, C), with the weights that each multiplies by.

What a form weighed its values with is appended to ``WEIGHTS``, (B, heads, queries, keys).
"""

import math

import torch
from torch import nn
from torch.nn import functional

C, HEADS, HEAD = 12, 3, 4
ROWS, COLS = 4, 6
TOKENS = ROWS * COLS
WEIGHTS = []


def kept(weights):
    WEIGHTS.append(weights.detach() if weights.ndim == 4 else weights.detach()[:, None])
    return weights


def split(x, heads=HEADS):
    return x.view(*x.shape[:2], heads, -1).transpose(1, 2)


def merge(y):
    return y.transpose(1, 2).reshape(len(y), y.shape[2], -1)


class Projected(nn.Module):
    """Three projections and a last one, under names that say nothing."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.d = (nn.Linear(C, C) for _ in range(4))
        self.num_heads = HEADS

    def parts(self, x):
        return split(self.a(x)), split(self.b(x)), split(self.c(x))


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


class SoftmaxModule(Projected):
    def __init__(self):
        super().__init__()
        self.attend, self.drop = nn.Softmax(dim=-1), nn.Dropout(0.3)

    def forward(self, x):
        q, k, v = self.parts(x)
        return self.drop(self.d(merge(self.drop(kept(self.attend(q.div(2.0) @ k.mT))) @ v)))


class SoftmaxByName(Projected):
    """Every argument by its name."""

    def forward(self, x):
        q, k, v = self.parts(x)
        attn = kept(torch.softmax(input=torch.matmul(input=q, other=k.mT) * 0.5, dim=-1))
        return self.d(merge(torch.matmul(input=attn, other=v)))


class SoftmaxInDouble(Projected):
    def forward(self, x):
        q, k, v = self.parts(x)
        attn = functional.softmax(q @ k.mT * 0.5, dim=-1, dtype=torch.float64).type_as(q)
        return self.d(merge(kept(attn) @ v))


class SoftmaxOverRows(Projected):
    """Keys in rows and queries in columns, softmax over the rows."""

    def forward(self, x):
        q, k, v = self.parts(x)
        attn = ((k @ q.mT) * 0.5).softmax(dim=-2)
        kept(attn.mT)
        return self.d(merge((v.mT @ attn).mT))


class LogSoftmax(Projected):
    def forward(self, x):
        q, k, v = self.parts(x)
        return self.d(merge(kept(functional.log_softmax(q @ k.mT * 0.5, dim=-1).exp()) @ v))


class SoftmaxByHand(Projected):
    """Exponentials over their sum."""

    def forward(self, x):
        q, k, v = self.parts(x)
        scores = q @ k.mT * 0.5
        attn = (scores - scores.amax(-1, keepdim=True)).exp()
        return self.d(merge(kept(attn / attn.sum(-1, keepdim=True)) @ v))


class DividedAfterwards(Projected):
    """Exponentials times values, and the sum of the weights divided out of the result."""

    def forward(self, x):
        q, k, v = self.parts(x)
        attn = (q @ k.mT * 0.5).exp()
        kept(attn / attn.sum(-1, keepdim=True))
        return self.d(merge((attn @ v) / attn.sum(-1, keepdim=True)))


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


class FilledMask(Projected):
    """A mask of its own, filled in place with minus infinity."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mask", torch.ones(TOKENS, TOKENS).tril())

    def forward(self, x):
        q, k, v = self.parts(x)
        scores = q @ k.mT * 0.5
        scores.masked_fill_(self.mask == 0, float("-inf"))
        return self.d(merge(kept(scores.softmax(-1)) @ v))


class ScaleOfHeads(Projected):
    def __init__(self):
        super().__init__()
        self.logit_scale = nn.Parameter(torch.zeros(HEADS, 1, 1))

    def forward(self, x):
        q, k, v = self.parts(x)
        q, k = q / q.norm(dim=-1, keepdim=True), k / k.norm(dim=-1, keepdim=True)
        return self.d(merge(kept(((3 * self.logit_scale).exp() * torch.matmul(q, k.mT)).softmax(-1)) @ v))


class ScoresOfHeadsMixed(Projected):
    """Heads that exchange their scores before the softmax."""

    def __init__(self):
        super().__init__()
        self.talk = nn.Conv2d(HEADS, HEADS, 1)

    def forward(self, x):
        q, k, v = self.parts(x)
        return self.d(merge(kept(self.talk(q @ k.mT * 0.5).softmax(-1)) @ v))


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


class FusedScale(Projected):
    def forward(self, x):
        q, k, v = self.parts(x)
        kept((q @ k.mT * 0.9).softmax(-1))
        return self.d(merge(functional.scaled_dot_product_attention(query=q, key=k, value=v, scale=0.9)))


class FusedShared(Projected):
    """One key and one value for all heads, which the fused kernel spreads (timm's MultiQueryAttention2d)."""

    def forward(self, x):
        q, k, v = self.parts(x)
        k, v = k[:, :1], v[:, 1:2]
        kept((q @ k.mT * 0.5).softmax(-1))
        return self.d(merge(functional.scaled_dot_product_attention(q, k, v)))


class FusedCausal(Projected):
    def forward(self, x):
        q, k, v = self.parts(x)
        kept((q @ k.mT * 0.5 + torch.full((TOKENS, TOKENS), -torch.inf).triu(1)).softmax(-1))
        return self.d(merge(functional.scaled_dot_product_attention(q, k, v, is_causal=True)))


class FunctionalHeads(nn.Module):
    """torch's function for several heads, with parameters of its own, sequences second."""

    def __init__(self):
        super().__init__()
        self.w, self.b = nn.Parameter(torch.zeros(3 * C, C)), nn.Parameter(torch.zeros(3 * C))
        self.o = nn.Linear(C, C)

    def forward(self, x):
        x = x.transpose(0, 1)
        made, _ = functional.multi_head_attention_forward(
            *(x, x, x, C, HEADS, self.w, self.b, None, None, False, 0.0, self.o.weight, self.o.bias),
            training=False,
            need_weights=False,
        )
        q, k = (split(part.transpose(0, 1)) for part in functional.linear(x, self.w, self.b).chunk(3, -1)[:2])
        kept((q @ k.mT * 0.5).softmax(-1))
        return made.transpose(0, 1)


class Core(nn.Module):
    def forward(self, q, k, v):
        attn = kept((q @ k.mT / q.shape[-1] ** 0.5).softmax(-1))
        return attn @ v, attn


class NestedCore(Projected):
    """The product in a module of its own, without a weight."""

    def __init__(self):
        super().__init__()
        self.core = Core()

    def forward(self, x):
        return self.d(merge(self.core(*self.parts(x))[0]))


class WeightsReturned(NestedCore):
    def forward(self, x):
        y, attn = self.core(*self.parts(x))
        return self.d(merge(y)), attn


class WeightsFirst(NestedCore):
    def forward(self, x):
        y, attn = self.core(*self.parts(x))
        return attn, self.d(merge(y))


class Dictionary(NestedCore):
    def forward(self, x):
        y, attn = self.core(*self.parts(x))
        return {"attn": attn, "out": self.d(merge(y))}


class NormedSum(NestedCore):
    """The sum with the input and its norm inside the layer, which bends what follows y."""

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(C)

    def forward(self, x):
        return self.norm(x + self.d(merge(self.core(*self.parts(x))[0])))


class OwnClassToken(NestedCore):
    """A token that the layer puts before the others and takes off again."""

    def __init__(self):
        super().__init__()
        self.first = nn.Parameter(torch.zeros(1, 1, C))

    def forward(self, x):
        x = torch.cat([self.first.expand(len(x), -1, -1), x], dim=1)
        return self.d(merge(self.core(*self.parts(x))[0]))[:, 1:]


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


class DualSoftmax(Projected):
    """Two softmaxes of the same scores, multiplied, as where matches are mutual."""

    def forward(self, x):
        q, k, v = self.parts(x)
        scores = q @ k.mT * 0.5
        return self.d(merge((scores.softmax(-1) * scores.softmax(-2)) @ v))


class OwnQueries(Projected):
    """A list of queries that the layer brings itself, in a sum and a norm, as in a decoder."""

    def __init__(self):
        super().__init__()
        self.list, self.norm = nn.Parameter(torch.zeros(1, 5, C)), nn.LayerNorm(C)

    def forward(self, x):
        asking = self.list.expand(len(x), -1, -1)
        weights = kept((split(self.a(asking)) @ split(self.b(x)).mT * 0.5).softmax(-1))
        return self.norm(asking + self.d(merge(weights @ split(self.c(x)))))


class Distances(Projected):
    """A softmax of squared distances, written out."""

    def forward(self, x):
        q, k, v = self.parts(x)
        far = q.pow(2).sum(-1, keepdim=True) - 2 * q @ k.mT + k.pow(2).sum(-1)[..., None, :]
        return self.d(merge(kept((-far / 2).softmax(-1)) @ v))


class CDistances(Projected):
    def forward(self, x):
        q, k, v = self.parts(x)
        return self.d(merge(kept((-torch.cdist(q, k)).softmax(-1)) @ v))


class BroadcastProduct(Projected):
    def forward(self, x):
        q, k, v = self.parts(x)
        scores = (q.unsqueeze(3) * k.unsqueeze(2)).sum(-1)
        return self.d(merge((kept((scores * 0.5).softmax(-1)).unsqueeze(-1) * v.unsqueeze(2)).sum(3)))


class Additive(Projected):
    """Bahdanau's: a small network of the sum of query and key."""

    def __init__(self):
        super().__init__()
        self.score = nn.Linear(HEAD, 1)

    def forward(self, x):
        q, k, v = self.parts(x)
        return self.d(merge(kept(self.score((q[:, :, :, None] + k[:, :, None]).tanh())[..., 0].softmax(-1)) @ v))


class Sigmoids(Projected):
    def forward(self, x):
        q, k, v = self.parts(x)
        return self.d(merge(kept((q @ k.mT * 0.5 - math.log(TOKENS)).sigmoid()) @ v))


class Rectified(Projected):
    def forward(self, x):
        q, k, v = self.parts(x)
        return self.d(merge(kept((q @ k.mT * 0.5).relu() / TOKENS) @ v))


class Linear(Projected):
    """Kernels instead of a softmax: no row is ever made."""

    def forward(self, x):
        q, k, v = self.parts(x)
        q, k = functional.elu(q) + 1, functional.elu(k) + 1
        below = (q * k.sum(2, keepdim=True)).sum(-1, keepdim=True)
        return self.d(merge(q @ (k.mT @ v) / below))


class TwoInTurn(Projected):
    """Two attentions in one module, the second on what the first gave."""

    def forward(self, x):
        q, k = self.a(x), self.b(x)
        first = (q @ k.mT * 0.3).softmax(-1) @ x
        return (k @ q.mT * 0.3).softmax(-1) @ first


class Weightless(nn.Module):
    """No projection at all: tokens compare with tokens."""

    def forward(self, x):
        return x + kept((x @ x.mT / C**0.5).softmax(-1)) @ x


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


class ColumnsOfTokens(Projected):
    """Every column of a grid for itself, cut out of the tokens by the layer."""

    def forward(self, x):
        cut = x.unflatten(1, (ROWS, COLS)).transpose(1, 2).flatten(0, 1)
        q, k, v = self.parts(cut)
        attn = (q @ k.mT * 0.5).softmax(-1)
        kept(in_parts(attn, COLS).unflatten(2, (COLS, ROWS)).unflatten(4, (COLS, ROWS)).permute(0, 1, 3, 2, 5, 4))
        WEIGHTS[-1] = WEIGHTS[-1].reshape(len(x), HEADS, TOKENS, TOKENS)
        return self.d(merge(attn @ v)).unflatten(0, (len(x), COLS)).transpose(1, 2).flatten(1, 2)


def in_parts(attn, parts):
    """Return weights within so many parts of each frame as one matrix of the frame, part after part."""
    made = torch.einsum("bphij,pq->bhpiqj", attn.unflatten(0, (-1, parts)), torch.eye(parts).to(attn))
    return made.flatten(4, 5).flatten(2, 3)


class QueriesInParts(Projected):
    """Queries in parts of seven and a rest, which spares memory."""

    def forward(self, x):
        q, k, v = self.parts(x)
        parts = [(some @ k.mT * 0.5).softmax(-1) for some in q.split(7, dim=2)]
        kept(torch.cat(parts, dim=2))
        return self.d(merge(torch.cat([part @ v for part in parts], dim=2)))


class MixedHeads(Projected):
    """Talking heads: weights of several heads in one."""

    def forward(self, x):
        q, k, v = self.parts(x)
        weights = (q @ k.mT * 0.5).softmax(-1)
        return self.d(merge((weights + 0.3 * weights.flip(1)) @ v))


class Differential(Projected):
    """One softmax less another."""

    def forward(self, x):
        q, k, v = self.parts(x)
        return self.d(merge(((q @ k.mT).softmax(-1) - 0.4 * (k @ q.mT).softmax(-1)) @ v))


class ChannelsOfTokens(Projected):
    """Cross-covariance attention, as in XCiT: channels attend to channels."""

    def forward(self, x):
        q, k, v = (part.mT for part in self.parts(x))
        return self.d(
            merge(((functional.normalize(q, dim=-1) @ functional.normalize(k, dim=-1).mT).softmax(-1) @ v).mT)
        )


class Flex(Projected):
    """torch's FlexAttention."""

    def forward(self, x):
        from torch.nn.attention.flex_attention import flex_attention

        return self.d(merge(flex_attention(*self.parts(x))))


class SoftCapped(Projected):
    """Scores that a tanh keeps within bounds, as in Gemma 2."""

    def forward(self, x):
        q, k, v = self.parts(x)
        return self.d(merge(kept((torch.tanh(q @ k.mT / 4) * 2).softmax(-1)) @ v))


class HeadsAmongSequences(nn.Module):
    """Heads and sequences in one axis, and no number of heads anywhere, as in the U-Nets of guided diffusion."""

    def __init__(self):
        super().__init__()
        self.norm, self.one, self.last = nn.GroupNorm(3, C), nn.Conv1d(C, 3 * C, 1), nn.Conv1d(C, C, 1)

    def forward(self, x):
        x = x.mT
        q, k, v = self.one(self.norm(x)).reshape(len(x) * HEADS, 3 * HEAD, -1).split(HEAD, dim=1)
        weights = torch.einsum("bct,bcs->bts", q / HEAD**0.25, k / HEAD**0.25).softmax(-1)
        kept(weights.unflatten(0, (len(x), HEADS)))
        return (x + self.last(torch.einsum("bts,bcs->bct", weights, v).reshape(x.shape))).mT


class CosinesClamped(Projected):
    """Cosines times a learned temperature that is kept within bounds, as in SwinV2."""

    def __init__(self):
        super().__init__()
        self.temperature = nn.Parameter(torch.zeros(HEADS, 1, 1))

    def forward(self, x):
        q, k, v = self.parts(x)
        scores = functional.normalize(q, dim=-1) @ functional.normalize(k, dim=-1).mT
        return self.d(merge(kept((scores * self.temperature.clamp(max=4.6).exp()).softmax(-1)) @ v))


class BiasByOffset(Projected):
    """A number for each offset of rows and columns, looked up in a table."""

    def __init__(self):
        super().__init__()
        cells = torch.stack(torch.meshgrid(torch.arange(ROWS), torch.arange(COLS), indexing="ij"), dim=-1).flatten(0, 1)
        away = cells[:, None] - cells
        self.register_buffer("index", (away[..., 0] + ROWS - 1) * (2 * COLS - 1) + away[..., 1] + COLS - 1)
        self.table = nn.Parameter(torch.zeros((2 * ROWS - 1) * (2 * COLS - 1), HEADS))

    def forward(self, x):
        q, k, v = self.parts(x)
        return self.d(merge(kept((q @ k.mT / 2 + self.table[self.index].movedim(-1, 0)).softmax(-1)) @ v))


class GatedOutput(Projected):
    """What was gathered, times a sigmoid of the input."""

    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(C, C)

    def forward(self, x):
        q, k, v = self.parts(x)
        return self.d(merge(kept((q @ k.mT / 2).softmax(-1)) @ v) * torch.sigmoid(self.gate(x)))


class TemperatureOfQuery(Projected):
    """Each query says how sharp its own softmax is."""

    def __init__(self):
        super().__init__()
        self.sharp = nn.Linear(C, HEADS)

    def forward(self, x):
        q, k, v = self.parts(x)
        sharp = functional.softplus(self.sharp(x)).mT[..., None] + 0.1
        return self.d(merge(kept((q @ k.mT * sharp).softmax(-1)) @ v))


class LatentKeys(nn.Module):
    """Keys and values of a narrow latent, and a part of the keys that all heads share, as in DeepSeek's."""

    def __init__(self):
        super().__init__()
        self.asks, self.down, self.up = nn.Linear(C, HEADS * 6), nn.Linear(C, 5 + 2), nn.Linear(5, HEADS * 2 * HEAD)
        self.last = nn.Linear(C, C)

    def forward(self, x):
        latent, shared = self.down(x).split([5, 2], dim=-1)
        k, v = split(self.up(latent)).chunk(2, dim=-1)
        k = torch.cat([k, shared[:, None].expand(-1, HEADS, -1, -1)], dim=-1)
        return self.last(merge(kept((split(self.asks(x)) @ k.mT / 6**0.5).softmax(-1)) @ v))


class Sparsemax(Projected):
    """A projection onto the simplex in the place of a softmax."""

    def forward(self, x):
        q, k, v = self.parts(x)
        scores = q @ k.mT
        largest, count = scores.sort(dim=-1, descending=True)[0], torch.arange(1, TOKENS + 1)
        sums = largest.cumsum(-1)
        kept_count = (1 + count * largest > sums).sum(-1, keepdim=True)
        limit = (sums.gather(-1, kept_count - 1) - 1) / kept_count
        return self.d(merge(kept((scores - limit).clamp(min=0)) @ v))


class OnlineSoftmax(Projected):
    """Keys in parts with a running maximum, as flash attention has them, written out."""

    def forward(self, x):
        q, k, v = self.parts(x)
        y, sums, most = torch.zeros_like(q), torch.zeros_like(q[..., :1]), torch.full_like(q[..., :1], -1e9)
        for some, values in zip(k.split(8, dim=2), v.split(8, dim=2), strict=True):
            scores = q @ some.mT / 2
            now = torch.maximum(most, scores.amax(-1, keepdim=True))
            weights, fade = (scores - now).exp(), (most - now).exp()
            y, sums, most = y * fade + weights @ values, sums * fade + weights.sum(-1, keepdim=True), now
        return self.d(merge(y / sums))


class DecayBehind(Projected):
    """Weights that fade with the distance, after the softmax."""

    def forward(self, x):
        q, k, v = self.parts(x)
        away = (torch.arange(TOKENS)[:, None] - torch.arange(TOKENS)).abs()
        return self.d(merge(kept((q @ k.mT / 2).softmax(-1) * 0.9**away) @ v))


class Mapped(Projected):
    """One head of one sequence, which torch.vmap takes to all."""

    def forward(self, x):
        def attend(q, k, v):
            return (q @ k.mT / 2).softmax(-1) @ v

        return self.d(merge(torch.vmap(torch.vmap(attend))(*self.parts(x))))


NOTHING_SEEN = "in which this viewer saw no softmax of products"
READ = (
    EinsumFused,
    EinsumEllipsis,
    EinsumKeysBeforeHeads,
    HeadsBeforeParts,
    KeysValuesQueries,
    HeadModules,
    HeadLoop,
    SoftmaxModule,
    SoftmaxByName,
    SoftmaxInDouble,
    SoftmaxOverRows,
    LogSoftmax,
    Baddbmm,
    BaddbmmBias,
    MatrixProducts,
    FilledMask,
    ScaleOfHeads,
    ScoresOfHeadsMixed,
    SharedKeys,
    ReducedKeys,
    FusedScale,
    FusedCausal,
    FusedShared,
    FunctionalHeads,
    NestedCore,
    WeightsReturned,
    WeightsFirst,
    Dictionary,
    NormedSum,
    OwnClassToken,
    BestKeys,
    Distances,
    Weightless,
    ExtraKey,
    Sinks,
    SinksBefore,
    MemoryKeys,
    MemoryKeysBehind,
    ColumnsOfTokens,
    QueriesInParts,
    HeadsAmongSequences,
    CosinesClamped,
    BiasByOffset,
    GatedOutput,
    TemperatureOfQuery,
    LatentKeys,
)
CHANGED = "which changes its softmax of products before it meets the values"
REFUSED = {
    MixedHeads: CHANGED,
    Differential: CHANGED,
    ChannelsOfTokens: "attends over its 4 channels, which lie at no place of the clip",
    SoftmaxByHand: NOTHING_SEEN,
    DividedAfterwards: NOTHING_SEEN,
    CDistances: NOTHING_SEEN,
    Additive: NOTHING_SEEN,
    Sigmoids: NOTHING_SEEN,
    Rectified: NOTHING_SEEN,
    Linear: NOTHING_SEEN,
    DualSoftmax: CHANGED,
    ProjectedKeys: "has 7 keys for 24 queries on a grid of 2x4x6 cells, which are no cells of it pooled",
    SoftCapped: "bends them, as a tanh does",
    Sparsemax: NOTHING_SEEN,
    OnlineSoftmax: NOTHING_SEEN,
    Mapped: "computes its products inside a transform such as torch.vmap",
    DecayBehind: CHANGED,
    TwoInTurn: "in which this viewer saw 2 softmaxes of products, where it can show one",
}
