"""Records of a reading: one capture for each head, not yet proved."""

import numpy as np
from jaxtyping import Float, Float32
from torch import Tensor

from nonlocal_core.capture.reading import BlockReading, BlockSite
from nonlocal_core.capture.record import BlockCapture, asked_by
from nonlocal_core.geometry import QueryGrid, ViewTransform


def assemble(
    site: BlockSite, reading: BlockReading, *, name: str, view: ViewTransform, clip_frames: int
) -> tuple[BlockCapture, ...]:
    """Return the captures of one call of a block, one for each head.

    Raises GeometryError if its grid does not fit the clip, CaptureError if its tables do not fit the grid.
    """
    frames, rows, cols = reading.query_thw
    grid = view.query_grid(clip_frames=clip_frames, steps=frames, rows=rows, cols=cols)
    heads = len(reading.theta)
    return tuple(_head(site, reading, grid, name, head if heads > 1 else None) for head in range(heads))


def _head(
    site: BlockSite,
    reading: BlockReading,
    grid: QueryGrid,
    name: str,
    head: int | None,
) -> BlockCapture:
    theta = table_of(reading.theta[head or 0])
    asking = None if reading.asker_theta is None else table_of(reading.asker_theta[head or 0])
    nobody = not len(theta)  # no position asks: the first asker does until another is named
    title = site.title + name.removeprefix(site.name).replace("@", " · run ")  # of a layer that runs again
    captured = BlockCapture(
        name=name if head is None else f"{name}.head{head}",
        title=title if head is None else f"{title} · head {head + 1}",
        pairwise=reading.pairwise,
        scale=reading.scale,
        theta=np.zeros((grid.size, theta.shape[-1]), np.float32) if nobody else theta,
        phi=table_of(reading.phi[head or 0]),
        query_grid=grid,
        key_grid=grid.pooled(reading.subsample),
        subsample=reading.subsample,
        scope=reading.scope,
        temporal_groups=reading.temporal_groups,
        status=site.status,
        note=f"{site.note} {_shared(reading.square)}".strip(),
        head=head,
        head_count=None if head is None else len(reading.theta),
        off_grid_keys=reading.off_grid_keys,
        has_key_grid=reading.has_key_grid,
        is_walled=reading.is_walled,
        windows=None if reading.windows is None else reading.windows.int().cpu().numpy(),
        askers=reading.askers,
        asker_theta=asking,
    )
    return asked_by(captured, reading.askers[0]) if nobody else captured


def _shared(square: int) -> str:
    """Return the sentence on cells that ask with one query, or nothing where each has its own."""
    return f"The {square} x {square} cells of a square ask with one query, which the layer pools." if square > 1 else ""


def table_of(values: Float[Tensor, "*heads N Ci"]) -> Float32[np.ndarray, "*heads N Ci"]:
    """Return values as the float32 array that a record holds."""
    table: np.ndarray = np.ascontiguousarray(values.float().cpu().numpy())
    return table
