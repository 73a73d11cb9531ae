"""The viewer as a Streamlit component: the same script that the exported page runs."""

from dataclasses import asdict
from typing import Any

import streamlit as st

from app.state import Direction, Pin
from nonlocal_core.viewer import viewer_css, viewer_js

_component = st.components.v2.component("nonlocal_viewer", js=viewer_js(), css=viewer_css())


def viewer(url: str, token: str, *, first: Pin | None) -> Pin | None:
    """Draw the viewer on the bundle at ``url`` and return what the visitor has pinned.

    ``first``: what is pinned on arrival. Hovering stays in the browser; only pins come here.
    """
    asked = None if first is None else asdict(first)
    answer = _component(
        key=f"viewer-{token}",
        data={"url": url, "id": token, "query": asked, "block": first.block if first else None},
        default={"pinned": asked},
        on_pinned_change=lambda: None,
    )
    return _pin(answer.pinned)


def _pin(sent: Any) -> Pin | None:
    """Read what the browser sent. It may be anything, so nothing in it is trusted."""
    match sent:
        case {"frame": int(frame), "x": float() | int() as x, "y": float() | int() as y, "block": str(block)}:
            direction: Direction = "column" if sent.get("direction") == "column" else "row"
            return Pin(frame=frame, x=float(x), y=float(y), block=block, direction=direction)
    return None
