"""Pack frames and a capture into the bytes that the viewer reads."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from jaxtyping import Float32

from nonlocal_core.bundle.container import ContainerWriter
from nonlocal_core.bundle.contents import ClipWords, ModelLabel, Question, View
from nonlocal_core.bundle.storage import STORAGE, Precision, Storage
from nonlocal_core.bundle.tour import points_as_json, question_as_json, tour_as_json
from nonlocal_core.capture.record import BlockCapture, Capture, asked_by
from nonlocal_core.capture.rows import log_normaliser, many_row_weights
from nonlocal_core.errors import BundleError
from nonlocal_core.geometry import Grid
from nonlocal_core.look import recipe
from nonlocal_core.media import Frames
from nonlocal_core.vocabulary import RULE_TITLES

MAX_ROW_ERROR = 0.005
"""Largest error of float16 as a fraction of the row's maximum; beyond it, float32. A step of heat is 0.004."""
MAX_INT8_ROW_ERROR = 0.05
"""Largest error of int8 as a fraction of the row's maximum. Beyond it the block is stored in a wider type."""
MAX_NORMALISER_PRODUCTS = 6 * 10**10
"""Maximum number of multiply-adds for the normaliser of one block, which only columns need: three times the cost of 8
frames of 28 x 48 cells and 152 channels. Beyond it the block is stored without a normaliser, and the viewer says so."""
_SAMPLED_ROWS = 48
_MEASURED_PRODUCTS = 2**30
"""Multiply-adds to spend on measuring rows of int8, about half a second. Their errors vary more from row to row than
those of float16, so all rows are measured up to 8 frames of 14 x 24 cells and 112 channels."""
_ROWS_AT_ONCE = 512
_NO_WORDS = ClipWords()
_COMFORTABLE_PEAK = 2.0**11
"""Target of the peak of a table. float16 keeps 11 bits between 2**-14 and 2**16, so tables whose peak leaves [2**-3,
2**15] are scaled."""


def encode_bundle(
    frames: Frames,
    capture: Capture,
    *,
    model: ModelLabel,
    view: View | None = None,
    words: ClipWords = _NO_WORDS,
    storage: Storage = STORAGE,
) -> bytes:
    """Return the bundle of a clip and the blocks captured on it. The same input gives the same bytes.

    ``words`` are shown under the clip. The worst error of a measured row that ``storage`` causes is in the header of
    each block, as ``row_error``.
    Raises BundleError if the view names a missing block or frame.
    """
    view = view or View()
    _check_view(view, capture, len(frames.rgb))
    writer = ContainerWriter()
    info = frames.info
    with ThreadPoolExecutor() as pool:  # the encoder works outside the interpreter's lock
        pictures = list(pool.map(storage.pictures.encode, frames.rgb))
    return writer.pack(
        {
            "media": {
                "name": info.name,
                "kind": info.kind,
                "shown_hw": list(info.shown_hw),
                "pts_seconds": frames.pts_seconds.tolist(),
                "frame_indices": frames.frame_indices.tolist(),
                "caption": words.caption,
                "licence": words.licence,
                "warnings": list(frames.warnings),
                "remarks": list(info.remarks),
            },
            "frames": [writer.blob(picture, storage.pictures.media_type) for picture in pictures],
            "model": {"id": model.id, "title": model.title, "status": model.status},
            "classes": [{"name": c.name, "score": float(c.score)} for c in capture.classes],
            "blocks": [_block(writer, block, storage) for block in capture.blocks],
            **({"means": [_mean(block) for block in capture.means]} if capture.means else {}),
            "look": recipe(),
            "view": {
                "block": view.block or (capture.block().name if capture.blocks else None),
                "query": question_as_json(view.question or Question(frame=len(frames.rgb) // 2, x=0.5, y=0.5)),
                "also": points_as_json(view.also),
                "minus": points_as_json(view.minus),
                "beside": [{"points": points_as_json(points)} for points in view.beside],
                "temperature": view.temperature,
                **({"hops": view.hops} if view.hops > 1 else {}),
                **({"asker": view.asker} if view.asker else {}),
                "direction": view.direction,
                "look": view.look,
                "tour": tour_as_json(view.tour),
            },
        }
    )


def encode_columns(capture: Capture) -> bytes:
    """Return the normalisers of the float16 tables, by block, that a bundle without ``columns`` left out."""
    writer = ContainerWriter()
    blocks: list[dict[str, object]] = []
    for block in capture.blocks:
        theta, phi, _ = _storable(block, "float16")
        blocks.append({"name": block.name, "log_normaliser": _normaliser(writer, block, theta, phi)})
    return writer.pack({"blocks": blocks})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredTable:
    """A table as stored: value = table * gain, or table * row_gains[row] for int8."""

    table: np.ndarray
    gain: float = 1.0
    row_gains: Float32[np.ndarray, " N"] | None = None

    @property
    def values(self) -> Float32[np.ndarray, "N Ci"]:
        """Table that a reader of the bundle computes with."""
        gain = np.float32(self.gain) if self.row_gains is None else self.row_gains[:, None]
        return self.table.astype(np.float32) * gain

    def write(self, writer: ContainerWriter) -> dict[str, object]:
        """Add the table and return its section."""
        return writer.table(self.table, self.gain, self.row_gains)


def stored_bytes(block: BlockCapture, storage: Storage) -> int:
    """Return the size of a block in a bundle in bytes, including its part of the header."""
    writer = ContainerWriter()
    return len(writer.pack({"blocks": [_block(writer, block, storage)]}))


def _block(writer: ContainerWriter, block: BlockCapture, storage: Storage) -> dict[str, object]:
    theta, phi, error = _storable(block, storage.precision)
    return {
        "name": block.name,
        "title": block.title,
        "pairwise": block.pairwise,
        "pairwise_title": RULE_TITLES[block.pairwise],
        "scale": float(block.scale),
        "status": block.status,
        "note": block.note,
        "warning": block.warning_of_any_asker,
        "proof": block.proof,
        "scope": block.scope,
        "temporal_groups": block.temporal_groups,
        "subsample": list(block.subsample),
        "head": block.head,
        **({} if block.head_count is None else {"head_count": block.head_count}),
        "before": block.before or "",
        **({"step": block.step} if block.step else {}),
        "query_grid": _grid(block.query_grid),
        "key_grid": _grid(block.key_grid),
        "off_grid_keys": list(block.off_grid_keys),
        **({"walled": 1} if block.is_walled else {}),
        **_askers(writer, block, theta),
        "theta": theta.write(writer),
        "phi": phi.write(writer),
        "log_normaliser": _normaliser(writer, block, theta, phi) if storage.columns else None,
        "effect": block.mean_effect,
        "effect_map": None if block.effect is None else writer.table(block.effect.astype(np.float32)),
        "row_error": error,
        "rebuild_error": None if block.rebuild_error is None else float(block.rebuild_error),
    }


def _mean(block: BlockCapture) -> dict[str, object]:
    """Return the parts of a mean over heads that the viewer cannot compute: its texts and the names of the heads."""
    return {
        "name": block.name,
        "title": block.title,
        "note": block.note,
        "warning": block.warning_of_any_asker,
        "heads": [head.name for head in block.heads],
    }


def _askers(writer: ContainerWriter, block: BlockCapture, theta: StoredTable) -> dict[str, object]:
    """Add theta of the askers, beside the table of the positions, and return the fields that name them."""
    if block.asker_theta is None:
        return {}
    stored = _stored_askers(block.asker_theta, theta)
    said: dict[str, object] = {} if block.asker is None else {"asker": block.asker}
    said |= {"askers_are_keys": 1} if block.askers_are_keys else {}
    return {"askers": list(block.askers), "asker_theta": stored.write(writer), **said}


def _stored_askers(asking: Float32[np.ndarray, "Na Ci"], theta: StoredTable) -> StoredTable:
    """Return theta of the askers, in float32 if the positions have that, else in float16, since there are few."""
    return StoredTable(table=asking) if theta.table.dtype == np.float32 else _half(asking)


def _normaliser(
    writer: ContainerWriter, block: BlockCapture, theta: StoredTable, phi: StoredTable
) -> dict[str, object] | None:
    """Add the normaliser of the rows as computed from the stored tables. Returns None if there is none."""
    if not _has_columns(block):
        return None
    seen = replace(block, theta=theta.values, phi=phi.values)
    return writer.table(log_normaliser(seen).astype(np.float32))


def as_stored(block: BlockCapture) -> BlockCapture:
    """Return the block with the tables that a reader of its float16 bundle computes with."""
    if block.heads:
        return replace(block, heads=tuple(as_stored(head) for head in block.heads))
    theta, phi, _ = _storable(block, "float16")
    return _with_tables(block, theta, phi)


def _with_tables(block: BlockCapture, theta: StoredTable, phi: StoredTable) -> BlockCapture:
    asking = None if block.asker_theta is None else _stored_askers(block.asker_theta, theta).values
    return replace(block, theta=theta.values, phi=phi.values, asker_theta=asking)


def _storable(block: BlockCapture, precision: Precision) -> tuple[StoredTable, StoredTable, float]:
    """Return theta and phi in the smallest type that keeps every measured row within its bound, else in float32."""
    if block.pairwise != "concatenation":  # its rows cut at theta + phi = 0, where rounding flips cells on and off
        smallest_first = [(_half, MAX_ROW_ERROR, _SAMPLED_ROWS)]
        if precision == "int8":
            most = _MEASURED_PRODUCTS // block.phi.size
            smallest_first.insert(0, (_bytes, MAX_INT8_ROW_ERROR, max(most, _SAMPLED_ROWS)))
        for store, limit, rows in smallest_first:
            theta, phi = store(block.theta), store(block.phi)
            error = _error_of(block, _with_tables(block, theta, phi), rows)
            if error <= limit:
                return theta, phi, error
    return StoredTable(table=block.theta), StoredTable(table=block.phi), 0.0


def _half(table: Float32[np.ndarray, "N Ci"]) -> StoredTable:
    gain = _gain(table)
    return StoredTable(table=(table / np.float32(gain)).astype(np.float16), gain=gain)


def _bytes(table: Float32[np.ndarray, "N Ci"]) -> StoredTable:
    """Round to int8 with one scale per position: lengths differ more between positions than between channels."""
    gains = np.abs(table).max(axis=1) / np.float32(127)
    gains[gains == 0] = 1
    return StoredTable(table=np.rint(table / gains[:, None]).astype(np.int8), row_gains=gains)


def _has_columns(block: BlockCapture) -> bool:
    return block.is_summed and block.asker is None and block.theta.size * block.key_count <= MAX_NORMALISER_PRODUCTS


def _gain(table: np.ndarray) -> float:
    """Return the power of two that brings the table into the range of float16, or 1.0 if it fits unscaled."""
    peak = float(np.abs(table).max())
    if peak == 0.0 or 2.0**-3 <= peak <= 2.0**15:
        return 1.0
    return float(2.0 ** np.floor(np.log2(peak / _COMFORTABLE_PEAK)))


def _error_of(block: BlockCapture, stored: BlockCapture, rows: int) -> float:
    """Return the largest error of a stored row of some positions, or of some askers if no position asks."""
    if block.asker is None:
        return _row_error(block, stored, rows)
    some = np.unique(np.linspace(0, len(block.askers) - 1, rows).round().astype(int))
    askers = [block.askers[int(number)] for number in some]
    return max(_row_error(asked_by(block, name), asked_by(stored, name), block.asker_copies) for name in askers)


def _row_error(block: BlockCapture, stored: BlockCapture, rows: int) -> float:
    """Return the largest error of a stored row, relative to the row's maximum.

    ``rows``: the number of queries to measure, evenly spread over the grid.
    """
    measured = np.unique(np.linspace(0, block.query_grid.size - 1, rows).round().astype(int))
    largest = 0.0
    for some in np.array_split(measured, -(-len(measured) // _ROWS_AT_ONCE)):
        true, kept = (many_row_weights(which, some) for which in (block, stored))
        peaks, worst = np.abs(true).max(axis=1), np.abs(kept - true).max(axis=1)
        largest = max(largest, float(np.divide(worst, peaks, out=np.zeros_like(peaks), where=peaks > 0).max()))
    return largest


def _grid(grid: Grid) -> dict[str, object]:
    return {
        "frames": grid.steps,
        "rows": grid.rows,
        "cols": grid.cols,
        "frame_spans": [list(span) for span in grid.frame_spans],
        "box": list(grid.box),
    }


def _check_view(view: View, capture: Capture, frame_count: int) -> None:
    known = [block.name for block in capture.named]
    for name in (view.block, *(stop.block for stop in view.tour)):
        if name is not None and name not in known:
            raise BundleError(f"The view names the block {name!r}; this capture has: {', '.join(known) or 'none'}.")
    points = chain(view.also, view.minus, *view.beside)
    questions = (Question(frame=frame, x=x, y=y) for frame, x, y in points)
    for question in (view.question, *questions, *(stop.question for stop in view.tour)):
        if question is not None and not (
            0 <= question.frame < frame_count and 0 <= question.x <= 1 and 0 <= question.y <= 1
        ):
            raise BundleError(
                f"The view asks from {question}; frames go from 0 to {frame_count - 1}, x and y from 0 to 1."
            )
