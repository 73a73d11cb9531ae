"""Panel that explains the screen in the words of the course, with a link to it."""

from html import escape

import streamlit as st

from nonlocal_core.ancestors.filters import filter_name, is_filter
from nonlocal_core.course.stages import step_of_model, words_of
from nonlocal_core.course.words import learn

from ..server import visit

_ASKING = ("explore", "learn")
"""Pages that show the heat of one question."""


def offer(page: str) -> None:
    """Draw the button of the panel, for a page by its path."""
    page = page or "explore"
    words = learn()
    with st.container(key="seeing"), st.popover(words.page["help"]):
        said = [words.help[page]] if page in words.help else []
        if page not in ("networks", "findings"):
            said += [words.help["heat"], words.help["units"]]
        st.html(_section([*said, words.help["beware"]]))
        if page == "explore":
            _function()
        if page != "learn" and st.button(words.page["lead"], key="seeing-learn"):
            visit.go_to("learn")


def lead_to_course() -> None:
    """Draw the link to the course if nothing is pinned."""
    if st.button(learn().page["lead"], key="lead-learn", icon=":material/school:"):
        visit.go_to("learn")


def _function() -> None:
    """Explain the pairwise function of the network on screen, in the words of the step that teaches it."""
    model = visit.current().model
    step = step_of_model(filter_name(model) if is_filter(model) else model)
    if step is not None:
        words = words_of(step)
        st.html(f"<h3 class='nlv-seeing'>{escape(words.title)}</h3>{_section([f'{words.words} ({words.cites})'])}")


def _section(said: list[str]) -> str:
    return f"<section class='nlv-seeing'>{''.join(f'<p>{escape(sentence)}</p>' for sentence in said)}</section>"
