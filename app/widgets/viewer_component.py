"""The viewer as a Streamlit component: the same script that the exported page runs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import streamlit as st

from nonlocal_core import Pin
from nonlocal_core.viewer import viewer_css, viewer_js
from nonlocal_core.vocabulary import Direction

from ..server.byte_store import bundle_address, columns_address
from ..server.tours import KeptTour
from ..server.visit import known_view, with_listed

_component = st.components.v2.component("nonlocal_viewer", js=viewer_js(), css=viewer_css())


class ViewerResult(NamedTuple):
    """State of the visitor's viewer: the pinned question, and the tour as the browser sent it, if any."""

    pin: Pin | None
    stops: object


def viewer(token: str, *, first: Pin | None, tour: KeptTour, is_saved: bool = False) -> ViewerResult:
    """Draw the viewer on the bundle of that token and return the visitor's pin and tour.

    ``first``: the pin on arrival. ``tour``: its stops on arrival, or the bundle's if it has none.
    ``is_saved``: whether the bundle was read from a file, so that nothing is made for it later. Hovering stays in the
    browser; only pins and tours are sent here.
    """
    asked = None if first is None else asdict(first)
    answer = _component(
        key=f"viewer-{token}",
        data=_as_list(
            {
                **_sources(token, is_saved=is_saved),
                "query": asked,
                "block": first and first.block,
                "tour": tour.as_json(),
            }
        ),
        default={"pinned": asked, "tour": None},
        on_pinned_change=lambda: None,
        on_tour_change=lambda: None,
    )
    return ViewerResult(_pin(answer.pinned), answer.tour)


class WantedStep(NamedTuple):
    """Request for a step of a lesson, with the browser's time, which distinguishes two such requests."""

    id: str
    at: float


class LessonResult(NamedTuple):
    """State of the viewer of a lesson: the pinned question, and the latest requested step, if any."""

    pin: Pin | None
    step: WantedStep | None


def lesson(token: str, step: Mapping[str, object], *, first: Pin | None, block: str | None) -> LessonResult:
    """Draw the viewer with a step of a lesson around it, in one place for all steps.

    ``step``: the data for ``viewer/controls/lesson.js``. ``first``: the pin on arrival, at ``block``.
    """
    asked = None if first is None else asdict(first)
    answer = _component(
        key="learn",
        data=_as_list(
            {
                **_sources(token),
                "query": asked,
                "block": block,
                "lesson": dict(step),
                "tour": {"clip": "lesson", "stops": []},
            }
        ),
        default={"pinned": asked, "tour": None, "step": None},
        on_pinned_change=lambda: None,
        on_tour_change=lambda: None,
        on_step_change=lambda: None,
    )
    return LessonResult(_pin(answer.pinned), _wanted(answer.step))


def _wanted(sent: Any) -> WantedStep | None:
    match sent:
        case {"id": str(step), "at": float() | int() as at}:
            return WantedStep(step, float(at))
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pane:
    """One of several answers side by side: a block of a bundle, and its title in the comparison."""

    token: str
    """Token of the bundle: panes of one bundle fetch it once."""
    block: str
    title: str
    clip: str
    """Any text that identifies a clip with its frames."""
    is_saved: bool = False
    """True for a bundle that was read from a file, for which nothing is made later."""


def side_by_side(panes: Sequence[Pane], *, first: Pin | None, tour: KeptTour) -> Pin | None:
    """Draw several answers under one pointer and return the visitor's pin, as a question to the first clip.

    ``first``: the pin on arrival. ``tour``: the tour of the first clip, to walk through while presenting.
    """
    asked = None if first is None else asdict(first)
    answer = _component(
        key=f"compare-{panes[0].clip}",
        data=_as_list(
            {
                "mode": "compare",
                "query": asked,
                "tour": tour.as_json(),
                "panes": [asdict(pane) | _sources(pane.token, is_saved=pane.is_saved) for pane in panes],
            }
        ),
        default={"pinned": asked},
        on_pinned_change=lambda: None,
    )
    return _pin(answer.pinned)


def _as_list(data: dict[str, Any]) -> list[dict[str, Any]]:
    """Return data in a form in which Streamlit does not look for tables, for which it would import pandas first."""
    return [data]


def _sources(token: str, *, is_saved: bool = False) -> dict[str, str]:
    """Return the addresses at which the browser finds a bundle, and the bundle's id."""
    later = {} if is_saved else {"columns": columns_address(token)}
    return {"url": bundle_address(token), "id": token, **later}


def _pin(sent: Any) -> Pin | None:
    """Read the browser's value, no part of which is trusted."""
    match sent:
        case {"frame": int(frame), "x": float() | int() as x, "y": float() | int() as y, "block": None | str()}:
            block: str | None = sent["block"]
            direction: Direction = "column" if sent.get("direction") == "column" else "row"
            view = known_view(sent.get("view"))
            pin = Pin(frame=frame, x=float(x), y=float(y), block=block, direction=direction, view=view)
            return with_listed(pin, sent)
    return None
