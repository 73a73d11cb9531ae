"""The address of a page: a link that restores the screen, with one entry in the browser's history for each page.

Streamlit's own ``st.query_params`` adds an entry for every change, so that Back stays on the page once for each
choice; and a menu of pages leads to an address without parameters.
"""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

from ..server import visit
from ..server.visit import Choices

_component = st.components.v2.component(
    "nonlocal_address", js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
)


def keep(choices: Choices, page_link: Mapping[str, str] | None = None) -> None:
    """Put the parameters that restore these choices, and the page's own, into the address. Call it once on a page."""
    link = visit.keep_link(choices, page_link)
    with st.container(key="address"):
        _component(key="address-link", data={"query": urlencode(link)})
