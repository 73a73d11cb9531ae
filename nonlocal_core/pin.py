"""A pin: one question with everything that determines its picture, shared by screen, link, shell and files."""

from dataclasses import dataclass, replace
from typing import Required, TypedDict

from nonlocal_core.errors import SelectionError
from nonlocal_core.look.choices import Look
from nonlocal_core.vocabulary import Direction

Point = tuple[int, float, float]
"""(frame, x, y)"""
FrameBox = tuple[int, float, float, float, float]
"""(frame, x0, y0, x1, y1), in units of the shown frame."""
MOST_POINTS = 4096
"""Maximum number of points of one question, including those of the pins beside it: more than the cells of a frame."""
MOST_PINS = 3
"""Maximum number of pins shown together: A, B, C."""
TEMPERATURES = (0.1, 10.0)
"""Minimum and maximum temperature."""
MOST_HOPS = 4
"""Maximum number of hops of a question."""


class PinFields(TypedDict, total=False):
    """The fields of a ``Pin`` as keyword arguments."""

    frame: Required[int]
    x: Required[float]
    y: Required[float]
    also: tuple[Point, ...]
    minus: tuple[Point, ...]
    beside: tuple[tuple[Point, ...], ...]
    temperature: float
    hops: int
    asker: str | None
    block: str | None
    direction: Direction
    view: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A pinned question: a point of a frame, the block, the direction to look, and the options for drawing.

    Raises UnknownNameError for an unknown word of the view, SelectionError for too many points or pins, for a
    temperature out of its range or of a column, and for hops out of their range, of a column or of several pins.
    """

    frame: int
    x: float
    y: float
    """Coordinates x and y in [0, 1] of the shown frame, y downwards."""
    also: tuple[Point, ...] = ()
    """Further points; the answer is the mean over all."""
    minus: tuple[Point, ...] = ()
    """Points whose mean is subtracted."""
    beside: tuple[tuple[Point, ...], ...] = ()
    """Questions shown beside this one, A first, each as the points whose mean it asks; this one is the last letter."""
    temperature: float = 1.0
    """Divisor of the scores before the softmax; 1 is the network's."""
    hops: int = 1
    """Number of hops: 1 for the row itself; each further one follows the rows of the layer before (`capture.hops`)."""
    asker: str | None = None
    """One of the block's askers, such as "class token", that asks instead of the point; None for the point. For a layer
    whose keys are not positions, such as words, the key that is looked at."""
    block: str | None = None
    """Name of the block; None for the one that is shown first."""
    direction: Direction = "row"
    """"row": the weights that the point gives; "column": the weights given to it."""
    view: str = ""
    """The words of a ``Look``; empty for the usual one."""

    def __post_init__(self) -> None:
        """Refuse a question that cannot be asked or drawn."""
        Look.parse(self.view)
        points = 1 + len(self.also) + len(self.minus) + sum(map(len, self.beside))
        if points > MOST_POINTS:
            raise SelectionError(f"A question has up to {MOST_POINTS} points; got {points}. Ask fewer.")
        if len(self.beside) >= MOST_PINS or not all(self.beside):
            raise SelectionError(
                f"Up to {MOST_PINS} pins are shown together, each with a point; got {1 + len(self.beside)}."
            )
        low, high = TEMPERATURES
        if not low <= self.temperature <= high:
            raise SelectionError(f"A temperature is from {low} to {high}; got {self.temperature}.")
        if self.temperature != 1 and self.direction == "column":
            raise SelectionError("Only where a point looks has a temperature. Ask that, or leave it at 1.")
        if not 1 <= self.hops <= MOST_HOPS:
            raise SelectionError(f"A look is followed for 1 to {MOST_HOPS} hops; got {self.hops}.")
        if self.hops > 1 and (self.direction == "column" or self.beside):
            raise SelectionError("Further hops follow where one question looks: no column, no pins beside it.")
        if self.asker is not None and self.direction == "column":
            raise SelectionError(
                f"Only where {self.asker!r} looks can be asked, or who looks at it where it is a key. Leave the "
                "direction at row."
            )

    @property
    def points(self) -> tuple[Point, ...]:
        """All asked points, without those that are subtracted and the pins beside it."""
        return ((self.frame, self.x, self.y), *self.also)

    @property
    def all(self) -> tuple["Pin", ...]:
        """All pins that are shown, A first, each as a separate question."""
        return (*(_by_itself(self, points) for points in self.beside), replace(self, beside=()))

    @property
    def look(self) -> Look:
        """The look that is named by the words of the view."""
        return Look.parse(self.view)


def _by_itself(pin: Pin, points: tuple[Point, ...]) -> Pin:
    """Return a pin that asks these points alone and is otherwise the same."""
    (frame, x, y), *also = points
    return replace(pin, frame=frame, x=x, y=y, also=tuple(also), minus=(), beside=())
