"""Explore: point at any position of any frame, see where it looks."""

import streamlit as st

from app import charts, keep, state, tours
from app.clips import FIRST_CLIP
from app.opening import open_page
from app.resources import Opened
from app.state import Choices, Pin
from app.viewer import viewer
from nonlocal_core import NonlocalError, Session


def draw() -> None:
    """Draw the page."""
    page = open_page("Where does this position look?")
    if page is not None:
        opened, choices = page
        state.keep_link(choices)
        _answer(opened, choices)


@st.fragment
def _answer(opened: Opened, choices: Choices) -> None:
    session = opened.session
    for warning in session.frames.warnings:
        st.caption(f":material/info: {warning}")
    pin, stops = viewer(opened.token, first=choices.pin, tour=tours.kept(session))
    tours.keep(session, stops)
    if pin != state.current(FIRST_CLIP).pin:  # not `choices`: a fragment keeps those of the last whole run
        state.update(pin=pin)
    if pin is None:
        st.caption("Click a position to pin it: its numbers appear here, and this page's address leads back to it.")
    else:
        _numbers(session, pin)
    card, device = session.model.card, session.model.device
    needed = "" if session.forecast_bytes is None else f"{session.forecast_bytes / 1e6:.0f} MB for this run, "
    memory = f"{needed}{device.free_bytes() / 1e9:.1f} GB free"
    st.caption(f"**{card.title}**, on {device.title} ({memory}). {card.description}")
    if session.sample is not None:
        st.caption(f"{session.sample.caption} {session.sample.credit}. {session.sample.licence}.")


def _numbers(session: Session, pin: Pin) -> None:
    try:
        answers = charts.answers(session, pin)
    except NonlocalError as error:
        st.info(str(error))
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(charts.headline(session, pin), anchor=False, width="content")
        keep.offer(session, pin, tours.for_file(session))
    left, right = st.columns(2)
    left.plotly_chart(charts.by_frame(answers, pin.frame), key="by-frame")
    right.plotly_chart(charts.concentration(answers), key="concentration")
    with st.expander("The strongest cells, as a table"):
        st.dataframe(charts.strongest(answers[session.block(pin.block).title]), hide_index=True, key="top")
