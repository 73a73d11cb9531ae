"""The published networks by name, with the configuration of each and the layout of its files."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Literal

from nonlocal_core.errors import UnknownNameError
from nonlocal_core.models import presets
from nonlocal_core.models.presets import Depth, Family
from nonlocal_core.models.resnet_config import ResNetConfig
from nonlocal_core.vocabulary import PAIRWISE
from nonlocal_core.weights.layouts import (
    CAFFE2,
    GLUONCV,
    MIT_TSM,
    MMACTION2,
    MMACTION2_DETECTOR,
    PYSLOWFAST,
    PYTORCHVIDEO,
    PYTORCHVIDEO_SLOW,
    TUSHAR,
    Layout,
)

_DEPTHS: tuple[Depth, ...] = (50, 101)
_FLAT_OR_INFLATED: tuple[Family, ...] = ("c2d", "i3d")
_PLAIN_OR_FIVE: tuple[tuple[Literal[0, 5], str], ...] = ((0, ""), (5, "-nl5"))
"""Suffix of a name by number of non-local blocks."""


@dataclass(frozen=True, slots=True)
class PublishedNetwork:
    """A network with published weights or a published recipe.

    ``arch``: its stable name, as for ``verify --arch``.
    """

    arch: str
    layout: Layout
    config: ResNetConfig


def published_networks() -> tuple[PublishedNetwork, ...]:
    """Return all published networks, grouped by source."""
    return tuple(_by_arch().values())


def find_published(arch: str) -> PublishedNetwork:
    """Return a network by its name. Raises UnknownNameError, listing the names."""
    known = _by_arch()
    if arch not in known:
        raise UnknownNameError("published network", arch, known)
    return known[arch]


@cache
def _by_arch() -> dict[str, PublishedNetwork]:
    sources = (_caffe2(), _lfb(), _pyslowfast(), _mmaction2(), _gluoncv(), _ports())
    return {network.arch: network for source in sources for network in source}


def _caffe2() -> Iterator[PublishedNetwork]:
    for blocks, suffix in _PLAIN_OR_FIVE:
        for family, depth in product(_FLAT_OR_INFLATED, _DEPTHS):
            arch = f"caffe2-{family}-r{depth}{suffix}"
            yield PublishedNetwork(f"{arch}-8x8", CAFFE2, presets.caffe2_8x8(family=family, depth=depth, blocks=blocks))
            yield PublishedNetwork(
                f"{arch}-32x2", CAFFE2, presets.caffe2_32x2(family=family, depth=depth, blocks=blocks)
            )
        yield PublishedNetwork(f"caffe2-i3d-r50{suffix}-32x4", CAFFE2, presets.caffe2_32x4_affine(blocks=blocks))
        yield PublishedNetwork(f"caffe2-i3d-r50{suffix}-128x1", CAFFE2, presets.caffe2_128x1_affine(blocks=blocks))


def _lfb() -> Iterator[PublishedNetwork]:
    for depth in _DEPTHS:
        arch = f"lfb-i3d-r{depth}-nl5"
        yield PublishedNetwork(f"{arch}-kinetics", CAFFE2, presets.lfb_kinetics(depth=depth))
        for task, dilated, stride in (("ava", True, 2), ("charades", True, 4), ("epic", False, 2)):
            config = presets.lfb_finetuned(depth=depth, dilated=dilated, frame_stride=stride)
            yield PublishedNetwork(f"{arch}-{task}", CAFFE2, config)


def _pyslowfast() -> Iterator[PublishedNetwork]:
    """Yield PySlowFast's networks. Its Caffe2 files hold blobs, its own files hold modules."""
    for blocks, suffix in _PLAIN_OR_FIVE:
        yield PublishedNetwork(
            f"pyslowfast-c2-i3d-r50{suffix}-8x8", CAFFE2, presets.pyslowfast_8x8(family="i3d", blocks=blocks)
        )
        for family in ("c2d", "i3d", "slow"):
            config = presets.pyslowfast_8x8(family=family, blocks=blocks)
            yield PublishedNetwork(f"pyslowfast-{family}-r50{suffix}-8x8", PYSLOWFAST, config)
        yield PublishedNetwork(
            f"pyslowfast-slow-r50{suffix}-4x16", PYSLOWFAST, presets.pyslowfast_slow_4x16(blocks=blocks)
        )
        deep = presets.pyslowfast_8x8(family="i3d", depth=101, blocks=blocks)
        yield PublishedNetwork(f"pyslowfast-i3d-r101{suffix}-8x8", PYSLOWFAST, deep)


def _mmaction2() -> Iterator[PublishedNetwork]:
    yield PublishedNetwork("mmaction2-i3d-r50-32x2", MMACTION2, presets.mmaction2_i3d(blocks=0))
    yield PublishedNetwork("mmaction2-tsm-r50-1x1x8", MMACTION2, presets.mmaction2_tsm(blocks=0))
    for pairwise in PAIRWISE:
        kind = pairwise.replace("_", "-")
        yield PublishedNetwork(
            f"mmaction2-i3d-r50-nl5-{kind}-32x2", MMACTION2, presets.mmaction2_i3d(pairwise=pairwise)
        )
        yield PublishedNetwork(
            f"mmaction2-tsm-r50-nl5-{kind}-1x1x8", MMACTION2, presets.mmaction2_tsm(pairwise=pairwise)
        )
    for clip in ("4x16", "8x8"):
        for blocks, suffix in _PLAIN_OR_FIVE:
            config = presets.mmaction2_slowonly(clip=clip, blocks=blocks)
            yield PublishedNetwork(f"mmaction2-slowonly-r50{suffix}-{clip}", MMACTION2, config)
        detector = presets.mmaction2_slowonly_ava(clip=clip)
        yield PublishedNetwork(f"mmaction2-slowonly-r50-nl5-{clip}-ava", MMACTION2_DETECTOR, detector)


def _gluoncv() -> Iterator[PublishedNetwork]:
    for depth in _DEPTHS:
        arch = f"gluoncv-i3d-r{depth}"
        yield PublishedNetwork(f"{arch}-32x2", GLUONCV, presets.gluoncv_i3d(depth=depth, blocks=0))
        yield PublishedNetwork(f"{arch}-nl5-32x2", GLUONCV, presets.gluoncv_i3d(depth=depth, blocks=5))
        yield PublishedNetwork(f"{arch}-nl10-32x2", GLUONCV, presets.gluoncv_i3d(depth=depth, blocks=10))


def _ports() -> Iterator[PublishedNetwork]:
    for blocks, suffix in _PLAIN_OR_FIVE:
        yield PublishedNetwork(f"tushar-i3d-r50{suffix}-32x2", TUSHAR, presets.tushar_i3d(blocks=blocks))
    yield PublishedNetwork("mit-tsm-r50-nl5-8f", MIT_TSM, presets.mit_tsm())
    yield PublishedNetwork("pytorchvideo-c2d-r50-8x8", PYTORCHVIDEO, presets.pytorchvideo_8x8(family="c2d"))
    yield PublishedNetwork("pytorchvideo-i3d-r50-8x8", PYTORCHVIDEO, presets.pytorchvideo_8x8(family="i3d"))
    yield PublishedNetwork("pytorchvideo-slow-r50-8x8", PYTORCHVIDEO_SLOW, presets.pytorchvideo_8x8(family="slow"))
