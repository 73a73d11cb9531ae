"""Queue for resources that serve few visitors at a time; those who wait see their place and a time, and may leave."""

import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

TELL_SECONDS = 0.25
"""Seconds between two reports to waiting visitors. A report to a visitor who has left raises, and frees the place."""
_FORGETTING = 0.3
"""Weight of the latest turn in the mean duration of turns."""
_ORDINALS = {1: "st", 2: "nd", 3: "rd"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Place of a waiting visitor, 1 for the next, among ``count``; ``seconds``: the expected time, 0 if unknown."""

    number: int
    count: int
    seconds: float
    awaited: str = "the run before this one"
    """Name of the awaited work."""

    @property
    def words(self) -> str:
        """The place in words.

        >>> Place(number=2, count=5, seconds=39.7).words
        'Waiting for the run before this one: 2nd of 5, about 40 s'
        """
        suffix = "th" if self.number % 100 in (11, 12, 13) else _ORDINALS.get(self.number % 10, "th")
        about = f", about {max(self.seconds, 1):.0f} s" if self.seconds else ""
        return f"Waiting for {self.awaited}: {self.number}{suffix} of {self.count}{about}"


@dataclass(frozen=True, slots=True, eq=False)
class _Turn:
    who: Hashable


class Queue:
    """First-come, first-served queue; safe to use from several threads.

    ``at_once``: the number served in parallel, at most one for each visitor. ``awaited``: see `Place`.
    """

    def __init__(self, at_once: int = 1, awaited: str = "the run before this one") -> None:
        self._at_once, self._awaited = at_once, awaited
        self._changed = threading.Condition()
        self._line: list[_Turn] = []
        self._served: dict[_Turn, float] = {}
        self._usual = 0.0

    @contextmanager
    def turn(self, tell: Callable[[Place], None], who: Hashable = None) -> Iterator[None]:
        """Wait for a turn and hold it. ``tell`` is called repeatedly with the place; the caller leaves if it raises.

        ``who``: a visitor, whose second turn waits for the first; None for no visitor.
        """
        me = _Turn(who)
        with self._changed:
            self._line.append(me)
        try:
            while (place := self._place(me)) is not None:
                tell(place)
                with self._changed:
                    self._changed.wait_for(lambda: self._may_begin(me), TELL_SECONDS)
            yield
        finally:
            with self._changed:
                began = self._served.pop(me, None)
                if began is None:
                    self._line.remove(me)
                else:
                    self._usual += (_FORGETTING if self._usual else 1.0) * (time.monotonic() - began - self._usual)
                self._changed.notify_all()

    def _place(self, me: _Turn) -> Place | None:
        """Return the place of a waiting caller, or None if its turn begins now."""
        with self._changed:
            now = time.monotonic()
            if self._may_begin(me):
                self._line.remove(me)
                self._served[me] = now
                return None
            ahead = self._line.index(me)
            longest = now - min(self._served.values(), default=now)
            left = max(self._usual - longest, 0.0) + ahead // self._at_once * self._usual if self._usual else 0.0
            return Place(number=ahead + 1, count=len(self._line), seconds=left, awaited=self._awaited)

    def _may_begin(self, me: _Turn) -> bool:
        """Return whether a caller is the first in the queue whose visitor is not served already, and there is room."""
        busy = {turn.who for turn in self._served} - {None}
        first = next((turn for turn in self._line if turn.who not in busy), None)
        return first is me and len(self._served) < self._at_once
