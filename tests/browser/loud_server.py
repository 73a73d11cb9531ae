"""The app, with a network whose blocks matter: for tests of what happens without them."""

from pathlib import Path

import streamlit as st
from loud import loud_model

from nonlocal_core.app.server.byte_store import ROUTES

loud_model()
app = st.App(str(Path(__file__).parents[2] / "app" / "main.py"), routes=ROUTES)
