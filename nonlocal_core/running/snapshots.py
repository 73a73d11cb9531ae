"""Snapshots of a network during training: its weights replaced for one run, and one block of each run in a film."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from nonlocal_core.capture import Capture
from nonlocal_core.errors import CaptureError
from nonlocal_core.weights.checkpoint import read_checkpoint
from nonlocal_core.weights.loading import check_fits
from nonlocal_core.weights.wrappers import COUNTS, unwrapped

Checkpoint = str | Path | Mapping[str, Tensor]
"""A file of weights, whose code is never run, or a state dict."""


@contextmanager
def weights_of(model: nn.Module, checkpoint: Checkpoint) -> Iterator[None]:
    """Give a network the weights of a checkpoint inside the ``with``, and restore its own afterwards.

    Raises WeightsError, before anything is changed, if they do not fill it exactly.
    """
    held = checkpoint if isinstance(checkpoint, Mapping) else read_checkpoint(Path(checkpoint)).tensors
    wanted = model.state_dict().keys()
    counted = {name: tensor for name, tensor in held.items() if name in wanted or name not in COUNTS}
    tensors = unwrapped(counted, wanted.__contains__, stands_beside=wanted.__contains__)
    check_fits(model, tensors)
    own = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    try:
        with torch.no_grad():
            model.load_state_dict(tensors)
        yield
    finally:
        with torch.no_grad():
            model.load_state_dict(own)


def as_film(captures: Mapping[str, Capture], block: str | None) -> Capture:
    """Return a capture with the same block of each capture, under the titles of the captures, the last shown first.

    ``block``: its name, or None for the one that is shown first. Raises CaptureError if there is nothing to show, or
    the grids differ, UnknownNameError if a capture has no such block.
    """
    if not captures:
        raise CaptureError("A film shows at least one checkpoint; none was given.")
    named = {title: capture.block(block) for title, capture in captures.items()}
    if any(each.heads for each in named.values()):
        raise CaptureError(f"A film shows a block that the network has; {block!r} is a mean over heads. Name one head.")
    found = [replace(each, name=title, title=f"{each.title} · {title}") for title, each in named.items()]
    grids = {frame.query_grid.shape for frame in found}
    if len(grids) > 1:
        raise CaptureError(f"The checkpoints of a film share one grid; these have {sorted(grids)}.")
    return Capture(blocks=tuple(found), classes=[*captures.values()][-1].classes)
