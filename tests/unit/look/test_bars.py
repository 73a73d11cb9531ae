"""Bars of shares: one scale, and a break where one dwarfs the others."""

import numpy as np
import pytest

from nonlocal_core.look import bar_heights


@pytest.mark.parametrize(
    ("shares", "heights", "cut"),
    [
        ([0.2, 0.4], [0.5, 1.0], None),
        ([0.9, 0.01, 0.02], [1.0, 0.25, 0.5], 0),
        ([0.08, 0.32], [0.25, 1.0], None),
        ([1.0, 0.0], [1.0, 0.0], None),
        ([0.0, 0.0], [0.0, 0.0], None),
        ([0.3], [1.0], None),
    ],
)
def test_heights(shares, heights, cut):
    found, which = bar_heights(np.array(shares))
    assert found.tolist() == pytest.approx(heights)
    assert which == cut
