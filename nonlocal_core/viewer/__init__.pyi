# What can be imported from nonlocal_core.viewer, and from where; __init__.py reads this file.

from .export import export_html
from .scripts import viewer_css, viewer_js

__all__ = ["export_html", "viewer_css", "viewer_js"]
