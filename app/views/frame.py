"""The frame around the pages: title, style, favicon."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import streamlit as st
from PIL import Image, ImageDraw

from nonlocal_core.app.server import surveyed, visit
from nonlocal_core.app.widgets import login, seeing

_STYLE = Path(__file__).with_name("page.css")
_TITLES = ("Explore", "Compare", "Inspect", "Track", "Learn", "Networks", "Findings")


def _favicon() -> Image.Image:
    """Return an icon of a query cell and its heat. It is drawn here, since Streamlit would fetch a named one online."""
    icon = Image.new("RGBA", (64, 64))
    pen = ImageDraw.Draw(icon)
    pen.arc((14, 10, 50, 70), 190, 350, fill="#d9480f", width=6)
    pen.rectangle((4, 30, 24, 50), outline="#d9480f", width=6)
    pen.ellipse((40, 30, 62, 52), fill="#d9480f")
    return icon


def _page(title: str) -> Callable[[], None]:
    """Return the function that draws a page. It imports the module on a visit: only Explore needs no torch at first."""
    return lambda: import_module(f".{title.lower()}", __package__).draw()


def draw() -> None:
    """Draw the page that the address names inside the frame."""
    st.set_page_config(page_title="Non-local viewer", page_icon=_favicon(), layout="wide")
    st.html(_STYLE)
    if login.wall():
        return
    pages = {
        title.lower(): st.Page(_page(title), title=title, url_path=title.lower(), default=title == _TITLES[0])
        for title in (*_TITLES, *(["Survey"] if surveyed.is_shown() else []))
    }
    page = st.navigation(list(pages.values()), position="top")
    if (destination := visit.destination()) is not None:
        st.switch_page(pages[destination])  # which puts its own address
    seeing.offer(page.url_path)
    page.run()
