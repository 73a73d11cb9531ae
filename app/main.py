"""The frame around the pages."""

import streamlit as st

from app.pages import explore

st.set_page_config(page_title="Non-local viewer", page_icon=":material/hub:", layout="wide")
st.html(
    "<style>.stMainBlockContainer{padding:2.2rem 1.2rem 3rem;max-width:1240px}header.stAppHeader{background:none}</style>"
)
st.navigation([st.Page(explore.draw, title="Explore", url_path="explore", default=True)], position="hidden").run()
