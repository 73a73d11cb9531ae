"""Variants in the tables: blocks that differ in one respect from the embedded Gaussian after block 10."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import relu

from nonlocal_core.models.block import max_pool_keys
from nonlocal_core.models.normalised import NormalisedBlock
from nonlocal_core.models.parameter_free import standardised
from nonlocal_core.ops import THW, Reach, respond
from nonlocal_core.vocabulary import PAIRWISE_TITLES, Pairwise, Scope
from pretrained.recipe.train import as_parameter_free

Stride = Literal[8, 16, 32]
CHANNELS: dict[Stride, int] = {8: 40, 16: 112, 32: 320}
"""Channels by stride, after blocks 4, 10 and 15 of the trunk."""
IN_A_ROW = (2, 5)
"""Numbers of consecutive blocks. The paper distributes them over two stages of its network."""
POOLING: THW = (1, 2, 2)
"""The paper's subsampling of the keys (section 3.3)."""


class EvenBlock(NormalisedBlock):
    """The block with g over standardised features, like the convolution, so that one learning rate serves all variants.

    >>> EvenBlock(14)(torch.randn(1, 14, 5, 6, 8)).shape
    torch.Size([1, 14, 5, 6, 8])
    """

    def _tables(self, rows: Float[Tensor, "B N C"], reach: Reach) -> tuple[Tensor, Tensor, Tensor]:
        theta, phi, _ = super()._tables(rows, reach)
        return theta, phi, self.g(standardised(rows))


class RestrictedBlock(EvenBlock):
    """The embedded Gaussian over the keys of a scope, or over pooled keys.

    >>> RestrictedBlock(14, scope="time")(torch.randn(1, 14, 5, 6, 8)).shape
    torch.Size([1, 14, 5, 6, 8])
    """

    def __init__(self, channels: int, *, scope: Scope = "spacetime", pooling: THW | None = None) -> None:
        super().__init__(channels, "embedded_gaussian")
        self.scope = scope
        self.subsample = pooling

    def _respond(self, x: Float[Tensor, "B C T H W"]) -> Float[Tensor, "B Nq Cg"]:
        reach, pieces = self._reach(x), self.embed(x)
        phi, g = (max_pool_keys(table, reach) for table in (pieces.phi, pieces.g))
        return respond(pieces.theta, phi, g, pairwise=self.pairwise, reach=reach) - pieces.g


class ConvolutionBlock(nn.Module):
    """A 3 x 3 x 3 convolution in place of the block: x + up(ReLU(conv(down(s)))), s standardised as in the block.

    >>> ConvolutionBlock(14, parameters=500)(torch.randn(1, 14, 5, 6, 8)).shape
    torch.Size([1, 14, 5, 6, 8])

    ``parameters``: the most that it may have, from which its width follows. The last layer starts at zero.
    """

    def __init__(self, channels: int, *, parameters: int) -> None:
        super().__init__()
        width = max(n for n in range(1, channels + 1) if n == 1 or _convolution_parameters(channels, n) <= parameters)
        self.down = nn.Conv3d(channels, width, 1)
        self.conv = nn.Conv3d(width, width, 3, padding=1)
        self.up = nn.Conv3d(width, channels, 1)
        for part in self.up.parameters():
            nn.init.zeros_(part)

    def forward(self, x: Float[Tensor, "B C T H W"]) -> Float[Tensor, "B C T H W"]:
        """Return x plus the output of the convolution."""
        standard = standardised(x.flatten(2).mT).mT.reshape(x.shape)
        added: Tensor = self.up(relu(self.conv(self.down(standard))))
        return x + added


def _convolution_parameters(channels: int, width: int) -> int:
    return 2 * channels * width + 27 * width**2 + 2 * width + channels


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A variant: the stride at which it sits in the trunk, and its constructor by seed."""

    id: str
    title: str
    stride: Stride
    build: Callable[[int], nn.Module]


def _block(pairwise: Pairwise, stride: Stride) -> Callable[[int], nn.Module]:
    return lambda seed: as_parameter_free(EvenBlock(CHANNELS[stride], pairwise), seed)


def _row(count: int) -> Callable[[int], nn.Module]:
    return lambda seed: nn.Sequential(*(_block("embedded_gaussian", 16)(seed + 100 * k) for k in range(count)))


def _restricted(scope: Scope = "spacetime", pooling: THW | None = None) -> Callable[[int], nn.Module]:
    return lambda seed: as_parameter_free(RestrictedBlock(CHANNELS[16], scope=scope, pooling=pooling), seed)


def _convolution(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return ConvolutionBlock(CHANNELS[16], parameters=parameter_count(EvenBlock(CHANNELS[16])))


def parameter_count(module: nn.Module) -> int:
    """Return the number of a module's parameters."""
    return sum(parameter.numel() for parameter in module.parameters())


PLAIN: Pairwise = "embedded_gaussian"
"""The variant that all others differ from in one respect."""
VARIANTS: dict[str, Variant] = {
    variant.id: variant
    for variant in (
        *(Variant(id=p, title=title, stride=16, build=_block(p, 16)) for p, title in PAIRWISE_TITLES.items()),
        Variant(id="stride8", title="stride 8", stride=8, build=_block(PLAIN, 8)),
        Variant(id="stride32", title="stride 32", stride=32, build=_block(PLAIN, 32)),
        *(Variant(id=f"blocks{n}", title=f"{n} blocks", stride=16, build=_row(n)) for n in IN_A_ROW),
        Variant(id="space", title="space", stride=16, build=_restricted("space")),
        Variant(id="time", title="time", stride=16, build=_restricted("time")),
        Variant(id="pooled", title="pooled keys", stride=16, build=_restricted(pooling=POOLING)),
        Variant(id="convolution", title="3 × 3 × 3 convolution", stride=16, build=_convolution),
    )
}
