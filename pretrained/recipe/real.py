"""Real clips and pictures with objects that were outlined by hand, and the measures of a row on them.

The outlines are in tests/data/real_clips.json. A clip of the installation has a ``sample`` there, any other a
``source``. A file is used only if its hash is that of the file on which the outlines were drawn.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor
from torch.nn.functional import avg_pool2d

from nonlocal_core.geometry import ViewTransform
from nonlocal_core.measures import rows_on_object
from nonlocal_core.measures.objects import COVERED
from nonlocal_core.media import Selection, find_sample, network_input, read_frames
from nonlocal_core.models.lite0_networks import INPUT

BLOB_PART = 1 / 7
"""Standard deviation of the control `blob`, as a fraction of the frame's height."""
PIXELS_PER_CELL = 8
"""Resolution of drawn outlines, along each side of a cell."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RealClip:
    """Frames as network input (1, 3, T, h, w), with the query and the outlines of the object in ``entry``."""

    id: str
    pixels: Tensor
    view: ViewTransform
    entry: dict[str, Any]

    @property
    def is_still(self) -> bool:
        """True for a clip of one frame."""
        return self.pixels.shape[2] == 1

    def query(self, rows: int, cols: int) -> int:
        """Return the flat index of the query's cell on a grid."""
        frames, query = self.pixels.shape[2], self.entry["query"]
        grid = self.view.query_grid(clip_frames=frames, steps=frames, rows=rows, cols=cols)
        return grid.index(grid.cell_at(frame=query["frame"], x=query["x"], y=query["y"]))

    def cover(self, rows: int, cols: int) -> np.ndarray:
        """Return the share of each cell (T, rows, cols) that the object covers; the grid spans the whole frame."""
        size_hw = (rows * PIXELS_PER_CELL, cols * PIXELS_PER_CELL)
        is_round = self.entry.get("round", False)
        masks = np.stack([outlined(shapes, size_hw, is_round=is_round) for shapes in self.entry["shapes"]])
        covered: np.ndarray = avg_pool2d(torch.from_numpy(masks).double()[:, None], PIXELS_PER_CELL)[:, 0].numpy()
        return covered


def load_real_clips(outlines: Path, folder: Path | None) -> list[RealClip]:
    """Return the available clips: those of the installation, and those in ``folder`` with the right hash."""
    found = []
    for entry in json.loads(outlines.read_text(encoding="utf-8")):
        path = _locate(entry, folder)
        if path is not None:
            frames = read_frames(path, Selection(frame_indices=tuple(entry["frame_indices"])))
            pixels, view = network_input(frames, INPUT)
            found.append(RealClip(id=entry["id"], pixels=torch.from_numpy(pixels), view=view, entry=entry))
    return found


def _locate(entry: dict[str, Any], folder: Path | None) -> Path | None:
    candidates: list[Path] = [folder / entry["file"]] if folder else []
    if "sample" in entry:
        source = find_sample(entry["sample"]).open()
        candidates += [source] if isinstance(source, Path) else []
    for path in candidates:
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == entry["sha256"]:
            return path
    return None


def outlined(shapes: list[list[float]], size_hw: tuple[int, int], *, is_round: bool) -> np.ndarray:
    """Return a mask of the pixels inside any of the shapes: boxes x0, y0, x1, y1 and polygons x, y, x, y, ...

    Coordinates are fractions of the frame. ``is_round``: whether a box stands for the ellipse inside it.
    """
    height, width = size_hw
    mask = Image.new("1", (width, height))
    pen = ImageDraw.Draw(mask)
    for shape in shapes:
        corners = np.array(shape).reshape(-1, 2) * (width, height)
        if len(corners) > 2:
            pen.polygon([(x, y) for x, y in (corners - 0.5).tolist()], fill=1)
        elif is_round:
            pen.ellipse(tuple((corners - 0.5).ravel().tolist()), fill=1)
        else:
            left, top, right, bottom = np.rint(corners).astype(int).ravel().tolist()
            pen.rectangle((left, top, right - 1, bottom - 1), fill=1)
    return np.asarray(mask)


def real_measures(row: np.ndarray, cover: np.ndarray, query: int) -> dict[str, float]:
    """Return the finite figures of `ObjectFigures` for one row, and its hit rate.

    A frame that shows the object is hit if its strongest cell lies at least half on the object. A still image has no
    hit rate. ``row``: (N,). ``cover``: (T, rows, cols), share of each cell on the object. ``query``: flat index.
    """
    weights = np.maximum(row, 0).astype(np.float64)
    found = rows_on_object(weights[None], np.array([query]), cover).means()
    own = query // cover[0].size
    per_frame = weights.reshape(len(cover), -1)
    shown = [t for t in range(len(cover)) if t != own and cover[t].max() >= COVERED]
    if shown:
        found["hit_rate"] = float(np.mean([cover[t].ravel()[per_frame[t].argmax()] >= COVERED for t in shown]))
    return {name: value for name, value in found.items() if np.isfinite(value)}


def blob(cover: np.ndarray, query: int) -> np.ndarray:
    """Return the control row: a Gaussian blob at the query's place in every frame."""
    frames, rows, cols = cover.shape
    _, y, x = np.unravel_index(query, cover.shape)
    down, across = np.mgrid[:rows, :cols]
    shape = np.exp(-((down - y) ** 2 + (across - x) ** 2) / (2 * (BLOB_PART * rows) ** 2))
    return np.tile(shape.ravel(), frames)


def colour_features(clip: RealClip, stride: int) -> Tensor:
    """Return the mean colour of every cell (1, 3, T, rows, cols)."""
    return avg_pool2d(clip.pixels[0].transpose(0, 1), stride).transpose(0, 1)[None]
