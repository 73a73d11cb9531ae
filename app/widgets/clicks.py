"""A click on a frame: on the picture itself, or with two sliders that count cells; every click can be undone."""

from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from nonlocal_core import Cell
from nonlocal_core.geometry import Grid
from nonlocal_core.render import jpeg_address

Point = tuple[float, float]
"""(x, y) in units of the frame, rounded to the thousandths in the address, so that a link restores the exact click."""

_here = Path(__file__)
_component = st.components.v2.component(
    "nonlocal_click",
    html="<div><img><i></i></div>",
    js=_here.with_suffix(".js").read_text(encoding="utf-8"),
    css=_here.with_suffix(".css").read_text(encoding="utf-8"),
)


def last_click(key: str, first: Point) -> Point:
    """Return the last point clicked in this visit, or ``first`` on arrival."""
    points: list[Point] = st.session_state.setdefault(f"{key}-points", [first])
    return points[-1]


def cell_under(grid: Grid, frame: int, point: Point) -> Cell:
    """Return the cell at a point of a frame, or the nearest. Raises OutsideGridError like ``Grid.nearest_cell``."""
    return grid.nearest_cell(frame=frame, x=point[0], y=point[1])


def pick_point(picture: np.ndarray, *, key: str, grid: Grid, cell: Cell) -> None:
    """Draw a frame (H, W, 3) uint8 to click on, the button that undoes a click, and the sliders that move it.

    ``key``: the key of ``last_click``, which has the answer. ``grid``: the grid whose cells are clicked. ``cell``: the
    cell of the last click.
    """
    points = st.session_state[f"{key}-points"]
    column, row = f"{key}-column-of-{grid.cols}", f"{key}-row-of-{grid.rows}"

    def take_over_click() -> None:
        point = _point(st.session_state[f"{key}-picture"]["clicked"])
        if point is not None:
            points.append(point)

    def take_over_sliders() -> None:
        x, y = grid.center(Cell(cell.t, st.session_state[row] - 1, st.session_state[column] - 1))
        points.append((round(x, 3), round(y, 3)))

    x, y = grid.center(cell)
    alt = "The frame with the region around the click. The two sliders below move the click."
    _component(
        key=f"{key}-picture",
        data={"picture": jpeg_address(picture), "alt": alt, "x": x, "y": y},
        on_clicked_change=take_over_click,
    )
    st.button(
        "Take the last click back",
        icon=":material/undo:",
        key=f"{key}-undo",
        disabled=len(points) < 2,
        on_click=points.pop,
    )
    st.session_state[column], st.session_state[row] = cell.x + 1, cell.y + 1
    across, down = st.columns(2)
    across.slider("Column of the click", 1, grid.cols, key=column, on_change=take_over_sliders)
    down.slider("Row of the click", 1, grid.rows, key=row, on_change=take_over_sliders)


def _point(sent: Any) -> Point | None:
    """Read the browser's value, no part of which is trusted."""
    match sent:
        case {"x": float() | int() as x, "y": float() | int() as y} if 0 <= x <= 1 and 0 <= y <= 1:
            return round(float(x), 3), round(float(y), 3)
    return None
