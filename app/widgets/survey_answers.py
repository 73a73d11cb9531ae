"""Answers of a clip's questions in the other clips of a survey: frames, each with a ring at the strongest place."""

from io import BytesIO
from typing import TYPE_CHECKING, Any

import streamlit as st
from PIL import Image, ImageDraw

from nonlocal_core import Pin
from nonlocal_core.pin import Point

from ..server import surveyed, visit
from ..server.visit import SURVEY_PREFIX, Choices
from . import unmarked

if TYPE_CHECKING:
    from nonlocal_core.survey import RankedClip

WIDTH = 170
"""Width of a frame, in pixels of the page: two fit side by side on a phone."""
RING = 9
"""Radius of the ring, in pixels of a frame that is 160 pixels wide."""


def draw(row: dict[str, Any], short_side: int | None) -> None:
    """Draw the choice of a question of a clip and, once it is asked, the clips that answer."""
    kept = surveyed.questions_of(row["place"], row["model"])
    if kept is None:
        return
    block, questions = kept
    if block != row["block"]:
        unmarked.hint(f"Other clips can be asked by block {block}, whose keys were kept. Choose it above.")
        return
    numbers = range(len(questions))
    left, right = st.columns((2, 3), vertical_alignment="bottom")
    is_asked = left.toggle("Ask all other clips", key="survey-elsewhere")
    number = right.selectbox(
        "Question",
        numbers,
        format_func=lambda n: _question(questions[n], n),
        key="survey-question",
        disabled=not is_asked,
    )
    if not is_asked:
        return
    from nonlocal_core.survey.other_clips import RANKED_BY  # with Arrow

    st.caption(RANKED_BY)
    with st.spinner("Asking all other clips"):
        count, ranked = surveyed.in_other_clips(row["place"], row["model"], number)
    asked = questions[number]
    with st.container(horizontal=True):
        with st.container(width=WIDTH):
            st.image(still(row["place"], row["model"], (asked["frame"], asked["x"], asked["y"])), width="stretch")
            st.caption(f"asks: frame {asked['frame'] + 1}; asked were {count:,} clips")
        for n, clip in enumerate(ranked, 1):
            with st.container(width=WIDTH):
                _answer(n, clip, row, short_side)


def _answer(number: int, clip: "RankedClip", row: dict[str, Any], short_side: int | None) -> None:
    """Draw a clip that answers, and the button that opens it with the found place pinned."""
    st.image(still(clip.place, row["model"], (clip.frame, clip.x, clip.y)), width="stretch")
    words = f"score {clip.score:.3g}, {clip.times_uniform:.3g} × an even share"
    st.caption(f"{number}\\. {unmarked.as_it_is(clip.name)}, frame {clip.frame + 1}: {words}")
    if st.button("Open", key=f"survey-open-{number}"):
        found = surveyed.row_of(clip.place, row["model"], row["block"], ["frame_indices"])
        visit.choose(
            Choices(
                clip=f"{SURVEY_PREFIX}{clip.place}",
                model=row["model"],
                frame_indices=tuple(found["frame_indices"]),
                short_side=short_side,
                pin=Pin(frame=clip.frame, x=clip.x, y=clip.y, block=row["block"]),
            )
        )
        visit.go_to("explore")


def still(place: int, model: str, point: Point) -> Image.Image:
    """Return a frame of a clip with a ring at a point of it."""
    frame, x, y = point
    content, frames = surveyed.strip_of(place, model)
    with Image.open(BytesIO(content)) as strip:
        width = strip.width // frames
        picture = strip.crop((frame * width, 0, (frame + 1) * width, strip.height)).convert("RGB")
    middle, pen = (x * picture.width, y * picture.height), ImageDraw.Draw(picture)
    for radius, colour in ((RING, "black"), (RING - 2, "white")):
        pen.circle(middle, radius, outline=colour, width=2)
    return picture


def _question(asked: dict[str, Any], number: int) -> str:
    name = f"drawn {number}" if number else "first"
    return f"{name}: frame {asked['frame'] + 1}, x {asked['x']:.2f}, y {asked['y']:.2f}"
