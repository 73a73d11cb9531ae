"""Classes that predict together: the marks of their readers by a code, in bounded memory, without names.

CLASSES.begin(reader), CLASSES.mark(code, reader, question, cells), CLASSES.together(code, question)
"""

import secrets
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import numpy as np

from nonlocal_core.errors import ClassError

LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""Letters of a code, none of which is mistaken for another when read aloud or from a wall."""
LENGTH = 6
MOST_CLASSES = 40
MOST_OF_ONE = 3
"""Maximum number of classes that one reader holds at once."""
MOST_READERS = 300
"""Maximum number of readers of one question of a class."""
MOST_QUESTIONS = 12
"""Maximum number of questions of a class, whose oldest makes room."""
MOST_CELLS = 10_000
"""Maximum number of cells of a frame."""
IDLE_SECONDS = 3 * 3600.0
"""Seconds for which a class is held after its last use."""


@dataclass(frozen=True, slots=True)
class Together:
    """Marks of a class on one question."""

    readers: int
    counts: tuple[int, ...]
    """Number of readers who marked each cell."""


@dataclass(slots=True)
class _Class:
    owner: str
    used: float
    questions: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """One bit per cell, by reader, by question: at most 180 MB for all classes."""


class Classes:
    """Classes by their codes; safe to use from several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[str, _Class] = {}

    def begin(self, reader: str) -> str:
        """Return the code of a new class; the oldest one of the same reader makes room if there are too many.

        Raises ClassError if the server is full.
        """
        with self._lock:
            self._drop_idle()
            own = [code for code, each in self._held.items() if each.owner == reader]
            for code in own[: max(len(own) - MOST_OF_ONE + 1, 0)]:
                del self._held[code]
            if len(self._held) >= MOST_CLASSES:
                raise ClassError(
                    f"This server holds {MOST_CLASSES} classes at once, and has as many. Try again in an hour, or "
                    "save the step as a file, which collects codes."
                )
            code = next(code for code in iter(_draw, "") if code not in self._held)
            self._held[code] = _Class(reader, self._clock())
            return code

    def owns(self, code: str, reader: str) -> bool:
        """Return whether a reader began the class."""
        with self._lock:
            return code in self._held and self._held[code].owner == reader

    def mark(self, code: str, reader: str, question: str, cells: Collection[int]) -> None:
        """Store the cells that a reader marked, in place of the same reader's earlier marks; ignore an empty mark.

        Raises ClassError for a class that is not held, one with too many readers, and impossible cells.
        """
        if not all(0 <= cell < MOST_CELLS for cell in cells):
            raise ClassError(f"A frame has up to {MOST_CELLS:,} cells in a class. Choose a smaller clip.")
        with self._lock:
            found = self._class(code)
            marked = found.questions.setdefault(question, {})
            while len(found.questions) > MOST_QUESTIONS:
                del found.questions[next(iter(found.questions))]
            if reader not in marked and len(marked) >= MOST_READERS:
                raise ClassError(f"A class has up to {MOST_READERS} readers. Begin a second one for the others.")
            if cells:
                chosen = np.zeros(MOST_CELLS, bool)
                chosen[list(cells)] = True
                marked[reader] = np.packbits(chosen).tobytes()

    def together(self, code: str, question: str, cells: int) -> Together:
        """Return the readers' marks so far on a question with ``cells`` cells. Raises ClassError."""
        with self._lock:
            marked = self._class(code).questions.get(question, {})
            counts = np.zeros(max(cells, MOST_CELLS), int)
            for chosen in marked.values():
                counts[:MOST_CELLS] += np.unpackbits(np.frombuffer(chosen, np.uint8))
            return Together(len(marked), tuple(counts[:cells].tolist()))

    def _class(self, code: str) -> _Class:
        self._drop_idle()
        found = self._held.get(code)
        if found is None:
            raise ClassError(
                "There is no class of this code. Read it again, or have the class begun anew: it is forgotten "
                f"{IDLE_SECONDS / 3600:.0f} hours after its last mark, and when the server stops."
            )
        found.used = self._clock()
        return found

    def _drop_idle(self) -> None:
        oldest = self._clock() - IDLE_SECONDS
        self._held = {code: each for code, each in self._held.items() if each.used >= oldest}


def _draw() -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(LENGTH))


def code_in(text: object) -> str | None:
    """Return the code that a link or a person gives, in any case and with spaces, or None if it is not a code."""
    code = "".join(str(text).upper().split()) if isinstance(text, str) else ""
    return code if len(code) == LENGTH and set(code) <= set(LETTERS) else None


CLASSES = Classes()
