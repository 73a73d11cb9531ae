"""One call of a block, read and laid out, before it is proved."""

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Int
from torch import Tensor

from nonlocal_core.capture.assemble import assemble
from nonlocal_core.capture.reading import BlockReading, BlockSite, Call, NotReadable, Shape, part_of
from nonlocal_core.capture.record import BlockCapture
from nonlocal_core.capture.rows import drawn_queries, seen_keys
from nonlocal_core.errors import CaptureError, GeometryError
from nonlocal_core.geometry import ViewTransform
from nonlocal_core.vocabulary import Progress

CHEAP_PRODUCTS = 2**26
"""Multiplications for all rows of a block that are affordable in every run: some milliseconds on one core."""

DRAWN_QUERIES = 256
"""Number of queries to check if all of them would cost more, and were checked in an earlier run of this shape."""

ROUNDING = 64
"""Roundings of the largest value by which the sum of a layer's input and its bias may differ from its output."""

_HALF = (torch.float16, torch.bfloat16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Settings shared by all blocks of one recording: the view of the clip, and the progress callback."""

    view: ViewTransform
    clip_frames: int
    tell: Progress = field(default=lambda stage, done, total: None)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trial:
    """One call, read and laid out, before it is proved."""

    site: BlockSite
    reading: BlockReading
    blocks: tuple[BlockCapture, ...]
    x: Any
    """Map that the reader read; for a residual block, the one that its output contains."""
    z: Tensor
    tell: Progress

    @property
    def adds_nothing(self) -> bool:
        """True if the block leaves its input unchanged by design, so that there is no output to rebuild."""
        heads, _, width = self.reading.g.shape
        return self.reading.project(self.reading.g.new_zeros(1, 1, heads * width)) is None

    @property
    def is_half(self) -> bool:
        """True if any part of the call was computed in half precision."""
        made = (self.z, self.reading.theta, self.reading.g)
        return any(part.dtype in _HALF for part in made) or torch.is_autocast_enabled(self.z.device.type)

    @property
    def shape(self) -> Shape:
        """Sizes, precisions and maths for which a check at every query is valid."""
        own = self.reading
        tables = ((tuple(table.shape), table.dtype) for table in (own.theta, own.phi, own.g, self.z))
        maths = own.pairwise, own.scale, own.scope, own.temporal_groups, own.contrasts, own.residual
        return (
            *tables,
            own.query_thw,
            own.subsample,
            own.off_grid_keys,
            own.askers,
            *maths,
            type(self.site.reader),
            getattr(self.site.reader, "say", None),
            self.is_half,
        )

    @property
    def effect(self) -> Float32[np.ndarray, " Nq"] | None:
        """|z - x| / |x| at each position; None for a block whose output does not contain its input."""
        own = self.reading
        if own.residual:
            before, after = (own.rows(values).float() for values in (self.x, self.z))
        elif own.layout is not None and own.theta.shape[1] and self._adds_its_tokens(own.layout):
            before, after = (own.layout(values).float() for values in (self.x.tokens, self.z))
        else:
            return None
        sizes = before.norm(dim=-1).clamp_min(torch.finfo(torch.float32).tiny)
        effect: np.ndarray = ((after - before).norm(dim=-1) / sizes).cpu().numpy()
        return effect

    def _adds_its_tokens(self, layout: Callable[[Tensor], Tensor]) -> bool:
        """Return whether a layer that was read by its products returns its input and what it gathered, but for a bias.

        That shows in its output without what it gathered.
        """
        x = self.x.tokens
        if not isinstance(x, Tensor) or x.shape != self.z.shape:
            return False
        rest = (layout(self.z) - self.reading.rows(self.z) - layout(x)).float()
        rounding = ROUNDING * torch.finfo(torch.promote_types(x.dtype, self.z.dtype)).eps * float(self.z.abs().max())
        return bool(((rest - rest.mean(dim=0)).abs() <= rounding).all())

    def queries(self, *, everywhere: bool) -> Int[np.ndarray, " n"]:
        """Return the queries to check: all if that is asked or cheap, else some that follow from the output."""
        block, count = self.blocks[0], self.reading.theta.shape[1]
        channels = self.reading.theta.shape[-1] + self.reading.g.shape[-1]
        products = count * seen_keys(block) * channels * len(self.blocks)
        if everywhere or count <= DRAWN_QUERIES or products <= CHEAP_PRODUCTS:
            return np.arange(count)
        seed = zlib.crc32(self.z.detach().float().sum(dim=-1).cpu().numpy().tobytes())
        return drawn_queries(block, DRAWN_QUERIES, seed)


def read_call(site: BlockSite, call: Call, name: str, setting: Setting) -> Trial | NotReadable:
    """Return one call of a block as tables on grids, or the reason why it cannot be shown.

    Raises CaptureError for a fault of the caller that every block would share, such as training mode.
    """
    x = site.inputs(call.args, call.kwargs)
    reading = site.reader.read(x)
    if isinstance(reading, NotReadable):
        return reading
    z = part_of(call.output, reading.output_at)
    if not _is_laid_out(reading, z):
        return NotReadable(
            f"returns {tuple(z.shape)} for {reading.theta.shape[1]} queries: it pools or drops some of them, or orders "
            "them in a way that this viewer does not know"
        )
    theta = reading.theta if reading.asker_theta is None else torch.cat([reading.theta, reading.asker_theta], dim=1)
    tables = {"output": z, "theta": theta, "phi": reading.phi, "g": reading.g}
    spoilt = [title for title, values in tables.items() if not _is_finite(values)]
    if spoilt:
        return NotReadable(
            f"computed values that are not finite ({', '.join(spoilt)}). Look for NaN in its weights, or run the "
            "network in float32 instead of half precision"
        )
    try:
        blocks = assemble(site, reading, name=name, view=setting.view, clip_frames=setting.clip_frames)
    except GeometryError as fault:
        return NotReadable(f"has a grid that does not fit the clip: {fault}")
    except CaptureError as fault:
        return NotReadable(f"has tables that do not fit their grid: {fault}")
    return Trial(site=site, reading=reading, blocks=blocks, x=x, z=z, tell=setting.tell)


def _is_finite(values: Tensor) -> bool:
    """Return whether all values are finite. Their sum shows it in a tenth of the time, unless it overflows."""
    return math.isfinite(float(values.sum())) or all(map(math.isfinite, map(float, values.aminmax())))


def _is_laid_out(reading: BlockReading, z: Tensor) -> bool:
    """Return whether the output has a row for every query. Raises CaptureError for a batch of clips."""
    try:
        return not reading.theta.shape[1] or len(reading.rows(z)) == reading.theta.shape[1]
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, IndexError):  # torch's, for a shape that cannot be laid out so
        return False
