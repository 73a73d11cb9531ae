"""Forms that write a mask out themselves, with or without torch's softmax, down to queries that see no key."""

import torch
from torch import nn
from torch.nn import functional

from hand_written.parts import HEADS, TOKENS, Projected, kept, merge

_AT = torch.arange(TOKENS)
_CAUSAL, _NEAR = _AT[:, None] >= _AT, (_AT[:, None] - _AT).abs() <= 3
_HOLED = (_AT[:, None] * 7 + _AT * 5) % 11 < 6
_BLIND = _HOLED & (_AT != 5)[:, None]


def over_sum(values, more=0.0):
    return values / (values.sum(-1, keepdim=True) + more)


class Masked(Projected):
    """Weights of scores that ``weigh`` masks."""

    def forward(self, x):
        q, k, v = self.parts(x)
        return self.d(merge(kept(self.weigh(q @ k.mT * 0.5)) @ v))


class FilledExponentials(Masked):
    def weigh(self, scores):
        scores = scores.masked_fill(~_CAUSAL, -torch.inf)
        return over_sum((scores - scores.amax(-1, keepdim=True)).exp())


class FilledByABillion(Masked):
    def weigh(self, scores):
        scores = scores.masked_fill(~_HOLED, -1e9)
        return over_sum((scores - scores.amax(-1, keepdim=True)).exp())


class MaskTimesExponentials(Masked):
    def weigh(self, scores):
        return over_sum(scores.exp() * _HOLED)


class LowerTriangle(Masked):
    def weigh(self, scores):
        return over_sum(scores.exp().tril())


class Window(Masked):
    def weigh(self, scores):
        return functional.normalize(scores.exp().masked_fill(~_NEAR, 0.0), p=1, dim=-1)


class SoftMask(Masked):
    """A learned share of every exponential."""

    def __init__(self):
        super().__init__()
        self.share = nn.Parameter(torch.zeros(TOKENS, TOKENS))

    def weigh(self, scores):
        return over_sum(scores.exp() * self.share.sigmoid())


class InPlaceExponentials(Masked):
    def weigh(self, scores):
        scores -= scores.amax(-1, keepdim=True)
        scores.exp_()
        scores *= _HOLED
        scores /= scores.sum(-1, keepdim=True)
        return scores


class GivenTensors(Masked):
    """Exponentials that go into a tensor which the layer made before."""

    def weigh(self, scores):
        made = torch.empty(1)
        torch.exp(scores, out=made.resize_(scores.shape))
        return over_sum(made)


class BlindQueries(Masked):
    """Row 5 sees nothing, and stays zero."""

    def weigh(self, scores):
        return over_sum(scores.exp() * _BLIND, 1e-9)


class BlindByABillion(Masked):
    """Row 5 sees nothing, and so looks at all alike."""

    def weigh(self, scores):
        return scores.masked_fill(~_BLIND, -1e9).softmax(-1)


class BlindByMinusInfinity(Masked):
    def weigh(self, scores):
        return scores.masked_fill(~_BLIND, -torch.inf).softmax(-1)


class BlindThenZero(Masked):
    def weigh(self, scores):
        return scores.masked_fill(~_BLIND, -torch.inf).softmax(-1).nan_to_num()


class MaskedAfterwards(Masked):
    def weigh(self, scores):
        return over_sum(scores.softmax(-1) * _HOLED)


class LargestBeforeTheMask(Masked):
    def weigh(self, scores):
        return (scores - scores.amax(-1, keepdim=True)).masked_fill(~_HOLED, -torch.inf).softmax(-1)


class MeanThenMask(Masked):
    def weigh(self, scores):
        return (scores - scores.mean(-1, keepdim=True)).masked_fill(~_CAUSAL, -torch.inf).softmax(-1)


class Clamped(Masked):
    def weigh(self, scores):
        return scores.clamp(-0.3, 0.3).softmax(-1)


class BestScattered(Masked):
    """The softmax of the five best scores, put where they came from."""

    def weigh(self, scores):
        best = scores.topk(5, dim=-1)
        return torch.zeros_like(scores).scatter(-1, best.indices, best.values.softmax(-1))


class WindowOfHeads(Masked):
    """A loop over heads, of which the last alone has a window."""

    def forward(self, x):
        made, weights = [], []
        for head, (q, k, v) in enumerate(zip(*(part.unbind(1) for part in self.parts(x)), strict=True)):
            scores = q @ k.mT * 0.5
            scores = scores.masked_fill(~_NEAR, -torch.inf) if head == HEADS - 1 else scores
            weights.append(scores.softmax(-1))
            made.append(weights[-1] @ v)
        kept(torch.stack(weights, dim=1))
        return self.d(torch.cat(made, dim=-1))


class PartsOfQueries(Masked):
    def forward(self, x):
        q, k, v = self.parts(x)
        weights = [
            over_sum((some @ k.mT).exp() * mask) for some, mask in zip(q.split(7, dim=2), _CAUSAL.split(7), strict=True)
        ]
        kept(torch.cat(weights, dim=2))
        return self.d(merge(torch.cat([part @ v for part in weights], dim=2)))


class ScoresFirst(Masked):
    """All scores, then all softmaxes, then all sums."""

    def forward(self, x):
        q, k, v = self.parts(x)
        scores = [some @ k.mT * 0.5 for some in q.split(7, dim=2)]
        weights = [part.softmax(-1) for part in scores]
        kept(torch.cat(weights, dim=2))
        return self.d(merge(torch.cat([part @ v for part in weights], dim=2)))


class HeadsThenSequences(Masked):
    """A loop over sequences within one over heads."""

    def forward(self, x):
        q, k, v = self.parts(x)
        parts = [[(q[b, h] @ k[b, h].mT).softmax(-1) for b in range(len(x))] for h in range(HEADS)]
        kept(torch.stack([torch.stack(part) for part in parts], dim=1))
        made = [torch.stack([weights @ v[b, h] for b, weights in enumerate(part)]) for h, part in enumerate(parts)]
        return self.d(torch.cat(made, dim=-1))


class OverQueries(Masked):
    def weigh(self, scores):
        return scores.softmax(-2)


READ = (
    FilledExponentials,
    FilledByABillion,
    MaskTimesExponentials,
    LowerTriangle,
    Window,
    SoftMask,
    InPlaceExponentials,
    GivenTensors,
    BlindQueries,
    BlindByABillion,
    BlindThenZero,
    MaskedAfterwards,
    LargestBeforeTheMask,
    MeanThenMask,
    Clamped,
    BestScattered,
    WindowOfHeads,
    PartsOfQueries,
    ScoresFirst,
    HeadsThenSequences,
)
REFUSED = {
    BlindByMinusInfinity: "computed values that are not finite in its rows, as where a mask forbids a query every key",
    OverQueries: "takes its softmax over another axis than that of its keys",
}
