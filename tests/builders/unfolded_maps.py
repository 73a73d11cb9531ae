"""A network that attends as MobileViT does: between the pixels at the same place of every patch, in layers in a row."""

from foreign_kinds import WIDTH, Attention
from torch import nn

PATCH, CELL = 2, 8
"""Cells along a patch, and pixels of the input along a cell."""


class Layer(nn.Module):
    """Attention behind a norm, and the sum."""

    def __init__(self):
        super().__init__()
        self.norm, self.attends = nn.LayerNorm(WIDTH), nn.Sequential(Attention())

    def forward(self, tokens):
        return tokens + self.attends(self.norm(tokens))


class Chain(nn.Module):
    """Two layers in a row; ``between``: what happens to the sequences between them."""

    def __init__(self, between):
        super().__init__()
        self.layers, self.between = nn.ModuleList([Layer(), Layer()]), between

    def forward(self, sequences):
        first, second = self.layers
        return second(self.between(first(sequences)))


class Unfolded(nn.Module):
    """A map as one sequence for each place in a patch, through a chain of layers."""

    def __init__(self, between):
        super().__init__()
        self.mix, self.chain = nn.Conv2d(WIDTH, WIDTH, 1), Chain(between)

    def forward(self, maps):
        return self.chain(unfolded(self.mix(maps)))


class Mobile(nn.Module):
    """Cells of frames, and the map that is unfolded."""

    def __init__(self, between=lambda tokens: tokens):
        super().__init__()
        self.stem, self.inner = nn.Conv2d(3, WIDTH, CELL, CELL), Unfolded(between)

    def forward(self, frames):
        return self.inner(self.stem(frames)).mean(dim=1)


def unfolded(maps):
    """Sequences (B * PATCH * PATCH, patches, C) of maps (B, C, H, W), each of the cells at one place of every patch."""
    height, width = maps.shape[-2:]
    cut = maps.unflatten(3, (width // PATCH, PATCH)).unflatten(2, (height // PATCH, PATCH))
    return cut.permute(0, 3, 5, 2, 4, 1).flatten(3, 4).flatten(0, 2)
