"""Slider for the strength of a block's addition, and the resulting classes."""

from collections.abc import Callable

import plotly.graph_objects as go
import streamlit as st

from nonlocal_core.measures.ablation import Answer, changeable_blocks, class_changes, moved

from ..server.memory import remembered
from ..server.opened import OpenedClip
from . import cautions, charts
from .menus import menu

MOST = 2.0
STEP = 0.25
Ask = Callable[[str, float, Callable[[int, int], None]], Answer]
"""Function that returns the answer if a block, by name, adds a multiple of its learned addition."""


def tell(opened: OpenedClip, ask: Ask) -> None:
    """Draw the slider, and the answer beside that of the unchanged network."""
    session = opened.session
    titles = {name: session.block(name).title for name in changeable_blocks(session)}
    left, right = st.columns([2, 3])
    with left:
        block = menu("Block", titles, first=next(iter(titles)), key="strength-block", width=420, labelled=True)
        strength = st.slider("s, times what the block learned to add", 0.0, MOST, 1.0, STEP, key="strength")
    before, after = (_answer(opened, ask, block, at) for at in (1.0, strength))
    changed = moved(before, after)
    with left:
        st.metric("Probability that changed hands", f"{100 * changed:.2f} %")
        if strength == 0:
            st.caption("s = 0: the block passes its input on. This is the answer of the network without it.")
        elif strength == 1:
            st.caption("s = 1: the block as it learned. Move the slider: the network runs again.")
    figure = _chart(before, after, strength)
    said = cautions.sentences(session.frames, [session.block(block).warning])
    right.plotly_chart(
        cautions.written_on(figure, said), key="strength-classes", alt="Class probabilities as they are and scaled"
    )


def _answer(opened: OpenedClip, ask: Ask, block: str, strength: float) -> Answer:
    return remembered(
        (opened.token, "strength", block, strength),
        "Running the network",
        lambda tell: ask(block, strength, tell),
    )


def _chart(before: Answer, after: Answer, strength: float) -> go.Figure:
    changes = class_changes(before, after)[::-1]
    names = [change.name for change in changes]
    figure = go.Figure()
    figure.add_bar(
        y=names,
        x=[100 * change.after for change in changes],
        name=f"s = {strength:g}",
        orientation="h",
        marker_color="#d9480f",
    )
    if strength != 1:
        as_it_is = [100 * change.before for change in changes]
        figure.add_bar(y=names, x=as_it_is, name="s = 1", orientation="h", marker_color="#868e96")
    figure.update_layout(title="The answer", xaxis={"title": "probability, %", "rangemode": "tozero"})
    return charts.styled(figure)
