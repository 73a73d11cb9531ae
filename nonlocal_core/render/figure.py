"""The figure of an answer: a film strip of all frames with heat, shares, arrows, colour bar and caption."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from nonlocal_core.look import (
    LETTERS,
    LOOK,
    Answer,
    Heat,
    Look,
    Segment,
    answer_words,
    arrow_cells,
    bar_heights,
    heats_of,
    percent,
    question_words,
    walls_of,
)
from nonlocal_core.render.arrows import PEN, arrow_shapes, arrows_of, place
from nonlocal_core.render.drawing import INK, MUTED, PAPER, Drawing, Outline, Picture, Shape, Words, box, centred
from nonlocal_core.render.layout import HEADER, UNITS, Layout, Rect, lay_out
from nonlocal_core.render.legend import legend
from nonlocal_core.render.marks import MINUS, RIM, WHITE, Colour, dashes, lettered_cells, pin_colours
from nonlocal_core.render.notes import Caption, cautions, network_words, notes
from nonlocal_core.render.overlay import check_frames, heat_layer, photograph, seen_box
from nonlocal_core.render.text import EM, drawable, fitted, font, wrapped

AXIS = (98, 98, 112)
GLOW, PALE, STRIPE = (255, 145, 66), (255, 195, 151), (176, 176, 184)
"""Colours of bars as on screen: for the frame with the most weight beyond the asked one, the others, the asked one."""
STRIPES_APART = 12  # units
WARNING = (168, 62, 20)
NOTE_SIZE = 25  # in units
PINS_FROM, PIN_LINES, LETTER = 132, 84, 60
"""Start of the pins of a heading, height of a pin, and height of its letter, in units."""
MARK = 26
"""Height of the letter of a pin on a photograph, in units."""
WALL = 2.4
"""Width of the dashes of a wall, in units."""
PRINT_INCHES = 8.0
"""Width of the figure in print, in inches: that of a page."""
SHARPNESS = 1.6
"""Pixels of a stored picture per unit of a figure that can be enlarged."""


def figure(
    frames: UInt8[np.ndarray, "T h w 3"],
    pts_seconds: Float[np.ndarray, " T"],
    answer: Answer,
    caption: Caption,
    *,
    look: Look = LOOK,
    sharpness: float = SHARPNESS,
    beside: Sequence[Answer] = (),
) -> Drawing:
    """Return a film strip of the clip with the heat of one question, or of several pins.

    ``sharpness``: pixels of the frames per unit; 1 for a drawing that becomes pixels. ``beside``: answers of other
    pins to the same block, drawn together with this one, which is the last letter.
    Raises RenderError if the frames are not those of the answer, or if there is no room for them.
    """
    check_frames(frames, answer)
    answers = (*beside, answer)
    heats = heats_of(answers, look)
    count = look.arrow_count(len(frames)) // len(answers)
    arrows = max(len(arrow_cells(*drawn, count)) for drawn in zip(answers, heats, strict=True))
    lines = note_lines(cautions(caption, answer), notes(answers, heats, arrows=arrows))
    header = header_units(len(answers))
    layout = lay_out(len(frames), frames.shape[1:3], width_px=UNITS, notes=len(lines), header=header)
    colours = pin_colours(len(answers))
    around = (
        *_heading(layout, answers, caption, pts_seconds),
        *legend(layout.legend, answers, heats),
        *(_bars(layout, answers, pts_seconds) if len(frames) > 1 else ()),
    )
    shapes = (
        *(shape for shape in around if not isinstance(shape, Words)),
        *_strip(layout, frames, answers, heats, sharpness),
        *_walls(layout, answer),
        *(shape for one, colour in zip(answers, colours, strict=True) for shape in _asked(layout, one, colour)),
        *(
            shape
            for one, heat, colour in zip(answers, heats, colours, strict=True)
            for shape in arrow_shapes(
                arrows_of(layout, one, heat, count), asked=place(layout, one.asked_grid, one.asked_cells), dot=colour
            )
        ),
        *_readable([shape for shape in around if isinstance(shape, Words)]),
        *_letters(layout, answers),
        *_notes(layout, lines),
    )
    return Drawing(
        size_hw=layout.size_hw, per_inch=UNITS / PRINT_INCHES, title=f"{caption.clip}: {caption.block}", shapes=shapes
    )


def _readable(texts: Sequence[Words]) -> tuple[Shape, ...]:
    """Return texts with each dark one on a patch of paper, since arrows pass there."""
    shapes: list[Shape] = []
    for text in texts:
        if text.colour in (INK, MUTED) and text.text:
            width = font(EM).getlength(drawable(text.text)) / EM * text.size
            left = text.at[0] - {"start": 0.0, "middle": 0.5, "end": 1.0}[text.anchor] * width
            shapes.append(box(left - 4, text.at[1] - 0.8 * text.size, width + 8, 1.05 * text.size, fill=PAPER))
        shapes.append(text)
    return tuple(shapes)


def header_units(pins: int) -> int:
    """Return the height above the strip of a figure with ``pins`` pins, in units."""
    return HEADER if pins == 1 else PINS_FROM + PIN_LINES * pins


def note_lines(caution: str, sentences: list[str]) -> list[tuple[str, Colour]]:
    """Return the lines under a figure: the cautions, then the meaning of its colours, bars and arrows."""
    room = UNITS - 2 * lay_out(1, (1, 1), width_px=UNITS).margin
    said = [(caution, WARNING), (" ".join(sentences), MUTED)]
    return [(line, colour) for text, colour in said for line in wrapped(drawable(text), NOTE_SIZE, room)]


def _heading(
    layout: Layout, answers: Sequence[Answer], caption: Caption, pts_seconds: Float[np.ndarray, " T"]
) -> tuple[Shape, ...]:
    if len(answers) > 1:
        return _headings(layout, answers, caption, pts_seconds)
    (answer,) = answers
    left, top, room = layout.margin, layout.margin, layout.legend.left - layout.margin - 40
    seconds = float(pts_seconds[answer.asked_grid.span(answer.asked.t)[0]])
    asked = question_words(answer, frames=len(pts_seconds), seconds=seconds)
    said = wrapped(drawable(answer_words(answer)), 36, room)[:2]
    lines = [
        (caption.clip, 44, INK, 36),
        (asked, 27, MUTED, 76),
        *((text, 36, INK, 126 + 44 * index) for index, text in enumerate(said)),
        (network_words(caption, answer), 27, MUTED, 120 + 44 * len(said)),
    ]
    return tuple(
        Words(at=(left, top + base), text=fitted(drawable(text), size, room), size=size, colour=colour)
        for text, size, colour, base in lines
    )


def _headings(
    layout: Layout, answers: Sequence[Answer], caption: Caption, pts_seconds: Float[np.ndarray, " T"]
) -> tuple[Shape, ...]:
    """Return the heading for several pins: below the clip, each with its letter, question and sentence."""
    left, top, room = layout.margin, layout.margin, layout.legend.left - layout.margin - 40
    shapes: list[Shape] = [
        Words(at=(left, top + 36), text=fitted(drawable(caption.clip), 44, room), size=44, colour=INK),
        Words(
            at=(left, top + 76),
            text=fitted(drawable(network_words(caption, answers[-1])), 27, room),
            size=27,
            colour=MUTED,
        ),
    ]
    beside = left + LETTER + 16
    for index, (answer, colour) in enumerate(zip(answers, pin_colours(len(answers)), strict=True)):
        above = top + PINS_FROM - 16 + PIN_LINES * index
        seconds = float(pts_seconds[answer.asked_grid.span(answer.asked.t)[0]])
        asked = question_words(answer, frames=len(pts_seconds), seconds=seconds)
        width = layout.size_hw[1] - layout.margin - beside
        shapes += [
            box(left, above, LETTER, LETTER, fill=colour),
            centred(left + LETTER / 2, above + 0.76 * LETTER, LETTERS[index], 40, RIM),
            Words(at=(beside, above + 20), text=fitted(drawable(asked), 25, width), size=25, colour=MUTED),
            Words(at=(beside, above + 56), text=fitted(drawable(answer_words(answer)), 34, width), size=34, colour=INK),
        ]
    return tuple(shapes)


def _strip(
    layout: Layout,
    frames: UInt8[np.ndarray, "T h w 3"],
    answers: Sequence[Answer],
    heats: Sequence[Heat],
    sharpness: float,
) -> tuple[Shape, ...]:
    """Return the photographs, their heat in a separate layer, and a border around those that are asked."""
    grid, look = answers[-1].grid, heats[-1].look
    asked = {index for one in answers for cell in one.marked_cells for index in range(*one.asked_grid.span(cell.t))}
    shapes: list[Shape] = []
    for index, (frame, tile) in enumerate(zip(frames, layout.tiles, strict=True)):
        place_of_tile = (tile.left, tile.top, tile.width, tile.height)
        size_hw = (round(sharpness * tile.height), round(sharpness * tile.width))
        if sharpness == 1 or size_hw[0] < frame.shape[0]:
            frame = np.asarray(Image.fromarray(frame).resize(size_hw[::-1], Image.Resampling.LANCZOS))
        shapes.append(Picture(box=place_of_tile, rgb=photograph(frame, look, seen=seen_box(answers[-1]))))
        t = grid.find_t(index)
        if t is not None:
            colours, opacity = heat_layer(heats, t, grid, size_hw=size_hw)
            shapes.append(Picture(box=place_of_tile, rgb=colours, opacity=opacity))
        if index in asked:
            shapes.append(box(tile.left - 2, tile.top - 2, tile.width + 4, tile.height + 4, stroke=INK, pen=4))
    return tuple(shapes)


def _bars(layout: Layout, answers: Sequence[Answer], pts_seconds: Float[np.ndarray, " T"]) -> tuple[Shape, ...]:
    """Return the times and shares under the frames; frames of one step share one bar for each pin."""
    shapes: list[Shape] = []
    answer, several = answers[-1], len(answers) > 1
    shares = np.stack([one.cell_share.sum(axis=(1, 2)) for one in answers])
    heights, cut = bar_heights(shares.ravel())
    own = np.logical_and(answer.own_cells.any(axis=(1, 2)), not several)
    elsewhere = np.where(own, 0, shares[-1])
    for index, tile in enumerate(layout.tiles):
        base = tile.bottom + layout.bar_height
        shapes.append(centred((tile.left + tile.right) / 2, base + 68, f"{pts_seconds[index]:.2f} s", 24, MUTED))
        if answer.grid.find_t(index) is None:
            nothing = "no keys" if answer.direction == "row" else "no queries"
            shapes.append(centred((tile.left + tile.right) / 2, base + 36, nothing, 30, MUTED))
    across, count = layout.tiles[0].width, len(answers)
    width, size = (0.4 * across, 30) if not several else (0.22 * across, min(30, round(0.1 * across)))
    for t, part in _parts(layout, answer):
        base = part.bottom + layout.bar_height
        shapes.append(box(part.left, base, part.width, 2, fill=AXIS))
        colours = pin_colours(count) if several else (GLOW if t == elsewhere.argmax() else PALE,)
        for index, colour in enumerate(colours):
            middle = (part.left + part.right) / 2 + (index - (count - 1) / 2) * 0.32 * across
            height = (layout.bar_height - 12) * float(heights[index * shares.shape[1] + t])
            if own.item(t):
                shapes += _stripes(middle - width / 2, base, width, height)
            else:
                shapes.append(box(middle - width / 2, base - height, width, height, fill=colour))
            if index * shares.shape[1] + t == cut:  # a white band across it: taller than is drawn
                low = base - 0.72 * height
                corners = (
                    ((middle + width / 2, low - 9),),
                    ((middle + width / 2, low - 1),),
                    ((middle - width / 2, low + 8),),
                )
                shapes.append(Outline(start=(middle - width / 2, low), steps=corners, closed=True, fill=WHITE))
            shapes.append(centred(middle, base + 36, percent(float(shares[index, t])), size, INK))
    return tuple(shapes)


def _stripes(left: float, base: float, width: float, height: float) -> tuple[Outline, ...]:
    """Return the slanted lines that fill a bar."""
    return tuple(
        Outline(
            start=(left + max(0.0, along - height), base - min(along, height)),
            steps=(((left + min(along, width), base - max(0.0, along - width)),),),
            stroke=STRIPE,
            width=4,
        )
        for along in np.arange(STRIPES_APART / 2, width + height, STRIPES_APART).tolist()
    )


def _parts(layout: Layout, answer: Answer) -> list[tuple[int, Rect]]:
    """Return the places of the frames of each step, joined within a row of the strip."""
    found = []
    for t, (start, stop) in enumerate(answer.grid.frame_spans):
        by_row: dict[int, list[Rect]] = {}
        for index in range(start, stop):
            by_row.setdefault(index // layout.columns, []).append(layout.tiles[index])
        for tiles in by_row.values():
            found.append((t, Rect(tiles[0].left, tiles[0].top, tiles[-1].right, tiles[0].bottom)))
    return found


def _asked(layout: Layout, answer: Answer, asked: Colour) -> tuple[Outline, ...]:
    """Return the box of each asked cell in each of its frames, rims below; subtracted cells are cold."""
    rims: list[Outline] = []
    boxes: list[Outline] = []
    for cells, colour in ((answer.minus, MINUS), (answer.marked_cells, asked)):
        for cell in cells:
            x0, y0, x1, y1 = answer.asked_grid.bounds(cell)
            for tile in layout.tiles[slice(*answer.asked_grid.span(cell.t))]:
                place_of_cell = (
                    tile.left + x0 * tile.width,
                    tile.top + y0 * tile.height,
                    (x1 - x0) * tile.width,
                    (y1 - y0) * tile.height,
                )
                rims.append(box(*place_of_cell, stroke=RIM, pen=2 * PEN))
                boxes.append(box(*place_of_cell, stroke=colour, pen=PEN))
    return (*rims, *boxes)


def _walls(layout: Layout, answer: Answer) -> tuple[Outline, ...]:
    """Return the walls of the window that an answer stays within, in each frame: rims below, dashes on them."""
    rims: list[Outline] = []
    lines: list[Outline] = []
    for index, tile in enumerate(layout.tiles):
        for x0, y0, x1, y1 in walls_of(answer, answer.grid.find_t(index)):
            piece = (
                tile.left + x0 * tile.width,
                tile.top + y0 * tile.height,
                tile.left + x1 * tile.width,
                tile.top + y1 * tile.height,
            )
            rims.append(_line(piece, RIM, 2 * WALL))
            lines += [_line(dash, WHITE, WALL) for dash in dashes(piece, 4 * WALL, 3 * WALL)]
    return (*rims, *lines)


def _line(piece: Segment, colour: Colour, width: float) -> Outline:
    x0, y0, x1, y1 = piece
    return Outline(start=(x0, y0), steps=(((x1, y1),),), stroke=colour, width=width)


def _letters(layout: Layout, answers: Sequence[Answer]) -> tuple[Shape, ...]:
    """Return the letter of each group of asked cells at its first cell, or none for a single group."""
    shapes: list[Shape] = []
    for letter, cell, grid, colour in lettered_cells(answers):
        x, y, _, _ = grid.bounds(cell)
        tile = layout.tiles[grid.span(cell.t)[0]]
        middle, line = tile.left + x * tile.width, tile.top + y * tile.height
        shapes.append(box(middle - MARK / 2, line - MARK / 2, MARK, MARK, fill=colour, stroke=RIM, pen=1))
        shapes.append(centred(middle, line + 0.32 * MARK, letter, round(0.85 * MARK), RIM))
    return tuple(shapes)


def _notes(layout: Layout, lines: list[tuple[str, Colour]]) -> tuple[Words, ...]:
    return tuple(
        Words(at=(layout.margin, layout.notes_top + 24 + 38 * index), text=text, size=NOTE_SIZE, colour=colour)
        for index, (text, colour) in enumerate(lines)
    )
