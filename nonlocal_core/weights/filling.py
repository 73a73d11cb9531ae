"""Matching of a published file's tensors with our networks: each key and each parameter exactly once."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor, nn

from nonlocal_core.errors import WeightsError
from nonlocal_core.models.block import NonlocalBlock, NonlocalConfig
from nonlocal_core.models.resnet import ResNet
from nonlocal_core.models.resnet_config import ResNetConfig
from nonlocal_core.vocabulary import Pairwise
from nonlocal_core.weights.layouts.rules import HEAD, Layout
from nonlocal_core.weights.loading import fill
from nonlocal_core.weights.wrappers import unwrapped

Shape = tuple[int, ...]

NAMES_IN_A_MESSAGE = 6
"""Number of names that an error message lists. It counts the rest, which are hundreds for another network's file."""

_COUNTER = "num_batches_tracked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Tensor of a file and the parameter that it fills, or the several parameters that it holds."""

    source: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Match of a file and a network by names and shapes, with the unmatched rest of both."""

    assignments: tuple[Assignment, ...]
    unused: tuple[str, ...]
    """Keys of the file that no rule claims or that the network lacks."""
    empty: tuple[str, ...]
    """Parameters that no key fills."""
    twice: tuple[str, ...]
    """Parameters that more than one key would fill."""
    misshapen: tuple[str, ...]
    """Keys whose shape does not fit."""

    @property
    def faults(self) -> int:
        """Number of unmatched names, 0 if the file fills the network completely."""
        return len(self.unused) + len(self.empty) + len(self.twice) + len(self.misshapen)

    @property
    def sentence(self) -> str:
        """Sentence for users about the unmatched names."""
        kinds = (
            ("keys left unused", self.unused),
            ("parameters left empty", self.empty),
            ("parameters filled twice", self.twice),
            ("keys of another shape", self.misshapen),
        )
        return "; ".join(f"{kind}: {_listed(names)}" for kind, names in kinds if names)


def load_network(tensors: Mapping[str, Tensor], *, layout: Layout, config: ResNetConfig) -> ResNet:
    """Return the network filled from a file's tensors, in float32, frozen and in eval mode.

    Raises WeightsError if a key or a parameter is left over, or a shape or a duplicate disagrees.
    """
    with torch.device("meta"):  # shapes only, since every value comes from the file
        network = ResNet(config, status="trained")
    _fill(network, tensors, layout)
    return network


def load_block(
    tensors: Mapping[str, Tensor], *, layout: Layout, pairwise: Pairwise, config: NonlocalConfig
) -> NonlocalBlock:
    """Return one block filled from a file that contains nothing else. The width follows from g.

    Raises the errors of ``load_network``.
    """
    tensors = without_prefix(tensors, layout)
    widths = [tensors[name].shape for name in tensors if layout.our_name(name) == "g.weight"]
    if len(widths) != 1 or len(widths[0]) < 2:
        raise WeightsError(
            f"A block of {layout.title} has one weight of g, of two axes or more; "
            f"this file has {len(widths)} among {_listed(tensors)}."
        )
    inner, channels = widths[0][:2]
    with torch.device("meta"):
        block = NonlocalBlock(channels, pairwise, replace(config, inner_channels=inner))
    _fill(block, tensors, layout)
    return block


def match(found: Mapping[str, Shape], wanted: Mapping[str, Shape], *, layout: Layout) -> Match:
    """Return the match of a file and a network.

    ``found``: shapes of the file, without a wrapper's prefix. ``wanted``: shapes of the network, without counters. A
    network without a classifier ignores that of the file.
    """
    named = _named(found, layout, with_head=any(target.startswith(HEAD) for target in wanted))
    targets = {name: tuple(ours.split("+")) for name, ours in named.items() if ours}
    placed = {name: ours for name, ours in targets.items() if wanted.keys() >= set(ours)}
    times = Counter(target for ours in placed.values() for target in ours)
    return Match(
        assignments=tuple(Assignment(source=name, targets=ours) for name, ours in placed.items()),
        unused=tuple(name for name in named if name not in placed),
        empty=tuple(target for target in wanted if target not in times),
        twice=tuple(target for target, count in times.items() if count > 1),
        misshapen=tuple(
            name for name, ours in placed.items() if not _fits(found[name], [wanted[target] for target in ours])
        ),
    )


def without_classifier(tensors: Mapping[str, Tensor], layout: Layout, config: ResNetConfig) -> tuple[ResNetConfig, str]:
    """Return the configuration that a file fills without its classifier, and a sentence on the classifier.

    If the file fills all of it, or does not fill the rest either, return the configuration itself and no sentence.
    """
    bare = replace(config, head=replace(config.head, classes=()))
    found = shapes_of(without_prefix(tensors, layout))
    if not config.head.classes or match(found, wanted_shapes(config), layout=layout).faults == 0:
        return config, ""
    if match(found, wanted_shapes(bare), layout=layout).faults:
        return config, ""
    own = [shape[0] for name, shape in found.items() if layout.our_name(name) == f"{HEAD}weight" and shape]
    others = any(layout.classifies(name) for name in found)
    count = f"{own[0]:,} answers" if own else "layers of another kind" if others else "none"
    theirs = f"the file has {count}, this network {len(config.head.classes)} answers"
    return bare, f"The classifier is left out: {theirs}. Everything before it is filled completely."


@cache  # one per published network: identifying a file compares it with all of them
def wanted_shapes(config: ResNetConfig) -> Mapping[str, Shape]:
    """Return the shape of every parameter and buffer that a file must fill, by name."""
    with torch.device("meta"):
        return shapes_of(ResNet(config).state_dict())


def without_prefix(tensors: Mapping[str, Tensor], layout: Layout) -> dict[str, Tensor]:
    """Return the tensors without the names of wrappers (`wrappers`) before all keys except those of a classifier."""
    return unwrapped(
        tensors,
        lambda name: layout.our_name(name) is not None,
        stands_beside=lambda name: layout.classifies(name) or layout.drops(name),
    )


def shapes_of(tensors: Mapping[str, Tensor]) -> dict[str, Shape]:
    """Return the shape of every tensor except the batch counters."""
    return {name: tuple(tensor.shape) for name, tensor in tensors.items() if not name.endswith(_COUNTER)}


def _fill(module: nn.Module, tensors: Mapping[str, Tensor], layout: Layout) -> None:
    tensors = without_prefix(tensors, layout)
    wanted = shapes_of(module.state_dict())
    matched = match(shapes_of(tensors), wanted, layout=layout)
    if matched.faults:
        raise WeightsError(
            f"These weights do not fill this network under the names of {layout.title}; {matched.sentence}. "
            "They are those of another network, or of another source."
        )
    _check_duplicates(tensors, layout)
    values: dict[str, Tensor] = {}
    for assignment in matched.assignments:
        whole = tensors[assignment.source].float()
        parts = whole.chunk(len(assignment.targets), dim=1) if len(assignment.targets) > 1 else (whole,)
        for target, part in zip(assignment.targets, parts, strict=True):
            values[target] = part.reshape(wanted[target])
    counters = {name: torch.tensor(0) for name in module.state_dict() if name.endswith(_COUNTER)}
    fill(module, values | counters)
    module.eval().requires_grad_(requires_grad=False)


def _named(found: Mapping[str, Shape], layout: Layout, *, with_head: bool) -> dict[str, str | None]:
    """Return our name of every key that holds a weight, or None if no rule claims it."""
    named = {
        name: layout.our_name(name) for name in found if not layout.drops(name) and layout.first_name(name) not in found
    }
    return {name: ours for name, ours in named.items() if with_head or not layout.classifies(name)}


def _fits(found: Shape, wanted: list[Shape]) -> bool:
    """Return whether a tensor, cut into equal parts along its second axis, fills the shapes.

    Axes of size 1 after the first two are ignored: a 1x1x1 convolution is a matrix, and a 2-D convolution is a 3-D one
    over one frame.
    """
    if len(wanted) > 1:
        if len(found) < 2 or found[1] % len(wanted):
            return False
        found = (found[0], found[1] // len(wanted), *found[2:])
    return all(_essential(found) == _essential(shape) for shape in wanted)


def _essential(shape: Shape) -> Shape:
    return shape[:2] + tuple(size for size in shape[2:] if size > 1)


def _check_duplicates(tensors: Mapping[str, Tensor], layout: Layout) -> None:
    for second, tensor in tensors.items():
        first = layout.first_name(second)
        if first is not None and first in tensors and not torch.equal(tensors[first], tensor):
            raise WeightsError(
                f"{first} and {second} are one tensor in {layout.title}; they differ in this file, "
                "so that one of them is not the trained one. Fetch it again."
            )


def _listed(names: Collection[str]) -> str:
    shown = sorted(names)[:NAMES_IN_A_MESSAGE]
    more = len(names) - len(shown)
    return (", ".join(shown) or "none") + (f" and {more} more" if more else "")
