"""Numbers of the pinned answer, and the network that gave it, below the viewer."""

import streamlit as st

from nonlocal_core import NonlocalError, Pin, Session

from ..server.budget import HELD
from . import cautions, charts, seeing, unmarked


def tell(session: Session, pin: Pin | None) -> None:
    """Draw the numbers and the network, or without a pin the way to make one."""
    if pin is None:
        st.caption("Click a position to pin it: its numbers appear here, and this page's address leads back to it.")
        seeing.lead_to_course()
    else:
        _numbers(session, pin)
    card, device = session.model.card, session.model.device
    needed = "" if session.forecast_bytes is None else f"{session.forecast_bytes / 1e6:.0f} MB for this run, "
    held = f"this server holds {HELD.held_bytes / 1e9:.2f} of {HELD.max_bytes / 1e9:.1f} GB for its visitors"
    memory = f"{needed}{device.free_bytes() / 1e9:.1f} GB free; {held}"
    st.caption(f"**{unmarked.as_it_is(card.title)}**, on {device.title} ({memory}). {card.description}")
    if session.not_shown:
        cautions.draw(session.not_shown)
    if session.sample is not None:
        st.caption(f"{session.sample.caption} {session.sample.credit}. {session.sample.licence}.")


def _numbers(session: Session, pin: Pin) -> None:
    try:
        answers = charts.answers(session, pin)
    except NonlocalError as error:
        unmarked.hint(error)
        return
    st.header(charts.headline(session, pin), anchor=False)
    title = session.block(pin.block).title
    pinned = answers[title]
    said = cautions.sentences(session.frames, charts.notes({title: pinned} | answers))
    left, right = st.columns(2)
    if len(session.frames.rgb) > 1:
        by_frame = charts.by_frame(answers, pin.frame)
        left.plotly_chart(cautions.written_on(by_frame, said, lead=pinned.note), key="by-frame")
        left = right
    concentration = charts.concentration(answers)
    left.plotly_chart(cautions.written_on(concentration, said, lead=pinned.note), key="concentration")
    cautions.folded(said)
    with st.expander("The strongest cells, as a table"):
        own = " ".join(cautions.sentences(session.frames, [pinned.note]))
        st.dataframe(charts.strongest(pinned, note=own), hide_index=True, key="top")
