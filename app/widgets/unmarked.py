"""Sentences that may hold a file's name or a stranger's words, drawn as they are: Markdown would link and fetch."""

import re
from html import escape

import streamlit as st

from nonlocal_core.look import unbroken

_MARKS = re.compile(r"([!-/:-@\[-`{-~])")
"""ASCII punctuation: all of it may be escaped in Markdown, and what marks up or fetches begins with some."""


def as_it_is(text: str) -> str:
    """Return Markdown that shows a name letter for letter, its line breaks as spaces."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))


def alert(error: Exception | str) -> str:
    """Return the HTML that says what went wrong."""
    return f"<p class='nlv-said nlv-failure' role='alert'>{escape(unbroken(str(error)))}</p>"


def failure(error: Exception | str) -> None:
    """Draw what went wrong."""
    st.html(alert(error))


def hint(error: Exception | str) -> None:
    """Draw why there is nothing to see, though nothing is wrong."""
    st.html(f"<p class='nlv-said' role='status'>{escape(unbroken(str(error)))}</p>")
