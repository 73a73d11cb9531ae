"""Steps of the course: the text of each, and the clip, network and block that it is shown on."""

from dataclasses import dataclass, replace
from typing import Literal

from nonlocal_core.course.words import StepWords, learn
from nonlocal_core.errors import UnknownNameError

Variant = Literal["scopes", "pooled"]
"""The same block with other sums, or with pooled keys beside the full ones."""
EMBEDDED = "lite0-embedded-gaussian"
PIXELS = 48
"""Short side of the grid of filters, so that the rows of all pixels take less than a second."""
FEW = 128
"""Short side of the network's input if numbers are written into the cells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Setting of a step."""

    model: str = EMBEDDED
    block: str | None = "stride16"
    """Name of the block, or None for the one that its network shows first."""
    clip: str | None = None
    """Clip of the step, or None for the visitor's."""
    short_side: int | None = None
    sliders: tuple[str, ...] = ()
    """Settings of a filter that the step has sliders for."""
    vectors: bool = True
    """True if theta and phi are shown as numbers; those of a filter are pixels with a term for their length."""
    cells: bool = False
    """True if the weights are written in the cells."""
    variant: Variant | None = None
    """Variant of the opened session (`variants`) that is shown in its place."""
    measured_on: str | None = None
    """Step whose network is measured below the pictures, beside the step's own."""


_FILTER = Stage(block=None, short_side=PIXELS, vectors=False)
_STAGES = {
    "local": replace(
        _FILTER, model="pixels-crf:near=0.06:steps=0.5", block="smoothness", sliders=("near",), measured_on="embedded"
    ),
    "nl-means": replace(_FILTER, model="pixels-nl-means:noise=0.1", sliders=("h", "patch", "noise")),
    "bm3d": replace(_FILTER, model="pixels-bm3d:noise=0.1", sliders=("threshold", "noise")),
    "graphical": replace(_FILTER, model="pixels-crf", block="appearance", sliders=("colour", "space")),
    "operation": Stage(short_side=FEW, cells=True),
    "gaussian": Stage(model="lite0-gaussian"),
    "embedded": Stage(),
    "dot-product": Stage(model="lite0-dot-product"),
    "concatenation": Stage(model="lite0-concatenation", measured_on="gaussian"),
    "block": Stage(),
    "subsampling": Stage(model="lite0-parameter-free", block="pooled", variant="pooled"),
    "spacetime": Stage(model="lite0-parameter-free", block="spacetime", variant="scopes"),
    "cost": Stage(),
    "mark": Stage(model="lite0-mark", clip="sample:marked", block=None),
    "findings": Stage(),
    "believe": Stage(),
}


def step_ids() -> tuple[str, ...]:
    """Return the ids of the steps, in order."""
    return tuple(step.id for step in learn().steps)


def words_of(step: str) -> StepWords:
    """Return the words of a step. Raises UnknownNameError for a step that the course does not have."""
    stage_of(step)
    return next(words for words in learn().steps if words.id == step)


def stage_of(step: str) -> Stage:
    """Return the setting of a step. Raises UnknownNameError for a step that the course does not have."""
    if step not in _STAGES:
        raise UnknownNameError("step", step, step_ids())
    return _STAGES[step]


def shown(step: str, *, frame_count: int, alone: bool = False) -> dict[str, object]:
    """Return the words of a step as ``viewer/controls/lesson.js`` shows them on a clip of ``frame_count`` frames.

    ``alone``: for a file, without the sliders and buttons of the app.
    """
    words, stage = words_of(step), stage_of(step)
    return {
        "id": step,
        "title": words.title,
        "words": f"{words.words} {words.still}" if words.still and frame_count == 1 else words.words,
        "cites": words.cites,
        "formula": words.formula,
        "names": list(words.names),
        "vectors": stage.vectors,
        "cells": stage.cells,
        "attempt": (alone and words.alone) or words.attempt,
        "question": words.question,
        "answer": words.answer,
    }


def contents(steps: tuple[str, ...]) -> list[dict[str, str]]:
    """Return the ids and titles of steps, for the menu of a lesson."""
    return [{"id": step, "title": words_of(step).title} for step in steps]


_TAUGHT = {
    "default": "embedded",
    EMBEDDED: "embedded",
    "lite0-parameter-free": "gaussian",
    "lite0-gaussian": "gaussian",
    "lite0-dot-product": "dot-product",
    "lite0-concatenation": "concatenation",
    "lite0-mark": "mark",
    "pixels-nl-means": "nl-means",
    "pixels-crf": "graphical",
}
"""Steps that teach how a network compares."""


def step_of_model(model: str) -> str | None:
    """Return the step that teaches how a network compares, or None if no step does."""
    return _TAUGHT.get(model)
