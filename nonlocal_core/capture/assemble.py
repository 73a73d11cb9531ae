"""From a reading to records: one capture for each head, and the self-check that rebuilds the block's real output."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from torch import Tensor

from nonlocal_core.capture.reading import BlockReading, BlockSite, NotReadable, Reader
from nonlocal_core.capture.record import BlockCapture
from nonlocal_core.capture.rows import many_row_weights
from nonlocal_core.geometry import QueryGrid, ViewTransform

SELF_CHECK_QUERIES = 16
"""Positions of a block's output that are rebuilt from the captured tables, spread over the clip."""

REBUILD_TOLERANCE = 1e-3
"""Largest rebuild error of a true reading in float32; ``test_adapters_maps.py`` measures both sides of it."""

HALF_REBUILD_TOLERANCE = 5e-2
"""The same where the block computed in half precision: bfloat16 has 8 significant bits."""

_TINY = torch.finfo(torch.float32).tiny


def assemble(
    site: BlockSite, x: Any, z: Tensor, *, name: str, view: ViewTransform, clip_frames: int
) -> tuple[BlockCapture, ...] | NotReadable:
    """Return the captures of one call of a block, one for each head, checked against its real output z.

    ``x``: what the site's ``inputs`` took from the call. Raises CaptureError when the call cannot be recorded.
    """
    reading = site.reader.read(x)
    if isinstance(reading, NotReadable):
        return reading
    z_rows = reading.rows(z)
    frames, rows, cols = reading.query_thw
    grid = view.query_grid(clip_frames=clip_frames, frames=frames, rows=rows, cols=cols)
    heads = len(reading.theta)
    blocks = tuple(_head(site, reading, grid, name, head if heads > 1 else None) for head in range(heads))
    before = reading.rows(x) if reading.residual else None
    return _checked(blocks, site.reader, reading, before, z_rows)


def _head(site: BlockSite, reading: BlockReading, grid: QueryGrid, name: str, head: int | None) -> BlockCapture:
    return BlockCapture(
        name=name if head is None else f"{name}.head{head}",
        title=site.title if head is None else f"{site.title} · head {head + 1}",
        pairwise=reading.pairwise,
        scale=reading.scale,
        theta=_table(reading.theta[head or 0]),
        phi=_table(reading.phi[head or 0]),
        query_grid=grid,
        key_grid=grid.pooled(reading.subsample),
        subsample=reading.subsample,
        scope=reading.scope,
        temporal_groups=reading.temporal_groups,
        status=site.status,
        note=site.note,
        head=head,
        off_grid_keys=reading.off_grid_keys,
    )


def _checked(
    blocks: tuple[BlockCapture, ...],
    reader: Reader,
    reading: BlockReading,
    before: Float[Tensor, "Nq C"] | None,
    after: Float[Tensor, "Nq C"],
) -> tuple[BlockCapture, ...]:
    """Return the heads of one block with the effect and the rebuild error that its real output shows.

    ``before``: the block's input, where its output holds it. The error is the worst |output - rebuilt| over sampled
    positions, over the largest change that the block makes there, or over |output| where it changes nothing at all.
    Rows come from the captured tables by the explicit formula in float64, not from the block's own path.
    """
    size = blocks[0].query_grid.size
    sample = np.linspace(0, size - 1, min(SELF_CHECK_QUERIES, size)).astype(int)
    heads = zip(blocks, reading.g, strict=True)
    y = torch.cat([_rows_of_y(block, g, sample, contrasts=reading.contrasts) for block, g in heads], dim=-1)
    added = reader.project(y.to(reading.g)[None])
    if added is None:
        return blocks
    index = torch.from_numpy(sample).to(after.device)
    output, rebuilt = after[index].double(), added[0].double()
    if before is not None:
        rebuilt = rebuilt + before[index].double()
    change = (output - before[index].double() if before is not None else output).abs().max()
    error = float((output - rebuilt).abs().max() / (change if change > 0 else output.abs().max().clamp_min(_TINY)))
    effect = None if before is None else _effect(before, after)
    doubt = _doubt(error, after)
    return tuple(
        replace(block, effect=effect, rebuild_error=error, note=f"{block.note} {doubt}".strip()) for block in blocks
    )


def _rows_of_y(
    block: BlockCapture, g: Float[Tensor, "Nk_all Cg"], sample: Int[np.ndarray, " n"], *, contrasts: bool
) -> Float[Tensor, "n Cg"]:
    weights, values = many_row_weights(block, sample), g.double().cpu().numpy()
    y = weights @ values
    if contrasts:
        y -= weights.sum(axis=1, keepdims=True) * values[sample]
    return torch.from_numpy(y)


def _effect(before: Float[Tensor, "Nq C"], after: Float[Tensor, "Nq C"]) -> Float32[np.ndarray, " Nq"]:
    sizes = before.float().norm(dim=-1).clamp_min(_TINY)
    effect: np.ndarray = ((after - before).float().norm(dim=-1) / sizes).cpu().numpy()
    return effect


def _doubt(error: float, z: Tensor) -> str:
    """Return the warning for an output that could not be rebuilt, empty when it was."""
    half = z.dtype in (torch.float16, torch.bfloat16) or torch.is_autocast_enabled(z.device.type)
    if error <= (HALF_REBUILD_TOLERANCE if half else REBUILD_TOLERANCE):
        return ""
    return (
        f"Not proved: the output rebuilt from these tables is off by {100 * error:.2g} % of what the block computes. "
        "It may use a mask, a bias on positions or a gate, or numbers too large for its precision."
    )


def _table(values: Float[Tensor, "N Ci"]) -> Float32[np.ndarray, "N Ci"]:
    table: np.ndarray = np.ascontiguousarray(values.float().cpu().numpy())
    return table
