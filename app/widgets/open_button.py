"""The button that opens the dialog of clips, whose request survives a run of the page that another run ends."""

import streamlit as st

_WANTED = "clip-wanted"
_OPENINGS = "clip-openings"


def draw() -> None:
    """Draw the button, and the dialog once it was pressed. Call it once on a page."""
    st.button("Open image or video", icon=":material/folder_open:", key="open", on_click=_want)
    if st.session_state.get(_WANTED):
        from . import gallery  # with what reads clips

        st.session_state[_WANTED] = False  # an upload in it ends this run, and must not open it again
        gallery.choose_clip(st.session_state[_OPENINGS])


def keep_wish() -> None:
    """Run the whole page again if the dialog was requested and not drawn. For a fragment that may end a page's run.

    A pin that the browser sends at the same time runs the viewer's fragment instead of the page.
    """
    if st.session_state.get(_WANTED):
        st.rerun()


def _want() -> None:
    st.session_state[_WANTED] = True
    st.session_state[_OPENINGS] = st.session_state.get(_OPENINGS, 0) + 1
