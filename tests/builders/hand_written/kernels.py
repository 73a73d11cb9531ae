"""Forms that call a function of torch which attends in one piece."""

import torch
from torch import nn
from torch.nn import functional

from hand_written.parts import HEADS, TOKENS, C, Projected, kept, merge, split


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


class Flex(Projected):
    """torch's FlexAttention."""

    def forward(self, x):
        from torch.nn.attention.flex_attention import flex_attention

        return self.d(merge(flex_attention(*self.parts(x))))


READ = (
    FusedScale,
    FusedCausal,
    FusedShared,
    FunctionalHeads,
)
