"""Opening of every page: the choice of clip and network, which the address carries, and their session."""

from html import escape

import streamlit as st

from nonlocal_core import NonlocalError

from ..server import known_networks, visit
from ..server.opened import OpenedClip
from ..server.resources import FIRST, open_clip
from ..server.visit import Choices
from . import address, open_button, unmarked
from .menus import menu

FRAMES_OPEN = "frames-open"
"""Key of the popover with the choice of frames; setting its state to False closes it."""


def open_page(title: str) -> tuple[OpenedClip, Choices] | None:
    """Draw the heading and the controls, and return the opened clip, or None if that failed, with an explanation."""
    choices = visit.current()
    heading = st.empty()
    _head(heading, title, "Opening …")
    frames = controls(choices)
    opened = open_with_progress(choices)
    if st.session_state[FRAMES_OPEN] and opened is not None:
        from . import sampling  # with what reads clips

        with frames:
            sampling.draw(choices, opened.session.frames)
    _head(heading, title, opened.notes.summary if opened else "")
    if opened is None:
        address.keep(choices)
    return (opened, choices) if opened else None


def _head(slot: st.delta_generator.DeltaGenerator, title: str, clip: str) -> None:
    slot.html(f"<div class='nlv-heading'><h1>{escape(title)}</h1><p>{escape(clip)}</p></div>")


def controls(choices: Choices) -> st.delta_generator.DeltaGenerator:
    """Draw the buttons and menus for the clip and the network; return the popover for the choice of frames."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="menus"):
        open_button.draw()
        frames = st.popover("Frames and size", icon=":material/tune:", key=FRAMES_OPEN, on_change="rerun")
        models = known_networks.menu(choices.clip)
        chosen = known_networks.in_menu(choices.model)
        known = chosen if chosen in models else next(iter(models))
        picked = menu("Network", models, first=known, key=f"model-{chosen}", width=380)
        if picked != known:
            visit.update(model=picked)
            st.rerun()
    return frames


def open_with_progress(choices: Choices) -> OpenedClip | None:
    """Return the opened clip; show each step meanwhile, or the sentence on what went wrong."""
    slot = st.empty()

    def tell(stage: str, done: int, total: int) -> None:
        slot.progress(done / total, text=stage)

    try:
        opened = open_clip(choices, tell)
    except NonlocalError as error:
        slot.html(unmarked.alert(error))
        asked = (choices.frames, choices.stride, choices.start_seconds, choices.frame_indices)
        if any(part is not None for part in asked) and st.button("Show the whole clip"):
            visit.update(frames=None, stride=None, start_seconds=None, frame_indices=None)
            st.rerun()
        if st.button("Back to the first sample"):
            visit.choose(FIRST)
            st.rerun()
        return None
    slot.empty()
    return opened
