"""The first question on real pictures with outlined objects: those of the installation.

The clips that may not be shipped are counted by ``python -m benchmarks.first_question FOLDER``.
"""

import json
from dataclasses import replace
from itertools import groupby

from nonlocal_core import Selection, Session
from pretrained.recipe.real import outlined
from pretrained.recipe.runs import OUTLINES

ON_AN_OBJECT = 5
"""Of seven: not on a cyclist who is hidden in three of six frames, nor on a rocket thinner than a cell."""
AWAY = 0.5
"""Most of a row that may stay on its own cell."""


def test_the_first_question_of_most_clips_is_asked_on_an_object_and_looks_elsewhere():
    outlines = [entry for entry in json.loads(OUTLINES.read_text(encoding="utf-8")) if "sample" in entry]
    hits = clips = 0
    for sample, entries in groupby(outlines, lambda entry: entry["sample"]):
        objects = list(entries)
        frames = Selection(frame_indices=tuple(objects[0]["frame_indices"]))
        session = replace(Session.open(f"sample:{sample}", frames=frames), sample=None)  # as if nobody had curated it
        pin = session.first_question()
        height, width = session.frames.info.shown_hw
        at = (int(pin.y * height), int(pin.x * width))
        hits += any(
            outlined(entry["shapes"][pin.frame], (height, width), is_round=entry.get("round", False))[at]
            for entry in objects
        )
        row = session.answer(pin)
        assert row.cell_share[row.own_cells].sum() < AWAY
        clips += 1
    assert clips == 7
    assert hits >= ON_AN_OBJECT
