"""Panels below the viewer at the steps of the course: sliders and tables, from the running network."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from nonlocal_core import NonlocalError, Pin
from nonlocal_core.ancestors.filters import AnyFilter, filter_id, parse_filter

from ..server import visit
from ..server.memory import remembered
from ..server.opened import OpenedClip
from ..words import learn
from . import course, unmarked

if TYPE_CHECKING:  # with torch and the charts, which the picture does not wait for
    from nonlocal_core.measures.costs import Cost

_MODELS = "learn-models"
COUNTS = (256, 512, 1024, 2048)
"""Positions at which costs are measured."""
FUNCTIONS = {
    "embedded_gaussian": "softmax, in pieces",
    "dot_product": "(θφᵀ)g as θ(φᵀg)",
    "concatenation": "sorted, running sums",
}
"""The exact short way of each function."""


def model_of(step: str) -> str:
    """Return the id of the network of a step, with the settings that the visitor moved."""
    moved: dict[str, str] = st.session_state.get(_MODELS, {})
    return moved.get(step, course.stage_of(step).model)


def draw(step: str, opened: OpenedClip, pin: Pin | None) -> None:
    """Draw the panel of a step, if it has one."""
    with st.container(key="lesson-panel"):
        try:
            if course.stage_of(step).sliders:
                _filter(step, opened, pin)
            elif step in _PANELS:
                _PANELS[step](opened, pin)
        except NonlocalError as error:
            unmarked.hint(error)


def _filter(step: str, opened: OpenedClip, pin: Pin | None) -> None:
    from . import filtered

    def keep(moved: AnyFilter) -> None:
        st.session_state.setdefault(_MODELS, {})[step] = filter_id(moved)

    filtered.sliders(lambda: parse_filter(model_of(step)), course.stage_of(step).sliders, keep)
    chosen = parse_filter(model_of(step))
    if step == "bm3d":
        from . import stacked

        stacked.tell(opened, pin)
    filtered.pictures(opened, chosen, pin, beside=step == "bm3d")


def _predict(opened: OpenedClip, _pin: Pin | None) -> None:
    from . import predict

    block = course.stage_of("embedded").block
    assert block is not None
    predict.tell(opened, block)


def _strength(opened: OpenedClip, _pin: Pin | None) -> None:
    from nonlocal_core.measures.strength import answer_at_strength

    from . import strength

    session = opened.session
    strength.tell(
        opened,
        lambda block, at, tell: answer_at_strength(session, block, at, progress=tell),
    )


def _subsampling(opened: OpenedClip, pin: Pin | None) -> None:
    from nonlocal_core.measures.variants import moved_by_pooling

    session = opened.session
    coarse, fine = session.capture.blocks
    asked = pin or session.first_question()
    cell = fine.query_grid.cell_at(frame=asked.frame, x=asked.x, y=asked.y)
    moved = moved_by_pooling(fine, cell)
    rows = [
        (
            name,
            f"{block.query_grid.size:,}",
            f"{block.key_grid.size:,}",
            f"{block.query_grid.size * block.key_grid.size:,}",
        )
        for name, block in (("all keys", fine), ("pooled", coarse))
    ]
    _table(("", "positions that ask", "positions that are looked at", "pairs"), rows)
    st.html(
        f"<p class='nlv-said'>By pooling, {100 * moved:.1f} % of the weight of this position moves to other cells.</p>"
    )


def _scopes(opened: OpenedClip, _pin: Pin | None) -> None:
    rows = [
        (block.title, f"{block.key_count:,}", f"{block.query_grid.size * block.key_count:,}")
        for block in opened.session.capture.blocks
    ]
    _table(("sum over", "positions that each looks at", "pairs in all"), rows)


def _cost(opened: OpenedClip, _pin: Pin | None) -> None:
    rows = []
    for block in opened.session.capture.blocks:
        pairs = block.query_grid.size * block.key_count
        kept = block.theta.size + (0 if block.phi is block.theta else block.phi.size)
        rows.append((block.title, f"{pairs:,}", _megabytes(pairs), f"{kept:,}", _megabytes(kept)))
    _table(("block on this clip", "numbers of the matrix", "", "numbers of θ and φ, which are kept", ""), rows)
    if st.button("Measure it here", key="learn-measure", type="primary"):
        st.session_state["learn-measured"] = True
    if st.session_state.get("learn-measured"):
        from . import charts_of_costs

        st.plotly_chart(charts_of_costs.chart(_measured()), key="learn-costs", alt="Time by number of positions")
        st.caption(
            "Random tables of 64 channels on this server, best of three runs. Both ways give the same output: the "
            f"largest difference is {max(cost.difference for cost in _measured().values()):.0e} of its range."
        )


def _measured() -> "dict[tuple[str, int], Cost]":
    from nonlocal_core.measures.costs import timed
    from nonlocal_core.vocabulary import PAIRWISE

    every = [(pairwise, count) for pairwise in PAIRWISE if pairwise in FUNCTIONS for count in COUNTS]

    def compute(tell: Callable[[int, int], None]) -> "dict[tuple[str, int], Cost]":
        found: dict[tuple[str, int], Cost] = {}
        for done, (pairwise, count) in enumerate(every):
            found[pairwise, count] = timed(pairwise, count)
            tell(done + 1, len(every))
        return found

    return remembered("learn-costs", "Measuring", compute)


def _mark(opened: OpenedClip, pin: Pin | None) -> None:
    from . import marked

    marked.tell(opened, pin)


def _findings(_opened: OpenedClip, _pin: Pin | None) -> None:
    from nonlocal_core.weights.findings import read_findings

    rows = [
        (f"Table {chart.number}", claim.words, claim.verdict, claim.reason)
        for chart in read_findings().charts
        for claim in chart.claims
    ]
    _table(("paper", "claim", "here", "reason, where it was measured"), rows)
    if st.button("Open Findings", key="learn-findings"):
        visit.go_to("findings")


def _believe(opened: OpenedClip, pin: Pin | None) -> None:
    from . import believe

    session = opened.session
    believe.tell(opened, session, pin or replace(session.first_question(), block=course.stage_of("believe").block))
    if st.button(learn().page["again"], key="learn-explore"):
        visit.go_to("explore")


_PANELS: dict[str, Callable[[OpenedClip, Pin | None], None]] = {
    "embedded": _predict,
    "block": _strength,
    "subsampling": _subsampling,
    "spacetime": _scopes,
    "cost": _cost,
    "mark": _mark,
    "findings": _findings,
    "believe": _believe,
}


def _table(head: Sequence[str], rows: Sequence[tuple[str, ...]]) -> None:
    top = "".join(f"<th scope='col'>{escape(cell)}</th>" if cell else "<td></td>" for cell in head)
    body = "".join(
        f"<tr><th scope='row'>{escape(first)}</th>{''.join(f'<td>{escape(cell)}</td>' for cell in rest)}</tr>"
        for first, *rest in rows
    )
    st.html(f"<table class='nlv-figures-of'><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>")


def _megabytes(numbers: int) -> str:
    return f"{4 * numbers / 1e6:,.1f} MB"
