"""Explore: point at any position of any frame, see where it looks."""

import streamlit as st

from nonlocal_core import NonlocalError

from ..server import tours, visit
from ..server.byte_store import let_picture_go_first
from ..server.opened import OpenedClip
from ..server.visit import Choices
from ..widgets import address, unmarked
from ..widgets.opening import open_page
from ..widgets.viewer_component import viewer


def draw() -> None:
    """Draw the page."""
    page = open_page("Where does this position look?")
    if page is not None:
        opened, choices = page
        _answer(opened, choices)


@st.fragment
def _answer(opened: OpenedClip, choices: Choices) -> None:
    kept = st.container(key="keep")  # page.css puts it into the line of the menus
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

    from ..widgets import keep, pinned  # with the charts, which the picture does not wait for

    with kept:
        keep.offer(session, pin, tours.for_file(opened.notes, session))
    pinned.tell(session, pin)
