"""Scribbles of two labels on the asked frame, and the labels that mean field makes of them, step after step."""

import streamlit as st

from nonlocal_core import NonlocalError, Pin
from nonlocal_core.course.words import learn
from nonlocal_core.viewer import guess_css, scribbles_js

from ..server.memory import remembered
from ..server.opened import OpenedClip
from . import facts, unmarked

_component = st.components.v2.component("nonlocal_scribbles", js=scribbles_js(), css=guess_css())
_KEY = "scribbles"
_DRAWN = "scribbles-drawn"
_Labels = tuple[tuple[int, int], ...]
"""Cell and label, 0 for the thing and 1 for the rest."""


def tell(opened: OpenedClip, pin: Pin | None) -> None:
    """Draw the frame of the pin to scribble on, and what the scribbles become."""
    from nonlocal_core.course import scribbled  # with torch

    session = opened.session
    frame = (pin or session.first_question()).frame
    small = scribbled.small_frame(session.frames.rgb[frame])
    name = f"{opened.notes.key} {frame}"
    kept: dict[str, _Labels] = st.session_state.setdefault(_DRAWN, {})
    sent = _labels(getattr(st.session_state.get(_KEY), "scribbled", None), name, small.shape[0] * small.shape[1])
    if sent is not None:
        kept[name] = sent
    labels = kept.get(name, ())
    asked = scribbled.shown(session.frames.rgb[frame], small) | {"id": name, "labels": [list(each) for each in labels]}
    _component(key=_KEY, data=[asked], on_scribbled_change=lambda: None)
    if {label for _, label in labels} != {0, 1}:
        st.caption(learn().scribbles["both"])
        return
    try:
        found = remembered(
            (name, labels, opened.token),
            "Passing messages",
            lambda _tell: scribbled.labelled(session, frame, labels),
        )
    except NonlocalError as error:
        unmarked.hint(error)
        return
    facts.draw(found)


def _labels(sent: object, name: str, count: int) -> _Labels | None:
    """Read what the browser sent. It may be anything, so nothing in it is trusted."""
    match sent:
        case {"id": str(known), "labels": list(listed)} if known == name:
            read = {}
            for each in listed[:count]:
                match each:
                    case [int(cell), int(label)] if 0 <= cell < count and label in (0, 1):
                        read[cell] = label
            return tuple(sorted(read.items()))
    return None
