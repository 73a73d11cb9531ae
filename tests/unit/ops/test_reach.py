"""Which keys a query may attend to, and sentences for what cannot be."""

import pytest
from unchecked_shapes import unchecked  # noqa: F401, a fixture

from nonlocal_core.errors import ShapeError, UnknownNameError
from nonlocal_core.ops import Reach


def test_counts():
    reach = Reach(query_thw=(6, 5, 9), kernel=(1, 2, 4), scope="spacetime", temporal_groups=3)
    assert reach.key_thw == (6, 2, 2)
    assert (reach.query_count, reach.key_count, reach.keys_per_query) == (270, 24, 8)


def test_the_floor_sends_the_last_queries_to_the_last_key():
    reach = Reach(query_thw=(1, 11, 7), kernel=(1, 4, 2))
    assert reach.own(1) == [0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1]
    assert reach.own(2) == [0, 0, 1, 1, 2, 2, 2]


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("fields", "error", "sentence"),
    [
        ({"scope": "nearby"}, UnknownNameError, "no scope called 'nearby'. Choose one of: spacetime, space, time"),
        ({"kernel": (1, 7, 2)}, ShapeError, r"leaves no key on \(6, 5, 9\)"),
        ({"kernel": (0, 1, 1)}, ShapeError, "start at 1"),
        ({"temporal_groups": 0}, ShapeError, "start at 1"),
        ({"temporal_groups": 4}, ShapeError, "divisible by 4; got 6"),
        ({"temporal_groups": 2, "kernel": (2, 1, 1)}, ShapeError, "divisible by 4; got 6"),
    ],
)
def test_refuses(fields, error, sentence):
    with pytest.raises(error, match=sentence):
        Reach(**{"query_thw": (6, 5, 9), **fields})
