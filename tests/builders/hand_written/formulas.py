"""Forms whose weights come from another formula than torch's softmax of a product."""

import math

import torch
from torch import nn
from torch.nn import functional

from hand_written.parts import HEAD, NOTHING_SEEN, TOKENS, Projected, kept, merge


class SoftmaxByHand(Projected):
    """Exponentials over their sum."""

    def forward(self, x):
        q, k, v = self.parts(x)
        scores = q @ k.mT * 0.5
        attn = (scores - scores.amax(-1, keepdim=True)).exp()
        return self.d(merge(kept(attn / attn.sum(-1, keepdim=True)) @ v))


class SoftmaxOfTwo(Projected):
    """Powers of two over their sum, the keys in rows."""

    def forward(self, x):
        q, k, v = self.parts(x)
        attn = (k @ q.mT * 0.7).exp2()
        return self.d(merge(kept((attn / attn.sum(-2, keepdim=True)).mT) @ v))


class OneMore(Projected):
    """Exponentials over 1 and their sum: a query may look at nothing."""

    def forward(self, x):
        q, k, v = self.parts(x)
        attn = (q @ k.mT * 0.2).exp()
        return self.d(merge(kept(attn / (1 + attn.sum(-1, keepdim=True))) @ v))


class DotProduct(Projected):
    """A product over the number of keys, values first."""

    def forward(self, x):
        q, k, v = self.parts(x)
        return self.d(merge((v.mT @ (kept(0.3 * (q @ k.mT) / TOKENS)).mT).mT))


class DividedAfterwards(Projected):
    """Exponentials times values, and the sum of the weights divided out of the result."""

    def forward(self, x):
        q, k, v = self.parts(x)
        attn = (q @ k.mT * 0.5).exp()
        kept(attn / attn.sum(-1, keepdim=True))
        return self.d(merge((attn @ v) / attn.sum(-1, keepdim=True)))


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


READ = (Distances, SoftmaxByHand, SoftmaxOfTwo, OneMore, DotProduct)
REFUSED = {
    DividedAfterwards: NOTHING_SEEN,
    CDistances: NOTHING_SEEN,
    Additive: NOTHING_SEEN,
    Sigmoids: NOTHING_SEEN,
    Rectified: NOTHING_SEEN,
    Linear: "sums over all positions for 4 channels, as linear attention does",
}
