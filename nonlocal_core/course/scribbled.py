"""A small labelling that a reader scribbles: a frame made small, and its labels after each step of mean field."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image

from nonlocal_core.ancestors.filters import DenseCrf
from nonlocal_core.ancestors.mean_field import UNLABELLED, mean_field, scribbled
from nonlocal_core.course.facts import Fact, Picture, Pictures, Said
from nonlocal_core.course.words import learn
from nonlocal_core.errors import CaptureError
from nonlocal_core.look import percent
from nonlocal_core.render import jpeg_address, paint_mask
from nonlocal_core.session import Session

SIDE = 32
"""Pixels of the shorter side: every pixel hears every other, in half a second for all steps."""
LONGEST = 4 * SIDE
SHOWN = (0, 1, 2, 5)
"""Steps that are shown."""
REST = np.array([255, 214, 10], np.float32)
"""Colour of the rest where it is scribbled, as ``viewer/controls/scribbles.js`` has it."""


def small_frame(frame: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "h w 3"]:
    """Return a frame with ``SIDE`` pixels on its shorter side, and at most ``LONGEST`` on the other."""
    height, width = frame.shape[:2]
    scale = min(SIDE / min(height, width), LONGEST / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BOX))


def shown(frame: UInt8[np.ndarray, "H W 3"], small: UInt8[np.ndarray, "h w 3"]) -> dict[str, object]:
    """Return what ``viewer/controls/scribbles.js`` shows, but for its id and the labels."""
    rows, cols = small.shape[:2]
    return {"picture": jpeg_address(frame), "rows": rows, "cols": cols, "words": learn().scribbles}


def labelled(session: Session, frame: int, labels: Sequence[tuple[int, int]]) -> tuple[Fact, ...]:
    """Return which pixels of the small frame are the thing's, before the first step of mean field and after others.

    ``session``: of the dense CRF, whose kernels carry the labels. ``labels``: (cell, label), 0 for the thing, 1 for the
    rest. Raises CaptureError for another network.
    """
    kernels = getattr(session.model.network, "filter", None)
    if not isinstance(kernels, DenseCrf):
        raise CaptureError(
            f"Labels are passed on by the kernels of the dense CRF; {session.model.card.title} has none."
        )
    small = small_frame(session.frames.rgb[frame])
    known = np.full(small.shape[:2], UNLABELLED)
    for cell, label in labels:
        known.flat[cell] = label
    steps = mean_field(small[None], scribbled(known[None], count=2), kernels, steps=SHOWN[-1])
    photograph = session.frames.rgb[frame]
    pictures, strokes = [], _over(known == 1, photograph)
    for step in SHOWN:
        thing = steps[step][0, :, :, 0] > 0.5
        painted = paint_mask(photograph, _over(thing, photograph))
        painted[strokes] = np.rint(0.25 * photograph[strokes] + 0.75 * REST)
        name = "As scribbled" if step == 0 else f"After {step} step{'s' * (step > 1)}"
        pictures.append(
            Picture(
                address=jpeg_address(painted),
                words=f"{name}: {percent(float(thing.mean()))} is the thing",
            )
        )
    rows, cols = small.shape[:2]
    return (
        Pictures(title="What the labels become", pictures=tuple(pictures)),
        Said(
            text=f"{rows} × {cols} pixels, each hears all others of this frame, exactly. In each step it gathers their "
            "labels by the two kernels, and what it gathers much of becomes likelier."
        ),
    )


def _over(small: Bool[np.ndarray, "h w"], frame: UInt8[np.ndarray, "H W 3"]) -> Bool[np.ndarray, "H W"]:
    """Return which pixels of a frame lie in the marked ones of the small frame."""
    height, width = frame.shape[:2]
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.NEAREST))
