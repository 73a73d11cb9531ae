"""Real clips: does the weight of a query in other frames lie inside boxes that were drawn by hand?

The boxes are in tests/data/real_clips.json. Two of the clips come with the installation, the others are where their
``source`` says; a clip is used only when it is the very file that the boxes were drawn on.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from nonlocal_core import Session
from nonlocal_core.geometry import ViewTransform
from nonlocal_core.media import Selection, find_sample, network_input, read_frames
from nonlocal_core.models.lite0_networks import INPUT

BLOB_CELLS = 2.0
"""Deviation of the control that never looks at the pixels: a blob at the query's place in every frame."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RealClip:
    """Frames as the network takes them, the query, and which share of each cell lies in a box.

    ``pixels`` (1, 3, T, h, w). ``inside`` (T, rows, cols) in [0, 1], on cells of 16 pixels. ``query``: flat position.
    """

    id: str
    pixels: Tensor
    inside: np.ndarray
    query: int

    @property
    def own(self) -> int:
        """The query's frame."""
        return int(self.query // self.inside[0].size)


def load_real_clips(boxes: Path, folder: Path | None) -> list[RealClip]:
    """Return the clips that are at hand: those of the installation, and those of ``folder`` with the right content."""
    found = []
    for entry in json.loads(boxes.read_text(encoding="utf-8")):
        path = _locate(entry, folder)
        if path is not None:
            found.append(_loaded(entry, path))
    return found


def _locate(entry: dict[str, str], folder: Path | None) -> Path | None:
    candidates = [folder / entry["file"]] if folder else []
    if entry["id"] in ("bikes", "bunny"):
        source = find_sample(entry["id"]).open()
        candidates += [source] if isinstance(source, Path) else []
    for path in candidates:
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == entry["sha256"]:
            return path
    return None


def evaluate_default(boxes: Path, folder: Path | None) -> dict[str, dict[str, float]]:
    """Return clip -> measures for what the app opens with: the default network's first block, on its own finer grid."""
    found = {}
    for entry in json.loads(boxes.read_text(encoding="utf-8")):
        path, query = _locate(entry, folder), entry["query"]
        if path is not None:
            session = Session.open(path, frame_indices=tuple(entry["frame_indices"]))
            row = session.query(frame=query["frame"], x=query["x"], y=query["y"])
            _, rows, cols = row.heat.shape
            inside = np.stack([_covered(drawn, rows, cols, session.view) for drawn in entry["boxes"]])
            asked = session.block().query_grid.cell_at(frame=query["frame"], x=query["x"], y=query["y"])
            found[entry["id"]] = box_measures(row.values, inside, asked.t)
    return found


def _loaded(entry: dict, path: Path) -> RealClip:  # type: ignore[type-arg]
    frames = read_frames(path, Selection(frame_indices=tuple(entry["frame_indices"])))
    pixels, view = network_input(frames, INPUT)
    count, rows, cols = len(frames.rgb), pixels.shape[3] // 16, pixels.shape[4] // 16
    query = entry["query"]
    grid = view.query_grid(clip_frames=count, steps=count, rows=rows, cols=cols)
    return RealClip(
        id=entry["id"],
        pixels=torch.from_numpy(pixels),
        inside=np.stack([_covered(boxes, rows, cols, view) for boxes in entry["boxes"]]),
        query=grid.index(grid.cell_at(frame=query["frame"], x=query["x"], y=query["y"])),
    )


def _covered(boxes: list[list[float]], rows: int, cols: int, view: ViewTransform) -> np.ndarray:
    """Return the share of each cell that lies in a box; the whole frame is on the grid, so both have one unit."""
    assert view.query_grid(clip_frames=1, steps=1, rows=rows, cols=cols).box == (0.0, 0.0, 1.0, 1.0)
    fine = 8
    y, x = np.mgrid[: rows * fine, : cols * fine] + 0.5
    y, x = y / (rows * fine), x / (cols * fine)
    mask = np.zeros(y.shape, np.float32)
    for x0, y0, x1, y1 in boxes:
        mask[(x0 <= x) & (x < x1) & (y0 <= y) & (y < y1)] = 1
    return avg_pool2d(torch.from_numpy(mask)[None, None], fine)[0, 0].numpy()


def box_measures(row: np.ndarray, inside: np.ndarray, own: int) -> dict[str, float]:
    """Return the share of a row's positive weight in other frames that lies in boxes, and the rate of frames hit.

    A frame with a box is hit when its strongest cell lies at least half in one. ``row`` (N,). ``inside`` (T, rows,
    cols): which share of each cell lies in a box. ``own``: the query's frame.
    """
    weights = np.maximum(row, 0).reshape(inside.shape).astype(np.float64)
    others = [t for t in range(len(weights)) if t != own]
    total = weights[others].sum()
    shown = [t for t in others if inside[t].max() >= 0.5]
    hits = [inside[t].ravel()[weights[t].argmax()] >= 0.5 for t in shown]
    return {
        "in_box": float((weights * inside)[others].sum() / total) if total > 0 else 0.0,
        "hit_rate": float(np.mean(hits)),
    }


def blob(clip: RealClip) -> np.ndarray:
    """Return the row of the control: a blob at the query's place, the same in every frame."""
    frames, rows, cols = clip.inside.shape
    _, y, x = np.unravel_index(clip.query, clip.inside.shape)
    down, across = np.mgrid[:rows, :cols]
    shape = np.exp(-((down - y) ** 2 + (across - x) ** 2) / (2 * BLOB_CELLS**2))
    return np.tile(shape.ravel(), frames)


def colour_features(clip: RealClip) -> Tensor:
    """Return the mean colour of every cell, (1, 3, T, rows, cols)."""
    return avg_pool2d(clip.pixels[0].transpose(0, 1), 16).transpose(0, 1)[None]


Row = Callable[[RealClip], np.ndarray]
"""From a clip to the weights of its query on all positions."""
