"""Proof of a reading on a copy of the block: random weights, a small random clip, and the output rebuilt from it.

A block whose last layer is still zero rebuilds under any reading; a copy with random weights does not. So the maths
of a block is settled here, before anything is recorded, even if nothing on the block states its function.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from nonlocal_core.capture.adapters.maps.reader import Conv, MapReader, convolution
from nonlocal_core.capture.copies import copied_apart
from nonlocal_core.capture.gate import rebuild_of
from nonlocal_core.capture.reading import BlockSite, Call, NotReadable
from nonlocal_core.capture.trial import Setting
from nonlocal_core.capture.twin import randomise
from nonlocal_core.capture.untouched import same_random_numbers
from nonlocal_core.geometry import ViewTransform

Recipe = Callable[[nn.Module], tuple[MapReader, ...]]
"""Function that returns the readings that a block's own attributes allow, a single one if they are conclusive."""

PROOF_TOLERANCE = 1e-4
"""Largest rebuild error of a true reading of the random copy, which computes in float64."""

PROBE_THW = (4, 8, 12)
"""Cells of the random clip: enough for pooling by (4, 4, 4), and no two sizes agree."""

_SEED = 7


class NotAsItsParts(NotReadable):
    """Reason for a block that computes something other than its parts suggest, or not on any map but its own."""


def prove(block: nn.Module, recipe: Recipe) -> MapReader | NotReadable:
    """Return the reading of the block that rebuilds the output of a random copy of it, or why there is none."""
    try:
        with same_random_numbers():
            return _first_proved(block, recipe)
    except Exception as fault:  # whatever a foreign module raises when it is copied or run, that is the reason
        return NotAsItsParts(f"could not be tried on a small random clip: {fault}")


def _first_proved(block: nn.Module, recipe: Recipe) -> MapReader | NotReadable:
    (twin,) = copied_apart((block,))
    randomise(twin)
    doubts = []
    for mine, theirs in zip(recipe(block), recipe(twin), strict=True):
        error = _rebuild_error(theirs)
        if error <= PROOF_TOLERANCE:
            return mine
        doubts.append(f"{mine.pairwise} with scale {mine.scale:.3g} is off by {100 * error:.2g} %")
    return NotAsItsParts(f"does not compute what its parts suggest: {'; '.join(doubts)}")


def _rebuild_error(reader: MapReader) -> float:
    site = BlockSite(
        name="copy", title="copy", module=reader.block, reader=reader, status="untrained", inputs=reader.inputs
    )
    view = ViewTransform(shown_hw=PROBE_THW[1:], input_hw=PROBE_THW[1:])
    clip = _clip(reader)
    with torch.no_grad():
        call = Call(args=(clip,), kwargs={}, output=reader.block(clip))
        found = rebuild_of(site, call, Setting(view=view, clip_frames=PROBE_THW[0] * reader.temporal_groups))
    assert not isinstance(found, NotReadable)
    return found.error


def _clip(reader: MapReader) -> Tensor:
    """Return a random input with the number of axes of the block's convolutions, on a scale that suits a softmax.

    A block that begins with layers of its own takes as many channels as the first of them.
    """
    first = next(layer for layer in reader.block.modules() if isinstance(layer, Conv))
    own = {layer for part in (reader.theta, reader.phi, reader.g) if part is not None for layer in part.modules()}
    weight = (convolution(reader.g) if first in own else first).weight
    channels, axes = weight.shape[1], weight.ndim - 2
    shape = {
        1: (1, channels, PROBE_THW[0]),
        2: (PROBE_THW[0], channels, *PROBE_THW[1:]),
        3: (reader.temporal_groups, channels, *PROBE_THW),
    }[axes]
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(_SEED), dtype=torch.float64)
    return torch.as_tensor(noise / channels**0.25)
