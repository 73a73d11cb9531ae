"""Facts of the steps: figures of the session, as plain data."""

import json

import numpy as np
import pytest
from loud_networks import loud_session

from nonlocal_core import Pin
from nonlocal_core.course import facts, measured
from nonlocal_core.measures.strength import answer_at_strength
from nonlocal_core.measures.variants import pooled, scopes_of, with_blocks

PIN = Pin(frame=1, x=0.4, y=0.6)


@pytest.fixture(scope="module")
def session():
    return loud_session()


def silent(done, total):
    assert 0 < done <= total


def test_tables_have_the_sizes_of_the_grids(session):
    block = session.block("stride8")
    size = block.query_grid.size
    table, said = facts.pooling(with_blocks(session, (pooled(block), block)), PIN)
    assert [row[3] for row in table.rows] == [f"{size * size:,}", f"{size * pooled(block).key_grid.size:,}"]
    assert "% of the weight" in said.text
    (scoped,) = facts.scopes(with_blocks(session, scopes_of(block)))
    steps = block.key_grid.steps
    assert [row[1] for row in scoped.rows] == [f"{size:,}", f"{size // steps:,}", f"{steps}"]
    (sizes,) = facts.sizes(session)
    assert [row[0] for row in sizes.rows] == ["stride8", "stride16"]
    assert sizes.rows[0][1] == f"{size * size:,}"


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


def test_all_facts_are_plain_data_with_their_kind(session):
    found = (*facts.sizes(session), *facts.claims(), facts.Said(text="x"))
    listed = json.loads(json.dumps(facts.as_json(found)))
    assert [fact["kind"] for fact in listed] == ["table", "table", "said"]
    assert np.shape(listed[1]["rows"])[1] == len(listed[1]["head"])
