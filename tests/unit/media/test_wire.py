"""What a process says of the frames that it read: believed within what was asked for."""

import io

import pytest

from nonlocal_core.media.wire import frames_in


@pytest.mark.parametrize(
    "shape",
    [[9, 8, 8, 3], [1, 8, 2000, 3], [1, 10**9, 10**9, 3], [1, 8, 8, 4], [0, 8, 8, 3], [1, -8, -8, 3], [1, 8, 3]],
)
def test_more_than_was_asked_for_is_refused_before_it_takes_memory(shape):
    told = io.BufferedReader(io.BytesIO(bytes(1000)))
    with pytest.raises(ValueError, match=r"\d"):
        frames_in({"shape": shape}, told, most=8, max_side=1024)
    assert told.tell() == 0
