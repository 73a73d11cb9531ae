"""A class that predicts together, begun or joined by a code in the address."""

from html import escape

import streamlit as st

from nonlocal_core.course.words import learn
from nonlocal_core.errors import ClassError

from ..server import visit
from ..server.classes import CLASSES, LENGTH, Together, code_in
from ..server.visitors import here
from . import unmarked

POLL_SECONDS = 3.0
"""Seconds between two updates of the marks for the owner of the class."""
_CODE = "class-code"


def code() -> str | None:
    """Return the code of the visitor's class, or on arrival the one in the address."""
    if _CODE not in st.session_state:
        st.session_state[_CODE] = code_in(visit.asked("class"))
    found: str | None = st.session_state[_CODE]
    return found


def polls() -> float | None:
    """Return the seconds between updates of the marks, or None for a reader who does not own the class."""
    known = code()
    return POLL_SECONDS if known is not None and CLASSES.owns(known, here() or "") else None


def together(question: str, cells: int, marks: list[int] | None) -> Together | None:
    """Store the visitor's marks, if any, and return those of the class, or None without one; draw any failure."""
    known = code()
    if known is None:
        return None
    try:
        if marks:
            CLASSES.mark(known, here() or "", question, marks)
        return CLASSES.together(known, question, cells)
    except ClassError as error:
        st.session_state[_CODE] = None
        unmarked.failure(error)
        return None


def draw(number: int, found: Together | None) -> None:
    """Draw the state of the class, or the ways to begin and to join one. ``number``: the question's, counted from 1."""
    words = learn().classroom
    known = code()
    if known is None or found is None:
        _ways_in(words)
        return
    said = words["state"].format(code=known, number=number, readers=found.readers)
    st.html(f"<p class='nlv-said' role='status'>{escape(said)}</p>")
    with st.container(horizontal=True, gap="small"):
        st.button(words["look"], key="class-look")
        if st.button(words["leave"], key="class-leave"):
            st.session_state[_CODE] = None
            st.rerun()


def _ways_in(words: dict[str, str]) -> None:
    with st.expander(words["title"], expanded=False, key="class-ways"):
        st.html(f"<p class='nlv-test'>{escape(words['words'])}</p>")
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            if st.button(words["begin"], key="class-begin"):
                try:
                    _enter(CLASSES.begin(here() or ""))
                except ClassError as error:
                    unmarked.failure(error)
            typed = st.text_input(words["code"], key="class-typed", max_chars=12, width=160)
            if st.button(words["join"], key="class-join"):
                found = code_in(typed)
                if found is None:
                    unmarked.failure(f"A code has {LENGTH} letters and digits; this is none. Type it as it was given.")
                else:
                    _enter(found)


def _enter(found: str) -> None:
    st.session_state[_CODE] = found
    st.rerun()
