"""Row of a survey: one clip, one network, one block. The Parquet schema follows from the record."""

import types
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints

import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Cell that a question looks at: the index of a frame that was read, the cell's centre, and its weight."""

    frame: int
    x: float
    y: float
    weight: float
    times_uniform: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Question of the fixed set and the strongest cells of its answer. ``why``: "first", or "drawn" by the seed."""

    why: str
    frame: int
    x: float
    y: float
    top: tuple[Seen, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Class of the network's answer and its probability."""

    name: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Fact under a name: the hash of a weights file, the version of a package, the reason why a layer is not shown."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Figures of one block on one clip, or the reason why there are none.

    A row with a ``reason`` has only the fields that identify its clip and network. The figures are those of
    `nonlocal_core.measures.BlockMeasures`, under the names of the app: ``places`` is ``effective_keys``,
    ``own_frame_share`` is ``own_step_share``.
    """

    place: int
    """Place of the clip in the reading list, from 0."""
    clip: str
    """Address of the clip, as in the reading list."""
    model: str
    reason: str | None = None
    name: str | None = None
    sha256: str | None = None
    kind: str | None = None
    shown_hw: tuple[int, int] | None = None
    duration_seconds: float | None = None
    frame_indices: tuple[int, ...] | None = None
    pts_seconds: tuple[float, ...] | None = None
    warnings: tuple[str, ...] | None = None
    remarks: tuple[str, ...] | None = None
    title: str | None = None
    """Title of the network."""
    status: str | None = None
    """Status of the block's weights: trained, untrained, parameter_free."""
    weights: tuple[Fact, ...] | None = None
    device: str | None = None
    input_hw: tuple[int, int] | None = None
    input_crop: tuple[float, float, float, float] | None = None
    answer: tuple[Score, ...] | None = None
    unreadable: tuple[Fact, ...] | None = None
    versions: tuple[Fact, ...] | None = None
    block: str | None = None
    block_title: str | None = None
    is_shown_first: bool | None = None
    pairwise: str | None = None
    query_grid: tuple[int, int, int] | None = None
    key_grid: tuple[int, int, int] | None = None
    note: str | None = None
    proof: str | None = None
    rebuild_error: float | None = None
    rebuilt_queries: int | None = None
    effect: float | None = None
    query_dependence: float | None = None
    entropy: float | None = None
    places: float | None = None
    own_cell_share: float | None = None
    own_frame_share: float | None = None
    distance: float | None = None
    frames_away: float | None = None
    seconds_away: float | None = None
    top_times_uniform: float | None = None
    propagation: float | None = None
    """Mean J of an object's mask that the block carried from one frame to the others (`measures.tracking.propagation`);
    None if there are no masks beside the clip (`survey.masks`)."""
    propagation_reason: str | None = None
    """Reason why the masks beside the clip gave no figure."""
    query_count: int | None = None
    silent_count: int | None = None
    key_count: int | None = None
    table_bytes: int | None = None
    """Size of theta and phi in bytes, in 16 bits."""
    temporal_profile: tuple[tuple[float, ...], ...] | None = None
    asked: tuple[Asked, ...] | None = None
    picture: bytes | None = None
    """JPEG of the first question's frame under its heat, and beside it the other frame with the most weight."""


FIGURES = (
    "effect",
    "query_dependence",
    "places",
    "entropy",
    "own_cell_share",
    "own_frame_share",
    "distance",
    "frames_away",
    "seconds_away",
    "top_times_uniform",
    "propagation",
    "rebuild_error",
)
"""Fields of a row that are one number each, for sorting and drawing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipTables:
    """Tables of one clip and network as a bundle (`nonlocal_core.bundle`), or the reason why there are none."""

    sha256: str | None = None
    """Digest of the clip."""
    bundle: bytes | None = None
    reason: str | None = None


_PLAIN = {int: pa.int64(), float: pa.float64(), str: pa.string(), bytes: pa.binary(), bool: pa.bool_()}


def schema_of(record: Any) -> Any:
    """Return the Arrow schema of a dataclass."""
    hints = get_type_hints(record)
    return pa.schema([pa.field(field.name, _arrow(hints[field.name])) for field in fields(record)])


def _arrow(kind: Any) -> Any:
    """Return the Arrow type of an annotation: records are structs, tuples of one kind are lists."""
    if get_origin(kind) in (types.UnionType, Union):
        (kind,) = (part for part in get_args(kind) if part is not types.NoneType)
    if get_origin(kind) is tuple:
        return pa.list_(_arrow(get_args(kind)[0]))
    if is_dataclass(kind):
        return pa.struct(list(schema_of(kind)))
    return _PLAIN[kind]


SCHEMA = schema_of(Row)
"""Columns of the Parquet files: the fields of ``Row``."""


TABLES = schema_of(ClipTables)
"""Columns of a worker's answer with tables: the fields of ``ClipTables``."""


def as_bytes(rows: Sequence[Any], schema: Any = SCHEMA) -> bytes:
    """Return records as a stream of Arrow, which keeps every float exactly. ``schema``: the schema of their class."""
    table = pa.Table.from_pylist([asdict(row) for row in rows], schema=schema)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as stream:
        stream.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def as_table(content: bytes) -> Any:
    """Return the table of a stream of Arrow, the first of several. Raises pyarrow.ArrowInvalid for other bytes."""
    return pa.ipc.open_stream(content).read_all()


def split_streams(content: bytes) -> tuple[bytes, bytes]:
    """Return the first stream of Arrow, and the bytes after it."""
    reader = pa.BufferReader(content)
    pa.ipc.open_stream(reader).read_all()
    return content[: reader.tell()], content[reader.tell() :]
