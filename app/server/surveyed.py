"""The survey named when the server was started: its figures, and the clips of it that a link may open."""

import os
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nonlocal_core import MediaError
from nonlocal_core.vocabulary import SAMPLE_PREFIX, SURVEYED

from .visit import SURVEY_PREFIX

if TYPE_CHECKING:
    from nonlocal_core.survey import RankedClip, ResultFolder


def is_shown() -> bool:
    """Return whether the server was started on a survey."""
    return SURVEYED in os.environ


@cache
def folder() -> "ResultFolder":
    """Return the survey. Raises SurveyError if its folder is gone."""
    from nonlocal_core.survey import ResultFolder

    return ResultFolder(os.environ[SURVEYED])


def rows(columns: Sequence[str]) -> tuple[dict[str, Any], ...]:
    """Return the given columns of all rows so far, read-only; the survey may still be running."""
    return _rows(folder().path, tuple(columns), folder().state())


@lru_cache(maxsize=1)
def _rows(path: Path, columns: tuple[str, ...], state: tuple[int, int]) -> tuple[dict[str, Any], ...]:
    return tuple(row for table in folder().tables(columns) for row in table.to_pylist())


def row_of(place: int, model: str, block: str, columns: Sequence[str]) -> dict[str, Any]:
    """Return columns of one row; a clip, a network and a block have at most one."""
    of_clip = folder().of_clip(place, ["model", "block", *columns]).to_pylist()
    (found,) = (row for row in of_clip if (row["model"], row["block"]) == (model, block))
    return dict(found)


def questions_of(place: int, model: str) -> tuple[str, list[dict[str, Any]]] | None:
    """Return the block whose keys were kept and a clip's fixed questions to it, or None if there are none."""
    found = folder().keys(place, model)
    return None if found is None else (found["block"], found["asks"])


def in_other_clips(place: int, model: str, number: int) -> "tuple[int, tuple[RankedClip, ...]]":
    """Return the number of clips searched for a question of ``questions_of``, and the strongest ones. Raises
    SurveyError."""
    return _in_other_clips(folder().path, place, model, number, folder().state())


@lru_cache(maxsize=64)
def _in_other_clips(
    path: Path, place: int, model: str, number: int, state: tuple[int, int]
) -> "tuple[int, tuple[RankedClip, ...]]":
    from nonlocal_core.survey.other_clips import ask_of_survey

    return ask_of_survey(folder(), place, model, number)


def strip_of(place: int, model: str) -> tuple[bytes, int]:
    """Return the picture of all frames of a clip whose keys were kept, and their number."""
    found = folder().keys(place, model)
    if found is None:
        raise MediaError(f"The survey kept no frames of clip {place}.")
    return bytes(found["strip"]), found["frames"]


def media_of(clip: str) -> tuple[str | bytes | Path, str | None]:
    """Return the source that a session opens for a clip of the survey, and its name. Raises MediaError, SurveyError."""
    from nonlocal_core.media import Limits
    from nonlocal_core.survey.addresses import is_remote, read_bytes

    clips = folder().clips() if is_shown() else []
    place = clip.removeprefix(SURVEY_PREFIX)
    if not (place.isdecimal() and len(place) < 10 and int(place) < len(clips)):
        raise MediaError(f"The survey of this server has no clip {place[:20]!r}. Choose one on the page Survey.")
    address = clips[int(place)]
    if address.startswith(SAMPLE_PREFIX):
        return address, None
    if is_remote(address):
        return read_bytes(address, Limits()), address.rpartition("/")[2]
    return Path(address), None
