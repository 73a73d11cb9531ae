"""Queue before what serves one visitor at a time; whoever waits is told a place and a time, and may leave."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

TELL_SECONDS = 0.25
"""How often those who wait are told. Telling raises for a visitor who has left, who then loses the place."""
_FORGETTING = 0.3
"""Weight of the last turn in the mean time of one."""
_ORDINALS = {1: "st", 2: "nd", 3: "rd"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Place of one who waits, 1 for the next, of ``count`` who wait; ``seconds``: how long it takes, 0 if unknown."""

    number: int
    count: int
    seconds: float

    @property
    def words(self) -> str:
        """The place in words.

        >>> Place(number=2, count=5, seconds=39.7).words
        'Waiting for the run before this one: 2nd of 5, about 40 s'
        """
        suffix = "th" if self.number % 100 in (11, 12, 13) else _ORDINALS.get(self.number % 10, "th")
        about = f", about {max(self.seconds, 1):.0f} s" if self.seconds else ""
        return f"Waiting for the run before this one: {self.number}{suffix} of {self.count}{about}"


class Queue:
    """Serves those who come one at a time, in their order; safe to use from several threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._line: deque[object] = deque()
        self._began = 0.0
        self._usual = 0.0

    @contextmanager
    def turn(self, tell: Callable[[Place], None]) -> Iterator[None]:
        """Wait for one's turn and hold it, told the place again and again; who raises from ``tell`` leaves the line."""
        me = object()
        with self._changed:
            self._line.append(me)
        served = False
        try:
            while (place := self._place(me)) is not None:
                tell(place)
                with self._changed:
                    self._changed.wait_for(lambda: self._line[0] is me, TELL_SECONDS)
            served = True
            yield
        finally:
            with self._changed:
                self._line.remove(me)
                if served:
                    took = time.monotonic() - self._began
                    self._usual += (_FORGETTING if self._usual else 1.0) * (took - self._usual)
                    self._began = time.monotonic()
                self._changed.notify_all()

    def _place(self, me: object) -> Place | None:
        """Return the place of one in line, None when it is their turn, which begins with that."""
        with self._changed:
            ahead = self._line.index(me)
            now = time.monotonic()
            if ahead == 0:
                self._began = now
                return None
            left = max(self._usual - (now - self._began), 0.0) + (ahead - 1) * self._usual if self._usual else 0.0
            return Place(number=ahead, count=len(self._line) - 1, seconds=left)
