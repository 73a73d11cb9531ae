"""Cautions that stand with an answer: of its block, of the clip, of what the network could not show."""

from collections.abc import Iterable
from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING

import streamlit as st

from nonlocal_core import BlockCapture, Frames, Session

if TYPE_CHECKING:  # Compare has no charts to wait for
    import plotly.graph_objects as go

CHART_LETTERS = 60
"""Letters of a line over a chart, which a phone has room for; Plotly breaks no lines itself."""
CHART_TYPE, CHART_LINE = 10, 13
"""Pixels of height of a letter there, and of a line."""


def sentences(frames: Frames, notes: Iterable[str]) -> list[str]:
    """Return the notes of answers, then the warnings of their clip, each once and none empty."""
    return [sentence for sentence in dict.fromkeys((*notes, *frames.warnings)) if sentence]


def tell(session: Session, block: BlockCapture) -> None:
    """Draw them under the choice of a block, with how its reading was proved."""
    draw([*sentences(session.frames, [block.warning]), *session.not_shown, block.proof])


def draw(said: Iterable[str]) -> None:
    """Draw sentences as they are: a file's name in them is no markup."""
    st.html("".join(f"<p class='nlv-caution'>{escape(sentence)}</p>" for sentence in said))


def written_on(figure: "go.Figure", said: Iterable[str]) -> "go.Figure":
    """Write sentences over a chart, so that the picture that a visitor takes of it carries them; return the chart."""
    lines = wrap(" ".join(said), CHART_LETTERS)
    if not lines:
        return figure
    figure.add_annotation(
        text="<br>".join(map(escape, lines)),
        font={"size": CHART_TYPE},
        align="left",
        showarrow=False,
        **{"xref": "paper", "x": 0, "xanchor": "left", "yref": "paper", "y": 1, "yanchor": "bottom"},
    )
    room = CHART_LINE * len(lines) + CHART_TYPE
    return figure.update_layout(
        title={"y": 1, "yref": "container", "yanchor": "top", "pad": {"t": CHART_TYPE}},
        margin={"t": figure.layout.margin.t + room},
        height=figure.layout.height + room,
    )
