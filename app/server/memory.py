"""Memory of a visitor's results, so that nothing is computed twice for the same view."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Protocol, TypeVar, cast

import streamlit as st

from nonlocal_core import MediaError

Result = TypeVar("Result")

MOST_RESULTS = 24
"""Maximum number of results of one visitor, least recently used first out: numbers, small tables or a few pictures."""
_KEY = "results"


class Steps(Protocol):
    """Display of the progress of a task, under its usual words or others that are given."""

    def __call__(self, done: int, total: int, words: str = ..., /) -> None:
        """Show the steps done."""
        ...


def remembered(key: Hashable, stage: str, compute: Callable[[Steps], Result]) -> Result:
    """Return the result of ``compute``, kept from earlier in this visit if the key is the same.

    ``key``: all that the result depends on. ``compute`` is passed a function to call with the number of steps done and
    the total, which shows them under the words of ``stage`` or under others that it is given. A refused file is a
    result too: its MediaError is raised again.
    """
    kept = cast(OrderedDict[Hashable, Result | MediaError], st.session_state.setdefault(_KEY, OrderedDict()))
    if key not in kept:
        slot = st.empty()

        def tell(done: int, total: int, words: str = stage) -> None:
            slot.progress(done / max(total, 1), text=words)

        tell(0, 1)
        try:
            kept[key] = compute(tell)
        except MediaError as refusal:
            kept[key] = refusal
        slot.empty()
        while len(kept) > MOST_RESULTS:
            kept.popitem(last=False)
    kept.move_to_end(key)
    if isinstance(found := kept[key], MediaError):
        raise found
    return found
