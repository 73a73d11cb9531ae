"""Forms that are met now and then: written over other axes, with other functions, or with keys of other frames."""

import torch
from torch import nn
from torch.nn import functional

from hand_written.parts import CHANGED, COLS, HEADS, NOTHING_SEEN, ROWS, TOKENS, C, Projected, kept, merge, split


class InPlace(Projected):
    """Scores that are scaled, shifted and masked where they lie."""

    def forward(self, x):
        q, k, v = self.parts(x)
        scores = q @ k.mT
        scores *= 0.5
        scores.add_(torch.arange(TOKENS) / 9).masked_fill_(torch.eye(TOKENS, dtype=torch.bool), -torch.inf)
        return self.d(merge(kept(scores.softmax(-1)) @ v))


class FiveAxes(Projected):
    """Sequences of several clips, which are one: (1, T, heads, N, D)."""

    def forward(self, x):
        q, k, v = (part[None] for part in self.parts(x))
        return self.d(merge((kept((q @ k.mT * 0.5).softmax(-1)[0])[None] @ v)[0]))


class SequenceFirst(Projected):
    """Tokens before sequences, and heads among these, as in fairseq."""

    def forward(self, x):
        x = x.transpose(0, 1)
        q, k, v = (part(x).reshape(TOKENS, -1, C // HEADS).transpose(0, 1) for part in (self.a, self.b, self.c))
        attn = torch.bmm(q, k.mT * 0.5).softmax(-1)
        kept(attn.unflatten(0, (-1, HEADS)))
        return self.d(torch.bmm(attn, v).transpose(0, 1).reshape(TOKENS, -1, C)).transpose(0, 1)


class ValuesOfBefore(Projected):
    """Values mixed with those that a former layer had, here the input."""

    def forward(self, x):
        q, k, v = self.parts(x)
        return self.d(merge(kept((q @ k.mT * 0.5).softmax(-1)) @ (0.7 * v + 0.3 * split(x))))


class ShiftedOffsets(Projected):
    """Content and offset, as in Transformer-XL: a second product of the queries, each row shifted by its number."""

    def __init__(self):
        super().__init__()
        self.offsets = nn.Parameter(torch.zeros(2 * TOKENS - 1, C // HEADS))

    def forward(self, x):
        q, k, v = self.parts(x)
        at = torch.arange(TOKENS)
        by_offset = q @ self.offsets.mT
        shifted = by_offset.gather(-1, (at - at[:, None] + TOKENS - 1).expand(*by_offset.shape[:3], -1))
        return self.d(merge(kept(((q @ k.mT + shifted) * 0.5).softmax(-1)) @ v))


class Bilinear(Projected):
    """Scores of three factors in one einsum."""

    def __init__(self):
        super().__init__()
        self.between = nn.Parameter(torch.zeros(HEADS, C // HEADS, C // HEADS))

    def forward(self, x):
        q, k, v = self.parts(x)
        return self.d(merge(kept(torch.einsum("bhic,hcd,bhjd->bhij", q, self.between, k).softmax(-1)) @ v))


class FirstAndFormer(Projected):
    """Keys of the first frame and of the one before, as in Tune-A-Video."""

    def forward(self, x):
        q, k, v = self.parts(x)
        before = torch.arange(len(x)).sub(1).clamp_min(0)
        k, v = (torch.cat([part[:1].expand_as(part), part[before]], dim=2) for part in (k, v))
        return self.d(merge(kept((q @ k.mT * 0.5).softmax(-1)) @ v))


class FirstFrame(Projected):
    """Keys of the first frame for all of them, as in Text2Video-Zero."""

    def forward(self, x):
        q, k, v = self.parts(x)
        k, v = (part[:1].expand_as(part) for part in (k, v))
        return self.d(merge(kept((q @ k.mT * 0.5).softmax(-1)) @ v))


class OverPairs(Projected):
    """One softmax over all pairs of a frame."""

    def forward(self, x):
        q, k, v = self.parts(x)
        scores = q @ k.mT * 0.5
        return self.d(merge(kept(scores.flatten(2).softmax(-1).view_as(scores)) @ v))


class Agents(Projected):
    """A few pooled tokens that ask for all, and are asked by all."""

    def forward(self, x):
        q, k, v = self.parts(x)
        agents = functional.adaptive_avg_pool1d(q.flatten(0, 1).mT, 6).mT.unflatten(0, q.shape[:2])
        told = (agents @ k.mT * 0.5).softmax(-1) @ v
        return self.d(merge((q @ agents.mT * 0.5).softmax(-1) @ told))


class Smoothed(Projected):
    """Weights that are blurred over neighbouring keys after the softmax."""

    def forward(self, x):
        q, k, v = self.parts(x)
        attn = (q @ k.mT * 0.5).softmax(-1).flatten(0, 1)
        attn = functional.avg_pool2d(attn[:, None], (1, 3), 1, (0, 1))[:, 0]
        return self.d(merge(attn.unflatten(0, q.shape[:2]) @ v))


class PooledAsk(Projected):
    """Queries of 2 x 3 pooled cells, whose answers are spread over their cells again."""

    def forward(self, x):
        q, k, v = self.parts(x)
        pooled = functional.avg_pool2d(q.mT.flatten(0, 1).unflatten(-1, (ROWS, COLS)), (2, 3))
        pooled = pooled.flatten(2).mT.unflatten(0, q.shape[:2])
        y = ((pooled @ k.mT * 0.5).softmax(-1) @ v).mT.flatten(0, 1).unflatten(-1, (2, 2))
        y = functional.interpolate(y, (ROWS, COLS)).flatten(2).mT.unflatten(0, q.shape[:2])
        return self.d(merge(y))


class HalfInside(Projected):
    """Products in bfloat16 under autocast, inside a layer of float32."""

    def forward(self, x):
        with torch.autocast("cpu", torch.bfloat16):
            q, k, v = self.parts(x)
            return self.d(merge(kept((q @ k.mT * 0.5).softmax(-1)) @ v)).float()


READ = (InPlace, FiveAxes, SequenceFirst, ValuesOfBefore, ShiftedOffsets)
REFUSED = {
    Bilinear: NOTHING_SEEN,
    Smoothed: CHANGED,
    OverPairs: "whose softmax is taken over other scores than those of one product",
    Agents: "in which this viewer saw 2 softmaxes of products, where it can show one",
    PooledAsk: "returns (2, 24, 12) for 2 sequences of 4 queries: it pools or drops some of them",
    FirstAndFormer: "has 24 queries for 48 keys in each frame: the keys are those of several frames",
    FirstFrame: "does not see a change of the clip at cell 1,",
    HalfInside: "computes in half precision inside, whatever it is given",
}
