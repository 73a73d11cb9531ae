"""Answer of the network that tells who wore the mark, beside the viewer: against the truth, and under changes."""

from html import escape

import streamlit as st

from nonlocal_core import NonlocalError, Pin
from nonlocal_core.course.measured import CHANGE_NAMES, done_to_marks, verdict_on_marks
from nonlocal_core.measures.marks import CHANGES, Change, MarkAnswer, answers_marks, who_wore
from nonlocal_core.media.marked import COLOURS, MARKS

from ..server.memory import remembered
from ..server.opened import OpenedClip
from . import unmarked


def tell(opened: OpenedClip, pin: Pin | None) -> None:
    """Draw the answer at the pinned position, or at the first question; nothing for clips without marks."""
    session = opened.session
    if not answers_marks(session):
        if session.frames.marks is not None:
            unmarked.hint("The network that tells who wore the mark is another one, or its frame is not among these.")
        return
    asked = pin or session.first_question()
    with st.container(key="mark"):
        change = st.segmented_control(
            "Answer",
            CHANGES,
            default=CHANGES[0],
            required=True,
            format_func=CHANGE_NAMES.__getitem__,
            key="mark-change",
            label_visibility="collapsed",
        )
        try:
            found = {each: _found(opened, asked, each) for each in dict.fromkeys((CHANGES[0], change))}
        except NonlocalError as error:
            unmarked.hint(error)
            return
        several = len(session.capture.blocks) > 1
        st.html(_answered(found, asked.frame, session.block(asked.block).title if several else ""))


def _found(opened: OpenedClip, asked: Pin, change: Change) -> MarkAnswer:
    return remembered(
        (opened.token, "mark", change, asked.frame, asked.x, asked.y, asked.block),
        "Running the network",
        lambda _tell: who_wore(
            opened.session, frame=asked.frame, x=asked.x, y=asked.y, change=change, name=asked.block
        ),
    )


def _answered(found: dict[Change, MarkAnswer], frame: int, snapshot: str) -> str:
    """Return the question and its answers. ``snapshot``: the one that answers, empty if there is one block."""
    first = found[CHANGES[0]]
    if first.asked is None:
        objects = ", ".join(first.worn)
        return (
            f"<section class='nlv-mark'><h2>Who wore the mark?</h2><p>This is the ground, which wears none. "
            f"Click one of these, in any frame but {first.marked_frame + 1}: {escape(objects)}.</p></section>"
        )
    here = " Here it wears it itself: ask in another frame." if frame == first.marked_frame else ""
    of = f" of: {escape(snapshot)}" if snapshot else ""
    cards = "".join(_card(change, answer) for change, answer in found.items())
    return (
        f"<section class='nlv-mark'><h2>Which mark did the {escape(first.asked)} wear in frame "
        f"{first.marked_frame + 1}?</h2><p>Asked in frame {frame + 1}{of}.{here}</p><div>{cards}</div></section>"
    )


def _card(change: Change, found: MarkAnswer) -> str:
    """Return one answer: the verdict, a bar for each mark, and the change made."""
    chances = dict(zip(MARKS, found.answer.probabilities.tolist(), strict=True))
    said = verdict_on_marks(change, found)
    verdict = "right" if said.endswith("right") else "wrong"
    rows = "".join(_row(mark, chance, worn=mark == found.truth) for mark, chance in chances.items())
    return (
        f"<article class='nlv-{verdict}'><h3>{escape(said)}</h3>"
        f"<table><tbody>{rows}</tbody></table><p>{escape(done_to_marks(change, found))}</p></article>"
    )


def _row(mark: str, chance: float, *, worn: bool) -> str:
    colour = "#{:02x}{:02x}{:02x}".format(*COLOURS[MARKS.index(mark)])
    truth = "<b>worn</b>" if worn else ""
    return (
        f"<tr><th scope='row'>{mark}</th>"
        f"<td><i style='width:{100 * chance:.1f}%;background:{colour}'></i></td>"
        f"<td>{100 * chance:.0f} %</td><td>{truth}</td></tr>"
    )
