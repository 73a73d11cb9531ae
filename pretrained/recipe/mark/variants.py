"""Variants of the mark task: the answering bodies, the stride, and the number of hops."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from nonlocal_core.models.parameter_free import TEMPERATURE
from nonlocal_core.vocabulary import PAIRWISE, RULE_TITLES, Pairwise, Scope
from pretrained.recipe.mark.blocks import Answerer, AskedBlock, Convolutions, Nothing, PaperStart
from pretrained.recipe.mark.task import ANSWERS, MARKS, Hops

CHANNELS = {8: 40, 16: 112, 32: 320}
"""Channels by stride, after blocks 4, 10 and 15 of the trunk."""
TWO_HOP_TEMPERATURE = 0.3
SLOW = 0.3
PATIENT = 3
ALL_FRAMES, ALL_CELLS = 3, 13
"""Number of 3 x 1 x 1 layers that reach from the first of four frames to the last, and of 3 x 3 x 3 layers that also
reach from one corner of 14 x 14 cells to the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A variant: its title, its bodies by their number of channels, and its questions."""

    id: str
    title: str
    bodies: Callable[[int], list[nn.Module]]
    stride: int = 16
    hops: Hops = 1
    rate: float = SLOW
    """Factor of the usual learning rates: `SLOW` or 1, the better on the choosing clips if both were tried."""
    patience: int = 1
    """Factor of the largest number of steps, and of the rule's patience with a run that has learned nothing."""

    @property
    def channels(self) -> int:
        """Number of channels of its rows: features and marks."""
        return CHANNELS[self.stride] + MARKS[self.hops]

    def build(self, seed: int) -> Answerer:
        """Return the variant's network before training."""
        torch.manual_seed(seed)
        return Answerer(self.bodies(self.channels), self.channels, ANSWERS[self.hops], asks_first=self.hops == 2)


def _in_a_row(title: str) -> str:
    """Return a title for a list of titles that begin in lower case."""
    return title if title.startswith("Gauss") else title[0].lower() + title[1:]


def _functions(pairwise: Pairwise) -> Callable[[int], list[nn.Module]]:
    return lambda channels: [AskedBlock(channels, pairwise)]


def _scoped(scope: Scope) -> Callable[[int], list[nn.Module]]:
    return lambda channels: [AskedBlock(channels, scope=scope)]


def _blocks(count: int, hops: Hops) -> Callable[[int], list[nn.Module]]:
    warm = TEMPERATURE if hops == 1 else TWO_HOP_TEMPERATURE
    return lambda channels: [AskedBlock(channels, temperature=warm) for _ in range(count)]


def _convolutions(kernel: tuple[int, int, int], layers: int) -> Callable[[int], list[nn.Module]]:
    return lambda channels: [
        Convolutions(channels, kernel=kernel, layers=layers, width=_width(kernel, layers, channels))
    ]


def _width(kernel: tuple[int, int, int], layers: int, channels: int) -> int:
    """Return the largest width with which convolutions have no more weights than the block."""
    budget = parameter_count(AskedBlock(channels))
    taps = kernel[0] * kernel[1] * kernel[2]
    fitting = [
        n for n in range(1, 2 * channels) if layers * (taps * n + 1) * n + 2 * channels * n + n + channels <= budget
    ]
    return max(fitting, default=1)


def parameter_count(module: nn.Module) -> int:
    """Return the number of a module's parameters."""
    return sum(parameter.numel() for parameter in module.parameters())


PLAIN = "embedded_gaussian"
"""The variant from which all others differ in one respect."""
VARIANTS: dict[str, Variant] = {
    variant.id: variant
    for variant in (
        *(
            Variant(
                id=name,
                title=_in_a_row(RULE_TITLES[name]),
                bodies=_functions(name),
                rate=SLOW if name == "embedded_gaussian" else 1.0,
            )
            for name in PAIRWISE
        ),
        Variant(id="none", title="no block", bodies=lambda _channels: [Nothing()]),
        Variant(id="stride8", title="stride 8", stride=8, bodies=_blocks(1, 1)),
        Variant(id="stride32", title="stride 32", stride=32, bodies=_blocks(1, 1)),
        Variant(id="space", title="space", bodies=_scoped("space")),
        Variant(id="time", title="time", bodies=_scoped("time")),
        Variant(id="conv311", title="3 × 1 × 1 convolution", bodies=_convolutions((3, 1, 1), 1), rate=1.0),
        Variant(id="conv333", title="3 × 3 × 3 convolution", bodies=_convolutions((3, 3, 3), 1), rate=1.0),
        Variant(id="hops2-blocks1", title="1 block", hops=2, rate=1.0, bodies=_blocks(1, 2)),
        Variant(id="hops2-blocks2", title="2 blocks", hops=2, rate=1.0, bodies=_blocks(2, 2)),
        Variant(id="blocks2", title="2 blocks", rate=1.0, bodies=_blocks(2, 1)),
        Variant(
            id="conv311-stacked",
            title=f"{ALL_FRAMES} convolutions 3 × 1 × 1",
            bodies=_convolutions((3, 1, 1), ALL_FRAMES),
            rate=1.0,
        ),
        Variant(
            id="conv333-stacked",
            title=f"{ALL_CELLS} convolutions 3 × 3 × 3",
            bodies=_convolutions((3, 3, 3), ALL_CELLS),
            rate=1.0,
        ),
        Variant(id="uniform", title="even row", bodies=lambda channels: [AskedBlock(channels, row="uniform")]),
        Variant(
            id="wrong", title="row of another position", bodies=lambda channels: [AskedBlock(channels, row="wrong")]
        ),
        Variant(
            id="blind",
            title="marks hidden from θ and φ",
            bodies=lambda channels: [AskedBlock(channels, blind=MARKS[1])],
        ),
        Variant(id="paper_start", title="the paper's start", bodies=lambda channels: [PaperStart(channels)], rate=1.0),
        Variant(
            id="paper_start-patient",
            title=f"the paper's start, the rule {PATIENT} times as patient",
            bodies=lambda channels: [PaperStart(channels)],
            rate=1.0,
            patience=PATIENT,
        ),
        Variant(id="hops2-blocks4", title="4 blocks", hops=2, rate=1.0, bodies=_blocks(4, 2)),
        Variant(id="blocks4", title="4 blocks", rate=1.0, bodies=_blocks(4, 1)),
    )
}
"""All variants, in the order in which they are trained."""
