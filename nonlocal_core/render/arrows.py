"""Arrows of a figure as shapes: between the asked cell and the strongest cells, as in the paper's figure 3."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from nonlocal_core.geometry import Cell, Grid
from nonlocal_core.look import ARROW_TONE, COLD, LEVELS, Answer, Heat, arrow_cells
from nonlocal_core.render.drawing import Outline, Step, disc
from nonlocal_core.render.layout import Layout, Rect
from nonlocal_core.render.marks import RIM, WHITE, Arrow, Colour, Point, bend

PEN = 4.2  # units
FINE = 2000  # sampled places on a curve, finer than print resolves
FAINTEST = 0.35
"""Opacity of the weakest arrow."""

XY = Float[np.ndarray, "2"]


def arrows_of(layout: Layout, answer: Answer, heat: Heat, count: int) -> tuple[Arrow, ...]:
    """Return up to ``count`` arrows, the strongest first; those of a column end at the asked cell.

    In a difference, those of negative weight belong to the cells that were subtracted.
    """
    plus = place(layout, answer.asked_grid, answer.asked_cells)
    less = place(layout, answer.asked_grid, answer.minus) if answer.minus else plus
    tile, found = layout.tiles[0], []
    for index, times in arrow_cells(answer, heat, count):
        cell = answer.grid.cell(index)
        tone = float(heat.tones(np.array(times), cell.t))
        level = round((ARROW_TONE + (1 - ARROW_TONE) * tone) * (LEVELS - 1))
        red, green, blue = (int(part) for part in (COLD if times < 0 else heat.ramp)[level])
        other, asked = place(layout, answer.grid, (cell,)), less if times < 0 else plus
        start, stop = (asked, other) if answer.direction == "row" else (other, asked)
        gap = _half_cell(answer.grid if answer.direction == "row" else answer.asked_grid, tile)
        found.append(
            Arrow(
                start=start,
                stop=stop,
                colour=(red, green, blue),
                strength=tone,
                reach_px=0.8 * tile.height,
                gap_px=gap,
            )
        )
    return tuple(found)


def arrow_shapes(arrows: tuple[Arrow, ...], *, asked: Point, dot: Colour = WHITE) -> tuple[Outline, ...]:
    """Return the shapes of arrows, the strongest on top, and a dot of that colour at the asked cell."""
    if not arrows:
        return ()
    weakest_first = sorted(arrows, key=lambda arrow: arrow.strength)
    shapes = [shape for arrow in weakest_first for shape in _arrow(arrow)]
    return (*shapes, disc(asked, 2.2 * PEN, fill=dot, stroke=RIM, pen=PEN / 2))


def _half_cell(grid: Grid, tile: Rect) -> float:
    """Return half the shorter side of a cell on the figure, in pixels."""
    x0, y0, x1, y1 = grid.box
    return min((x1 - x0) / grid.cols * tile.width, (y1 - y0) / grid.rows * tile.height) / 2


def place(layout: Layout, grid: Grid, cells: Sequence[Cell]) -> Point:
    """Return the centre of those cells that lie in the step of the first, on the figure, in the step's middle frame."""
    start, stop = grid.span(cells[0].t)
    tile = layout.tiles[(start + stop - 1) // 2]
    x, y = np.mean([grid.center(cell) for cell in cells if cell.t == cells[0].t], axis=0).tolist()
    return (tile.left + x * tile.width, tile.top + y * tile.height)


def _arrow(arrow: Arrow) -> tuple[Outline, ...]:
    """Return an arrow with a dark rim, which shows on any photograph and separates crossing arrows."""
    start, stop = np.array(arrow.start), np.array(arrow.stop)
    if (start == stop).all():  # the middle of what is asked is looked at
        return ()
    control = bend(start, stop, arrow.reach_px)
    width, opacity = PEN * (0.5 + 0.5 * arrow.strength), FAINTEST + (1 - FAINTEST) * arrow.strength
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
    """Return the fraction of the curve, in [0, 1], before it comes within ``gap`` of its end, or 0 if it is shorter."""
    s = np.linspace(0, 1, FINE)
    away = np.linalg.norm(_on_curve(start, control, stop, s[:, None]) - stop, axis=1)
    return float(s[away > gap][-1]) if (away > gap).any() else 0.0


def _on_curve(start: XY, control: XY, stop: XY, s: float | Float[np.ndarray, "n 1"]) -> Float[np.ndarray, "*n 2"]:
    return np.asarray((1 - s) ** 2 * start + 2 * s * (1 - s) * control + s**2 * stop)


def _point(xy: XY) -> Point:
    return (float(xy[0]), float(xy[1]))
