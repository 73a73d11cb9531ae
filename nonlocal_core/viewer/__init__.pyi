# What can be imported from nonlocal_core.viewer, and from where; __init__.py reads this file.

from .export import ComparedPane, bundle_of_page, export_comparison, export_html
from .notebook import CELL_STORAGE, framed, notebook_cell
from .scripts import guess_css, guess_js, scribbles_js, viewer_css, viewer_js

__all__ = [
    "CELL_STORAGE",
    "ComparedPane",
    "bundle_of_page",
    "export_comparison",
    "export_html",
    "framed",
    "guess_css",
    "guess_js",
    "notebook_cell",
    "scribbles_js",
    "viewer_css",
    "viewer_js",
]
