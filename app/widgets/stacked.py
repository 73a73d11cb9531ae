"""The stack that BM3D makes for the asked block: its members as small pictures, and their places."""

from html import escape

import numpy as np
import streamlit as st

from nonlocal_core import Cell, NonlocalError, Pin
from nonlocal_core.ancestors.bm3d import Stack
from nonlocal_core.ancestors.matching import SIDE
from nonlocal_core.measures.filtered import matched_stack
from nonlocal_core.render import png_address

from ..server.memory import remembered
from ..server.opened import OpenedClip
from . import unmarked


def tell(opened: OpenedClip, pin: Pin | None) -> None:
    """Draw the stack of the block around the pinned pixel, or around that of the first question."""
    session = opened.session
    asked = pin or session.first_question()
    try:
        pixel = session.block().query_grid.cell_at(frame=asked.frame, x=asked.x, y=asked.y)
        found, clip = remembered(
            (opened.token, "stack", pixel),
            "Looking for blocks that are alike",
            lambda _tell: matched_stack(session, pixel),
        )
    except NonlocalError as error:
        unmarked.hint(error)
        return
    st.html(_section(found, clip, frames=len(clip)))


def _section(found: Stack, clip: np.ndarray, *, frames: int) -> str:
    figures = "".join(
        _figure(clip, cell, float(distance), frames)
        for cell, distance in zip(found.cells, found.distances, strict=True)
    )
    return (
        "<section class='nlv-stack'><h2>The stack of the asked block</h2>"
        f"<div>{figures}</div><p>{len(found.cells)} blocks of {SIDE} × {SIDE} pixels, itself first, with their root "
        "mean square difference from it; white is 1.</p></section>"
    )


def _figure(clip: np.ndarray, cell: Cell, distance: float, frames: int) -> str:
    block = clip[cell.t, cell.y : cell.y + SIDE, cell.x : cell.x + SIDE]  # mirrored edges lie before the first pixel
    frame = f"frame {cell.t + 1}, " if frames > 1 else ""
    where = f"{frame}row {cell.y + 1}, column {cell.x + 1}"
    return (
        f"<figure><img src='{png_address(block)}' alt='Block around {escape(where)}' title='{escape(where)}'>"
        f"<figcaption>{distance**0.5:.2f}</figcaption></figure>"
    )
