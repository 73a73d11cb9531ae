"""Script that Streamlit runs for every page: see ``start.py``."""

from nonlocal_core.app.views.frame import draw

draw()
