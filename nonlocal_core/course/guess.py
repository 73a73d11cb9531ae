"""Questions to predict: a cell that asks, the frame in which the reader marks cells, and the block's weights there.

asked = question(block, turn=0)
shown(session, block, asked) | answered(session, block, asked)
"""

from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from jaxtyping import Float32, UInt8

from nonlocal_core.capture import BlockCapture
from nonlocal_core.capture.rows import row_weights
from nonlocal_core.course.words import learn
from nonlocal_core.geometry import Cell
from nonlocal_core.measures.ablation import OpenRun
from nonlocal_core.measures.faithfulness import colours_of
from nonlocal_core.media import Frames
from nonlocal_core.render import jpeg_address


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A cell of the query grid, and the step of the keys where marks are made."""

    cell: Cell
    step: int


def question(block: BlockCapture, turn: int) -> Question:
    """Return the question of a turn: a random cell off the rim, and a step of the keys about half a clip away."""
    steps, rows, cols = block.query_grid.shape
    rng = np.random.default_rng(turn)
    rim = [min(1, (size - 1) // 2) for size in (rows, cols)]
    at = Cell(int(rng.integers(steps)), *(int(rng.integers(r, s - r)) for r, s in zip(rim, (rows, cols), strict=True)))
    own = block.query_grid.own_key(at, block.subsample).t
    return Question(cell=at, step=(own + max(block.key_grid.steps // 2, 1)) % block.key_grid.steps)


def name_of(frames: Frames, block: BlockCapture, asked: Question) -> str:
    """Return eight hexadecimal digits that identify this question on these frames, in the app as in a file."""
    clip = (frames.info.sha256, *frames.frame_indices.tolist())
    facts = (clip, block.name, block.query_grid.shape, block.key_grid.shape, *asked.cell, asked.step)
    return sha256(repr(facts).encode("utf-8", "replace")).hexdigest()[:8]


def weights_in(block: BlockCapture, asked: Question) -> Float32[np.ndarray, " hw"]:
    """Return the positive weight of each cell of the frame; the asked cell never counts and has 0."""
    count = block.key_grid.rows * block.key_grid.cols
    weights = np.maximum(row_weights(block, asked.cell)[asked.step * count : (asked.step + 1) * count], 0)
    own = own_index(block, asked)
    if own is not None:
        weights[own] = 0
    found: np.ndarray = weights.astype(np.float32)
    return found


def own_index(block: BlockCapture, asked: Question) -> int | None:
    """Return the index of the asked cell among those of the frame, or None if it lies in another frame."""
    own = block.query_grid.own_key(asked.cell, block.subsample)
    return own.y * block.key_grid.cols + own.x if own.t == asked.step else None


def shown(ran: OpenRun, block: BlockCapture, asked: Question) -> dict[str, object]:
    """Return a question without its answer, as ``viewer/controls/guess.js`` draws it."""
    keys, frames = block.key_grid, ran.frames.rgb
    frame, target = block.query_grid.frame_spans[asked.cell.t][0], keys.frame_spans[asked.step][0]
    words = learn().predict
    return {
        "id": name_of(ran.frames, block, asked),
        "asked": jpeg_address(_seen(frames[frame], block)),
        "target": jpeg_address(_seen(frames[target], block)),
        "cell": [asked.cell.x / block.query_grid.cols, asked.cell.y / block.query_grid.rows],
        "rows": keys.rows,
        "cols": keys.cols,
        "words": words
        | {
            "asked": words["asked"].format(frame=frame + 1),
            "target": words["target"].format(frame=target + 1),
            "revealed": words["revealed"].format(frame=target + 1),
        },
    }


def answered(ran: OpenRun, block: BlockCapture, asked: Question) -> dict[str, object]:
    """Return the data from which a file scores marks on its own: the weights, and the guesses by colour and by place.

    ``weights`` are shares of their sum. ``colour`` and ``place`` list the cells in the order of such a guess, without
    the asked one. ``viewer/model/guess.js`` scores as ``measures.prediction`` does.
    """
    keys = block.key_grid
    count = keys.rows * keys.cols
    weights = weights_in(block, asked).astype(np.float64)
    own = block.query_grid.own_key(asked.cell, block.subsample)
    hidden = own_index(block, asked)
    colours = colours_of(ran, keys)
    far = np.linalg.norm(colours[asked.step * count : (asked.step + 1) * count] - colours[keys.index(own)], axis=1)
    rows, cols = np.divmod(np.arange(count), keys.cols)

    def ordered(by: np.ndarray) -> list[int]:
        return [int(index) for index in np.argsort(by, kind="stable") if index != hidden]

    whole = float(weights.sum()) or 1.0
    return {
        "weights": [float(f"{weight:.4g}") for weight in weights / whole],
        "own": hidden,
        "colour": ordered(far),
        "place": ordered(np.hypot(rows - own.y, cols - own.x)),
    }


def _seen(frame: UInt8[np.ndarray, "H W 3"], block: BlockCapture) -> UInt8[np.ndarray, "h w 3"]:
    """Return the part of a frame that the cells tile, so that all cells are of one size in the picture."""
    height, width = frame.shape[:2]
    x0, y0, x1, y1 = block.key_grid.box
    part: np.ndarray = frame[
        round(max(y0, 0) * height) : round(y1 * height), round(max(x0, 0) * width) : round(x1 * width)
    ]
    return part
