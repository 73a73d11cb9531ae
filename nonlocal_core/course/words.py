"""Texts of the page Learn and of the panel that explains what is on screen: ``learn.toml``, as records."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("learn.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class StepWords:
    """Texts of one step; ``learn.toml`` describes each."""

    id: str
    title: str
    words: str
    cites: str
    formula: str
    names: tuple[str, str]
    attempt: str
    question: str
    answer: str
    still: str = ""
    alone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Texts of the course."""

    page: dict[str, str]
    steps: tuple[StepWords, ...]
    beside: dict[str, str]
    """Labels of the buttons that measure another network beside it, by step."""
    scribbles: dict[str, str]
    help: dict[str, str]
    predict: dict[str, str]
    classroom: dict[str, str]


@cache
def learn() -> Words:
    """Return the texts of the course.

    >>> learn().steps[0].id
    'local'
    """
    read = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    steps = tuple(StepWords(**(step | {"names": tuple(step["names"])})) for step in read["step"])
    return Words(
        steps=steps, **{name: read[name] for name in ("page", "beside", "scribbles", "help", "predict", "classroom")}
    )
