"""The viewer: one script and one style sheet for a Streamlit page, and the same in one HTML file without a server."""

from nonlocal_core.viewer.export import export_html
from nonlocal_core.viewer.source import viewer_css, viewer_js

__all__ = ["export_html", "viewer_css", "viewer_js"]
