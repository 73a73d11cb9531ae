"""Join the viewer's modules into one script.

A Streamlit component is imported from a blob and an exported page has no files beside it, so neither can import.
"""

import re
from functools import cache
from importlib import resources

_ROOMS = (
    "blocks",
    "grid",
    "parse",
    "affinity",
    "scale",
    "answer",
    "figures",
    "colour",
    "paint",
    "dom",
    "arrows",
    "tour",
    "state",
    "words",
    "report",
    "sides",
    "stage",
    "film",
    "legend",
    "help",
    "controls",
    "chooser",
    "guide",
    "tour_editor",
    "panel",
    "keys",
    "pointer",
    "pace",
    "tip",
    "present",
    "view",
    "load",
)
"""Each after those whose top level it needs."""

_SIDE_BY_SIDE = ("filling", "pane", "comparison_report", "comparison_panel", "comparison", "tour_memory")
"""What only the app shows, so that the exported page does without it."""

_IMPORT = re.compile(r"^import\s[^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)


@cache
def viewer_js() -> str:
    """Return the Streamlit component: an ES module that imports nothing and whose default export mounts the viewer."""
    return _joined(*_ROOMS, *_SIDE_BY_SIDE, "streamlit")


@cache
def page_js() -> str:
    """Return the script of the exported page: it opens the bundle that stands in the page."""
    return _joined(*_ROOMS, "page")


@cache
def viewer_css() -> str:
    """Return the style sheet of the viewer, for a page or for a component's shadow root."""
    return _read("viewer.css")


def _joined(*rooms: str) -> str:
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", _read(f"{room}.js"))) for room in rooms)


def _read(name: str) -> str:
    return resources.files("nonlocal_core.viewer").joinpath(name).read_text("utf-8")
