"""Plotly charts and the table of a pinned query; the numbers come from the session."""

from contextlib import suppress
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go

from nonlocal_core import AffinityColumn, AffinityRow, BlockCapture, OutsideGridError, Pin, SelectionError, Session
from nonlocal_core.look.sentence import place_words

Answer = AffinityRow | AffinityColumn
_EVEN, _FAINT = "if all cells got the same", {"dash": "dot", "width": 1.5, "color": "#888"}
MOST_NAMED = 3
"""Maximum number of blocks that a sentence names; of more, it gives the number."""


def answers(session: Session, pin: Pin) -> dict[str, Answer]:
    """Return the row or the column of the pinned point in every block that saw it, by the block's title.

    Raises OutsideGridError if not even the pinned block saw the point, UnknownNameError if there is no such block.
    """
    asked = session.block(pin.block)
    pinned = _answer(session, pin, asked)
    found = {}
    for block in session.capture.blocks:
        with suppress(OutsideGridError):
            found[block.title] = _answer(session, pin, block)
    return found | {asked.title: pinned}


def _answer(session: Session, pin: Pin, block: BlockCapture) -> Answer:
    """Return the answer of a block, at the pin's temperature and hops if it has any, as the viewer draws it."""
    asked = replace(pin, block=block.name, temperature=pin.temperature if block.is_softmax else 1.0)
    try:
        return session.answer(asked)
    except SelectionError:  # rows that pass nothing on
        return session.answer(replace(asked, hops=1))


def headline(session: Session, pin: Pin) -> str:
    """Return the pin in words; frames, rows and columns are counted from 1."""
    cell = session.block(pin.block).query_grid.cell_at(frame=pin.frame, x=pin.x, y=pin.y)
    what = "Where it looks" if pin.direction == "row" else "Who looks at it"
    if pin.also or pin.minus:
        less = f", less {len(pin.minus)}" if pin.minus else ""
        return f"{what}: the mean of {1 + len(pin.also)} cells{less}"
    frame = f"frame {pin.frame + 1}, " if len(session.frames.rgb) > 1 else ""
    return f"{what}: {frame}{place_words(cell)}"


def notes(answers: dict[str, Answer]) -> list[str]:
    """Return the notes on the blocks that answer, each once, with the names of its blocks unless it holds for all."""
    by_note: dict[str, list[str]] = {}
    for title, given in answers.items():
        by_note.setdefault(given.note, []).append(title)
    return [
        note if len(titles) == len(answers) else f"{_named(titles, len(answers))}: {note}"
        for note, titles in by_note.items()
        if note
    ]


def _named(titles: list[str], of: int) -> str:
    return ", ".join(titles) if len(titles) <= MOST_NAMED else f"{len(titles)} of {of}"


def concentration(answers: dict[str, Answer]) -> go.Figure:
    """Return a chart of the weight that the strongest cells hold together, for every block; the dotted line is even."""
    figure = go.Figure()
    for title, given in answers.items():
        share = given.cumulative_share
        cells = range(1, len(share) + 1)
        figure.add_scatter(x=[100 * c / len(share) for c in cells], y=100 * share, name=title, mode="lines")
    uniform = np.geomspace(0.1, 100)  # a straight line, bent by the logarithmic axis
    figure.add_scatter(x=uniform, y=uniform, name=_EVEN, mode="lines", line=_FAINT)
    figure.update_layout(
        title="How concentrated it is",
        xaxis={"title": "strongest cells, % of all", "type": "log"},
        yaxis={"title": "weight they hold, %", "range": [0, 100]},
    )
    return styled(figure)


def by_frame(answers: dict[str, Answer], frame: int) -> go.Figure:
    """Return the share of each frame, for every block; the line marks the query's own frame."""
    figure = go.Figure()
    for title, given in answers.items():
        starts = [span[0] + 1 for span in given.grid.frame_spans]
        figure.add_scatter(x=starts, y=100 * given.per_step_share, name=title, mode="lines+markers")
    figure.add_vline(x=frame + 1, line=_FAINT, annotation_text="pinned frame")
    figure.update_layout(
        title="Share of each frame",
        xaxis={"title": "frame", "dtick": 1 if max(len(a.grid.frame_spans) for a in answers.values()) <= 16 else None},
        yaxis={"title": "share of the weight, %", "rangemode": "tozero"},
    )
    return styled(figure)


def strongest(given: Answer, count: int = 10, *, note: str = "") -> list[dict[str, object]]:
    """Return the strongest cells as rows of a table, with frames counted from 1 as on the film strip.

    ``note``: written in the first row, so that a downloaded table has it.
    """
    return [
        {
            "frame": given.grid.span(ranked.cell.t)[0] + 1,
            "row": ranked.cell.y + 1,
            "column": ranked.cell.x + 1,
            "weight": ranked.value,
            "times an even share": ranked.times_uniform,
        }
        | ({"note": "" if place else note} if note else {})
        for place, ranked in enumerate(given.top(count))
    ]


def styled(figure: go.Figure) -> go.Figure:
    """Give a chart the size and the legend of all charts below the viewer; return it."""
    return figure.update_layout(
        dragmode=False,  # a finger that scrolls the page draws no box
        height=300,
        margin={"l": 0, "r": 0, "t": 40, "b": 0},
        legend={"orientation": "h", "y": -0.3},
    )
