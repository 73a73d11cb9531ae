"""Label propagation: an object's label is carried from one frame to all others by the affinity, and then scored.

A map that finds the same object finds it wherever it moves. This is the label propagation of A. Jabri, A. Owens and
A. Efros, "Space-Time Correspondence as a Contrastive Random Walk" (NeurIPS 2020): a position takes the mean label of
the keys that it weighs most.

Differs: theirs also asks the latest frames, within a radius of 12 cells and by a cosine at a fixed temperature. Here
every frame asks the marked one alone, without a radius, by the block's own affinity. The viewer's Follow
(``viewer/model/follow.js``) goes from frame to frame instead, to the strongest cell of each answer in the next.
"""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from nonlocal_core.capture import BlockCapture, is_restricted, many_row_weights
from nonlocal_core.errors import CaptureError, MediaError, ShapeError
from nonlocal_core.geometry import Cell, QueryGrid, box_mask, coverage, pixel_at, resized, spread
from nonlocal_core.media import Frames, Sample, Selection, read_frames

File = TypeVar("File", bound=Path | bytes)

TOP_K = 10
"""Number of strongest keys that give a position its label, as in ajabri/videowalk@0834ff9, code/utils/arguments.py."""
COVERED = 0.5
"""Minimum label that arrives at a pixel of the object."""
MOST_BOXES = 10_000
"""Maximum number of lines in a table of boxes, which take some tenths of a second."""
LONGEST_LINE = 1_000
"""Maximum length of a line in characters; a longer one cannot hold just five numbers."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CarriedMask:
    """Mask of one frame, carried to all frames of the clip by a block."""

    labels: Float32[np.ndarray, "T H W"]
    """Fraction of the label, in [0, 1], that arrives at each position of the query grid."""
    grid: QueryGrid
    frame: int
    """The frame that was marked."""
    note: str = ""
    """Warning of the block, empty if there is none."""

    def masks(self, size_hw: tuple[int, int]) -> Bool[np.ndarray, "frames h w"]:
        """Return the object's pixels in every frame of the clip: labels enlarged bilinearly, then cut at one half."""
        masks = np.zeros((self.grid.end_frame, *size_hw), bool)
        step_of_frames = [self.grid.find_t(frame) for frame in range(self.grid.end_frame)]
        for t, labels in enumerate(self.labels):
            values, covered = spread(labels, self.grid, size_hw=size_hw, smoothing="bilinear")
            masks[[step == t for step in step_of_frames]] = (values >= COVERED) & covered
        return masks

    def strongest(self, frame: int) -> tuple[float, float]:
        """Return (x, y), in [0, 1] of the frame, of the cell in a frame at which the most label arrives."""
        t = self.grid.t_of_frame(frame)
        y, x = np.unravel_index(int(self.labels[t].argmax()), self.labels.shape[1:])
        return self.grid.center(Cell(t, int(y), int(x)))


def carry(
    block: BlockCapture,
    mask: Bool[np.ndarray, "h w"],
    *,
    frame: int,
    k: int = TOP_K,
    progress: Callable[[int, int], None] | None = None,
) -> CarriedMask:
    """Carry the label of a mask in one frame of the clip to every other frame.

    Each position takes the mean label of its ``k`` strongest keys in the marked frame, weighted by the affinity taken
    over these alone. Negative weights of the dot product carry nothing. ``progress``: frames done, and in all.

    Raises CaptureError for a block that does not compare all frames, or if the mask covers no key, OutsideGridError
    for a frame that the block did not see.
    """
    refuse_restricted(block)
    queries, keys = block.query_grid, block.key_grid
    marked = coverage(keys, mask).reshape(-1)
    if not marked.any():
        raise CaptureError("What was marked covers nothing that the block looks at. Mark a larger part of the frame.")
    asked = np.arange(marked.size) + keys.t_of_frame(frame) * marked.size
    labels = np.empty(queries.shape, np.float32)
    for t in range(queries.steps):
        asking = np.arange(queries.rows * queries.cols) + t * queries.rows * queries.cols
        labels[t] = _mean_label(many_row_weights(block, asking, asked), marked, k).reshape(queries.shape[1:])
        if progress is not None:
            progress(t + 1, queries.steps)
    labels[queries.t_of_frame(frame)] = coverage(queries, mask)
    return CarriedMask(labels=labels, grid=queries, frame=frame, note=block.warning)


def refuse_restricted(block: BlockCapture) -> None:
    """Raise CaptureError for a block that does not compare every position with the whole clip."""
    if is_restricted(block):
        raise CaptureError(
            f"{block.title!r} compares positions inside one frame, one place or one part of the clip only, so it "
            "cannot carry a label to all frames. Choose a block that attends to all of space and time."
        )


def _mean_label(
    weights: Float64[np.ndarray, "n m"], label: Float64[np.ndarray, " m"], k: int
) -> Float64[np.ndarray, " n"]:
    """Return the mean label of each row's k largest weights; 0 if none is above 0."""
    kept = np.argpartition(-weights, min(k, len(label)) - 1, axis=1)[:, :k]
    strongest = np.maximum(np.take_along_axis(weights, kept, axis=1), 0)
    mass = strongest.sum(axis=1)
    mean: np.ndarray = np.divide((strongest * label[kept]).sum(axis=1), mass, out=np.zeros_like(mass), where=mass > 0)
    return mean


def region_similarity(
    found: Bool[np.ndarray, "frames h w"], truth: Bool[np.ndarray, "frames h w"]
) -> Float64[np.ndarray, " frames"]:
    """Return J of every frame: the pixels in both masks over those in either; 1 if both are empty.

    Source: F. Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation"
    (CVPR 2016, section 4.1). Raises ShapeError for masks of different sizes.
    """
    if found.shape != truth.shape:
        raise ShapeError(f"Masks are compared pixel by pixel; got {found.shape} and {truth.shape}.")
    both, either = (np.count_nonzero(pixels, axis=(1, 2)) for pixels in (found & truth, found | truth))
    similarity: np.ndarray = np.divide(both, either, out=np.ones(len(found)), where=either > 0)
    return similarity


def propagation(block: BlockCapture, masks: Mapping[int, Bool[np.ndarray, "h w"]]) -> float:
    """Return the mean J of an object found again by a block, over all masked frames but the one whose mask is carried.

    ``masks``: masks of frames, by their index in the clip. The first that shows the object is carried (`carry`).
    Raises CaptureError if none shows it or no other frame has a mask, and the errors of `carry`.
    """
    marked = next((frame for frame in sorted(masks) if masks[frame].any()), None)
    others = [frame for frame in sorted(masks) if frame != marked]
    if marked is None or not others:
        raise CaptureError(
            f"To score what is found again, one mask has to show the object, and another frame has to have a mask. "
            f"Masks are of frames {', '.join(str(frame + 1) for frame in sorted(masks)) or 'none'}."
        )
    found = carry(block, masks[marked], frame=marked).masks(masks[marked].shape)
    return float(region_similarity(found[others], np.stack([masks[frame] for frame in others])).mean())


def pointing_hits(carried: CarriedMask, truth: Bool[np.ndarray, "frames h w"]) -> Float64[np.ndarray, " frames"]:
    """Return 1 for every frame in which the most labelled cell has its centre on the object, else 0.

    NaN if the object is not visible. Source: the pointing game of J. Zhang et al., "Top-down Neural Attention
    by Excitation Backprop" (ECCV 2016, section 4.1), without their margin of 15 pixels.
    """
    hits = np.full(len(truth), np.nan)
    for frame, mask in enumerate(truth):
        if mask.any():
            x, y = carried.strongest(frame)
            hits[frame] = mask[pixel_at(x, y, mask.shape)]
    return hits


def known_masks(
    sample: Sample | None, frame_indices: Int64[np.ndarray, " frames"]
) -> dict[str, Bool[np.ndarray, "frames H W"]]:
    """Return the exact masks of a sample's objects by name, or nothing if they are not known.

    ``frame_indices``: indices of the frames in the file, as in ``Frames``.
    """
    if sample is None or sample.masks is None:
        return {}
    return {name: masks[frame_indices] for name, masks in sample.masks().items()}


def read_picture(file: Path | bytes, name: str) -> Frames:
    """Return the first frame of a file."""
    return read_frames(file, Selection(frames=1), name=name)


def read_masks(
    files: Sequence[File], size_hw: tuple[int, int], read: Callable[[File, str], Frames] = read_picture
) -> Bool[np.ndarray, "frames h w"]:
    """Return one mask for each picture, in order: every pixel that is not black belongs to the object.

    Pictures of another size are scaled to the frame's by the nearest pixel. ``read``: returns the frames of a file,
    under that name. Raises MediaError, with the number of the file, for a file that is not a picture.
    """
    masks = np.empty((len(files), *size_hw), bool)
    for index, file in enumerate(files):
        masks[index] = object_pixels(read(file, f"mask {index + 1}"), size_hw)
    return masks


def object_pixels(picture: Frames, size_hw: tuple[int, int]) -> Bool[np.ndarray, "h w"]:
    """Return a mask of the pixels of a picture that are not black, scaled to a size by the nearest pixel."""
    pixels: np.ndarray = resized(picture.rgb[0].any(axis=2), size_hw)
    return pixels


def read_boxes(content: bytes, count: int, size_hw: tuple[int, int]) -> Bool[np.ndarray, "frames h w"]:
    """Return one mask for each of ``count`` frames from a table of boxes, one line each: frame, x0, y0, x1, y1.

    Frames are counted from 1, as on the film strip; the rest is in units of the frame. A line of names may come first.
    The mask of a frame without a line is empty, and that of a frame with several is their union.
    Raises MediaError, naming the line, for anything else, and for more than ``MOST_BOXES`` lines.
    """
    masks = np.zeros((count, *size_hw), bool)
    lines = content.decode("utf-8-sig", errors="replace").splitlines()
    if len(lines) > MOST_BOXES:
        raise MediaError(f"A table of boxes has at most {MOST_BOXES:,} lines; this one has {len(lines):,}.")
    for number, cells in enumerate(csv.reader(line[:LONGEST_LINE] for line in lines), start=1):
        if not cells or (number == 1 and not cells[0].strip().isdigit()):
            continue
        try:
            frame, (x0, y0, x1, y1) = int(cells[0]), (float(cell) for cell in cells[1:])
        except ValueError:
            frame, x0, y0, x1, y1 = 0, 0.0, 0.0, 0.0, 0.0
        if not (1 <= frame <= count and 0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1):
            raise MediaError(
                f"Line {number} should be a frame from 1 to {count}, then x0, y0, x1, y1 of a box in units of the "
                f"frame, 0 to 1; it is {','.join(cells)[:80]!r}."
            )
        masks[frame - 1] |= box_mask((x0, y0, x1, y1), size_hw)
    return masks
