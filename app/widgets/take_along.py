"""The step on screen, or the whole course, as a file to download."""

from collections.abc import Mapping

from nonlocal_core.course.stages import step_ids

from ..server.opened import OpenedClip
from ..server.resources import open_clip
from ..server.visit import Choices
from . import keep
from .keep import Format

FORMATS = (
    Format(
        "This step (HTML)",
        "One file that opens from a disk without a server or a network: words, formula and live viewer, with what was "
        "measured on this clip.",
        ".html",
        "text/html",
    ),
    Format(
        "The whole course (HTML)",
        "All steps in one file of the same kind. Measuring all of them takes a while; the page stays usable.",
        ".html",
        "text/html",
    ),
)


def offer(opened: OpenedClip, step: str, chosen: Mapping[str, Choices]) -> None:
    """Draw the button "Keep". ``chosen``: the choices that each step opens for this visitor."""

    def write(wanted: Format) -> keep.Write:
        from nonlocal_core.course.writing import write_course  # with torch

        steps = (step,) if wanted == FORMATS[0] else step_ids()
        return lambda path, tell: write_course(
            path, lambda one: open_clip(chosen[one], _silent).session, steps, progress=tell
        )

    asked = (step, tuple(chosen.items()))
    keep.draw(keep.Offer("lesson", asked, f"{keep.stem_of(opened.notes.name)}-learn", FORMATS, write, title="Keep"))


def _silent(_stage: str, _done: int, _total: int) -> None:
    """Report nothing, since the file reports its steps."""
