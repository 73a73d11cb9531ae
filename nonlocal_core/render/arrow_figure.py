"""The paper's figure 3 for any query: unchanged photographs, with arrows to the strongest keys as vectors."""

import io

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from nonlocal_core.render.affinity import AffinityLike, is_signed
from nonlocal_core.render.colours import colour_map
from nonlocal_core.render.drawing import Anchor, Drawing, Length, Outline, Photo, Shape, Step, Words, box, disc
from nonlocal_core.render.figure import ARROWS, BAR, NOTE_SIZE, note_lines
from nonlocal_core.render.layout import UNITS, Layout, lay_out
from nonlocal_core.render.legend import INK, MUTED
from nonlocal_core.render.marks import RIM, Arrow, Colour, Point, bend
from nonlocal_core.render.notes import Caption, arrow_notes, cautions, network_words, query_words
from nonlocal_core.render.overlay import check_frames
from nonlocal_core.render.pointing import arrow_keys, arrows, parts
from nonlocal_core.render.text import fitted

PRINT_INCHES = 8.0
"""Width of the figure in print, that of a page."""
SHARPNESS = 1.6
"""Pixels of a stored photograph per pixel of the figure at 300 dots per inch, so that it can be enlarged."""
JPEG_QUALITY = 90
PEN = 4.2  # units
FINE = 2000  # sampled places on a curve, finer than print resolves
WHITE: Colour = (255, 255, 255)

XY = Float[np.ndarray, "2"]


def arrow_figure(
    frames: UInt8[np.ndarray, "T h w 3"],
    pts_seconds: Float[np.ndarray, " T"],
    row: AffinityLike,
    caption: Caption,
    *,
    most_arrows: int = ARROWS,
) -> Drawing:
    """Return the strip of frames with an arrow from the query to each of the strongest keys.

    Raises RenderError when the frames are not those of the row, or when there is no room for them.
    """
    check_frames(frames, row)
    keys = arrow_keys(row, most_arrows)
    sentences = arrow_notes(row, keys[0][1] if keys else 0.0, arrows=len(keys))
    lines = note_lines(cautions(caption, row), sentences, UNITS)
    layout = lay_out(len(frames), frames.shape[1:3], width_px=UNITS, notes=len(lines), padding=0)
    colours = colour_map(is_signed(row))
    drawn = sorted(arrows(layout, row, keys, colours), key=lambda arrow: arrow.strength)
    shapes = (
        *_heading(layout, row, caption, pts_seconds),
        *_photos(layout, frames, row),
        *(_bars(layout, row, pts_seconds) if len(frames) > 1 else ()),
        *_query(layout, row),
        *(shape for arrow in drawn for shape in _arrow(arrow)),
        *(disc(arrow.start, 2.2 * PEN, fill=WHITE, stroke=RIM, pen=PEN / 2) for arrow in drawn[:1]),
        *_notes(layout, lines),
    )
    return Drawing(
        size_hw=layout.size_hw, per_inch=UNITS / PRINT_INCHES, title=f"{caption.clip}: {caption.block}", shapes=shapes
    )


def _heading(
    layout: Layout, row: AffinityLike, caption: Caption, pts_seconds: Float[np.ndarray, " T"]
) -> tuple[Words, ...]:
    room, left = UNITS - 2 * layout.margin, layout.margin
    lines = (
        (caption.clip, 50, INK, 40),
        (network_words(caption, row), 30, INK, 94),
        (query_words(row, pts_seconds), 30, MUTED, 138),
    )
    return tuple(
        Words(at=(left, layout.margin + base), text=fitted(text, size, room), size=size, colour=colour)
        for text, size, colour, base in lines
    )


def _photos(layout: Layout, frames: UInt8[np.ndarray, "T h w 3"], row: AffinityLike) -> tuple[Shape, ...]:
    """Return the frames, those of the query with a border."""
    start, stop = row.query_grid.span(row.query.t)
    shapes: list[Shape] = []
    for index, (frame, tile) in enumerate(zip(frames, layout.tiles, strict=True)):
        image = Image.fromarray(frame)
        image.thumbnail((round(SHARPNESS * tile.width), round(SHARPNESS * tile.height)), Image.Resampling.LANCZOS)
        out = io.BytesIO()
        image.save(out, "JPEG", quality=JPEG_QUALITY, optimize=True)
        shapes.append(Photo(box=(tile.left, tile.top, tile.width, tile.height), jpeg=out.getvalue()))
        if start <= index < stop:
            shapes.append(box(tile.left - 2, tile.top - 2, tile.width + 4, tile.height + 4, stroke=INK, pen=4))
    return tuple(shapes)


def _bars(layout: Layout, row: AffinityLike, pts_seconds: Float[np.ndarray, " T"]) -> tuple[Shape, ...]:
    """Return time and share under the frames; frames of one step of the keys share one bar.

    A row with a number that is not finite has no shares, and none are drawn.
    """
    shapes: list[Shape] = []
    shares = row.per_step_share
    known = bool(np.isfinite(row.heat).all())
    largest = float(shares.max()) or 1.0
    for index, tile in enumerate(layout.tiles):
        base = tile.bottom + layout.bar_height
        shapes.append(_centred((tile.left + tile.right) / 2, base + 68, f"{pts_seconds[index]:.2f} s", 24, MUTED))
        if row.key_grid.find_t(index) is None:
            shapes.append(_centred((tile.left + tile.right) / 2, base + 36, "no keys", 30, MUTED))
    for t, part in parts(layout, row):
        middle, base = (part.left + part.right) / 2, part.bottom + layout.bar_height
        shapes.append(box(part.left, base, part.width, 2, fill=BAR))
        if known:
            width, height = 0.4 * layout.tiles[0].width, (layout.bar_height - 12) * float(shares[t]) / largest
            shapes.append(box(middle - width / 2, base - height, width, height, fill=BAR))
        words = f"{100 * shares[t]:.1f} %" if known else "- %"
        shapes.append(_centred(middle, base + 36, words, 30, INK))
    return tuple(shapes)


def _centred(x: Length, y: Length, text: str, size: int, colour: Colour) -> Words:
    anchor: Anchor = "middle"
    return Words(at=(x, y), text=text, size=size, colour=colour, anchor=anchor)


def _query(layout: Layout, row: AffinityLike) -> tuple[Outline, ...]:
    """Return the box of the query's cell in each of its frames."""
    x0, y0, x1, y1 = row.query_grid.bounds(row.query)
    shapes: list[Outline] = []
    for index in range(*row.query_grid.span(row.query.t)):
        tile = layout.tiles[index]
        cell = (
            tile.left + x0 * tile.width,
            tile.top + y0 * tile.height,
            (x1 - x0) * tile.width,
            (y1 - y0) * tile.height,
        )
        shapes += [box(*cell, stroke=RIM, pen=2 * PEN), box(*cell, stroke=WHITE, pen=PEN)]
    return tuple(shapes)


def _arrow(arrow: Arrow) -> tuple[Outline, ...]:
    """Return an arrow with a dark rim, which shows on any photograph and separates crossing arrows."""
    start, stop = np.array(arrow.start), np.array(arrow.stop)
    control = bend(start, stop, arrow.reach_px)
    width, opacity = PEN * (0.5 + 0.5 * arrow.strength), 0.35 + 0.65 * arrow.strength
    tip_at = _part_until(start, control, stop, arrow.gap_px)
    if tip_at == 0:
        return ()
    tip = _on_curve(start, control, stop, tip_at)
    head = min(5 * width, float(np.linalg.norm(tip - start)) / 2)
    neck_at = _part_until(start, control, stop, arrow.gap_px + 0.8 * head)
    neck = _on_curve(start, control, stop, neck_at)
    inner = start + neck_at * (control - start)
    along = (tip - neck) / np.linalg.norm(tip - neck)
    thirds = (start + 2 / 3 * (inner - start), neck + 2 / 3 * (inner - neck), neck)
    shaft: tuple[Step, ...] = ((_point(thirds[0]), _point(thirds[1]), _point(thirds[2])),)
    faint = 0.5 * opacity
    return (
        Outline(start=arrow.start, steps=shaft, stroke=RIM, width=2 * width, opacity=faint),
        _triangle(tip + 0.25 * head * along, along, 1.5 * head, fill=RIM, opacity=faint),
        Outline(start=arrow.start, steps=shaft, stroke=arrow.colour, width=width, opacity=opacity),
        _triangle(tip, along, head, fill=arrow.colour, opacity=opacity),
    )


def _triangle(tip: XY, along: XY, length: float, *, fill: Colour, opacity: float) -> Outline:
    side = np.array([-along[1], along[0]]) * length * 0.42
    corners: tuple[Step, ...] = ((_point(tip - length * along + side),), (_point(tip - length * along - side),))
    return Outline(start=_point(tip), steps=corners, closed=True, fill=fill, opacity=opacity)


def _part_until(start: XY, control: XY, stop: XY, gap: float) -> float:
    """Return the part of the curve, in [0, 1], before it comes within ``gap`` of its end, 0 where it is shorter."""
    s = np.linspace(0, 1, FINE)
    away = np.linalg.norm(_on_curve(start, control, stop, s[:, None]) - stop, axis=1)
    return float(s[away > gap][-1]) if (away > gap).any() else 0.0


def _on_curve(start: XY, control: XY, stop: XY, s: float | Float[np.ndarray, "n 1"]) -> Float[np.ndarray, "*n 2"]:
    return np.asarray((1 - s) ** 2 * start + 2 * s * (1 - s) * control + s**2 * stop)


def _point(xy: XY) -> Point:
    return (float(xy[0]), float(xy[1]))


def _notes(layout: Layout, lines: list[tuple[str, Colour]]) -> tuple[Words, ...]:
    return tuple(
        Words(at=(layout.margin, layout.notes_top + 24 + 38 * index), text=text, size=NOTE_SIZE, colour=colour)
        for index, (text, colour) in enumerate(lines)
    )
