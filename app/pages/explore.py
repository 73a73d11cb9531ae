"""Explore: point at any position of any frame, see where it looks."""

import streamlit as st

from app import charts, gallery, state
from app.resources import Opened, default_clip, open_clip
from app.state import Choices, Pin
from app.store import bundle_address
from app.viewer import viewer
from nonlocal_core import NonlocalError, Session, list_models


def draw() -> None:
    """Draw the page."""
    choices = state.current(default_clip())
    st.html("<h1 class='nl-title'>Where does this position look?</h1>")
    _controls(choices)
    opened = _open_with_progress(choices)
    if opened is not None:
        _answer(opened, choices)


def _controls(choices: Choices) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if st.button("Open image or video", icon=":material/folder_open:", key="open"):
            gallery.choose_clip()
        models = {card.id: card.title for card in list_models()}
        known = choices.model if choices.model in models else next(iter(models))
        picked = st.selectbox(
            "Network",
            models,
            index=list(models).index(known),
            format_func=models.__getitem__,
            key=f"model-{choices.model}",
            width=340,
        )
        if picked != known:
            state.update(model=picked)
            st.rerun()
        with st.popover("Frames", icon=":material/tune:"):
            _sampling(choices)


def _sampling(choices: Choices) -> None:
    with st.form("sampling", border=False):
        frames = st.slider("Frames", 1, 64, choices.frames or 8, help="How many frames the network sees.")
        even = "evenly over the clip"
        spacing = st.selectbox("Spaced", [even, 1, 2, 4, 8, 16], format_func=_spacing_title)
        start = st.number_input("Start, seconds", min_value=0.0, value=choices.start_seconds or 0.0, step=0.5)
        sides = [128, 160, 192, 224, 256, 320, 384, 448]
        side = st.select_slider("Short side, pixels", sides, choices.short_side if choices.short_side in sides else 224)
        st.caption("More frames and a larger side give a finer map and take longer.")
        if st.form_submit_button("Apply", type="primary"):
            stride = None if spacing == even else int(spacing)
            state.update(frames=frames, stride=stride, start_seconds=start, short_side=side)
            st.rerun()


def _spacing_title(spacing: str | int) -> str:
    return spacing if isinstance(spacing, str) else f"every {spacing} frames" if spacing > 1 else "every frame"


def _open_with_progress(choices: Choices) -> Opened | None:
    """Return the opened clip; show each step meanwhile, or the sentence that says what went wrong."""
    slot = st.empty()

    def tell(stage: str, done: int, total: int) -> None:
        slot.progress(done / max(total, 1), text=stage)

    try:
        opened = open_clip(choices, tell)
    except NonlocalError as error:
        slot.error(str(error), icon=":material/error:")
        if st.button("Back to the first sample"):
            state.choose(Choices(clip=default_clip()))
            st.rerun()
        return None
    slot.empty()
    return opened


@st.fragment
def _answer(opened: Opened, choices: Choices) -> None:
    session = opened.session
    for warning in session.frames.warnings:
        st.caption(f":material/info: {warning}")
    pin = viewer(bundle_address(opened.token), opened.token, first=choices.pin)
    if pin != choices.pin:
        state.update(pin=pin)
    if pin is None:
        st.caption("Click a position to pin it: its numbers appear here, and the address of this page becomes a link to it.")
    else:
        _numbers(session, pin)
    st.caption(f"**{session.model.card.title}** on {session.model.device.title}. {session.model.card.description}")


def _numbers(session: Session, pin: Pin) -> None:
    try:
        answers = charts.answers(session, pin)
    except NonlocalError as error:
        st.info(str(error))
        return
    st.subheader(charts.headline(session, pin), anchor=False)
    left, right = st.columns(2)
    left.plotly_chart(charts.by_frame(answers, pin.frame), key="by-frame")
    right.plotly_chart(charts.concentration(answers), key="concentration")
    with st.expander("The strongest cells, as a table"):
        st.dataframe(charts.strongest(answers[session.block(pin.block).title]), hide_index=True, key="top")
