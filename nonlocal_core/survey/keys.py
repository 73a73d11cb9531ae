"""Keys of a clip: phi of one block in 16 bits, and in 8 bits to search, so that a question is answered in other clips.

A block compares a position with its own clip alone. Its score is an inner product, which needs only theta of the
asking position and phi of the others, so theta of one clip can be compared with phi of another.
"""

from dataclasses import dataclass
from importlib import import_module
from io import BytesIO
from typing import Any, cast

import numpy as np
from jaxtyping import Float32, Float64, Int, UInt8
from PIL import Image

from nonlocal_core.ancestors.filters import is_filter
from nonlocal_core.capture import BlockCapture
from nonlocal_core.errors import SurveyError
from nonlocal_core.geometry import Box, Cell, KeyGrid, Span
from nonlocal_core.pin import Point
from nonlocal_core.session import Session
from nonlocal_core.survey.records import schema_of

INNER_PRODUCTS = ("gaussian", "embedded_gaussian", "dot_product")
FIRST = "first"
"""Name of the block that each network shows first."""
THUMBNAIL_SIDE = 160
"""Longer side of a frame in the strip, in pixels."""
JPEG_QUALITY = 70


@dataclass(frozen=True, slots=True, kw_only=True)
class Asks:
    """Position from the fixed set of questions, and its theta as float32."""

    frame: int
    x: float
    y: float
    theta: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipKeys:
    """Keys of one clip and one network, kept to answer questions of other clips."""

    place: int
    clip: str
    model: str
    name: str
    sha256: str
    block: str
    pairwise: str
    scale: float
    steps: int
    rows: int
    cols: int
    frame_spans: tuple[Span, ...]
    box: Box
    phi: bytes
    """float16, (Nk, Ci) in C order."""
    codes: bytes
    """faiss's index of the same keys in 8 bits, serialised by `faiss.serialize_index`."""
    asks: tuple[Asks, ...]
    frames: int
    """Number of frames that were read."""
    strip: bytes
    """JPEG of all frames side by side, each of ``THUMBNAIL_SIDE`` at most."""


KEYS = schema_of(ClipKeys)
"""Columns of the files of keys: the fields of ``ClipKeys``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strongest:
    """Strongest key of a clip for each of n questions."""

    index: Int[np.ndarray, " n"]
    score: Float64[np.ndarray, " n"]
    """scale * theta_i . phi_j: the logarithm of f if a softmax follows, f for the dot product."""
    weight: Float64[np.ndarray, " n"]
    """Weight that the block would give the key if the asking position were in that clip."""
    times_uniform: Float64[np.ndarray, " n"]


def captured_block(session: Session, block: str) -> BlockCapture:
    """Return the block whose keys are kept. Raises SurveyError for one whose keys cannot be searched."""
    captured = session.block(None if block == FIRST else block)
    if is_filter(session.model.card.id):
        why = "a filter scores by small differences of large numbers, which 16 bits do not hold"
    elif captured.pairwise == "concatenation":
        why = "concatenation adds a number of the question to one of the key, so all questions find the same clips"
    elif captured.pairwise not in INNER_PRODUCTS:
        why = "a count of matches has no inner product to rank by"
    elif captured.scope != "spacetime" or captured.temporal_groups > 1 or captured.off_grid_keys:
        why = "it does not compare a position with all others of a clip"
    else:
        return captured
    raise SurveyError(
        f"Keys of {captured.name!r} cannot be searched: {why}. Survey {session.model.card.id} without --index."
    )


def clip_keys(session: Session, block: BlockCapture, questions: list[Point], *, place: int, clip: str) -> ClipKeys:
    """Return the keys of a block (`captured_block`), and theta of some questions. Raises SurveyError without faiss."""
    grid = block.key_grid
    asks = tuple(
        Asks(frame=point[0], x=point[1], y=point[2], theta=theta_of(block, point).tobytes()) for point in questions
    )
    return ClipKeys(
        place=place,
        clip=clip,
        model=session.model.card.id,
        name=session.frames.info.name,
        sha256=session.frames.info.sha256,
        block=block.name,
        pairwise=block.pairwise,
        scale=block.scale,
        steps=grid.steps,
        rows=grid.rows,
        cols=grid.cols,
        frame_spans=grid.frame_spans,
        box=grid.box,
        phi=block.phi.astype(np.float16).tobytes(),
        codes=_codes(block.phi),
        asks=asks,
        frames=len(session.frames.rgb),
        strip=_strip(session.frames.rgb),
    )


def theta_of(block: BlockCapture, point: Point) -> Float32[np.ndarray, " Ci"]:
    """Return theta at a point. Raises OutsideGridError."""
    frame, x, y = point
    theta: np.ndarray = block.theta[block.query_grid.index(block.query_grid.cell_at(frame=frame, x=x, y=y))]
    return theta


def phi_of(found: dict[str, Any]) -> Float32[np.ndarray, "Nk Ci"]:
    """Return phi of the fields of a ``ClipKeys``."""
    count = found["steps"] * found["rows"] * found["cols"]
    return np.frombuffer(found["phi"], np.float16).reshape(count, -1).astype(np.float32)


def place_in(found: dict[str, Any], index: int) -> Point:
    """Return the first frame of a key's step and the centre of its cell."""
    grid = KeyGrid(
        steps=found["steps"],
        rows=found["rows"],
        cols=found["cols"],
        frame_spans=tuple((start, stop) for start, stop in found["frame_spans"]),
        box=tuple(found["box"]),
    )
    cell: Cell = grid.cell(index)
    return grid.span(cell.t)[0], *grid.center(cell)


def strongest(
    theta: Float32[np.ndarray, "n Ci"], phi: Float32[np.ndarray, "Nk Ci"], pairwise: str, scale: float
) -> Strongest:
    """Return the key that each question scores highest, with its weight as `capture.rows` normalises a clip's own."""
    scores = (theta @ phi.T).astype(np.float64) * (1.0 if pairwise == "dot_product" else scale)
    index = scores.argmax(axis=1)
    best = scores[np.arange(len(scores)), index]
    if pairwise == "dot_product":
        mass = np.maximum(scores, 0).sum(axis=1)
        times = len(phi) * np.divide(np.maximum(best, 0), mass, out=np.zeros(len(best)), where=mass > 0)
        return Strongest(index=index, score=best, weight=best / len(phi), times_uniform=times)
    weight = 1 / np.exp(scores - best[:, None]).sum(axis=1)
    return Strongest(index=index, score=best, weight=weight, times_uniform=len(phi) * weight)


def coarse_scores(theta: Float32[np.ndarray, "n Ci"], codes: Any) -> Float32[np.ndarray, " n"]:
    """Return the approximate largest inner product of each theta with a clip's keys, by their 8-bit codes."""
    index = faiss().deserialize_index(np.frombuffer(codes, np.uint8))
    scores, _ = index.search(theta, 1)
    return np.asarray(scores[:, 0])


def faiss() -> Any:
    """Return the library that holds keys in 8 bits. Raises SurveyError if it is not installed."""
    try:
        return import_module("faiss")
    except ImportError as fault:
        raise SurveyError(
            "Keys are searched by faiss, which this environment does not have. "
            "Install it: pip install 'nonlocal-viewer[survey]'."
        ) from fault


def _codes(phi: Float32[np.ndarray, "Nk Ci"]) -> bytes:
    """Return an index of keys in which each channel is quantised to 256 steps from its minimum to its maximum."""
    library = faiss()
    index = library.IndexScalarQuantizer(phi.shape[1], library.ScalarQuantizer.QT_8bit, library.METRIC_INNER_PRODUCT)
    index.train(phi)
    index.add(phi)
    return cast(bytes, library.serialize_index(index).tobytes())


def _strip(frames: UInt8[np.ndarray, "frames height width 3"]) -> bytes:
    small = [Image.fromarray(frame) for frame in frames]
    for picture in small:
        picture.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    file = BytesIO()
    Image.fromarray(np.concatenate([np.asarray(picture) for picture in small], axis=1)).save(
        file, "JPEG", quality=JPEG_QUALITY
    )
    return file.getvalue()
