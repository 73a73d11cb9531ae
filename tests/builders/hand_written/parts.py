"""Parts of the forms: widths, heads, three projections, and the weights that a form multiplies its values with.

What a form weighed its values with is appended to ``WEIGHTS``, (B, heads, queries, keys).
"""

import torch
from torch import nn

C, HEADS, HEAD = 12, 3, 4
ROWS, COLS = 4, 6
TOKENS = ROWS * COLS
WEIGHTS = []

NOTHING_SEEN = "in which this viewer saw no softmax of products"
CHANGED = "which changes its softmax of products before it meets the values"


def kept(weights):
    WEIGHTS.append(weights.detach() if weights.ndim == 4 else weights.detach()[:, None])
    return weights


def split(x, heads=HEADS):
    return x.view(*x.shape[:2], heads, -1).transpose(1, 2)


def merge(y):
    return y.transpose(1, 2).reshape(len(y), y.shape[2], -1)


def in_parts(attn, parts):
    """Return weights within so many parts of each frame as one matrix of the frame, part after part."""
    made = torch.einsum("bphij,pq->bhpiqj", attn.unflatten(0, (-1, parts)), torch.eye(parts).to(attn))
    return made.flatten(4, 5).flatten(2, 3)


class Projected(nn.Module):
    """Three projections and a last one, under names that say nothing."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.d = (nn.Linear(C, C) for _ in range(4))
        self.num_heads = HEADS

    def parts(self, x):
        return split(self.a(x)), split(self.b(x)), split(self.c(x))
