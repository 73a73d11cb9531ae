"""Sizes of a map that a call states beside its tokens."""

import pytest
import torch

from nonlocal_core.capture.adapters.seen.windows import _stated_hw

CELLS = 12


@pytest.mark.parametrize(
    ("args", "kwargs", "stated"),
    [
        (((3, 4),), {}, (3, 4)),
        (([4, 3],), {}, (4, 3)),
        ((torch.Size([2, 6]),), {}, (2, 6)),
        ((2, 6), {}, (2, 6)),
        (("a layer", 7), {"height": 4, "width": 3}, (4, 3)),
        (((1.5, 8), (3, 4)), {}, (3, 4)),  # half a row is no row, whichever of the two is whole
        (((8, 1.5),), {}, None),
        ((True, 12), {}, None),  # a switch is no number of rows
        (((3, 4, 1),), {}, None),
        (((3, 5),), {}, None),
        ((12,), {}, None),
    ],
)
def test_a_size_is_two_whole_numbers_that_make_up_the_cells(args, kwargs, stated):
    assert _stated_hw((args, kwargs), CELLS) == stated
