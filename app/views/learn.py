"""Learn: the non-local operation step by step, on the visitor's own clip."""

from dataclasses import dataclass, replace
from html import escape

import streamlit as st

from nonlocal_core import NonlocalError, Pin
from nonlocal_core.course import stages
from nonlocal_core.course.words import learn

from ..server import visit
from ..server.opened import OpenedClip
from ..server.variants import open_variant
from ..server.visit import Choices
from ..widgets import address, lesson_panels, open_button, predict, unmarked
from ..widgets.opening import open_with_progress
from ..widgets.viewer_component import lesson

_STEP, _WANTED, _PINS, _CLIP, _LEFT = "learn-step", "learn-wanted", "learn-pins", "learn-shown", "learn-left"


@dataclass(frozen=True, slots=True)
class _KeptPin:
    """A pin, and the step whose blocks it names."""

    pin: Pin | None
    step: str


def draw() -> None:
    """Draw the page."""
    choices = visit.current()
    step = _step()
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="lesson-head"):
        heading = st.empty()
        open_button.draw()
        kept = st.container(width="content")
    _head(heading, "Opening …")
    opened = _opened(step, choices)
    if opened is None:
        _head(heading, "")
        address.keep(choices, {"step": step})
        return
    _head(heading, opened.notes.summary)
    with kept:
        from ..widgets import take_along  # with torch, which the picture does not wait for

        take_along.offer(opened, step, {each: _choices_for(each, choices) for each in stages.step_ids()})
    _lesson(opened, step, lesson_panels.model_of(step))


def _opened(step: str, choices: Choices) -> OpenedClip | None:
    """Return the clip as the step shows it, or show the error and return None if that fails."""
    stage = stages.stage_of(step)
    opened = open_with_progress(_choices_for(step, choices))
    variant = stage.variant
    if opened is None or variant is None:
        return opened
    try:
        with st.spinner("Making the variants of this step"):
            from nonlocal_core.course.variants import varied  # with torch

            return open_variant(opened, step, lambda session: varied(session, variant))
    except NonlocalError as error:
        unmarked.failure(error)
        return None


def _choices_for(step: str, choices: Choices) -> Choices:
    """Return the choices that a step opens for a visitor's, with the settings of its sliders."""
    stage, model = stages.stage_of(step), lesson_panels.model_of(step)
    if stage.clip is not None:
        return Choices(clip=stage.clip, model=model)
    return replace(choices, model=model, short_side=stage.short_side or choices.short_side, pin=None)


@st.fragment
def _lesson(opened: OpenedClip, step: str, model: str) -> None:
    if lesson_panels.model_of(step) != model:  # a slider was moved
        st.rerun()
    clip = stages.stage_of(step).clip or visit.current().clip
    kept = _kept(clip, step)
    first = kept.pin
    block = (first and first.block) or stages.stage_of(step).block
    shown = stages.shown(step, frame_count=opened.notes.frame_count) | {"steps": stages.contents(stages.step_ids())}
    open_button.keep_wish()
    pin, wanted = lesson(opened.token, shown, first=first, block=block)
    _keep(clip, step, pin)
    if wanted is not None and wanted != st.session_state.get(_WANTED):
        st.session_state[_WANTED] = wanted
        if wanted.id in stages.step_ids():
            st.session_state[_STEP] = wanted.id
            st.rerun()
    address.keep(visit.current(), {"step": step} | predict.link())
    other = stages.stage_of(step).measured_on
    beside = None if other is None else _choices_for(other, visit.current())
    lesson_panels.draw(step, opened, _kept(clip, step).pin, beside)


def _step() -> str:
    """Return the visitor's current step, on arrival the one in the address."""
    if _STEP not in st.session_state:
        asked = visit.asked("step")
        st.session_state[_STEP] = asked if asked in stages.step_ids() else stages.step_ids()[0]
    return str(st.session_state[_STEP])


def _kept(clip: str, step: str) -> _KeptPin:
    """Return the pin of a clip; one set at another step names none of this step's blocks."""
    pins = st.session_state.setdefault(_PINS, {})
    if clip not in pins:
        pins[clip] = _KeptPin(visit.current().pin if clip == visit.current().clip else None, "")
    kept: _KeptPin = pins[clip]
    if kept.step == step or kept.pin is None:
        return kept
    place = Pin(frame=kept.pin.frame, x=kept.pin.x, y=kept.pin.y)
    return _KeptPin(place, step)


def _keep(clip: str, step: str, pin: Pin | None) -> None:
    """Store the pin. The viewer stays in place from clip to clip, and reports the last pin until the next."""
    if st.session_state.get(_CLIP) != clip:
        st.session_state[_CLIP] = clip
        st.session_state[_LEFT] = pin
    if pin == st.session_state[_LEFT]:
        return
    st.session_state[_LEFT] = pin
    st.session_state[_PINS][clip] = _KeptPin(pin, step)
    if clip == visit.current().clip:
        visit.update(pin=None if pin is None else replace(pin, block=None, view=""))


def _head(slot: st.delta_generator.DeltaGenerator, clip: str) -> None:
    title = learn().page["title"]
    slot.html(f"<div class='nlv-heading'><h1>{escape(title)}</h1><p>{escape(clip)}</p></div>")
