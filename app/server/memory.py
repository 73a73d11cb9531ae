"""Memory of a visitor's results, so that nothing is computed again while the same things are looked at."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Protocol, TypeVar, cast

import streamlit as st

from nonlocal_core import MediaError

Result = TypeVar("Result")

MOST_RESULTS = 24
"""Most results of one visitor, least recently used first out; each is some numbers, a small table or a few pictures."""
_KEY = "results"


class Steps(Protocol):
    """Display of the steps of a work, under other words than its usual ones where some are given."""

    def __call__(self, done: int, total: int, words: str = ..., /) -> None:
        """Show one."""
        ...


def remembered(key: Hashable, stage: str, compute: Callable[[Steps], Result]) -> Result:
    """Return what ``compute`` returns, at once where it was asked before in this visit.

    ``key``: all that the result depends on. ``compute`` gets a function to call with the steps done and all, which
    shows them under the words of ``stage``, or under others that it is given. A file that was refused is a result too:
    its MediaError is raised again.
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
