"""Forms whose softmax is called in another way, over other axes, in parts, or changed before it meets the values."""

import torch
from torch import nn
from torch.nn import functional

from hand_written.parts import CHANGED, HEADS, TOKENS, Projected, kept, merge


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


class QueriesInParts(Projected):
    """Queries in parts of seven and a rest, which spares memory."""

    def forward(self, x):
        q, k, v = self.parts(x)
        parts = [(some @ k.mT * 0.5).softmax(-1) for some in q.split(7, dim=2)]
        kept(torch.cat(parts, dim=2))
        return self.d(merge(torch.cat([part @ v for part in parts], dim=2)))


class DualSoftmax(Projected):
    """Two softmaxes of the same scores, multiplied, as where matches are mutual."""

    def forward(self, x):
        q, k, v = self.parts(x)
        scores = q @ k.mT * 0.5
        return self.d(merge((scores.softmax(-1) * scores.softmax(-2)) @ v))


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


READ = (
    SoftmaxModule,
    SoftmaxByName,
    SoftmaxInDouble,
    SoftmaxOverRows,
    LogSoftmax,
    FilledMask,
    ScaleOfHeads,
    ScoresOfHeadsMixed,
    QueriesInParts,
)
REFUSED = {
    MixedHeads: CHANGED,
    Differential: CHANGED,
    DualSoftmax: CHANGED,
}
