"""Effect of a filter on the pixels of one frame: without noise, with noise, and filtered.

session = Session.open("sample:coffee", NlMeans(h=0.12, noise=0.1))
found = filtered(session, frame=0)
found.psnr_before, found.psnr_after
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32

from nonlocal_core.ancestors.bm3d import Stack, denoised, stack
from nonlocal_core.ancestors.filters import Bm3d, NlMeans
from nonlocal_core.ancestors.matching import framed
from nonlocal_core.ancestors.network import PixelAffinity, PixelNetwork, on_grid, vectors_of, with_noise
from nonlocal_core.capture.rows import weighted_sums
from nonlocal_core.errors import CaptureError
from nonlocal_core.geometry import Cell
from nonlocal_core.media import network_pixels
from nonlocal_core.session import Session

H_OF_NOISE = 0.8
"""h of non-local means beside BM3D, in deviations of the noise: near its best on photographs (docs/ancestors.md)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Filtered:
    """One frame on the grid of a filter, red, green and blue from 0 to 1; noise may leave that range."""

    clean: Float32[np.ndarray, "H W 3"]
    before: Float32[np.ndarray, "H W 3"]
    """Frame with the noise that was added."""
    after: Float32[np.ndarray, "H W 3"]
    """Frame whose pixels are means of all pixels, weighted by their rows; for BM3D, the estimate from the stacks."""

    @property
    def psnr_before(self) -> float:
        """Peak signal-to-noise ratio of the noisy frame, in dB; infinite without noise."""
        return psnr(self.before, self.clean)

    @property
    def psnr_after(self) -> float:
        """Peak signal-to-noise ratio of the filtered frame, in dB."""
        return psnr(self.after, self.clean)


def filtered(session: Session, *, frame: int, block: str | None = None) -> Filtered:
    """Return a frame of the clip before and after a filter: BM3D's estimate, or the weighted means of other filters.

    ``block``: a name, or None for the one that is shown first. Raises CaptureError for a network that is not a filter,
    UnknownNameError for an unknown block, OutsideGridError for a missing frame, ShapeError for a clip that BM3D
    cannot take.
    """
    captured = session.block(block)
    network = _network(session)
    clean, before = _pixels(session)
    steps, rows, cols = captured.query_grid.shape
    step, count = captured.query_grid.t_of_frame(frame), rows * cols
    values = np.ascontiguousarray(_as_rows(before))
    shown = slice(step * count, (step + 1) * count)
    if isinstance(network.filter, Bm3d):
        after = _estimate(before, network.filter.noise, network.filter.threshold).reshape(-1, 3)
    else:
        after = np.empty((steps * count, 3), np.float32)
        asked = np.arange(shown.start, shown.stop)
        for some, y, _ in weighted_sums((captured,), values[None], asked):
            after[asked[some]] = y[0]
    return Filtered(
        **{
            name: table[shown].reshape(rows, cols, 3)
            for name, table in (("clean", _as_rows(clean)), ("before", values), ("after", after))
        }
    )


def relative_estimate(session: Session, relative: NlMeans | Bm3d, *, frame: int) -> Float32[np.ndarray, "H W 3"]:
    """Return another filter's output for the same noisy pixels of a frame; ``relative.noise`` is not used.

    BM3D gets the deviation of the noise. Raises CaptureError for a network that is not a filter or adds no noise,
    OutsideGridError for a missing frame, ShapeError for a clip that BM3D cannot take.
    """
    _, before = _pixels(session)
    noise = _network(session).filter.noise
    if not noise:
        raise CaptureError("Noise of a known deviation is taken away, and none was added. Set noise above 0.")
    step = session.block().query_grid.t_of_frame(frame)
    if isinstance(relative, Bm3d):
        every = _estimate(before, noise, relative.threshold)
    else:
        every = PixelAffinity(vectors_of(relative)["patches"])(before)[0].permute(1, 2, 3, 0).numpy()
    shown: np.ndarray = every[step]
    return shown


def relative_of(chosen: NlMeans | Bm3d) -> NlMeans | Bm3d:
    """Return the other of the two filters, set for the noise of this one."""
    if isinstance(chosen, NlMeans):
        return Bm3d()
    bounds = NlMeans().settings["h"]
    return NlMeans(h=min(max(round(H_OF_NOISE * chosen.noise, 2), bounds.least), bounds.most))


def relative_title(relative: NlMeans | Bm3d) -> str:
    """Return the title of the estimate of another filter."""
    return "BM3D, its first step" if isinstance(relative, Bm3d) else f"Non-local means, h {relative.h:g}"


def matched_stack(session: Session, pixel: Cell) -> tuple[Stack, Float32[np.ndarray, "T h w 3"]]:
    """Return the stack that BM3D matches to the block around a pixel, and the noisy clip with mirrored edges.

    A block of the stack starts in that clip at the index of its pixel. Raises CaptureError for a network that is not
    a filter, ShapeError for a clip with too many pixels.
    """
    _, before = _pixels(session)
    around: np.ndarray = framed(before)[0].permute(1, 2, 3, 0).numpy()
    return stack(before[0].permute(1, 2, 3, 0).numpy(), pixel), around


def _estimate(before: torch.Tensor, noise: float, threshold: float) -> Float32[np.ndarray, "T H W 3"]:
    estimate = denoised(before[0].permute(1, 2, 3, 0).numpy(), noise=noise, threshold=threshold)
    return np.ascontiguousarray(estimate.astype(np.float32))


def _network(session: Session) -> PixelNetwork:
    network = session.model.network
    if not isinstance(network, PixelNetwork):
        raise CaptureError(
            f"{session.model.card.title} compares features; only a filter makes pixels of pixels. Open the clip with "
            "one, such as pixels-nl-means."
        )
    return network


def _pixels(session: Session) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the clip on the filter's grid, (1, 3, T, h, w), without and with noise."""
    network = _network(session)
    clean = on_grid(torch.from_numpy(network_pixels(session.frames, network.input_spec, session.view)))
    return clean, with_noise(clean, network.filter.noise)


def psnr(values: Float[np.ndarray, "*shape"], truth: Float[np.ndarray, "*shape"]) -> float:
    """Return the peak signal-to-noise ratio in dB for a peak of 1; infinite if both are equal.

    >>> round(psnr(np.full((2, 2), 0.5, np.float32), np.full((2, 2), 0.6, np.float32)), 3)
    20.0
    """
    error = float(np.square(values.astype(np.float64) - truth).mean())
    return float("inf") if error == 0 else float(-10 * np.log10(error))


def _as_rows(clip: torch.Tensor) -> Float32[np.ndarray, "N 3"]:
    rows: np.ndarray = clip[0].flatten(1).mT.numpy()
    return rows
