"""Facts that take runs of the network: figures of the session, as it measures them."""

import numpy as np
import pytest

from nonlocal_core import Pin, Session
from nonlocal_core.ancestors.filters import NlMeans
from nonlocal_core.course import measured
from nonlocal_core.measures.filtered import filtered
from nonlocal_core.measures.receptive_field import Journey
from nonlocal_core.measures.strength import answer_at_strength

PIN = Pin(frame=1, x=0.4, y=0.6)


def silent(done, total):
    assert 0 < done <= total


def test_strengths_are_answers_of_the_network(session, monkeypatch):
    monkeypatch.setattr(measured, "STRENGTHS", (0.0, 1.0))
    (choice,) = measured.strengths(session, silent)
    assert choice.names[choice.first] == "1"
    at_nothing = choice.sets[choice.names.index("0")][0]
    truth = answer_at_strength(session, "stride8", 0.0)
    for bar in at_nothing.bars:
        assert bar.share == pytest.approx(truth.probabilities[truth.classes.index(bar.name)])
    assert choice.sets[choice.first][0].note == "Probability that changed hands: 0.00 %."


def test_a_map_is_believed_by_its_figures(session, monkeypatch):
    monkeypatch.setattr(measured, "RUNS", 1)
    said, table = measured.believed(session, Pin(frame=1, x=0.4, y=0.6, block="stride16"), silent)
    assert said.failing == said.text.startswith(("Do not", "The map says"))
    assert table.head[1:] == tuple(measured.CUT_TITLES.values())
    keys = [int(row[0].split(",")[0]) for row in table.rows]
    assert keys[0] == 1
    assert keys[-1] == keys[-2], "the answer, for as many keys as the last"


def test_nobody_wears_a_mark_elsewhere(session):
    (said,) = measured.marks(session, PIN, silent)
    assert "Nobody" in said.text


@pytest.mark.parametrize("noise", [0.0, 0.08])
def test_a_filtered_frame_is_shown_with_its_ratio_and_its_relative(noise):
    """The ratio of peak to noise is 10 log10(1 / mean squared error), of values from 0 to 1."""
    rgb = np.random.default_rng(2).integers(0, 256, (2, 20, 28, 3), np.uint8)
    session = Session.open(rgb, NlMeans(noise=noise), short_side=20)
    pin = Pin(frame=1, x=0.26, y=0.51)
    (shown,) = measured.pixels(session, pin)
    words = [picture.words for picture in shown.pictures]
    cell = session.block().query_grid.cell_at(frame=1, x=pin.x, y=pin.y)
    assert {picture.ring for picture in shown.pictures} == {((cell.x + 0.5) / 28, (cell.y + 0.5) / 20)}
    if not noise:
        assert words == ["As it is", "Filtered"]
        return
    found = filtered(session, frame=1)
    clean = rgb[1] / 255
    ratios = [10 * np.log10(1 / np.mean((picture - clean) ** 2)) for picture in (found.before, found.after)]
    assert words[:2] == [
        f"{name}, PSNR {ratio:.1f} dB" for name, ratio in zip(("With noise", "Filtered"), ratios, strict=True)
    ]
    assert words[2].startswith("BM3D")


def test_costs_are_timed_for_every_function_and_count(monkeypatch):
    monkeypatch.setattr(measured, "COUNTS", (30, 50))
    told = []
    found = measured.timed_costs(lambda done, total: told.append((done, total)))
    assert list(found) == [(pairwise, count) for pairwise in measured.FUNCTIONS for count in (30, 50)]
    assert all(cost.positions == count for (_, count), cost in found.items())
    assert told == [(done, len(found)) for done in range(1, len(found) + 1)]


@pytest.mark.parametrize(
    ("way", "where", "steps", "convolutions"),
    [
        (
            {"frames": 2, "cells": 1},
            "2 frames earlier and 1 cell away",
            "2, to its own place; sideways it does not",
            "2",
        ),
        ({"frames": 1, "cells": 0}, "1 frame earlier and 0 cells away", "1", "1"),
        ({"frames": -1, "cells": 3}, "1 frame later and 3 cells away", "never: it runs forward in time", "3"),
        ({"frames": 0, "cells": 4}, "lies 4 cells away", "0, to its own place; sideways it does not", "4"),
    ],
)
def test_a_journey_is_told_in_frames_and_cells(way, where, steps, convolutions):
    said, table = measured._journey_facts(Journey(**way))
    assert where in said.text
    assert table.rows[2] == ("one non-local block", "1")
    assert table.rows[0][1] == convolutions
    assert table.rows[1][1].startswith(steps)
