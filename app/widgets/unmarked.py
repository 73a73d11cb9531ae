"""Sentences that may contain untrusted text, such as file names, drawn literally: Markdown would link and fetch.

Errors and hints leave out where files lie on a server that is open to others.
"""

import re
from html import escape

import streamlit as st

from nonlocal_core.look import unbroken

from ..server.paths import for_visitors

_MARKS = re.compile(r"([!-/:-@\[-`{-~])")
"""ASCII punctuation: all of it may be escaped in Markdown, and all markup starts with some of it."""


def as_it_is(text: str) -> str:
    """Return Markdown that shows a name literally, with line breaks as spaces."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))


def alert(error: Exception | str) -> str:
    """Return the HTML of an error message."""
    return f"<p class='nlv-said nlv-failure' role='alert'>{escape(unbroken(for_visitors(str(error))))}</p>"


def failure(error: Exception | str) -> None:
    """Draw an error message."""
    st.html(alert(error))


def hint(error: Exception | str) -> None:
    """Draw an explanation of why there is nothing to see, although nothing is wrong."""
    st.html(f"<p class='nlv-said' role='status'>{escape(unbroken(for_visitors(str(error))))}</p>")
