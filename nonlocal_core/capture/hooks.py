"""Recording: one forward hook per block, which writes into the recording of the current context or does nothing.

Hooks are attached once, when a network is prepared, and never store anything on it. A recording lives in a
context variable: two threads on one network never mix, and an exception leaves nothing behind.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any
from weakref import WeakSet

import torch
from torch import nn

from nonlocal_core.capture.gate import Proof, proved
from nonlocal_core.capture.places import FirstCall, PlaceTrial
from nonlocal_core.capture.reading import BlockSite, Call, DoesMore, NotReadable, named_arguments, part_of
from nonlocal_core.capture.record import BlockCapture
from nonlocal_core.capture.residual import ResidualSums
from nonlocal_core.capture.steps import time_of
from nonlocal_core.capture.trial import Setting
from nonlocal_core.errors import CaptureError
from nonlocal_core.geometry import ViewTransform
from nonlocal_core.models.sharing import last_tables_kept
from nonlocal_core.vocabulary import Progress


@dataclass(slots=True)
class Recording:
    """Blocks captured so far in one context, in the order in which they ran."""

    setting: Setting
    blocks: list[BlockCapture] = field(default_factory=list)
    """One for each head of each block."""
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    """Block and reason, for calls that cannot be shown."""
    calls: Counter[str] = field(default_factory=Counter)
    """Number of runs of each block."""
    first: dict[str, FirstCall] | None = None
    """First proved call of each block, if a proof of place follows."""
    steps: list[str | None] = field(default_factory=list)
    """Time of each step of the network (`steps`), in words, or None if its call has none."""
    step_of: dict[str, int] = field(default_factory=dict)
    """Number of the step in which each layer ran, by its name."""
    sums: ResidualSums = field(init=False)
    """Watch of the sums of attention layers with the residual stream."""

    def __post_init__(self) -> None:
        self.sums = ResidualSums(lambda: _current.get() is self)

    def see(self, site: BlockSite, call: Call, name: str) -> None:
        """Record one call, or the reason why it cannot be shown."""
        self.step_of[name] = len(self.steps) - 1
        try:
            found = proved(site, call, name, self.setting)
            if isinstance(found, NotReadable) and site.second is not None:
                again = proved(site.second, call, name, self.setting)
                site, found = _better(site, found, again)
        except CaptureError as fault:
            raise CaptureError(f"Block {name!r}: {fault}") from fault
        if isinstance(found, NotReadable):
            said = f"{site.because}. Read by its products, it {found.reason}" if site.because else found.reason
            self.unreadable.append((name, said))
            return
        self.blocks.extend(found.blocks)
        if not found.reading.residual:
            self.sums.begin(
                name, (call.args, call.kwargs), part_of(call.output, found.reading.output_at), found.reading
            )
        if self.first is not None:
            self.first[name] = FirstCall.of(site, call, found)

    def add_effects(self) -> None:
        """Give the heads of each attention layer the size of what the layer added, where its sum was seen."""
        for index, block in enumerate(self.blocks):
            if block.effect is None and block.asker is None:
                self.blocks[index] = replace(block, effect=self.sums.found.get(block.layer))

    def drop(self, reasons: Mapping[str, str]) -> None:
        """Remove the blocks that a later proof refuses, with all their heads, and keep the reasons."""
        self.blocks[:] = [block for block in self.blocks if block.layer not in reasons]
        self.unreadable.extend(reasons.items())


_VAGUE = ("cannot be proved", "was not called with sequences", "could not be read")
"""Beginnings of reasons that say only that a layer differs from its parts' usual computation."""

_current: ContextVar[Recording | PlaceTrial | None] = ContextVar("nonlocal_recording", default=None)
_hooked: WeakSet[nn.Module] = WeakSet()


@contextmanager
def recording(
    *,
    view: ViewTransform,
    clip_frames: int,
    progress: Progress | None = None,
    keep_calls: bool = False,
    leaves_sums: bool = True,
) -> Iterator[Recording]:
    """Record every prepared block that runs inside the ``with``, in this thread and context only.

    ``view``: the view of the clip, from which the grids follow. ``clip_frames``: the number of frames of the clip.
    ``progress`` is told of checks that take more than a second. ``keep_calls``: whether to keep what ``placing`` needs.
    ``leaves_sums``: whether blocks may leave the sum with their input to the network, whose functions are then watched.
    """
    record = Recording(Setting(view=view, clip_frames=clip_frames, tell=progress or _silent))
    record.first = {} if keep_calls else None
    token = _current.set(record)
    try:
        with last_tables_kept(), record.sums if leaves_sums else nullcontext():
            yield record
        record.add_effects()
    finally:
        _current.reset(token)


@contextmanager
def placing(trial: PlaceTrial) -> Iterator[None]:
    """Record one of the further runs of a proof of place, in this thread and context only."""
    trial.calls.clear()
    token = _current.set(trial)
    try:
        yield
    finally:
        _current.reset(token)


def attach(sites: tuple[BlockSite, ...]) -> Callable[[], None]:
    """Hook every block once; return a function that removes the hooks.

    Raises CaptureError if two blocks share a name, since a query could not tell them apart, and if a block is
    hooked already, since it would be recorded twice.
    """
    names = [site.name for site in sites]
    if len(set(names)) != len(names):
        raise CaptureError(f"Blocks of one network need different names; got {names}.")
    again = [site.name for site in sites if site.module in _hooked]
    if again:
        raise CaptureError(f"A block is hooked once; {', '.join(again)} already are. Detach the earlier hooks first.")
    handles = [site.module.register_forward_hook(_hook(site), with_kwargs=True) for site in sites]
    watched = [each.watch() for site in sites for each in (site, site.second) if each and each.watch]
    modules = [site.module for site in sites]
    _hooked.update(modules)

    def detach() -> None:
        for handle in handles:
            handle.remove()
        for stop in watched:
            stop()
        _hooked.difference_update(modules)

    return detach


@contextmanager
def watch_steps(part: nn.Module) -> Iterator[None]:
    """Count the calls of a part of a network inside the ``with`` as steps of the recording."""

    def begin(_part: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        record = _current.get()
        if isinstance(record, Recording):
            record.steps.append(time_of(named_arguments(part, args, kwargs)))

    handle = part.register_forward_pre_hook(begin, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


def _hook(site: BlockSite) -> Callable[[nn.Module, tuple[Any, ...], dict[str, Any], Any], Any]:
    def look(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Any:
        record = _current.get()
        if record is None:
            return None
        record.calls[site.name] += 1
        turn = record.calls[site.name]
        name = site.name if turn == 1 else f"{site.name}@{turn}"
        unwatched = _current.set(None)  # what a proof runs does not belong to the network's run
        try:
            with torch.no_grad():
                return record.see(site, Call(args=args, kwargs=kwargs, output=output), name)
        finally:
            _current.reset(unwatched)

    return look


def _better(site: BlockSite, found: NotReadable, again: NotReadable | Proof) -> tuple[BlockSite, NotReadable | Proof]:
    """Return the findings of a second reader after the first was refused, or the more telling of two reasons."""
    if isinstance(again, NotReadable):
        if isinstance(found, DoesMore):  # which the products would show
            return site, again
        if not found.reason.startswith(_VAGUE) or again.reason.startswith(_VAGUE):
            return site, found
        return site, NotReadable(f"{again.reason}. Read by its parts, it {found.reason.partition(', where')[0]}")
    assert site.second is not None
    return site.second, again


def _silent(stage: str, done: int, total: int) -> None:
    """Report nothing."""
