"""The frame around the pages: title, style, favicon."""

from pathlib import Path

import streamlit as st
from PIL import Image, ImageDraw

from app import state
from app.clips import FIRST_CLIP
from app.views import compare, explore, findings, inspect, networks, track

_STYLE = Path(__file__).with_name("page.css")


def _favicon() -> Image.Image:
    """Return a query cell and what it looks at. Drawn here: Streamlit would fetch a named icon from the internet."""
    icon = Image.new("RGBA", (64, 64))
    pen = ImageDraw.Draw(icon)
    pen.arc((14, 10, 50, 70), 190, 350, fill="#d9480f", width=6)
    pen.rectangle((4, 30, 24, 50), outline="#d9480f", width=6)
    pen.ellipse((40, 30, 62, 52), fill="#d9480f")
    return icon


st.set_page_config(page_title="Non-local viewer", page_icon=_favicon(), layout="wide")
st.html(_STYLE)
pages = {
    page.url_path or "explore": page
    for page in (
        st.Page(explore.draw, title="Explore", url_path="explore", default=True),
        st.Page(compare.draw, title="Compare", url_path="compare"),
        st.Page(inspect.draw, title="Inspect", url_path="inspect"),
        st.Page(track.draw, title="Track", url_path="track"),
        st.Page(networks.draw, title="Networks", url_path="networks"),
        st.Page(findings.draw, title="Findings", url_path="findings"),
    )
}
page = st.navigation(list(pages.values()), position="top")
if (destination := state.destination()) is not None:
    st.switch_page(pages[destination], query_params=state.to_link(state.current(FIRST_CLIP)))
page.run()
