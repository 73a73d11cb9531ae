"""What a network states of itself: attributes, keys, nothing, and what raises."""

from types import SimpleNamespace

import pytest

from nonlocal_core.running.statements import stated


class Odd:
    """An object whose properties and keys raise."""

    @property
    def config(self):
        raise RuntimeError("not built yet")


@pytest.mark.parametrize(
    ("holder", "path", "found"),
    [
        (SimpleNamespace(config=SimpleNamespace(size=3)), ("config", "size"), 3),
        (SimpleNamespace(config={"size": {"height": 4}}), ("config", "size", "height"), 4),
        ({"size": 0}, ("size",), 0),
        ({"size": 0}, ("width",), None),
        ({"size": 0}, ("size", "height"), None),
        (SimpleNamespace(config=None), ("config", "size"), None),
        (Odd(), ("config", "size"), None),
        (7, (), 7),
    ],
)
def test_what_lies_behind_names_is_found_or_none(holder, path, found):
    assert stated(holder, *path) == found
