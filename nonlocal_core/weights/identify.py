"""Identification of a weights file: the source of its names, and the published networks that it fills."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from nonlocal_core.models.resnet_config import NONLOCAL_BLOCK, STAGE_NAMES, ResNetConfig
from nonlocal_core.weights.filling import (
    Match,
    match,
    shapes_of,
    wanted_shapes,
    without_classifier,
    without_prefix,
)
from nonlocal_core.weights.layouts import (
    ALEXHEX7,
    CAFFE2,
    GLUONCV,
    MIT_TSM,
    MMACTION2,
    MMACTION2_DETECTOR,
    OURS,
    PYSLOWFAST,
    PYTORCHVIDEO,
    PYTORCHVIDEO_SLOW,
    TEA1528,
    TUSHAR,
    Layout,
)
from nonlocal_core.weights.published import PublishedNetwork, published_networks

_OF_NETWORKS = (
    CAFFE2,
    PYSLOWFAST,
    PYTORCHVIDEO,
    PYTORCHVIDEO_SLOW,
    MMACTION2,
    MMACTION2_DETECTOR,
    GLUONCV,
    TUSHAR,
    MIT_TSM,
    OURS,
)
_OF_BLOCKS = (ALEXHEX7, TEA1528)

_IN_PYTHON = (
    "A network of your own opens in Python, whatever its names are: build it, load the file into it, and give it to "
    "Session.from_model."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Identity of a file, from names and shapes.

    ``layout``: the source of most of its names, or None if unknown. ``fits``: every published network that it fills
    completely. ``nearest``: if it fills none, the closest one and the unmatched names. ``classifier``: a sentence if it
    fills them except for the classifier.
    """

    layout: Layout | None
    fits: tuple[PublishedNetwork, ...]
    nearest: tuple[PublishedNetwork, Match] | None
    classifier: str = ""

    @property
    def sentence(self) -> str:
        """Sentence for users about the identity of the file."""
        if self.layout is None:
            return f"The names of its tensors are those of no source that is known here. {_IN_PYTHON}"
        if self.layout in _OF_BLOCKS:
            return f"It holds one non-local block ({self.layout.title}) and no network around it."
        if len(self.fits) == 1:
            how = "but for its classifier" if self.classifier else "completely"
            return f"It fills {self.fits[0].config.title} ({self.fits[0].arch}) {how}. {self.classifier}".strip()
        if self.fits:
            how = "but for their classifiers" if self.classifier else "equally well"
            return (
                f"It fills {len(self.fits)} published networks {how}. What tells them apart (strides, paddings, "
                f"the softmax scale, the pairwise function) leaves no trace in a file, so say which it is: "
                f"{', '.join(network.arch for network in self.fits)}."
            )
        assert self.nearest is not None
        network, matched = self.nearest
        return (
            f"Its names are those of {self.layout.title}. Closest comes {network.arch}, but: {matched.sentence}. "
            f"{_IN_PYTHON}"
        )


def identify(tensors: Mapping[str, Tensor]) -> Identity:
    """Return the identity of a file by the names and shapes of its tensors. Nothing is loaded."""
    layouts = _most_claiming(tensors)
    if not layouts or layouts[0] in _OF_BLOCKS:
        return Identity(layout=layouts[0] if layouts else None, fits=(), nearest=None)
    found = [_identity(tensors, layout) for layout in layouts]
    fitting = [identity for identity in found if identity.fits]
    if not fitting:
        return min(found, key=lambda identity: identity.nearest[1].faults if identity.nearest else 0)
    return replace(
        fitting[0],
        fits=tuple(network for identity in fitting for network in identity.fits),
        classifier=next((identity.classifier for identity in fitting if identity.classifier), ""),
    )


def _identity(tensors: Mapping[str, Tensor], layout: Layout) -> Identity:
    """Return the identity of a file whose names are those of a layout."""
    found = shapes_of(without_prefix(tensors, layout))
    alike = _alike(layout, _blocks_named({layout.our_name(name) for name in found}))
    matches = [(network, match(found, wanted_shapes(network.config), layout=layout)) for network in alike]
    fits = tuple(network for network, matched in matches if matched.faults == 0)
    if fits:
        return Identity(layout=layout, fits=fits, nearest=None)
    said = {network.arch: without_classifier(tensors, layout, network.config)[1] for network in alike}
    bare = tuple(network for network in alike if said[network.arch])
    if bare:
        return Identity(layout=layout, fits=bare, nearest=None, classifier=said[bare[0].arch])
    return Identity(layout=layout, fits=(), nearest=min(matches, key=lambda pair: pair[1].faults))


def _alike(layout: Layout, blocks: set[str]) -> list[PublishedNetwork]:
    """Return the networks of a layout whose blocks differ least from the given ones, usually not at all."""
    differing = {
        network.arch: len(blocks ^ _blocks_of(network.config))
        for network in published_networks()
        if layout in (network.layout, OURS)
    }
    least = min(differing.values())
    return [network for network in published_networks() if differing.get(network.arch) == least]


def _blocks_of(config: ResNetConfig) -> set[str]:
    bottlenecks = {
        f"{name}.{index}"
        for name, stage in zip(STAGE_NAMES, config.stages, strict=True)
        for index in range(len(stage.temporal_kernels))
    }
    return bottlenecks | {f"{name}.{NONLOCAL_BLOCK}" for name in config.block_names}


def _blocks_named(names: Iterable[str | None]) -> set[str]:
    """Return the blocks in our parameter names, such as "res3.1" and "res3.1.nonlocal_block"."""
    pattern = re.compile(rf"(res[2-5][.]\d+(?:[.]{NONLOCAL_BLOCK})?)[.].*")
    return {found[1] for name in names if name and (found := pattern.fullmatch(name))}


def _most_claiming(tensors: Mapping[str, Tensor]) -> list[Layout]:
    """Return the layouts that claim the most keys, at least half of them for a network, all of them for a block.

    They are several where the names that differ between them are missing, like those of a classifier.
    """
    count = len(shapes_of(tensors))
    claims = {
        layout: sum(layout.our_name(name) is not None for name in shapes_of(without_prefix(tensors, layout)))
        for layout in (*_OF_NETWORKS, *_OF_BLOCKS)
    }
    most = max(claims.values())
    needed = count if max(claims, key=lambda layout: claims[layout]) in _OF_BLOCKS else count / 2
    return [layout for layout in claims if claims[layout] == most] if most >= max(needed, 1) else []
