"""A box on a frame, drawn on the picture or set with two equivalent sliders."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from nonlocal_core import Session
from nonlocal_core.geometry import Box
from nonlocal_core.render import jpeg_address

CATCHERS = 24
"""Number of invisible points along each side, since Plotly reports a drawn box only if there is something to select."""
BOX_COLOUR = "#00b3ff"


def around(session: Session, reach: float = 0.12) -> Box:
    """Return a box around the first question of a clip, cut to the frame."""
    asked = session.first_question()
    return (max(asked.x - reach, 0.0), max(asked.y - reach, 0.0), min(asked.x + reach, 1.0), min(asked.y + reach, 1.0))


def pick_box(picture: np.ndarray, *, key: str, first: Box, note: str) -> Box:
    """Draw a frame (H, W, 3) uint8 and return the box chosen on it, (x0, y0, x1, y1) in units of the frame.

    ``first``: the box on arrival. ``note``: a sentence under the picture on the purpose of the box.
    """
    across, down, turn = f"{key}-across", f"{key}-down", f"{key}-turn"
    if across not in st.session_state:
        st.session_state[across] = tuple(sorted((round(100 * first[0]), round(100 * first[2]))))
        st.session_state[down] = tuple(sorted((round(100 * first[1]), round(100 * first[3]))))
    # A new key after each drawn box: the picture then shows the box of the sliders, and no old one beside it.
    chart = f"{key}-picture-{st.session_state.setdefault(turn, 0)}"

    def take_over() -> None:
        drawn = st.session_state[chart]["selection"]["box"]
        if drawn:
            height, width = picture.shape[:2]
            st.session_state[across] = _percent(drawn[-1]["x"], width)
            st.session_state[down] = _percent(drawn[-1]["y"], height)
            st.session_state[turn] += 1

    (left, right), (top, bottom) = st.session_state[across], st.session_state[down]
    box = (left / 100, top / 100, right / 100, bottom / 100)
    st.plotly_chart(
        _figure(picture, box),
        key=chart,
        on_select=take_over,
        selection_mode="box",
        config={"displayModeBar": False, "scrollZoom": False},
        alt="The frame with the chosen box; the two sliders below set the same box.",
    )
    st.caption(note)
    st.slider("From left to right, % of the frame", 0, 100, key=across)
    st.slider("From top to bottom, % of the frame", 0, 100, key=down)
    return box


def _percent(range_px: list[float], length: int) -> tuple[int, int]:
    start, stop = (min(max(round(100 * pixel / length), 0), 100) for pixel in sorted(range_px))
    return start, stop


def _figure(picture: np.ndarray, box: Box) -> go.Figure:
    height, width = picture.shape[:2]
    x0, y0, x1, y1 = box
    xs, ys = np.meshgrid(np.linspace(0, width, CATCHERS), np.linspace(0, height, CATCHERS))
    figure = go.Figure()
    figure.add_layout_image(
        source=jpeg_address(picture),
        x=0,
        y=0,
        xref="x",
        yref="y",
        sizex=width,
        sizey=height,
        sizing="stretch",
        layer="below",
    )
    figure.add_scatter(x=xs.ravel(), y=ys.ravel(), mode="markers", marker={"opacity": 0}, hoverinfo="skip")
    figure.add_shape(
        x0=x0 * width,
        y0=y0 * height,
        x1=x1 * width,
        y1=y1 * height,
        line={"color": BOX_COLOUR, "width": 3},
        fillcolor=BOX_COLOUR,
        opacity=0.35,
    )
    hidden = {"visible": False, "fixedrange": True}
    figure.update_layout(
        dragmode="select",
        newselection={"line": {"color": BOX_COLOUR, "width": 2}},
        xaxis=hidden | {"range": [0, width]},
        yaxis=hidden | {"range": [height, 0], "scaleanchor": "x", "constrain": "domain"},
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        height=320,
        showlegend=False,
    )
    return figure
