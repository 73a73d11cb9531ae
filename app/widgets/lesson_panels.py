"""Panels below the viewer at the steps of the course: sliders and tables, from the running network."""

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from nonlocal_core import NonlocalError, Pin
from nonlocal_core.ancestors.filters import AnyFilter, filter_id, parse_filter
from nonlocal_core.course import stages
from nonlocal_core.course.words import learn

from ..server import visit
from ..server.memory import remembered
from ..server.opened import OpenedClip
from ..server.visit import FIRST_CLIP, Choices
from . import facts, unmarked
from .opening import open_with_progress

_MODELS, _BESIDE = "learn-models", "learn-beside"


def model_of(step: str) -> str:
    """Return the id of the network of a step, with the settings that the visitor changed."""
    moved: dict[str, str] = st.session_state.get(_MODELS, {})
    return moved.get(step, stages.stage_of(step).model)


def draw(step: str, opened: OpenedClip, pin: Pin | None, beside: Choices | None) -> None:
    """Draw the panel of a step, if it has one. ``beside``: opens the network that is measured beside the step's own."""
    with st.container(key="lesson-panel"):
        try:
            if stages.stage_of(step).sliders:
                _filter(step, opened, pin)
            elif step in _PANELS:
                _PANELS[step](opened, pin)
            if beside is not None:
                place = pin or opened.session.first_question()
                _beside(step, opened, beside, replace(place, block=stages.stage_of(step).block))
        except NonlocalError as error:
            unmarked.hint(error)


def _filter(step: str, opened: OpenedClip, pin: Pin | None) -> None:
    from . import filtered

    def keep(moved: AnyFilter) -> None:
        st.session_state.setdefault(_MODELS, {})[step] = filter_id(moved)

    names = stages.stage_of(step).sliders
    filtered.sliders(lambda: parse_filter(model_of(step)), names, keep)
    chosen = parse_filter(model_of(step))
    if step == "bm3d":
        from . import stacked

        stacked.tell(opened, pin)
    if step == "graphical":
        from . import scribbles

        scribbles.tell(opened, pin)
    filtered.pictures(opened, chosen, pin, has_noise_slider="noise" in names, beside=step == "bm3d")


def _beside(step: str, opened: OpenedClip, choices: Choices, asked: Pin) -> None:
    """Draw the measurements with another network, once they are asked for."""
    wanted: set[str] = st.session_state.setdefault(_BESIDE, set())
    if step not in wanted:
        if st.button(learn().beside[step], key=f"learn-beside-{step}"):
            wanted.add(step)
            st.rerun(scope="fragment")
        return
    other = open_with_progress(choices)
    if other is None:
        return
    from nonlocal_core.course import measured

    facts.draw(
        remembered(
            (opened.token, other.token, step, asked.frame, asked.x, asked.y),
            "Measuring",
            lambda _tell: measured.BESIDE[step](opened.session, other.session, asked),
        )
    )


def _embedded(opened: OpenedClip, pin: Pin | None) -> None:
    from nonlocal_core.course import measured
    from nonlocal_core.measures.two_formulas import two_formulas

    from . import predict

    session = opened.session
    block = stages.stage_of("embedded").block
    assert block is not None
    formulas = remembered(
        (opened.token, "two formulas"), "Measuring", lambda _tell: two_formulas(session, session.block(block))
    )
    facts.draw(measured.attended(session, replace(pin or session.first_question(), block=block), formulas))
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
    from nonlocal_core.course import facts as course_facts

    facts.draw(course_facts.pooling(opened.session, pin or opened.session.first_question()))


def _scopes(opened: OpenedClip, _pin: Pin | None) -> None:
    from nonlocal_core.course import facts as course_facts

    facts.draw(course_facts.scopes(opened.session))
    if opened.notes.frame_count == 1 and st.button(learn().page["clip"], key="learn-clip"):
        visit.choose(Choices(clip=FIRST_CLIP))
        st.rerun()


def _cost(opened: OpenedClip, _pin: Pin | None) -> None:
    from nonlocal_core.course import facts as course_facts

    facts.draw(course_facts.sizes(opened.session))
    if st.button("Measure it here", key="learn-measure", type="primary"):
        st.session_state["learn-measured"] = True
    if st.session_state.get("learn-measured"):
        from nonlocal_core.course import measured

        from . import charts_of_costs

        found = remembered("learn-costs", "Measuring", measured.timed_costs)
        st.plotly_chart(charts_of_costs.chart(found), key="learn-costs", alt="Time by number of positions")
        st.caption(
            "Random tables of 64 channels on this server, best of three runs. Both ways give the same output: the "
            f"largest difference is {max(cost.difference for cost in found.values()):.0e} of its range."
        )


def _mark(opened: OpenedClip, pin: Pin | None) -> None:
    from . import marked

    marked.tell(opened, pin)


def _findings(_opened: OpenedClip, _pin: Pin | None) -> None:
    from nonlocal_core.course import facts as course_facts

    facts.draw(course_facts.claims())
    if st.button("Open Findings", key="learn-findings"):
        visit.go_to("findings")


def _believe(opened: OpenedClip, pin: Pin | None) -> None:
    from . import believe

    session = opened.session
    believe.tell(opened, session, pin or replace(session.first_question(), block=stages.stage_of("believe").block))
    if st.button(learn().page["again"], key="learn-explore"):
        visit.go_to("explore")


_PANELS: dict[str, Callable[[OpenedClip, Pin | None], None]] = {
    "embedded": _embedded,
    "block": _strength,
    "subsampling": _subsampling,
    "spacetime": _scopes,
    "cost": _cost,
    "mark": _mark,
    "findings": _findings,
    "believe": _believe,
}
