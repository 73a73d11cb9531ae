"""Explore: point at any position of any frame, see where it looks."""

import streamlit as st

from app import state, tours
from app.opened import Opened
from app.opening import open_page
from app.state import Choices
from app.store import let_picture_go_first
from app.viewer import viewer
from nonlocal_core import NonlocalError


def draw() -> None:
    """Draw the page."""
    page = open_page("Where does this position look?")
    if page is not None:
        opened, choices = page
        state.keep_link(choices)
        _answer(opened, choices)


@st.fragment
def _answer(opened: Opened, choices: Choices) -> None:
    pin, stops = viewer(opened.token, first=choices.pin, tour=tours.kept(opened.notes))
    tours.keep(opened.notes, stops)
    if pin != state.current().pin:  # not `choices`: a fragment keeps those of the last whole run
        state.update(pin=pin)
    let_picture_go_first()
    try:
        with st.spinner("The network is loading. Pointing works already."):
            session = opened.session
    except NonlocalError as error:
        st.error(str(error), icon=":material/error:")
        return

    from app import pinned  # with the charts, which the picture does not wait for

    pinned.tell(opened.notes, session, pin)
