"""Effect of a filter on the pixels of one frame: as they are, with noise, and each as the mean that its row makes.

session = Session.open("sample:coffee", NlMeans(h=0.12, noise=0.1))
found = filtered(session, frame=0)
found.psnr_before, found.psnr_after
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32

from nonlocal_core.ancestors.bm3d import SIDE, Stack, denoised, stack
from nonlocal_core.ancestors.network import PixelNetwork, on_grid, with_noise
from nonlocal_core.capture.rows import weighted_sums
from nonlocal_core.errors import CaptureError
from nonlocal_core.geometry import Cell
from nonlocal_core.media import network_pixels
from nonlocal_core.session import Session


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Filtered:
    """One frame on the grid of a filter, red, green and blue from 0 to 1; noise may leave that range."""

    clean: Float32[np.ndarray, "H W 3"]
    before: Float32[np.ndarray, "H W 3"]
    """With the noise that was added."""
    after: Float32[np.ndarray, "H W 3"]
    """Each pixel in its row's weights the mean of all pixels, of all frames."""

    @property
    def psnr_before(self) -> float:
        """Peak signal to noise ratio of the noisy frame, in dB; infinite without noise."""
        return psnr(self.before, self.clean)

    @property
    def psnr_after(self) -> float:
        """The same of the filtered frame."""
        return psnr(self.after, self.clean)


def filtered(session: Session, *, frame: int, block: str | None = None) -> Filtered:
    """Return what the rows of one affinity make of a frame of the clip, from the captured tables.

    ``block``: a name, or None for the one that is shown first. Raises CaptureError for a network that is no filter,
    UnknownNameError for another block, OutsideGridError for a frame that is not there.
    """
    captured = session.block(block)
    clean, before = _pixels(session)
    steps, rows, cols = captured.query_grid.shape
    step, count = captured.query_grid.t_of_frame(frame), rows * cols
    values = np.ascontiguousarray(_as_rows(before))
    after = np.empty((steps * count, 3), np.float32)
    queries = np.arange(step * count, (step + 1) * count)
    for some, y, _ in weighted_sums(captured, values, queries):
        after[some] = y
    shown = slice(step * count, (step + 1) * count)
    return Filtered(
        **{
            name: table[shown].reshape(rows, cols, 3)
            for name, table in (("clean", _as_rows(clean)), ("before", values), ("after", after))
        }
    )


def bm3d_estimate(session: Session, *, frame: int) -> Float32[np.ndarray, "H W 3"]:
    """Return what the first step of BM3D makes of the same noisy pixels, for a frame of the clip.

    It is told the deviation of the noise. Raises CaptureError for a network that is no filter or adds no noise,
    OutsideGridError for a frame that is not there, ShapeError for a grid smaller than a block.
    """
    _, before = _pixels(session)
    network = session.model.network
    if not (isinstance(network, PixelNetwork) and network.filter.noise):
        raise CaptureError("BM3D takes noise of a known deviation away, and none was added. Set noise above 0.")
    estimate = denoised(before[0].permute(1, 2, 3, 0).numpy(), noise=network.filter.noise)
    shown: np.ndarray = estimate[session.block().query_grid.t_of_frame(frame)].astype(np.float32)
    return shown


def matched_stack(session: Session, pixel: Cell) -> tuple[Stack, Float32[np.ndarray, "T H W 3"]]:
    """Return the stack that BM3D matches to the block round a pixel, and the noisy clip that it is cut from.

    Raises CaptureError for a network that is no filter, ShapeError for a grid smaller than a block.
    """
    _, before = _pixels(session)
    clip: np.ndarray = before[0].permute(1, 2, 3, 0).numpy()
    rows, cols = (max(size - SIDE, 0) for size in clip.shape[1:3])
    first = Cell(pixel.t, min(max(pixel.y - SIDE // 2, 0), rows), min(max(pixel.x - SIDE // 2, 0), cols))
    return stack(clip, first), clip


def _pixels(session: Session) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the clip on the filter's grid, (1, 3, T, h, w), without and with noise."""
    network = session.model.network
    if not isinstance(network, PixelNetwork):
        raise CaptureError(
            f"{session.model.card.title} compares features; only a filter makes pixels of pixels. Open the clip with "
            "one, such as pixels-nl-means."
        )
    clean = on_grid(torch.from_numpy(network_pixels(session.frames, network.input_spec, session.view)))
    return clean, with_noise(clean, network.filter.noise)


def psnr(values: Float[np.ndarray, "*shape"], truth: Float[np.ndarray, "*shape"]) -> float:
    """Return the peak signal to noise ratio in dB, where the peak is 1; infinite where both are equal.

    >>> round(psnr(np.full((2, 2), 0.5, np.float32), np.full((2, 2), 0.6, np.float32)), 3)
    20.0
    """
    error = float(np.square(values.astype(np.float64) - truth).mean())
    return float("inf") if error == 0 else float(-10 * np.log10(error))


def _as_rows(clip: torch.Tensor) -> Float32[np.ndarray, "N 3"]:
    rows: np.ndarray = clip[0].flatten(1).mT.numpy()
    return rows
