"""Variants of a step: the blocks that are shown in the place of those of its session."""

import numpy as np

from nonlocal_core.course.variants import varied


def test_pooled_keys_stand_beside_all_of_them(session):
    pooled, whole = varied(session, "pooled").capture.blocks
    block = session.block("stride16")
    assert (whole.name, whole.title) == ("stride16", "all keys")
    np.testing.assert_array_equal(whole.phi, block.phi)
    assert pooled.key_grid.shape == block.query_grid.pooled((1, 2, 2)).shape
    np.testing.assert_array_equal(pooled.theta, block.theta)


def test_scopes_have_the_tables_of_the_block_and_other_sums(session):
    block = session.block("stride16")
    shown = varied(session, "scopes").capture.blocks
    assert [each.scope for each in shown] == ["spacetime", "space", "time"]
    assert [each.name for each in shown] == [each.scope for each in shown]
    for each in shown:
        np.testing.assert_array_equal(each.theta, block.theta)
