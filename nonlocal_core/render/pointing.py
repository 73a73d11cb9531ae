"""Places of a figure's arrows, from the query to the strongest keys, and of the bars under its frames."""

import numpy as np

from nonlocal_core.geometry import Cell, Grid
from nonlocal_core.render.affinity import AffinityLike, times_uniform_per_unit, top_times_uniform
from nonlocal_core.render.colours import ColourMap
from nonlocal_core.render.layout import Layout, Rect
from nonlocal_core.render.marks import Arrow, Point, strongest
from nonlocal_core.render.notes import NEARLY_EVEN

Keys = tuple[tuple[Cell, float], ...]


def arrow_keys(row: AffinityLike, count: int) -> Keys:
    """Return the strongest keys outside the query's own frame, of those above an even share.

    Where there is no other frame, return those outside the query's own place. Return none for a nearly even row.
    """
    own = row.own_key
    if top_times_uniform(row) < NEARLY_EVEN:
        return ()
    found = strongest(row.heat, row.key_grid, count=count + 1, leave_out=(own.t,) if row.key_grid.steps > 1 else ())
    per_unit = times_uniform_per_unit(row)
    return tuple((cell, v) for cell, v in found if cell != own and abs(v) * per_unit > 1)[:count]


def arrows(layout: Layout, row: AffinityLike, keys: Keys, colours: ColourMap) -> tuple[Arrow, ...]:
    """Return an arrow from the query to each key, coloured by weight from the bright part of the colour map."""
    start = place(layout, row.query_grid, row.query)
    largest = max((abs(value) for _, value in keys), default=1.0)
    tile = layout.tiles[0]
    reach, gap = 0.8 * tile.height, _half_cell(row.key_grid, tile)
    arrows = []
    for cell, value in keys:
        strength = abs(value) / largest
        bright = float(np.copysign(0.5 + 0.45 * strength, value))
        red, green, blue = (int(c) for c in colours.colours(np.array([bright]))[0])
        stop = place(layout, row.key_grid, cell)
        arrows.append(
            Arrow(start=start, stop=stop, colour=(red, green, blue), strength=strength, reach_px=reach, gap_px=gap)
        )
    return tuple(arrow for arrow in arrows if arrow.start != arrow.stop)


def _half_cell(grid: Grid, tile: Rect) -> float:
    """Return half the shorter side of a cell on the figure, in pixels."""
    x0, y0, x1, y1 = grid.box
    return min((x1 - x0) / grid.cols * tile.width, (y1 - y0) / grid.rows * tile.height) / 2


def place(layout: Layout, grid: Grid, cell: Cell) -> Point:
    """Return the centre of a cell on the figure, in the middle one of its frames."""
    start, stop = grid.span(cell.t)
    tile = layout.tiles[(start + stop - 1) // 2]
    x, y = grid.center(cell)
    return (tile.left + x * tile.width, tile.top + y * tile.height)


def parts(layout: Layout, row: AffinityLike) -> list[tuple[int, Rect]]:
    """Return for each step of the keys the places of its frames, joined within a row of the strip."""
    parts = []
    for t, (start, stop) in enumerate(row.key_grid.frame_spans):
        by_row: dict[int, list[Rect]] = {}
        for index in range(start, stop):
            by_row.setdefault(index // layout.columns, []).append(layout.tiles[index])
        for tiles in by_row.values():
            parts.append((t, Rect(tiles[0].left, tiles[0].top, tiles[-1].right, tiles[0].bottom)))
    return parts
