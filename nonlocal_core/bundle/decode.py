"""Read a bundle back. Every field is checked, since the bytes may come from anywhere."""

from typing import TypeVar, get_args

from nonlocal_core.bundle.container import ContainerReader
from nonlocal_core.bundle.contents import Bundle, BundledBlock, MediaLabel, ModelLabel, View
from nonlocal_core.bundle.fields import Fields
from nonlocal_core.bundle.storage import SIGNATURES
from nonlocal_core.bundle.tour import hops_in, points_in, question_in, tour_in
from nonlocal_core.capture.record import BlockCapture, Capture, ClassScore
from nonlocal_core.errors import BundleError, CaptureError, GeometryError, UnknownNameError
from nonlocal_core.geometry import KeyGrid, QueryGrid
from nonlocal_core.look import Look
from nonlocal_core.pin import MOST_PINS, TEMPERATURES, Point
from nonlocal_core.vocabulary import DIRECTIONS, RULES, SCOPES, SUMMED, WeightStatus

AnyGrid = TypeVar("AnyGrid", QueryGrid, KeyGrid)

MAX_FRAMES = 1024
MAX_BLOCKS = 1024
_MAX_CELLS = 4096
"""Maximum number of cells along one axis of a grid."""
_MAX_CHANNELS = 2**16
_MAX_SIDE = 2**20
_STATUSES: tuple[WeightStatus, ...] = get_args(WeightStatus)


def decode_bundle(data: bytes) -> Bundle:
    """Return the bundle in these bytes, with tables as float32.

    Raises BundleError if the bytes are not a complete, unchanged bundle of this version.
    """
    reader = ContainerReader(data)
    header = reader.header
    header.child("look")  # the viewer draws by it
    sections = header.children("frames", most=MAX_FRAMES)
    if not sections:
        raise BundleError("A bundle holds at least one frame; this one holds none.")
    blocks = tuple(_block(reader, fields, len(sections)) for fields in header.children("blocks", most=MAX_BLOCKS))
    names = [block.capture.name for block in blocks]
    if len(set(names)) != len(names):
        raise BundleError(f"The blocks of a bundle have different names; got {', '.join(names)}.")
    named = [block.name for block in Capture(blocks=tuple(block.capture for block in blocks)).named]
    return Bundle(
        id=reader.id,
        media=_media(header.child("media"), len(sections)),
        frames=tuple(_picture(reader, section) for section in sections),
        model=_model(header.child("model")),
        classes=tuple(
            ClassScore(fields.text("name"), fields.number("score")) for fields in header.children("classes", most=4096)
        ),
        blocks=blocks,
        view=_view(header.child("view"), len(sections), named),
    )


def _media(fields: Fields, frame_count: int) -> MediaLabel:
    height, width = fields.counts("shown_hw", below=_MAX_SIDE, length=2)
    if min(height, width) < 1:
        raise BundleError(f"{fields.path('shown_hw')} is the size of a frame in pixels; got {height} x {width}.")
    return MediaLabel(
        name=fields.text("name"),
        kind=fields.text("kind"),
        shown_hw=(height, width),
        pts_seconds=fields.numbers("pts_seconds", length=frame_count),
        frame_indices=fields.counts("frame_indices", below=2**53, length=frame_count),
        caption=fields.text("caption"),
        licence=fields.text("licence"),
        warnings=fields.texts("warnings"),
        remarks=fields.texts_if_any("remarks"),
    )


def _picture(reader: ContainerReader, section: Fields) -> bytes:
    kind = section.choice("type", SIGNATURES)
    data = reader.blob(section, kind)
    if not all(data.startswith(signature, start) for start, signature in SIGNATURES[kind]):
        raise BundleError(f"{section.path('offset')} does not lead to a picture of {kind}. The bundle is damaged.")
    return data


def _model(fields: Fields) -> ModelLabel:
    return ModelLabel(id=fields.text("id"), title=fields.text("title"), status=fields.choice("status", _STATUSES))


def _block(reader: ContainerReader, fields: Fields, frame_count: int) -> BundledBlock:
    query_grid = _grid(QueryGrid, fields.child("query_grid"), frame_count)
    key_grid = _grid(KeyGrid, fields.child("key_grid"), frame_count)
    off_grid, scope = fields.texts("off_grid_keys"), fields.choice("scope", SCOPES)
    copies = key_grid.steps if scope == "space" else 1
    askers = fields.texts_if_any("askers")
    theta, phi = fields.child("theta"), fields.child("phi")
    channels = theta.counts("shape", below=_MAX_CHANNELS * _MAX_CELLS, length=2)[1]
    normaliser, effect = fields.child_or_none("log_normaliser"), fields.child_or_none("effect_map")
    kt, kh, kw = fields.counts("subsample", below=_MAX_CELLS, length=3)
    pairwise = fields.choice("pairwise", RULES)
    if normaliser is not None and pairwise not in SUMMED:
        raise BundleError(f"{fields.path('log_normaliser')} belongs to rows divided by their sum; got {pairwise}.")
    if min(kt, kh, kw, channels) < 1 or channels > _MAX_CHANNELS:
        raise BundleError(f"{fields.path('theta')} has 1 to {_MAX_CHANNELS} channels and pooling is 1 or more.")
    if pairwise == "concatenation" and channels != 1:
        raise BundleError(f"{fields.path('theta')} of a concatenation has one channel; got {channels}.")
    asking = (len(askers) * (query_grid.steps if scope == "space" else 1), channels)
    try:
        capture = BlockCapture(
            name=fields.text("name"),
            title=fields.text("title"),
            pairwise=pairwise,
            scale=fields.number("scale"),
            theta=reader.table(theta, (query_grid.size, channels)),
            phi=reader.table(phi, (key_grid.size + len(off_grid) * copies, channels)),
            query_grid=query_grid,
            key_grid=key_grid,
            subsample=(kt, kh, kw),
            scope=scope,
            temporal_groups=_groups(fields, query_grid, key_grid),
            status=fields.choice("status", _STATUSES),
            note=fields.text("note"),
            effect=None if effect is None else reader.table(effect, (query_grid.size,)),
            rebuild_error=fields.number_or_none("rebuild_error", low=0.0),
            head=fields.count_or_none("head", below=_MAX_CHANNELS),
            head_count=fields.count("head_count", start=1, below=_MAX_CHANNELS) if fields.has("head_count") else None,
            before=(fields.text("before") or None) if fields.has("before") else None,
            step=fields.text("step") if fields.has("step") else "",
            off_grid_keys=off_grid,
            is_walled=fields.has("walled"),
            askers=askers,
            asker_theta=reader.table(fields.child("asker_theta"), asking) if askers else None,
            asker=fields.choice("asker", askers) if fields.has("asker") else None,
            askers_are_keys=fields.has("askers_are_keys"),
        )
    except CaptureError as error:
        raise BundleError(f"{fields.path('name')}: {error}") from error
    return BundledBlock(
        capture=capture,
        log_normaliser=None if normaliser is None else reader.table(normaliser, (query_grid.size,)),
        warning=fields.text("warning"),
        proof=fields.text("proof"),
        dtype=theta.text("dtype"),
        row_error=fields.number("row_error", low=0.0),
    )


def _groups(fields: Fields, query_grid: QueryGrid, key_grid: KeyGrid) -> int:
    groups = fields.count("temporal_groups", start=1, below=_MAX_CELLS)
    if query_grid.steps % groups or key_grid.steps % groups:
        raise BundleError(
            f"{fields.path('temporal_groups')} divides {query_grid.steps} query and {key_grid.steps} key steps; "
            f"got {groups}."
        )
    return groups


def _grid(kind: type[AnyGrid], fields: Fields, frame_count: int) -> AnyGrid:
    t, h, w = (fields.count(key, start=1, below=_MAX_CELLS + 1) for key in ("frames", "rows", "cols"))
    x0, y0, x1, y1 = fields.numbers("box", length=4)
    try:
        return kind(
            steps=t,
            rows=h,
            cols=w,
            frame_spans=fields.spans("frame_spans", below=frame_count + 1),
            box=(x0, y0, x1, y1),
        )
    except GeometryError as error:
        raise BundleError(f"{fields.path('frames')}: {error}") from error


def _view(fields: Fields, frame_count: int, blocks: list[str]) -> View:
    return View(
        block=fields.choice("block", blocks) if blocks else None,
        question=question_in(fields.child("query"), frame_count),
        also=points_in(fields, "also", frame_count),
        minus=points_in(fields, "minus", frame_count),
        beside=tuple(_pin(pin, frame_count) for pin in fields.children("beside", most=MOST_PINS - 1)),
        asker=fields.text("asker") if fields.has("asker") else None,
        hops=hops_in(fields),
        temperature=fields.number("temperature", low=TEMPERATURES[0], high=TEMPERATURES[1]),
        direction=fields.choice("direction", DIRECTIONS),
        look=_look(fields),
        tour=tour_in(fields, frame_count, blocks),
    )


def _pin(fields: Fields, frame_count: int) -> tuple[Point, ...]:
    points = points_in(fields, "points", frame_count)
    if not points:
        raise BundleError(f"{fields.path('points')} are those of a pin, one at least; got none.")
    return points


def _look(fields: Fields) -> str:
    words = fields.text("look")
    try:
        return Look.parse(words).words
    except UnknownNameError as error:
        raise BundleError(f"{fields.path('look')} says how answers are drawn. {error}") from error
