"""Whatever is chosen of how an answer is drawn, every file says the same of it: headline, bars and numbers."""

import csv

import numpy as np
import pytest
from looks import OTHER_LOOKS

from nonlocal_core import Session
from nonlocal_core.look import Look, answer_words, percent
from nonlocal_core.render import Caption, figure
from nonlocal_core.render.drawing import Drawing, Outline, Words
from nonlocal_core.render.layout import UNITS, Layout, lay_out

FRAMES = 4
POINT = {"frame": 1, "x": 0.3, "y": 0.45}
LOOKS = [words for others in OTHER_LOOKS.values() for words in others]
COARSE = 0.1
"""Sharpness of the photographs, of which nothing is asked here."""


@pytest.fixture(scope="module", params=["default", "lite0-dot-product"])
def session(request):
    """A real clip; of the dot product, part of the weight is negative."""
    return Session.open("sample:bunny", request.param, frames=FRAMES, short_side=128)


def words_and_bars(drawing: Drawing, layout: Layout) -> tuple[list[Words], list[Outline]]:
    """Return the words of a figure outside its colour bar and notes, and the shapes of the bars under its frames."""
    legend, foot = layout.legend, layout.tiles[0].bottom
    words, bars = [], []
    for shape in drawing.shapes:
        if isinstance(shape, Words):
            in_legend = shape.at[0] > legend.left - 100 and shape.at[1] <= legend.bottom
            words += [shape] if not in_legend and shape.at[1] < layout.notes_top else []
        elif isinstance(shape, Outline) and foot <= shape.start[1] <= foot + layout.bar_height + 2:
            bars.append(shape)
    return words, bars


def facts(session: Session, folder, view: str, **point: float) -> dict[str, object]:
    """All that figures and files of numbers say of one answer and count in it."""
    asked = POINT | point
    drawing = figure(
        session.frames.rgb,
        session.frames.pts_seconds,
        session.query(**asked),
        Caption(clip="Clip", model="Network", block="Block"),
        look=Look.parse(view),
        sharpness=COARSE,
    )
    words, bars = words_and_bars(drawing, lay_out(FRAMES, session.frames.info.shown_hw, width_px=UNITS))
    table, arrays = (session.save(folder / f"a{suffix}", **asked, view=view) for suffix in (".csv", ".npz"))
    with np.load(arrays) as kept:
        numbers = {name: kept[name].tolist() for name in kept.files if name != "provenance"}
    return {
        "words": words,
        "bars": bars,
        "table": list(csv.reader(table.read_text().splitlines())),
        "numbers": numbers,
    }


@pytest.fixture(scope="module")
def usual(session, tmp_path_factory):
    found = facts(session, tmp_path_factory.mktemp("usual"), "")
    row, told = session.query(**POINT), [words.text for words in found["words"]]
    assert answer_words(row) in " ".join(told)
    assert {percent(float(share)) for share in row.cell_share.sum(axis=(1, 2))} <= set(told)
    assert len(found["bars"]) >= 2 * FRAMES, "a bar and its ground for each frame"
    return found


@pytest.mark.parametrize("look", LOOKS)
def test_files_say_and_count_the_same_under_every_look(session, usual, tmp_path, look):
    other = facts(session, tmp_path, look)
    assert [name for name in usual if usual[name] != other[name]] == []


def test_another_question_has_other_words_bars_and_numbers(session, usual, tmp_path):
    other = facts(session, tmp_path, "", frame=2, x=0.8, y=0.8)
    assert [name for name in usual if usual[name] == other[name]] == []
