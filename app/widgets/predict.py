"""Predict, then reveal: the reader marks where a position will look, then sees its heat and a score."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import streamlit as st

from nonlocal_core.course.words import learn
from nonlocal_core.viewer import guess_css, guess_js

from ..server import visit
from ..server.opened import OpenedClip
from . import classroom

if TYPE_CHECKING:
    from nonlocal_core import BlockCapture

_component = st.components.v2.component("nonlocal_guess", js=guess_js(), css=guess_css())
MOST = 1000
"""Maximum number of the question that a link may name."""
_KEY = "predict"
_TURN, _MARKS = "predict-turn", "predict-marks"


def tell(opened: OpenedClip, block_name: str) -> None:
    """Draw a question without its answer; the browser scores the marks once its heat is shown."""
    st.fragment(_asked, run_every=classroom.polls())(opened, block_name)


def _asked(opened: OpenedClip, block_name: str) -> None:
    from nonlocal_core.course import guess  # with torch, as the next

    from . import cautions

    session = opened.session
    block = session.block(block_name)
    turn = _turn()
    asked = guess.question(block, turn)
    name = guess.name_of(session.frames, block, asked)
    kept: dict[str, list[int]] = st.session_state.setdefault(_MARKS, {})
    sent = _marks(getattr(st.session_state.get(_KEY), "revealed", None), name, block)
    if sent is not None:
        kept[name] = sent
    found = classroom.together(name, block.key_grid.rows * block.key_grid.cols, kept.get(name))
    data = guess.shown(session, block, asked) | guess.answered(session, block, asked)
    _component(
        key=_KEY,
        data=[data | {"marks": kept.get(name), "room": None if found is None else asdict(found)}],
        on_revealed_change=lambda: None,
    )
    if name in kept:
        cautions.draw(cautions.sentences(session.frames, [block.warning]))
    classroom.draw(turn + 1, found)
    if st.button(learn().predict["another"], key="predict-another"):
        st.session_state[_TURN] = turn + 1
        st.rerun()  # the address names the question


def _turn() -> int:
    """Return the number of the question, counted from 0, on arrival the one in the address."""
    if _TURN not in st.session_state:
        asked = visit.asked("question") or ""
        known = asked.isascii() and asked.isdigit() and len(asked) <= len(str(MOST)) and 0 < int(asked) < MOST
        st.session_state[_TURN] = int(asked) - 1 if known else 0
    return int(st.session_state[_TURN])


def link() -> dict[str, str]:
    """Return the address parameters of the question and the class, or none without a class."""
    known = classroom.code()
    return {} if known is None else {"class": known, "question": str(_turn() + 1)}


def _marks(sent: object, name: str, block: "BlockCapture") -> list[int] | None:
    """Read the browser's value, no part of which is trusted."""
    count = block.key_grid.rows * block.key_grid.cols
    match sent:
        case {"id": str(known), "marks": list(listed)} if known == name:
            return sorted({index for index in listed[:count] if type(index) is int and 0 <= index < count})
    return None
