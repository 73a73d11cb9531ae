"""A pin: one question with all that decides what its picture shows. Screen, link, shell and files take the same."""

from dataclasses import dataclass
from typing import Required, TypedDict

from nonlocal_core.errors import SelectionError
from nonlocal_core.look.choices import Look
from nonlocal_core.vocabulary import Direction

Point = tuple[int, float, float]
"""(frame, x, y)"""
FrameBox = tuple[int, float, float, float, float]
"""(frame, x0, y0, x1, y1), in units of the shown frame."""
MOST_POINTS = 400
"""Points of one question."""


class PinFields(TypedDict, total=False):
    """The fields of a ``Pin`` as keyword arguments."""

    frame: Required[int]
    x: Required[float]
    y: Required[float]
    also: tuple[Point, ...]
    minus: tuple[Point, ...]
    block: str | None
    direction: Direction
    view: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A pinned question: a point of a frame, the block, which way to look, and how the answer is drawn.

    Raises UnknownNameError for a word of the view that is not known, SelectionError for too many points.
    """

    frame: int
    x: float
    y: float
    """x and y in [0, 1] of the shown frame, y downwards."""
    also: tuple[Point, ...] = ()
    """Further points; the answer is the mean over all."""
    minus: tuple[Point, ...] = ()
    """Points whose mean is taken away."""
    block: str | None = None
    """None for the block that is shown first."""
    direction: Direction = "row"
    """"row": where the point looks; "column": who looks at it."""
    view: str = ""
    """The words of a ``Look``; empty for the usual one."""

    def __post_init__(self) -> None:
        """Refuse what cannot be asked or drawn."""
        Look.parse(self.view)
        if len(self.also) + len(self.minus) >= MOST_POINTS:
            raise SelectionError(
                f"A question has up to {MOST_POINTS} points; got {1 + len(self.also) + len(self.minus)}. Ask fewer."
            )

    @property
    def look(self) -> Look:
        """The look that the words of the view name."""
        return Look.parse(self.view)
