"""Recording: one forward hook per block, which writes into the recording of the current context or does nothing.

Hooks are attached once, when a network is prepared, and never store anything on it. A recording lives in a
context variable: two threads on one network never mix, and an exception leaves nothing behind.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from nonlocal_core.capture.record import BlockCapture
from nonlocal_core.capture.rows import row_weights
from nonlocal_core.errors import CaptureError
from nonlocal_core.geometry import ViewTransform
from nonlocal_core.vocabulary import Pairwise, Scope, WeightStatus

SELF_CHECK_QUERIES = 16
"""Positions of a block's output that are rebuilt from the captured tables, spread over the clip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockReading:
    """What a reader computed from a block's input with the block's own weights; a batch of one clip."""

    theta: Float[Tensor, "1 Nq Ci"]
    phi: Float[Tensor, "1 Nk Ci"]
    g: Float[Tensor, "1 Nk Cg"]
    query_thw: tuple[int, int, int]
    pairwise: Pairwise
    scale: float
    subsample: tuple[int, int, int] = (1, 1, 1)
    scope: Scope = "spacetime"
    temporal_groups: int = 1


@runtime_checkable
class Reader(Protocol):
    """How one kind of block is read from outside, without touching its forward pass."""

    def read(self, x: Tensor) -> BlockReading:
        """Return theta, phi and g for the block's input (1, C, T, H, W)."""
        ...

    def project(self, y: Float[Tensor, "1 n Cg"]) -> Float[Tensor, "1 n C"] | None:
        """Return what the block adds to its input for rows of y; None when it adds nothing by design."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockSite:
    """Where a block sits in its network, and what people call it."""

    name: str
    title: str
    module: nn.Module
    reader: Reader
    status: WeightStatus
    note: str = ""


@dataclass(slots=True)
class Recording:
    """The blocks captured so far in one context, in the order in which they ran."""

    view: ViewTransform
    clip_frames: int
    blocks: list[BlockCapture] = field(default_factory=list)


_current: ContextVar[Recording | None] = ContextVar("nonlocal_recording", default=None)


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

    Raises CaptureError when two blocks share a name, since a query could not tell them apart.
    """
    names = [site.name for site in sites]
    if len(set(names)) != len(names):
        raise CaptureError(f"Blocks of one network need different names; got {names}.")
    handles = [site.module.register_forward_hook(_hook(site)) for site in sites]

    def detach() -> None:
        for handle in handles:
            handle.remove()

    return detach


def _hook(site: BlockSite) -> Callable[[nn.Module, tuple[Any, ...], Any], None]:
    def write(_module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        record = _current.get()
        if record is not None:
            with torch.no_grad():
                record.blocks.append(_capture(site, inputs[0], output, record))

    return write


def _capture(site: BlockSite, x: Tensor, z: Tensor, record: Recording) -> BlockCapture:
    if x.shape[0] != 1:
        raise CaptureError(f"Record one clip at a time: block {site.name!r} saw a batch of {x.shape[0]}.")
    reading = site.reader.read(x)
    frames, rows, cols = reading.query_thw
    grid = record.view.query_grid(clip_frames=record.clip_frames, frames=frames, rows=rows, cols=cols)
    x_rows, z_rows = x.flatten(2).mT, z.flatten(2).mT
    captured = BlockCapture(
        name=site.name,
        title=site.title,
        pairwise=reading.pairwise,
        scale=reading.scale,
        theta=_table(reading.theta),
        phi=_table(reading.phi),
        query_grid=grid,
        key_grid=grid.pooled(reading.subsample),
        subsample=reading.subsample,
        scope=reading.scope,
        temporal_groups=reading.temporal_groups,
        status=site.status,
        note=site.note,
    )
    if site.reader.project(reading.g[:, :1]) is None:
        return captured
    added = (z_rows - x_rows).float().norm(dim=-1)
    effect = added / x_rows.float().norm(dim=-1).clamp_min(torch.finfo(torch.float32).tiny)
    error = _rebuild_error(captured, site.reader, reading.g, x_rows, z_rows)
    return replace(captured, effect=effect[0].cpu().numpy(), rebuild_error=error)


def _rebuild_error(captured: BlockCapture, reader: Reader, g: Tensor, x_rows: Tensor, z_rows: Tensor) -> float:
    """Return the worst |output - rebuilt| over sampled positions, over the largest change the block makes there.

    The rows come from the captured tables by the explicit formula in float64, not from the block's lean path.
    Where the block changes nothing at all, the error is taken over |output|.
    """
    count = min(SELF_CHECK_QUERIES, captured.query_grid.size)
    sample = np.linspace(0, captured.query_grid.size - 1, count).astype(int)
    rows = np.stack([row_weights(captured, captured.query_grid.cell(int(i))) for i in sample])
    y = torch.from_numpy(rows @ g[0].double().cpu().numpy())
    added = reader.project(y.to(g)[None])
    if added is None:
        raise CaptureError(f"Block {captured.name!r} has no output path to check.")
    index = torch.from_numpy(sample).to(x_rows.device)
    x, z = x_rows[:, index].double(), z_rows[:, index].double()
    change, wrong = (z - x).abs().max(), (z - (x + added.double())).abs().max()
    return float(wrong / (change if change > 0 else z.abs().max().clamp_min(torch.finfo(torch.float32).tiny)))


def _table(values: Tensor) -> np.ndarray:
    table: np.ndarray = np.ascontiguousarray(values[0].float().cpu().numpy())
    return table
