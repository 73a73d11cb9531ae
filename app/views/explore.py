"""Explore: point at any position of any frame, and see where it looks."""

from collections.abc import Sequence

import streamlit as st

from nonlocal_core import NonlocalError
from nonlocal_core.ancestors.filters import is_filter

from ..server import known_networks, tours, visit
from ..server.byte_store import let_picture_go_first
from ..server.opened import OpenedClip
from ..server.visit import Choices
from ..widgets import address, open_button, unmarked
from ..widgets.opening import open_page
from ..widgets.viewer_component import viewer

BESIDE = (5, 2)
"""Relative widths of the viewer and of the answer beside it."""


def draw() -> None:
    """Draw the page."""
    page = open_page("Where does this position look?")
    if page is not None:
        opened, choices = page
        _answer(opened, choices)


@st.fragment
def _answer(opened: OpenedClip, choices: Choices) -> None:
    open_button.keep_wish()
    kept = st.container(key="keep")  # page.css puts it into the line of the menus
    picture, beside = _places(choices)
    with picture:
        pin, stops = viewer(opened.token, first=choices.pin, tour=tours.kept(opened.notes))
    tours.keep(opened.notes, stops)
    if pin != visit.current().pin:  # not `choices`: a fragment keeps those of the last whole run
        visit.update(pin=pin)
    address.keep(visit.current())
    let_picture_go_first()
    try:
        with st.spinner("The network is loading. Pointing works already."):
            session = opened.session
    except NonlocalError as error:
        unmarked.failure(error)
        return

    from ..widgets import (
        believe,
        filtered,
        keep,
        marked,
        pinned,
    )  # with the charts, which the picture does not wait for

    with kept:
        keep.offer(session, pin, tours.for_file(opened.notes, session))
    with beside:
        if is_filter(choices.model):
            filtered.tell(opened, choices, pin)
        else:
            marked.tell(opened, pin)
    believe.offer(opened, session, pin)
    pinned.tell(session, pin)


def _places(choices: Choices) -> Sequence[st.delta_generator.DeltaGenerator]:
    """Return the places of the viewer and of its neighbour: a network's answer to its clip, or a filter's sliders."""
    if not (is_filter(choices.model) or known_networks.made_for(choices.clip)):
        return st.container(), st.container()
    return st.container(key="places").columns(BESIDE)
