"""Facts of the steps: figures of the session, as plain data."""

import json

import numpy as np

from nonlocal_core import Pin
from nonlocal_core.course import facts
from nonlocal_core.measures.variants import pooled, scopes_of, with_blocks

PIN = Pin(frame=1, x=0.4, y=0.6)


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


def test_all_facts_are_plain_data_with_their_kind(session):
    found = (*facts.sizes(session), *facts.claims(), facts.Said(text="x"))
    listed = json.loads(json.dumps(facts.as_json(found)))
    assert [fact["kind"] for fact in listed] == ["table", "table", "said"]
    assert np.shape(listed[1]["rows"])[1] == len(listed[1]["head"])
