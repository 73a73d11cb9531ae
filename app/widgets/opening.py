"""Opening of every page: the clip and the network, chosen and opened; the address carries the choice."""

from html import escape

import streamlit as st

from nonlocal_core import NonlocalError

from ..server import known_networks, visit
from ..server.opened import OpenedClip
from ..server.resources import FIRST, open_clip
from ..server.visit import Choices
from . import unmarked
from .menus import menu

EVENLY = 0
"""In the menu of spacings: spread over the whole clip, not every n-th frame."""
SPACINGS = (EVENLY, 1, 2, 4, 8, 16)
SHORT_SIDES = (128, 160, 192, 224, 256, 320, 384, 448)
DEFAULT_FRAMES, MOST_FRAMES, DEFAULT_SHORT_SIDE = 8, 64, 224


def open_page(title: str) -> tuple[OpenedClip, Choices] | None:
    """Draw the heading and the controls, and return what they open; None where a sentence says why that failed."""
    choices = visit.current()
    heading = st.empty()
    _head(heading, title, "Opening …")
    controls(choices)
    opened = open_with_progress(choices)
    _head(heading, title, opened.notes.summary if opened else "")
    return (opened, choices) if opened else None


def _head(slot: st.delta_generator.DeltaGenerator, title: str, clip: str) -> None:
    slot.html(f"<div class='nlv-heading'><h1>{escape(title)}</h1><p>{escape(clip)}</p></div>")


def controls(choices: Choices) -> None:
    """Draw the buttons and menus that choose the clip, the network and the frames."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if st.button("Open image or video", icon=":material/folder_open:", key="open"):
            from . import gallery  # with what reads clips

            gallery.choose_clip()
        models = known_networks.menu()
        known = choices.model if choices.model in models else next(iter(models))
        picked = menu("Network", models, first=known, key=f"model-{choices.model}", width=380)
        if picked != known:
            visit.update(model=picked)
            st.rerun()
        with st.popover("Frames", icon=":material/tune:"):
            _sampling(choices)


def _sampling(choices: Choices) -> None:
    with st.form("sampling", border=False):
        frames = st.slider("Frames", 1, MOST_FRAMES, min(choices.frames or DEFAULT_FRAMES, MOST_FRAMES))
        index = SPACINGS.index(choices.stride) if choices.stride in SPACINGS else SPACINGS.index(EVENLY)
        spacing = st.selectbox("Spaced", SPACINGS, index=index, format_func=_spacing_title)
        start = st.number_input("Start, seconds", min_value=0.0, value=max(choices.start_seconds or 0.0, 0.0), step=0.5)
        side = choices.short_side if choices.short_side in SHORT_SIDES else DEFAULT_SHORT_SIDE
        side = st.select_slider("Short side of the network's input, pixels", SHORT_SIDES, side)
        st.caption("More frames and a larger side give a finer answer and take longer.")
        if st.form_submit_button("Apply", type="primary"):
            visit.update(frames=frames, stride=spacing or None, start_seconds=start, short_side=side)
            st.rerun()


def _spacing_title(spacing: int) -> str:
    return {EVENLY: "evenly over the clip", 1: "every frame"}.get(spacing, f"every {spacing} frames")


def open_with_progress(choices: Choices) -> OpenedClip | None:
    """Return the opened clip; show each step meanwhile, or the sentence that says what went wrong."""
    slot = st.empty()

    def tell(stage: str, done: int, total: int) -> None:
        slot.progress(done / total, text=stage)

    try:
        opened = open_clip(choices, tell)
    except NonlocalError as error:
        slot.html(unmarked.alert(error))
        if st.button("Back to the first sample"):
            visit.choose(FIRST)
            st.rerun()
        return None
    slot.empty()
    return opened
