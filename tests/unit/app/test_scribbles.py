"""What the browser sends of scribbles may be anything."""

import pytest

from app.widgets.scribbles import _labels


@pytest.mark.parametrize(
    "sent",
    [
        None,
        7,
        "x",
        {"id": "another", "labels": [[0, 1]]},
        {"id": "clip", "labels": "0,1"},
        {"id": ["clip"], "labels": []},
    ],
)
def test_what_is_no_message_of_this_picture_is_nothing(sent):
    assert _labels(sent, "clip", 6) is None


def test_cells_that_are_not_there_and_labels_that_are_none_are_left_out():
    sent = [[5, 1], [6, 0], [-1, 0], [2, 2], [1, 0.0], ["1", 0], [3], [0, 0]]
    assert _labels({"id": "clip", "labels": sent}, "clip", 100) == ((0, 0), (5, 1), (6, 0))
    assert _labels({"id": "clip", "labels": [[5, 1], [1, 0], [0, 0]]}, "clip", 3) == ((0, 0), (1, 0))
