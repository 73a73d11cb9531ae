"""All choices of one visitor in one record, which the address bar carries, so that a link restores it."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from math import inf, isfinite
from pathlib import Path
from typing import Any, NoReturn, TypeVar, cast

import streamlit as st

from nonlocal_core import Pin, SelectionError, UnknownNameError
from nonlocal_core.look import Look
from nonlocal_core.pin import Point
from nonlocal_core.vocabulary import FIRST_VISIT, SAMPLE_PREFIX, Direction

Number = TypeVar("Number", int, float)

FIRST_CLIP = "sample:bunny"
"""Clip of a first visit, unless another was named when the server was started."""
SERVED = "file:"
"""Prefix of the file that was named when the server was started. No link can name another file."""
SURVEY_PREFIX = "survey:"
"""Prefix of a clip's place in the reading list of the survey that the server shows."""
_KEY = "choices"
_LINK = "link"
_DESTINATION = "destination"
MOST_FRAMES = 64
"""Maximum number of frames of a clip on screen."""
SHORT_SIDES = (128, 160, 192, 224, 256, 320, 384, 448)
"""Sizes of the network's input, in pixels of its short side, that the pages offer."""
MOST_INDEX = 1_000_000
"""Maximum frame and second of a clip that a link may name; no clip that is read has more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Choice of clip, network and frames; None: the sample's choice, else the library's default."""

    clip: str
    """``sample:ID``, ``upload:TOKEN`` for a file of this visitor, ``file:NAME``, the server's, or ``survey:PLACE``."""
    model: str = "default"
    frames: int | None = None
    stride: int | None = None
    start_seconds: float | None = None
    frame_indices: tuple[int, ...] | None = None
    """Indices of exactly the frames to show, ascending, counted from 0 in the file."""
    short_side: int | None = None
    pin: Pin | None = None


@cache
def served() -> Path | None:
    """Return the file or folder that the server was started on, if it was."""
    clip = _asked_at_start().get("clip", FIRST_CLIP)
    return None if clip.startswith(SAMPLE_PREFIX) else Path(clip)


@cache
def first_choices() -> Choices:
    """Return the choices of a visit whose address makes none."""
    asked, own = _asked_at_start(), served()
    return Choices(**({"clip": FIRST_CLIP} | asked | ({"clip": f"{SERVED}{own.name}"} if own else {})))


def _asked_at_start() -> dict[str, Any]:
    """Return the arguments of `nonlocal-viewer CLIP`, as its `open` verb passes them on."""
    return cast(dict[str, Any], json.loads(os.environ.get(FIRST_VISIT, "{}")))


def current() -> Choices:
    """Return the visitor's choices; on the first run, those of the address bar."""
    if _KEY not in st.session_state:
        st.session_state[_KEY] = from_link(st.query_params.to_dict())
    return cast(Choices, st.session_state[_KEY])


def choose(choices: Choices) -> None:
    """Store new choices; the page that draws them puts them into the address."""
    st.session_state[_KEY] = choices


def keep_link(choices: Choices, page_link: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the query parameters that restore these choices, with the page's own, and remember them."""
    link = to_link(choices) | dict(page_link or {})
    st.session_state[_LINK] = link
    return link


def asked(name: str) -> str | None:
    """Return a parameter of the address of the last page shown, or on arrival of the link, by name."""
    return cast(dict[str, str], st.session_state.get(_LINK) or st.query_params.to_dict()).get(name)


def update(**changes: Any) -> None:
    """Store the current choices with some of them changed; a change of anything but the pin drops the pin."""
    choose(replace(cast(Choices, st.session_state[_KEY]), **({"pin": None} | changes)))


def go_to(page: str) -> NoReturn:
    """Show another page with the current choices; ``main`` takes the visitor there."""
    st.session_state[_DESTINATION] = page
    st.rerun()


def destination() -> str | None:
    """Return the page that ``go_to`` asked for, once."""
    return cast(str | None, st.session_state.pop(_DESTINATION, None))


_ASKED_OTHERWISE = {"temperature", "hops", "asker"}


def to_link(choices: Choices) -> dict[str, str]:
    """Return the query parameters that restore these choices, without those left to the default."""
    plain = {f.name: getattr(choices, f.name) for f in fields(choices) if f.name not in ("pin", "frame_indices")}
    link = {name: str(value) for name, value in plain.items() if value is not None}
    if choices.frame_indices is not None:
        link["exactly"] = ",".join(map(str, choices.frame_indices))
    if (pin := choices.pin) is not None:
        link |= {"at": _listed([(pin.frame, pin.x, pin.y)]), "direction": pin.direction}
        link |= {"block": pin.block} if pin.block else {}
        link |= {name: _listed(points) for name, points in (("also", pin.also), ("minus", pin.minus)) if points}
        link |= {"beside": "|".join(map(_listed, pin.beside))} if pin.beside else {}
        link |= {"temperature": f"{pin.temperature:g}"} if pin.temperature != 1 else {}
        link |= {"hops": str(pin.hops)} if pin.hops != 1 else {}
        link |= {"asker": pin.asker} if pin.asker else {}
        link |= {"view": pin.view} if pin.view else {}
    return link


def from_link(params: Mapping[str, str]) -> Choices:
    """Return the choices that a link asks for. Unknown parts are left out, since a link may be old or cut short."""
    if "clip" not in params:
        params = to_link(first_choices()) | dict(params)
    usual = first_choices()  # whoever started the server may ask for more than the menus hold
    choices = Choices(
        clip=params["clip"],
        model=params.get("model", "default"),
        frames=_number(params.get("frames"), int, 1, max(MOST_FRAMES, usual.frames or 0)),
        stride=_number(params.get("stride"), int, 1, MOST_INDEX),
        start_seconds=_number(params.get("start_seconds"), float, 0, MOST_INDEX),
        frame_indices=_ascending(params.get("exactly", "")),
        short_side=_number(params.get("short_side"), int, 1, max(*SHORT_SIDES, usual.short_side or 0)),
    )
    frame, x, y = (_number(text, float) for text in [*params.get("at", "").split(","), "", "", ""][:3])
    if frame is None or x is None or y is None or not _is_place(frame, x, y):
        return choices
    direction: Direction = "column" if params.get("direction") == "column" else "row"
    block, view = params.get("block") or None, known_view(params.get("view"))
    pin = Pin(frame=int(frame), x=x, y=y, block=block, direction=direction, view=view)
    listed: dict[str, object] = {name: _points(params.get(name)) for name in ("also", "minus")}
    listed["beside"] = [_points(points) for points in params.get("beside", "").split("|") if points]
    return replace(
        choices,
        pin=with_listed(pin, listed | {name: text for name, text in params.items() if name in _ASKED_OTHERWISE}),
    )


def with_listed(pin: Pin, listed: Mapping[str, Any]) -> Pin:
    """Return the pin with further points, pins, a temperature and hops, as a link or a browser lists them.

    It has none of them if any cannot be asked.
    """
    try:
        return replace(
            pin,
            also=_checked(listed.get("also")),
            minus=_checked(listed.get("minus")),
            beside=tuple(_checked(points) for points in listed.get("beside") or ()),
            temperature=float(listed.get("temperature", 1)),
            hops=int(listed.get("hops", 1)),
            asker=str(listed["asker"]) if listed.get("asker") else None,
        )
    except (SelectionError, TypeError, ValueError, OverflowError):  # the last of int(inf)
        return pin


def _checked(points: object) -> tuple[Point, ...]:
    found = []
    for frame, x, y in cast(Iterable[tuple[int, float, float]], points or ()):
        if not _is_place(int(frame), float(x), float(y)):
            raise ValueError
        found.append((int(frame), float(x), float(y)))
    return tuple(found)


def _is_place(frame: float, x: float, y: float) -> bool:
    return 0 <= frame <= MOST_INDEX and 0 <= x <= 1 and 0 <= y <= 1


def _listed(points: Iterable[Point]) -> str:
    return ";".join(f"{frame},{_place(x)},{_place(y)}" for frame, x, y in points)


def _place(value: float) -> str:
    """Return a coordinate in as few decimals as keep it in its cell: a click in the middle is often next to a border.

    >>> _place(0.26), _place(0.4999831)
    ('0.2600', '0.4999831')
    """
    short = f"{value:.4f}"
    return short if float(short) == value else f"{value:.7f}"


def _points(text: str | None) -> list[list[str]]:
    return [point.split(",") for point in text.split(";")] if text else []


def known_view(view: Any) -> str:
    """Return the view that a link or a browser names, or an empty one if a word of it is unknown."""
    try:
        return Look.parse(view).words if isinstance(view, str) else ""
    except UnknownNameError:
        return ""


def _ascending(text: str) -> tuple[int, ...] | None:
    numbers = {_number(part, int, 0) for part in text.split(",")[:MOST_FRAMES]}
    return tuple(sorted(number for number in numbers if number is not None and number <= MOST_INDEX)) or None


def _number(text: str | None, kind: type[Number], low: float = -inf, high: Number | None = None) -> Number | None:
    """Return a number of a link, limited to the maximum, or None for other text or a number below the minimum."""
    try:
        number = None if text is None else kind(text)
        if number is None or not isfinite(number) or number < low:
            return None
    except (ValueError, OverflowError):  # the latter of whole numbers that no float holds
        return None
    return number if high is None else min(number, high)
