"""Forms that hold more than attention, return more than its result, or attend to something else than tokens."""

import torch
from torch import nn
from torch.nn import functional

from hand_written.parts import COLS, HEADS, ROWS, TOKENS, WEIGHTS, C, Projected, in_parts, kept, merge, split


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


class OwnQueries(Projected):
    """A list of queries that the layer brings itself, in a sum and a norm, as in a decoder."""

    def __init__(self):
        super().__init__()
        self.list, self.norm = nn.Parameter(torch.zeros(1, 5, C)), nn.LayerNorm(C)

    def forward(self, x):
        asking = self.list.expand(len(x), -1, -1)
        weights = kept((split(self.a(asking)) @ split(self.b(x)).mT * 0.5).softmax(-1))
        return self.norm(asking + self.d(merge(weights @ split(self.c(x)))))


class TwoInTurn(Projected):
    """Two attentions in one module, the second on what the first gave."""

    def forward(self, x):
        q, k = self.a(x), self.b(x)
        first = (q @ k.mT * 0.3).softmax(-1) @ x
        return (k @ q.mT * 0.3).softmax(-1) @ first


class ColumnsOfTokens(Projected):
    """Every column of a grid for itself, cut out of the tokens by the layer."""

    def forward(self, x):
        cut = x.unflatten(1, (ROWS, COLS)).transpose(1, 2).flatten(0, 1)
        q, k, v = self.parts(cut)
        attn = (q @ k.mT * 0.5).softmax(-1)
        kept(in_parts(attn, COLS).unflatten(2, (COLS, ROWS)).unflatten(4, (COLS, ROWS)).permute(0, 1, 3, 2, 5, 4))
        WEIGHTS[-1] = WEIGHTS[-1].reshape(len(x), HEADS, TOKENS, TOKENS)
        return self.d(merge(attn @ v)).unflatten(0, (len(x), COLS)).transpose(1, 2).flatten(1, 2)


class ChannelsOfTokens(Projected):
    """Cross-covariance attention, as in XCiT: channels attend to channels."""

    def forward(self, x):
        q, k, v = (part.mT for part in self.parts(x))
        return self.d(
            merge(((functional.normalize(q, dim=-1) @ functional.normalize(k, dim=-1).mT).softmax(-1) @ v).mT)
        )


READ = (
    NestedCore,
    WeightsReturned,
    WeightsFirst,
    Dictionary,
    NormedSum,
    OwnClassToken,
    ColumnsOfTokens,
)
REFUSED = {
    ChannelsOfTokens: "attends over its 4 channels, which lie at no place of the clip",
    TwoInTurn: "in which this viewer saw 2 softmaxes of products, where it can show one",
}
