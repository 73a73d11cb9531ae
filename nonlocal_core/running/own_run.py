"""Run of a network of one's own: its blocks are found and hooked, recorded, and the network is left as it was."""

from dataclasses import replace

import torch

from nonlocal_core.capture.adapters.discovery import discovering
from nonlocal_core.capture.adapters.search import attach_model
from nonlocal_core.capture.adapters.token_places import Fed
from nonlocal_core.capture.untouched import left_as_it_was, same_random_numbers
from nonlocal_core.media import Frames, network_input
from nonlocal_core.running.foreign import ForeignNetwork, ModelSpec
from nonlocal_core.running.forward import run
from nonlocal_core.running.prepared import PreparedModel
from nonlocal_core.running.recorded import RecordedRun, record_run
from nonlocal_core.vocabulary import Progress


def record_own(prepared: PreparedModel, frames: Frames, spec: ModelSpec, tell: Progress) -> RecordedRun:
    """Return what the blocks of somebody's network left behind, and what of it cannot be shown.

    Where nothing looks like a block, the network runs once more, to see which of its modules attend whatever their
    names are. Raises what ``attach_model`` and ``record_run`` raise.
    """
    network = prepared.network
    assert isinstance(network, ForeignNetwork)
    with left_as_it_was(network.model):
        found = _recorded(prepared, frames, spec, tell, attending=())
        if found.capture.blocks or found.unreadable:
            return found
        tell("Looking for what attends", 0, 1)
        attending = _attending(prepared, network, frames)
        return _recorded(prepared, frames, spec, tell, attending=attending) if attending else found


def _recorded(
    prepared: PreparedModel, frames: Frames, spec: ModelSpec, tell: Progress, *, attending: tuple[str, ...]
) -> RecordedRun:
    network = prepared.network
    assert isinstance(network, ForeignNetwork)
    attached = attach_model(
        network.model,
        status=spec.status,
        token_grid=spec.token_grid,
        class_tokens=spec.class_tokens,
        fed=Fed(frames=len(frames.rgb), hw=network.input_spec.view_of(frames.info.shown_hw).input_hw),
        attending=attending,
    )
    try:
        found = record_run(prepared, frames, tell)
    finally:
        attached.detach()
    return replace(found, unreadable=(*attached.found.unreadable, *found.unreadable))


def _attending(prepared: PreparedModel, network: ForeignNetwork, frames: Frames) -> tuple[str, ...]:
    """Return the names of the modules that attend."""
    pixels, _ = network_input(frames, network.input_spec)
    with discovering(network.model) as watch, same_random_numbers():
        run(network, torch.from_numpy(pixels), device=prepared.device)
    return watch.attending
