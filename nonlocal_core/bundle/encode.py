"""Pack frames and a capture into the bytes that the viewer reads."""

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from nonlocal_core.bundle.container import Writer
from nonlocal_core.bundle.record import ModelLabel, Question, View
from nonlocal_core.bundle.tour import question_as_json, tour_as_json
from nonlocal_core.capture.record import BlockCapture, Capture
from nonlocal_core.capture.rows import log_normaliser, many_row_weights
from nonlocal_core.errors import BundleError
from nonlocal_core.geometry import Grid
from nonlocal_core.media import Frames
from nonlocal_core.vocabulary import PAIRWISE_TITLES

Precision = Literal["float16", "int8"]
"""How theta and phi travel where no sampled row suffers too much for it; a block that would is stored wider."""
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

LONG_SIDE = 640
"""Pixels of the longer side of a stored frame: sharp on the viewer's largest picture, about 60 kB."""
JPEG_QUALITY = 84
MAX_ROW_ERROR = 0.005
"""Of the row's maximum; a larger error of float16 makes the block travel as float32. Heat has 256 steps of 0.004."""
MAX_INT8_ROW_ERROR = 0.05
"""Of the row's maximum, where the small file was asked for; a larger error of int8 makes the block travel wider."""
MAX_NORMALISER_PRODUCTS = 6 * 10**10
"""Multiply-adds spent on the normaliser of one block, which only columns need; three times what 8 frames of 28 x 48
cells and 152 channels take. Beyond it the block travels without, and the viewer says so."""
_SAMPLED_ROWS = 48
_COMFORTABLE_PEAK = 2.0**11
"""float16 keeps 11 bits between 2**-14 and 2**16; tables are brought here when their peak leaves [2**-3, 2**15]."""


def encode_bundle(
    frames: Frames,
    capture: Capture,
    *,
    model: ModelLabel,
    view: View | None = None,
    caption: str = "",
    licence: str = "",
    precision: Precision = "float16",
    columns: bool = True,
) -> bytes:
    """Return the bundle of a clip and what a network made of it; the same input gives the same bytes.

    ``caption`` and ``licence`` are shown under the clip. ``precision``: what theta and phi are stored in, wider for a
    block whose rows it would hurt; the worst measured error is in the header, as ``row_error``. ``columns``: with the
    normalisers that columns of a softmax need; without them the bundle is made sooner, and ``encode_columns`` has them.
    Raises BundleError when the view names a block or a frame that is not there.
    """
    view = view or View()
    _check_view(view, capture, len(frames.rgb))
    writer = Writer()
    info = frames.info
    with ThreadPoolExecutor() as pool:  # the encoder works outside the interpreter's lock
        pictures = list(pool.map(_jpeg, frames.rgb))
    return writer.pack(
        {
            "media": {
                "name": info.name,
                "kind": info.kind,
                "shown_hw": list(info.shown_hw),
                "pts_seconds": frames.pts_seconds.tolist(),
                "frame_indices": frames.frame_indices.tolist(),
                "caption": caption,
                "licence": licence,
                "warnings": list(frames.warnings),
                "remarks": list(info.remarks),
            },
            "frames": [writer.blob(picture, "image/jpeg") for picture in pictures],
            "model": {"id": model.id, "title": model.title, "status": model.status},
            "classes": [{"name": c.name, "score": float(c.score)} for c in capture.classes],
            "blocks": [_block(writer, block, precision, columns) for block in capture.blocks],
            "view": {
                "block": view.block or (capture.block().name if capture.blocks else None),
                "query": question_as_json(view.question or Question(frame=len(frames.rgb) // 2, x=0.5, y=0.5)),
                "tour": tour_as_json(view.tour),
            },
        }
    )


def encode_columns(capture: Capture) -> bytes:
    """Return the normalisers that ``encode_bundle(…, columns=False)`` left out, by block, of its float16 tables."""
    writer = Writer()
    blocks: list[dict[str, object]] = []
    for block in capture.blocks:
        theta, phi, _ = _storable(block, "float16")
        blocks.append({"name": block.name, "log_normaliser": _normaliser(writer, block, theta, phi)})
    return writer.pack({"blocks": blocks})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Stored:
    """A table as it travels: value = table * gain, or * row_gains[row] for int8."""

    table: np.ndarray
    gain: float = 1.0
    row_gains: Float32[np.ndarray, " N"] | None = None

    @property
    def values(self) -> Float32[np.ndarray, "N Ci"]:
        """Table that a reader of the bundle computes with."""
        gain = np.float32(self.gain) if self.row_gains is None else self.row_gains[:, None]
        return self.table.astype(np.float32) * gain

    def write(self, writer: Writer) -> dict[str, object]:
        """Add the table and return its section."""
        return writer.table(self.table, self.gain, self.row_gains)


def _block(writer: Writer, block: BlockCapture, precision: Precision, columns: bool) -> dict[str, object]:
    theta, phi, error = _storable(block, precision)
    return {
        "name": block.name,
        "title": block.title,
        "pairwise": block.pairwise,
        "pairwise_title": PAIRWISE_TITLES[block.pairwise],
        "scale": float(block.scale),
        "status": block.status,
        "note": block.note,
        "warning": block.warning,
        "proof": block.proof,
        "scope": block.scope,
        "temporal_groups": block.temporal_groups,
        "subsample": list(block.subsample),
        "head": block.head,
        "query_grid": _grid(block.query_grid),
        "key_grid": _grid(block.key_grid),
        "off_grid_keys": list(block.off_grid_keys),
        "theta": theta.write(writer),
        "phi": phi.write(writer),
        "log_normaliser": _normaliser(writer, block, theta, phi) if columns else None,
        "effect": block.mean_effect,
        "effect_map": None if block.effect is None else writer.table(block.effect.astype(np.float32)),
        "row_error": error,
        "rebuild_error": None if block.rebuild_error is None else float(block.rebuild_error),
    }


def _normaliser(writer: Writer, block: BlockCapture, theta: _Stored, phi: _Stored) -> dict[str, object] | None:
    """Add the normaliser of the rows that a reader of the stored tables computes; None where there is none."""
    if not _has_columns(block):
        return None
    seen = replace(block, theta=theta.values, phi=phi.values)
    return writer.table(log_normaliser(seen).astype(np.float32))


def _storable(block: BlockCapture, precision: Precision) -> tuple[_Stored, _Stored, float]:
    """Choose the storage of theta and phi: the smallest that no sampled row suffers for, else float32."""
    if block.pairwise != "concatenation":  # its rows cut at theta + phi = 0, where rounding flips cells on and off
        smallest_first = [(_half, MAX_ROW_ERROR)]
        if precision == "int8":
            smallest_first.insert(0, (_bytes, MAX_INT8_ROW_ERROR))
        for store, limit in smallest_first:
            theta, phi = store(block.theta), store(block.phi)
            error = _row_error(block, replace(block, theta=theta.values, phi=phi.values))
            if error <= limit:
                return theta, phi, error
    return _Stored(table=block.theta), _Stored(table=block.phi), 0.0


def _half(table: Float32[np.ndarray, "N Ci"]) -> _Stored:
    gain = _gain(table)
    return _Stored(table=(table / np.float32(gain)).astype(np.float16), gain=gain)


def _bytes(table: Float32[np.ndarray, "N Ci"]) -> _Stored:
    """Round to int8 with a scale for each position: lengths differ far more between positions than channels do."""
    gains = np.abs(table).max(axis=1) / np.float32(127)
    gains[gains == 0] = 1
    return _Stored(table=np.rint(table / gains[:, None]).astype(np.int8), row_gains=gains)


def _has_columns(block: BlockCapture) -> bool:
    return block.is_softmax and block.theta.size * block.key_count <= MAX_NORMALISER_PRODUCTS


def _gain(table: np.ndarray) -> float:
    """Return the power of two to divide by before float16, 1.0 where the table fits as it is."""
    peak = float(np.abs(table).max())
    if peak == 0.0 or 2.0**-3 <= peak <= 2.0**15:
        return 1.0
    return float(2.0 ** np.floor(np.log2(peak / _COMFORTABLE_PEAK)))


def _row_error(block: BlockCapture, stored: BlockCapture) -> float:
    """Return the worst difference between true and stored rows, over the row's maximum, at queries spread evenly."""
    sampled = np.unique(np.linspace(0, block.query_grid.size - 1, _SAMPLED_ROWS).round().astype(int))
    true, kept = (many_row_weights(which, sampled) for which in (block, stored))
    peaks, worst = np.abs(true).max(axis=1), np.abs(kept - true).max(axis=1)
    return float(np.divide(worst, peaks, out=np.zeros_like(peaks), where=peaks > 0).max())


def _jpeg(picture: UInt8[np.ndarray, "H W 3"]) -> bytes:
    image = Image.fromarray(picture)
    image.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return out.getvalue()


def _grid(grid: Grid) -> dict[str, object]:
    return {
        "frames": grid.frames,
        "rows": grid.rows,
        "cols": grid.cols,
        "frame_spans": [list(span) for span in grid.frame_spans],
        "box": list(grid.box),
    }


def _check_view(view: View, capture: Capture, frame_count: int) -> None:
    known = [block.name for block in capture.blocks]
    for name in (view.block, *(stop.block for stop in view.tour)):
        if name is not None and name not in known:
            raise BundleError(f"The view names the block {name!r}; this capture has: {', '.join(known) or 'none'}.")
    for question in (view.question, *(stop.question for stop in view.tour)):
        if question is not None and not (
            0 <= question.frame < frame_count and 0 <= question.x <= 1 and 0 <= question.y <= 1
        ):
            raise BundleError(
                f"The view asks from {question}; frames go from 0 to {frame_count - 1}, x and y from 0 to 1."
            )
