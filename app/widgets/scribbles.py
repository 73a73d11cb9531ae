"""Scribbles of two labels on the asked frame, and the mean-field labels that follow, all in the browser."""

import streamlit as st

from nonlocal_core import Pin
from nonlocal_core.viewer import guess_css, scribbles_js

from ..server.opened import OpenedClip

_component = st.components.v2.component("nonlocal_scribbles", js=scribbles_js(), css=guess_css())


def tell(opened: OpenedClip, pin: Pin | None) -> None:
    """Draw the pin's frame to scribble on, and the resulting labels. Raises the errors of ``shown``."""
    from nonlocal_core.course import scribbled  # with torch

    frame = (pin or opened.session.first_question()).frame
    _component(key="scribbles", data=[scribbled.shown(opened.session, frame)])
