"""Receptive fields of the trunk by gradient, and the number of steps that a message needs without a block.

found = receptive_fields(Session.open("sample:chelsea"), frame=0, x=0.4, y=0.5)
found[-1].title, found[-1].half
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor
from torch.nn.functional import relu6

from nonlocal_core.answers import AffinityRow
from nonlocal_core.errors import CaptureError
from nonlocal_core.geometry.grid import Box
from nonlocal_core.media import network_pixels
from nonlocal_core.models.lite0 import Lite0
from nonlocal_core.session import Session

LAYERS = {
    0: "stride 2 · after block 0",
    2: "stride 4 · after block 2",
    4: "stride 8 · after block 4",
    10: "stride 16 · after block 10",
    15: "stride 32 · after block 15",
}
"""Layers whose fields are shown, the last of each stride: the number of the block before it, and a title."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReceptiveField:
    """Field of one position of one layer in its frame: the effect of each pixel on the layer's features there."""

    title: str
    share: Float64[np.ndarray, "h w"]
    """Absolute gradient of the sum of the layer's channels, summed over colours, as a share of the total, at each pixel
    of the network's input."""

    @property
    def box(self) -> Box:
        """Box around the pixels that have any effect, as x0, y0, x1, y1 in [0, 1] of the input."""
        height, width = self.share.shape
        ys, xs = np.flatnonzero(self.share.any(axis=1)), np.flatnonzero(self.share.any(axis=0))
        x0, y0, x1, y1 = (int(end) for end in (xs[0], ys[0], xs[-1] + 1, ys[-1] + 1))
        return (x0 / width, y0 / height, x1 / width, y1 / height)

    @property
    def half(self) -> float:
        """Share of the pixels that half of the gradient comes from."""
        largest_first = np.sort(self.share.reshape(-1))[::-1].cumsum()
        return float((np.searchsorted(largest_first, 0.5) + 1) / self.share.size)


def receptive_fields(session: Session, *, frame: int, x: float, y: float) -> tuple[ReceptiveField, ...]:
    """Return the field of the position over a point, for each of ``LAYERS``.

    The gradient of a position follows W. Luo et al., "Understanding the effective receptive field in deep convolutional
    neural networks" (NeurIPS 2016), section 2, here on the clip itself. The blocks' additions are left out: it is the
    field of the trunk, which lies in one frame.
    Raises CaptureError for a network without the trunk of this library, OutsideGridError for a point that it did not
    see.
    """
    trunk = getattr(session.model.network, "trunk", None)
    if not isinstance(trunk, Lite0):
        raise CaptureError(
            f"Receptive fields are measured on EfficientNet-Lite0; {session.model.card.title} has another trunk."
        )
    session.block().query_grid.cell_at(frame=frame, x=x, y=y)  # refuses what the network did not see
    frames, own = session.frames, slice(frame, frame + 1)
    alone = replace(
        frames,
        rgb=frames.rgb[own],
        pts_seconds=frames.pts_seconds[own],
        frame_indices=frames.frame_indices[own],
        marks=None,
    )
    pixels = network_pixels(alone, replace(session.model.network.input_spec, marks=0), session.view)[:, :, 0]
    image = torch.from_numpy(pixels).to(trunk.stem.weight.device)
    return tuple(
        ReceptiveField(title=LAYERS[layer], share=share)
        for layer, share in _fields(trunk, image, lambda rows, cols: _index(session, rows, cols, (x, y))).items()
    )


def _fields(
    trunk: Lite0, image: Float[Tensor, "1 3 h w"], at: Callable[[int, int], tuple[int, int]]
) -> dict[int, Float64[np.ndarray, "h w"]]:
    """Return the field of each layer. ``at``: row and column of the position, then the size of its map."""
    image = image.requires_grad_()
    found = {}
    with torch.enable_grad():
        features = relu6(trunk.stem(image))
        for number, block in enumerate(trunk.blocks):
            features = block(features)
            if number in LAYERS:
                y, x = at(*features.shape[2:])
                (moved,) = torch.autograd.grad(features[0, :, y, x].sum(), image, retain_graph=True)
                field = moved[0].abs().sum(dim=0).cpu().numpy().astype(np.float64)
                found[number] = field / max(field.sum(), np.finfo(float).tiny)
    return found


def _index(session: Session, rows: int, cols: int, point_xy: tuple[float, float]) -> tuple[int, int]:
    grid = session.view.query_grid(clip_frames=1, steps=1, rows=rows, cols=cols)
    cell = grid.cell_at(frame=0, x=point_xy[0], y=point_xy[1])
    return cell.y, cell.x


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """Path of a message from the cell that is looked at to the asking cell."""

    frames: int
    """Steps of time between them, positive if the message comes from an earlier step."""
    cells: int
    """Cells between them, the larger of the vertical and the horizontal distance."""

    @property
    def convolutions(self) -> int:
        """Number of successive 3 x 3 x 3 convolutions that it takes to reach from one cell to the other."""
        return max(abs(self.frames), self.cells)


def journey(row: AffinityRow) -> Journey | None:
    """Return the path from the strongest cell beyond the asked place, or None if no weight lies beyond it."""
    away = np.where(row.own_place, 0, row.cell_share)
    if not away.any():
        return None
    t, y, x = np.unravel_index(int(away.argmax()), away.shape)
    own = row.own_key
    return Journey(frames=own.t - int(t), cells=max(abs(own.y - int(y)), abs(own.x - int(x))))
