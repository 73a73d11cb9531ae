"""The figure for print: a film strip of all frames with heat, shares, arrows, colour bar and caption."""

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw

from nonlocal_core.render.affinity import AffinityLike, is_signed, times_uniform_per_unit
from nonlocal_core.render.colours import colour_map
from nonlocal_core.render.layout import MARGIN, UNITS, Layout, lay_out
from nonlocal_core.render.legend import INK, MUTED, draw_legend
from nonlocal_core.render.marks import Colour, draw_arrows
from nonlocal_core.render.notes import Caption, cautions, network_words, notes, query_words
from nonlocal_core.render.overlay import check_frames, paint_clip
from nonlocal_core.render.pointing import arrow_keys, arrows, parts
from nonlocal_core.render.scale import Scale, fit_scale
from nonlocal_core.render.text import drawable, fitted, font, wrapped

PAPER, PANEL, BAR = (255, 255, 255), (20, 20, 24), (98, 98, 112)
ON_PANEL, ON_PANEL_MUTED = (245, 245, 248), (150, 150, 160)
WARNING = (168, 62, 20)
NOTE_SIZE = 25  # in units
ARROWS = 20  # as in the paper's figure 3


def figure(
    frames: UInt8[np.ndarray, "T h w 3"],
    pts_seconds: Float[np.ndarray, " T"],
    row: AffinityLike,
    caption: Caption,
    *,
    width_px: int = UNITS,
    most_arrows: int = ARROWS,
) -> UInt8[np.ndarray, "height width 3"]:
    """Return a film strip of the clip with the heat of one query on one colour scale.

    Raises RenderError when the frames are not those of the row, or when there is no room for them.
    """
    check_frames(frames, row)
    scale = fit_scale(row.heat, signed=is_signed(row), own_t=row.own_key.t)
    keys = arrow_keys(row, most_arrows)
    lines = note_lines(cautions(caption, row), notes(row, scale, arrows=len(keys)), width_px)
    layout = lay_out(len(frames), frames.shape[1:3], width_px=width_px, notes=len(lines))

    canvas = Image.new("RGB", layout.size_hw[::-1], PAPER)
    _draw_header(canvas, layout, row, caption, pts_seconds)
    draw_legend(canvas, layout, scale, times_uniform_per_unit(row))
    _draw_strip(canvas, layout, frames, row, scale)
    if len(frames) > 1:
        _draw_shares(canvas, layout, row, pts_seconds)
    canvas = draw_arrows(canvas, arrows(layout, row, keys, colour_map(scale.signed)), pen_px=3.4 * layout.unit)
    _draw_notes(canvas, layout, lines)
    return np.asarray(canvas)


def _draw_header(
    canvas: Image.Image, layout: Layout, row: AffinityLike, caption: Caption, pts_seconds: Float[np.ndarray, " T"]
) -> None:
    pen, px = ImageDraw.Draw(canvas), layout.px
    room = layout.legend.left - layout.margin - px(40)
    y = layout.margin
    network, query = network_words(caption, row), query_words(row, pts_seconds)
    for text, size, colour, advance in ((caption.clip, 50, INK, 70), (network, 30, INK, 44), (query, 30, MUTED, 44)):
        shown = fitted(drawable(text), px(size), room)
        pen.text((layout.margin, y), shown, font=font(px(size)), fill=colour, anchor="la")
        y += px(advance)


def _draw_strip(
    canvas: Image.Image,
    layout: Layout,
    frames: UInt8[np.ndarray, "T h w 3"],
    row: AffinityLike,
    scale: Scale,
) -> None:
    """Draw the panel and the frames. They are resized before painting, so that cells keep sharp edges in print."""
    pen, px, tile = ImageDraw.Draw(canvas), layout.px, layout.tiles[0]
    pen.rounded_rectangle(
        [*layout.panel[:2], layout.panel.right - 1, layout.panel.bottom - 1], radius=px(18), fill=PANEL
    )
    size = (tile.width, tile.height)
    small = np.stack([np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS)) for frame in frames])
    start, stop = row.query_grid.span(row.query.t)
    for index, picture in enumerate(paint_clip(small, row, scale)):
        place = layout.tiles[index]
        if start <= index < stop:
            rim = px(4)
            pen.rectangle([place.left - rim, place.top - rim, place.right + rim - 1, place.bottom + rim - 1], ON_PANEL)
        canvas.paste(Image.fromarray(picture), place[:2])


def _draw_shares(canvas: Image.Image, layout: Layout, row: AffinityLike, pts_seconds: Float[np.ndarray, " T"]) -> None:
    """Draw time and share under the frames; frames of one step of the keys share one bar.

    A row with a number that is not finite has no shares, and none are drawn.
    """
    pen, px = ImageDraw.Draw(canvas), layout.px
    shares = row.per_step_share
    known = bool(np.isfinite(row.heat).all())
    largest = float(shares.max()) or 1.0
    for index, tile in enumerate(layout.tiles):
        middle, base = (tile.left + tile.right) // 2, tile.bottom + layout.bar_height
        time = f"{pts_seconds[index]:.2f} s"
        pen.text((middle, base + px(48)), time, font=font(px(24)), fill=ON_PANEL_MUTED, anchor="ma")
        if row.key_grid.find_t(index) is None:
            pen.text((middle, base + px(10)), "no keys", font=font(px(30)), fill=ON_PANEL_MUTED, anchor="ma")
    for t, part in parts(layout, row):
        middle, base = (part.left + part.right) // 2, part.bottom + layout.bar_height
        height = round((layout.bar_height - px(12)) * float(shares[t]) / largest) if known else 0
        pen.rectangle([part.left, base, part.right - 1, base + px(2) - 1], fill=BAR)
        if height:
            half = layout.tiles[0].width // 5
            pen.rectangle([middle - half, base - height, middle + half - 1, base], fill=BAR)
        percent = f"{100 * shares[t]:.1f} %" if known else "- %"
        pen.text((middle, base + px(10)), percent, font=font(px(30)), fill=ON_PANEL, anchor="ma")


def note_lines(warning: str, sentences: list[str], width_px: int) -> list[tuple[str, Colour]]:
    """Return the lines of the warning and the notes, each with its colour."""
    unit = width_px / UNITS
    size, room = max(1, round(NOTE_SIZE * unit)), width_px - 2 * round(MARGIN * unit)
    paragraphs = ((warning, WARNING), (" ".join(sentences), MUTED))
    return [(line, colour) for text, colour in paragraphs for line in wrapped(drawable(text), size, room)]


def _draw_notes(canvas: Image.Image, layout: Layout, lines: list[tuple[str, Colour]]) -> None:
    pen, px, y = ImageDraw.Draw(canvas), layout.px, layout.notes_top
    for text, colour in lines:
        pen.text((layout.margin, y), text, font=font(px(NOTE_SIZE)), fill=colour, anchor="la")
        y += px(38)
