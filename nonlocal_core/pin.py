"""A pin: one question with all that decides what its picture shows. Screen, link, shell and files take the same."""

from dataclasses import dataclass
from typing import Required, TypedDict

from nonlocal_core.look import Look
from nonlocal_core.vocabulary import Direction


class PinFields(TypedDict, total=False):
    """The fields of a ``Pin`` as keyword arguments."""

    frame: Required[int]
    x: Required[float]
    y: Required[float]
    block: str | None
    direction: Direction
    view: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A pinned question: a point of a frame, the block, which way to look, and how the answer is drawn.

    Raises UnknownNameError for a word of the view that is not known.
    """

    frame: int
    x: float
    y: float
    """x and y in [0, 1] of the shown frame, y downwards."""
    block: str | None = None
    """None for the block that is shown first."""
    direction: Direction = "row"
    """"row": where the point looks; "column": who looks at it."""
    view: str = ""
    """The words of a ``Look``; empty for the usual one."""

    def __post_init__(self) -> None:
        """Refuse a view that cannot be drawn."""
        Look.parse(self.view)

    @property
    def look(self) -> Look:
        """How the answer is drawn."""
        return Look.parse(self.view)
