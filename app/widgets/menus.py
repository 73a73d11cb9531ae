"""Menus of items with an id and a title: networks, clips, blocks."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from ..server import visit
from ..server.visit import Choices

if TYPE_CHECKING:
    from nonlocal_core import BlockCapture, Session


def menu(label: str, titles: Mapping[str, str], *, first: str, key: str, width: int, labelled: bool = False) -> str:
    """Draw a menu of titles by id, with ``first`` chosen on arrival, and return the chosen id."""
    return st.selectbox(
        label,
        titles,
        index=list(titles).index(first),
        format_func=titles.__getitem__,
        key=key,
        label_visibility="visible" if labelled else "collapsed",
        width=width,
    )


def block_titles(session: "Session") -> dict[str, str]:
    """Return the titles of a session's blocks by name, in the order in which they ran, and of the means over heads."""
    return {block.name: block.title for block in session.capture.named}


def chosen_block(session: "Session", choices: Choices, *, key: str) -> "BlockCapture":
    """Draw the menu of blocks and return the chosen one, on arrival the one in the address."""
    titles = block_titles(session)
    asked = visit.asked("block") or (choices.pin.block if choices.pin else None)
    first = asked if asked in titles else session.block().name
    key = f"{key}-{session.model.card.id}"
    return session.block(menu("Block", titles, first=first, key=key, width=520, labelled=True))
