"""Run of a user's network: its blocks are found, hooked and recorded, and the network is left as it was."""

import sys
from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from weakref import WeakKeyDictionary

import torch
from torch import nn

from nonlocal_core.capture import BlockCapture, PlaceTrial, placing, recording
from nonlocal_core.capture.adapters.search import AttachedModel, attach_model
from nonlocal_core.capture.adapters.seen.calls import no_softmax
from nonlocal_core.capture.adapters.seen.discovery import discovering
from nonlocal_core.capture.adapters.tokens.places import Fed
from nonlocal_core.capture.untouched import left_as_it_was, same_random_numbers
from nonlocal_core.media import Frames, network_input
from nonlocal_core.running.forecast import few_of, forecast
from nonlocal_core.running.foreign import ForeignNetwork, ModelSpec
from nonlocal_core.running.forward import check_free, pick_device, run
from nonlocal_core.running.prepared import PreparedModel
from nonlocal_core.running.recorded import RecordedRun, record_run
from nonlocal_core.vocabulary import Progress

_behind: WeakKeyDictionary[nn.Module, dict[Hashable, Mapping[str, int]]] = WeakKeyDictionary()
"""Number of tokens after the positions, for the layers of a network that have any, by the size of a clip."""


class _MissedError(Exception):
    """Signal to end a recording in which modules attended that were not recognised as blocks; ``args``: their names."""


def record_own(prepared: PreparedModel, frames: Frames, spec: ModelSpec, tell: Progress) -> RecordedRun:
    """Return the recorded blocks of a user's network, and the layers that cannot be shown.

    Layers that attend under uninformative names are found while the network runs: in a run for that purpose if nothing
    looks like a block, else during the recording, which is repeated only if something was missed.
    Raises the errors of ``attach_model`` and ``record_run``.
    """
    network = prepared.network
    assert isinstance(network, ForeignNetwork)
    identity = (*network.identity, spec.token_grid, spec.class_tokens)
    with left_as_it_was(network.model), _uncompiled():
        try:
            found = _recorded(prepared, frames, spec, tell, identity, attending=None)
        except _MissedError as missed:
            return _all_recorded(prepared, frames, spec, tell, identity, missed.args)
        if found is None:
            tell("Looking for what attends", 0, 1)
            return _all_recorded(prepared, frames, spec, tell, identity, _attending(prepared, network, frames))
        return found


@contextmanager
def _uncompiled() -> Iterator[None]:
    """Run networks and parts that ``torch.compile`` compiled as originally written, since compiled code is opaque.

    The compiler is loaded only if anything was compiled.
    """
    if "torch._dynamo" not in sys.modules:
        yield
        return
    with torch.compiler.set_stance("force_eager"):
        yield


def _all_recorded(
    prepared: PreparedModel,
    frames: Frames,
    spec: ModelSpec,
    tell: Progress,
    identity: tuple[Hashable, ...],
    attending: tuple[str, ...],
) -> RecordedRun:
    found = _recorded(prepared, frames, spec, tell, identity, attending=attending)
    assert found is not None
    return found


def _recorded(
    prepared: PreparedModel,
    frames: Frames,
    spec: ModelSpec,
    tell: Progress,
    identity: tuple[Hashable, ...],
    *,
    attending: tuple[str, ...] | None,
) -> RecordedRun | None:
    """Return the record of a run.

    ``identity``: that of the network before its first run. ``attending``: the names of the layers that were seen to
    attend, or None before the first search. In that case None is returned without a run if nothing looks like a block,
    and _MissedError is raised if a layer attends that does not look like one.
    """
    network = prepared.network
    assert isinstance(network, ForeignNetwork)
    count, hw = len(frames.rgb), network.input_spec.view_of(frames.info.shown_hw).input_hw
    size = (*identity, count, hw)
    behind = _behind.setdefault(network.model, {})

    def attached_to(frame_count: int) -> AttachedModel:
        return attach_model(
            network.model,
            status=spec.status,
            token_grid=spec.token_grid,
            class_tokens=spec.class_tokens,
            fed=Fed(frames=frame_count, hw=hw, behind=behind.get(size, {})),
            attending=dict.fromkeys(attending or ()) | network.by_hand,
            token_names=spec.token_names,
        )

    needed = forecast(
        network.model,
        (*size, attending, prepared.device),
        count,
        few_of(count, network.least_frames) if spec.token_grid is None else None,  # which is that of all frames
        lambda few: _few_recorded(prepared, network, frames, attached_to(few), few),
        prepared.device.torch_name,
    )
    if needed is not None:
        check_free(pick_device("cpu"), needed.kept)  # where tables are kept, whatever the network runs on
        check_free(prepared.device, needed.peak)
    attached = attached_to(count)
    known = [site.name for site in attached.found.sites] + [name for name, _ in attached.found.unreadable]

    def unknown(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(name for name in names if not any(_lies_within(name, other) for other in known))

    try:
        if not known and attending is None:
            return None
        with discovering(network.model) as watch:  # within the hooks of the blocks, so that their proofs are theirs

            def check() -> None:
                missed = unknown(watch.likely)
                if missed and attending is None:
                    raise _MissedError(*missed)

            peak = None if needed is None else needed.peak
            found = record_run(prepared, frames, tell, check=check, forecast_bytes=peak, identity=identity)
    finally:
        attached.detach()
    if found.behind and size not in behind:
        behind[size] = found.behind
        return _recorded(prepared, frames, spec, tell, identity, attending=attending)
    silent = [(name, no_softmax(network.model.get_submodule(name), 0)) for name in unknown(watch.comparing)]
    if not (found.capture.blocks or found.unreadable or silent):
        silent = [(site.name, "did not run when the network was called") for site in attached.found.sites]
    return replace(found, unreadable=(*attached.found.unreadable, *found.unreadable, *silent))


def _few_recorded(
    prepared: PreparedModel, network: ForeignNetwork, frames: Frames, attached: AttachedModel, few: int
) -> list[BlockCapture]:
    """Return the blocks of a run on the first few frames, and remove the hooks.

    Layers that are read by their products take most memory when they are read once more, to prove their places, while
    what all of them computed is kept; the run is repeated for that, on the same frames.
    """
    pixels, view = network_input(frames, network.input_spec)
    clip = torch.from_numpy(pixels)[:, :, :few]
    try:
        if not attached.found.sites:
            return []
        with recording(view=view, clip_frames=few, keep_calls=True) as record, same_random_numbers():
            run(network, clip, device=prepared.device)
        first = record.first or {}
        if any(each.reading.resting is not None for each in first.values()):
            with placing(PlaceTrial(first=first, points=())), same_random_numbers():
                run(network, clip, device=prepared.device)
        return record.blocks
    finally:
        attached.detach()


def _lies_within(name: str, other: str) -> bool:
    """Return whether one of two modules is the other, or a part of it."""
    return not name or f"{name}.".startswith(f"{other}.") or f"{other}.".startswith(f"{name}.")


def _attending(prepared: PreparedModel, network: ForeignNetwork, frames: Frames) -> tuple[str, ...]:
    """Return the names of the modules that attend, or may."""
    pixels, _ = network_input(frames, network.input_spec)
    with discovering(network.model) as watch, same_random_numbers():
        run(network, torch.from_numpy(pixels), device=prepared.device)
    return watch.suspects
