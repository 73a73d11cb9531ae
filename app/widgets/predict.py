"""Predict, then reveal: the reader marks where a position will look, then sees, with a score."""

import streamlit as st

from nonlocal_core import BlockCapture
from nonlocal_core.course import guess
from nonlocal_core.course.words import learn
from nonlocal_core.viewer import guess_css, guess_js

from ..server.opened import OpenedClip
from . import cautions

_component = st.components.v2.component("nonlocal_guess", js=guess_js(), css=guess_css())
_TURN, _MARKS = "predict-turn", "predict-marks"


def tell(opened: OpenedClip, block_name: str) -> None:
    """Draw a question without its answer; the browser scores the marks once its heat is shown."""
    session = opened.session
    block = session.block(block_name)
    turn = st.session_state.setdefault(_TURN, 0)
    asked = guess.question(block, turn)
    name = guess.name_of(opened.notes.key, block, asked)
    data = guess.shown(session, block, asked) | guess.answered(session, block, asked)
    kept: dict[str, list[int]] = st.session_state.setdefault(_MARKS, {})
    answer = _component(
        key="predict",
        data=[data | {"id": name, "marks": kept.get(name), "room": None}],
        on_revealed_change=lambda: None,
    )
    sent = _marks(answer.revealed, name, block)
    if sent is not None:
        kept[name] = sent
    if name in kept:
        cautions.draw(cautions.sentences(session.frames, [block.warning]))
    if st.button(learn().predict["another"], key="predict-another"):
        st.session_state[_TURN] = turn + 1
        st.rerun(scope="fragment")


def _marks(sent: object, name: str, block: BlockCapture) -> list[int] | None:
    """Read what the browser sent. It may be anything, so nothing in it is trusted."""
    count = block.key_grid.rows * block.key_grid.cols
    match sent:
        case {"id": str(known), "marks": list(listed)} if known == name:
            return sorted({index for index in listed[:count] if type(index) is int and 0 <= index < count})
    return None
