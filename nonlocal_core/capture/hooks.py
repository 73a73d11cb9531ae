"""Recording: one forward hook per block, which writes into the recording of the current context or does nothing.

Hooks are attached once, when a network is prepared, and never store anything on it. A recording lives in a
context variable: two threads on one network never mix, and an exception leaves nothing behind.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakSet

import torch
from torch import nn

from nonlocal_core.capture.assemble import assemble
from nonlocal_core.capture.reading import BlockSite, NotReadable
from nonlocal_core.capture.record import BlockCapture
from nonlocal_core.errors import CaptureError
from nonlocal_core.geometry import ViewTransform


@dataclass(slots=True)
class Recording:
    """The blocks captured so far in one context, in the order in which they ran."""

    view: ViewTransform
    clip_frames: int
    blocks: list[BlockCapture] = field(default_factory=list)
    """One for each head of each block."""
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    """Block and reason, for calls that cannot be shown."""
    calls: Counter[str] = field(default_factory=Counter)
    """How often each block ran."""


_current: ContextVar[Recording | None] = ContextVar("nonlocal_recording", default=None)
_hooked: WeakSet[nn.Module] = WeakSet()


@contextmanager
def recording(*, view: ViewTransform, clip_frames: int) -> Iterator[Recording]:
    """Record every prepared block that runs inside the ``with``, in this thread and context only.

    ``view``: how the clip was fed, from which the grids follow. ``clip_frames``: frames of the clip.
    """
    record = Recording(view=view, clip_frames=clip_frames)
    token = _current.set(record)
    try:
        yield record
    finally:
        _current.reset(token)


def attach(sites: tuple[BlockSite, ...]) -> Callable[[], None]:
    """Hook every block once; return a function that takes the hooks off again.

    Raises CaptureError when two blocks share a name, since a query could not tell them apart, and when a block is
    hooked already, since it would be recorded twice.
    """
    names = [site.name for site in sites]
    if len(set(names)) != len(names):
        raise CaptureError(f"Blocks of one network need different names; got {names}.")
    again = [site.name for site in sites if site.module in _hooked]
    if again:
        raise CaptureError(f"A block is hooked once; {', '.join(again)} already are. Detach the earlier hooks first.")
    handles = [site.module.register_forward_hook(_hook(site), with_kwargs=True) for site in sites]
    modules = [site.module for site in sites]
    _hooked.update(modules)

    def detach() -> None:
        for handle in handles:
            handle.remove()
        _hooked.difference_update(modules)

    return detach


def _hook(site: BlockSite) -> Callable[[nn.Module, tuple[Any, ...], dict[str, Any], Any], None]:
    def write(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        record = _current.get()
        if record is not None:
            with torch.no_grad():
                _write(site, site.inputs(args, kwargs), output, record)

    return write


def _write(site: BlockSite, x: Any, output: Any, record: Recording) -> None:
    record.calls[site.name] += 1
    turn = record.calls[site.name]
    name = site.name if turn == 1 else f"{site.name}@{turn}"
    z = output[0] if isinstance(output, tuple) else output
    try:
        found = assemble(site, x, z, name=name, view=record.view, clip_frames=record.clip_frames)
    except CaptureError as fault:
        raise CaptureError(f"Block {name!r}: {fault}") from fault
    if isinstance(found, NotReadable):
        record.unreadable.append((name, found.reason))
    else:
        record.blocks.extend(found)
