"""Forms of recent models: bounds, gates, latents, and softmaxes that are none of torch's."""

import torch
from torch import nn
from torch.nn import functional

from hand_written.parts import COLS, HEAD, HEADS, NOTHING_SEEN, ROWS, TOKENS, C, Projected, kept, merge, split


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


READ = (HeadsAmongSequences, CosinesClamped, BiasByOffset, GatedOutput, TemperatureOfQuery, LatentKeys, DecayBehind)
REFUSED = {
    SoftCapped: "bends them, as a tanh does",
    Sparsemax: NOTHING_SEEN,
    OnlineSoftmax: NOTHING_SEEN,
    Mapped: "computes its products inside a transform such as torch.vmap",
}
