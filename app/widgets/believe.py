"""Test of a map for the asked position: its strongest keys are cut, as are random ones and those of other rows."""

from html import escape

import plotly.graph_objects as go
import streamlit as st

from nonlocal_core import BlockCapture, NonlocalError, Pin, Session
from nonlocal_core.course.measured import CUT_TITLES, RUNS, verdict
from nonlocal_core.look import unbroken
from nonlocal_core.measures.ablation import changeable_blocks
from nonlocal_core.measures.faithfulness import Cut, Faithfulness, faithfulness_curve

from ..server.memory import remembered
from ..server.opened import OpenedClip
from . import cautions, charts, unmarked

_INKS: dict[Cut, str] = {"strongest": "#d9480f", "random": "#868e96", "colour": "#1c7ed6", "another row": "#2b8a3e"}


def offer(opened: OpenedClip, session: Session, pin: Pin | None) -> None:
    """Draw the test of the map of the pinned position, or of the first question, once it is asked for."""
    asked = pin or session.first_question()
    if asked.direction == "column" or not changeable_blocks(session):
        return
    with st.expander("Believe this map?", expanded=False, key="believe", on_change="rerun") as place:
        if place.open:
            tell(opened, session, asked)


def tell(opened: OpenedClip, session: Session, asked: Pin) -> None:
    """Draw the test; nothing is run before the visitor asks for it."""
    block = session.block(asked.block)
    tested = _testable(session, block)
    st.html(
        "<p class='nlv-test'>Heat shows where the block looks, not whether that matters. The test: cut the positions "
        "that it weighs most, and see how much of what it adds here changes. Then cut as many random ones.</p>"
    )
    if tested.name != block.name:
        unmarked.hint(f"{block.title} adds nothing to the answer. What is tested is {tested.title}, which does.")
    key = (opened.token, "believe", tested.name, asked.frame, asked.x, asked.y)
    if st.button("Test this position", key="believe-run", type="primary"):
        st.session_state["believed"] = key
    if st.session_state.get("believed") != key:
        return
    try:
        cell = tested.query_grid.cell_at(frame=asked.frame, x=asked.x, y=asked.y)
        found = remembered(
            key,
            "Running the network without some positions",
            lambda tell: faithfulness_curve(session, tested, cell, runs=RUNS, progress=tell),
        )
    except NonlocalError as error:
        unmarked.hint(error)
        return
    _result(session, tested, found)


def _testable(session: Session, block: BlockCapture) -> BlockCapture:
    """Return the block, or the first one of the network that adds to the features."""
    known = changeable_blocks(session)
    return block if block.name in known else session.block(next(iter(known)))


def _result(session: Session, block: BlockCapture, found: tuple[Faithfulness, ...]) -> None:
    last = found[-1]
    passes = last.stands_out and last.moves_answer is not False
    kind = "" if passes else " nlv-failure"
    words = unbroken(f"{verdict(last)} {last.words}")
    st.html(f"<p class='nlv-said{kind}' role='status'>{escape(words)}</p>")
    careful = cautions.sentences(session.frames, [block.warning])
    left, right = st.columns([3, 2])
    left.plotly_chart(
        cautions.written_on(added(found), careful),
        key="believe-added",
        alt="Change of what the block adds, by keys cut",
    )
    right.plotly_chart(
        cautions.written_on(answers(last), careful),
        key="believe-answer",
        alt="Change of the answer, by how keys are chosen",
    )
    said = (
        "Whiskers and the grey band: the middle 95 % of the draws. Cutting is a test of this position in this clip. It "
        "is no proof: a network that was never trained without its parts may answer oddly for other reasons."
    )
    st.caption(unbroken(said))
    cautions.folded(careful)


def added(found: tuple[Faithfulness, ...]) -> go.Figure:
    """Return a chart of the change in the block's output, by the number of keys cut and the way they were chosen."""
    figure = go.Figure()
    keys = [each.keys for each in found]
    chance = [each.added["random"] for each in found]
    figure.add_scatter(
        x=keys + keys[::-1],
        y=[100 * each.high for each in chance] + [100 * each.low for each in chance[::-1]],
        fill="toself",
        fillcolor="rgba(134,142,150,0.25)",
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
    )
    for cut, title in CUT_TITLES.items():
        figure.add_scatter(
            x=keys,
            y=[100 * each.added[cut].mean for each in found],
            name=title,
            mode="lines+markers",
            line={"color": _INKS[cut]},
        )
    figure.update_layout(
        title="What the block adds here",
        xaxis={"title": "positions that are cut", "type": "log"},
        yaxis={"title": "change, %", "rangemode": "tozero"},
    )
    return charts.styled(figure)


def answers(last: Faithfulness) -> go.Figure:
    """Return a chart of the probability that changes hands, by the way the keys were chosen."""
    figure = go.Figure()
    for cut, title in CUT_TITLES.items():
        each = last.answer[cut]
        figure.add_bar(
            x=[title],
            y=[100 * each.mean],
            marker_color=_INKS[cut],
            showlegend=False,
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [100 * (each.high - each.mean)],
                "arrayminus": [100 * (each.mean - each.low)],
            },
        )
    figure.update_layout(
        title=f"The answer, {last.keys} cut", yaxis={"title": "probability that moves, %", "rangemode": "tozero"}
    )
    return charts.styled(figure)
