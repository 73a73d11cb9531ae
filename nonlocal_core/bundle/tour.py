"""A guided tour as JSON, in the header of a bundle, in a separate file, and from the browser."""

import json
from collections.abc import Sequence
from pathlib import Path

from nonlocal_core.bundle.contents import MAX_TOUR_STOPS, Question, TourStop
from nonlocal_core.bundle.fields import Fields
from nonlocal_core.errors import BundleError
from nonlocal_core.pin import MOST_HOPS, MOST_POINTS, Point
from nonlocal_core.vocabulary import DIRECTIONS

MAX_TOUR_BYTES = 1_000_000
"""Maximum size of a tour file in bytes."""
_WHAT = "tour"


def question_as_json(question: Question) -> dict[str, object]:
    """Return a question in the viewer's JSON form."""
    return {"frame": question.frame, "x": float(question.x), "y": float(question.y)}


def points_as_json(points: Sequence[Point]) -> list[dict[str, object]]:
    """Return points in the viewer's JSON form."""
    return [question_as_json(Question(frame=frame, x=x, y=y)) for frame, x, y in points]


def points_in(fields: Fields, key: str, frame_count: int) -> tuple[Point, ...]:
    """Return the points of a field. Raises BundleError."""
    found = (question_in(point, frame_count) for point in fields.children(key, most=MOST_POINTS))
    return tuple((point.frame, point.x, point.y) for point in found)


def tour_as_json(tour: Sequence[TourStop]) -> list[dict[str, object]]:
    """Return the stops in the viewer's JSON form.

    >>> tour_as_json([TourStop(question=Question(frame=2, x=0.4, y=0.5), caption="The nose.")])
    [{'frame': 2, 'x': 0.4, 'y': 0.5, 'caption': 'The nose.', 'block': None, 'direction': 'row'}]
    """
    return [
        {
            **question_as_json(stop.question),
            "caption": stop.caption,
            "block": stop.block,
            "direction": stop.direction,
            **({"hops": stop.hops} if stop.hops > 1 else {}),
        }
        for stop in tour
    ]


def question_in(fields: Fields, frame_count: int) -> Question:
    """Return the question in these fields. Raises BundleError."""
    return Question(
        frame=fields.count("frame", below=frame_count),
        x=fields.number("x", low=0.0, high=1.0),
        y=fields.number("y", low=0.0, high=1.0),
    )


def hops_in(fields: Fields) -> int:
    """Return the field ``hops``, or 1 if there is none. Raises BundleError."""
    return fields.count("hops", start=1, below=MOST_HOPS + 1) if fields.has("hops") else 1


def tour_in(fields: Fields, frame_count: int, blocks: Sequence[str] | None) -> tuple[TourStop, ...]:
    """Return the stops in the field ``tour``. Raises BundleError."""
    return tuple(_stop(stop, frame_count, blocks) for stop in fields.children("tour", most=MAX_TOUR_STOPS))


def read_tour(found: object, *, frame_count: int, blocks: Sequence[str] | None = None) -> tuple[TourStop, ...]:
    """Return the stops of an untrusted list of objects with ``frame``, ``x``, ``y`` and ``caption``.

    ``block``, ``direction`` and ``hops`` are optional. ``blocks``: the names that a stop may have; None allows any.
    Raises BundleError with a sentence that names the field.
    """
    return tour_in(Fields({"tour": found}, "", _WHAT), frame_count, blocks)


def open_tour(path: Path, *, frame_count: int, blocks: Sequence[str]) -> tuple[TourStop, ...]:
    """Return the stops in a JSON file; see ``read_tour``. Raises BundleError."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_TOUR_BYTES + 1)
        if len(content) > MAX_TOUR_BYTES:
            raise BundleError(f"A tour has up to {MAX_TOUR_BYTES:,} bytes; {path} has more. Give fewer stops.")
        found = json.loads(content)
    except (OSError, ValueError, RecursionError) as error:  # ValueError: no JSON, no text, or a number without end
        raise BundleError(f"A tour is a list in JSON; reading {path} failed: {error}.") from error
    return read_tour(found, frame_count=frame_count, blocks=blocks)


def _stop(fields: Fields, frame_count: int, blocks: Sequence[str] | None) -> TourStop:
    given = fields.as_dict()
    named = given.get("block") is not None
    return TourStop(
        question=question_in(fields, frame_count),
        caption=fields.text("caption"),
        block=None if not named else fields.text("block") if blocks is None else fields.choice("block", blocks),
        direction=fields.choice("direction", DIRECTIONS) if "direction" in given else "row",
        hops=hops_in(fields),
    )
