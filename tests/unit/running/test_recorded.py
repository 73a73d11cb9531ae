"""A run of a network of this library on frames."""

import pytest

from nonlocal_core import SelectionError, Session


@pytest.mark.parametrize("side", [-5, 0, 31, 1025, True])
def test_a_short_side_that_no_input_has_is_refused_with_its_bounds(side):
    with pytest.raises(SelectionError, match="from 32 to 1024; got"):
        Session.open("sample:chelsea", short_side=side)


def test_a_short_side_sets_the_cells():
    grids = [Session.open("sample:chelsea", short_side=side).block("stride16").query_grid for side in (224, 448)]
    assert [grid.rows for grid in grids] == [14, 28]
