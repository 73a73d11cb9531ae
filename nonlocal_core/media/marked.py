"""Clips whose objects wear marks in one frame, for the question "who wore which?".

They are composed here from still photographs, as in `composed`. A mark is drawn as a coloured line around its object,
in the file itself, so that viewers see the same picture as a network does. Networks with channels for marks also get
the mark of each pixel (``Frames.marks``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image, ImageFilter

from nonlocal_core.errors import MediaError
from nonlocal_core.media.composed import CUT_OUTS, Composition, CutOut, compose
from nonlocal_core.media.frames import Frames
from nonlocal_core.media.packaged import PackagedFile, picture

MARKS = ("red", "green", "blue")
COLOURS = ((255, 48, 32), (0, 190, 60), (40, 96, 255))
"""Colours of the lines, one for each mark."""
FRAMES, SIDE, LINE_PX = 4, 448, 8
INNER_PX = 2
"""Width in pixels of the part of the line on the object itself."""

Path = tuple[tuple[float, float, float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedScene:
    """Three objects over a photograph; in ``frame`` object k wears the mark ``worn[k]``, counted from 0."""

    cut_outs: tuple[CutOut, ...]
    ground: PackagedFile
    frame: int
    worn: tuple[int, int, int]


_CAT, _CUP, _PATCH = (next(c for c in CUT_OUTS if c.name == name) for name in ("cat", "cup", "patch"))
_COINS = picture("coins.png")


def _on(cut_out: CutOut, *path: tuple[float, float, float, float]) -> CutOut:
    return replace(cut_out, path=path)


SPACE = MarkedScene(
    cut_outs=(
        _on(
            _CUP,
            (0.76, 0.26, 0.17, 20.0),
            (0.60, 0.22, 0.17, 0.0),
            (0.40, 0.24, 0.16, -20.0),
            (0.22, 0.28, 0.16, -30.0),
        ),
        _on(
            _PATCH,
            (0.27, 0.24, 0.15, 0.0),
            (0.20, 0.38, 0.16, -30.0),
            (0.18, 0.60, 0.16, -60.0),
            (0.28, 0.78, 0.17, -90.0),
        ),
        _on(_CAT, (0.24, 0.72, 0.20, 8.0), (0.42, 0.76, 0.20, 3.0), (0.62, 0.73, 0.19, -4.0), (0.77, 0.56, 0.19, -8.0)),
    ),
    ground=picture("hubble_deep_field.jpg"),
    frame=1,
    worn=(1, 2, 0),
)
ALIKE = MarkedScene(
    cut_outs=(
        CutOut(
            name="coin",
            photo=_COINS,
            center=(99.0, 57.0),
            semi_axes=(19.5, 19.5),
            path=(
                (0.75, 0.74, 0.15, 0.0),
                (0.60, 0.80, 0.15, 20.0),
                (0.40, 0.80, 0.15, 45.0),
                (0.24, 0.72, 0.15, 70.0),
            ),
        ),
        CutOut(
            name="large coin",
            photo=_COINS,
            center=(346.0, 185.0),
            semi_axes=(29.0, 29.0),
            path=(
                (0.74, 0.25, 0.18, 0.0),
                (0.80, 0.40, 0.18, 15.0),
                (0.78, 0.56, 0.18, 30.0),
                (0.72, 0.70, 0.18, 40.0),
            ),
        ),
        CutOut(
            name="face",
            photo=picture("astronaut.png"),
            center=(224.0, 122.0),
            semi_axes=(56.0, 74.0),
            path=((0.25, 0.30, 0.15, 0.0), (0.28, 0.38, 0.15, 5.0), (0.36, 0.30, 0.15, 0.0), (0.52, 0.26, 0.15, -6.0)),
        ),
    ),
    ground=picture("rocket.jpg"),
    frame=2,
    worn=(0, 2, 1),
)


def marked_clip(scene: MarkedScene) -> bytes:
    """Return the clip as a file with its marks drawn. Raises MediaError if scikit-image is not installed."""
    return _composed(scene)[0]


def marked_masks(scene: MarkedScene) -> dict[str, Bool[np.ndarray, "T H W"]]:
    """Return the mask of each object's visible pixels, by its name. Raises MediaError as ``marked_clip`` does."""
    composition = _composed(scene)[1]
    return dict(zip(composition.names, composition.masks, strict=True))


def worn_marks(scene: MarkedScene) -> UInt8[np.ndarray, "T H W"]:
    """Return the mark on each pixel, counted from 1, or 0 for none. Raises MediaError as ``marked_clip`` does."""
    return marks_on(_composed(scene)[1].masks, scene.frame, scene.worn)


@cache
def _composed(scene: MarkedScene) -> tuple[bytes, Composition]:
    plain = compose(frames=FRAMES, size_hw=(SIDE, SIDE), cut_outs=scene.cut_outs, ground=scene.ground)
    marks = marks_on(plain.masks, scene.frame, scene.worn)
    marked = replace(plain, rgb=drawn(plain.rgb, marks))
    return marked.encoded(), marked


def marks_on(masks: Bool[np.ndarray, "K T H W"], frame: int, worn: Sequence[int]) -> UInt8[np.ndarray, "T H W"]:
    """Return the mark on each pixel, counted from 1, or 0 for none, if object k wears ``worn[k]`` in one frame."""
    marks = np.zeros(masks.shape[1:], np.uint8)
    for mask, mark in zip(masks, worn, strict=True):
        marks[frame][mask[frame]] = 1 + mark
    return marks


def drawn(rgb: UInt8[np.ndarray, "T H W 3"], marks: UInt8[np.ndarray, "T H W"]) -> UInt8[np.ndarray, "T H W 3"]:
    """Return frames with a line around each object that wears a mark, in the mark's colour."""
    painted = rgb.copy()
    for t in np.flatnonzero(marks.any(axis=(1, 2))):
        for mark, colour in enumerate(COLOURS, start=1):
            mask = Image.fromarray((marks[t] == mark).astype(np.uint8))
            outer = np.asarray(mask.filter(ImageFilter.MaxFilter(2 * (LINE_PX - INNER_PX) + 1)), bool)
            inner = np.asarray(mask.filter(ImageFilter.MinFilter(2 * INNER_PX + 1)), bool)
            painted[t][outer & ~inner] = colour
    return painted


def swapped(frames: Frames, turn: Mapping[int, int]) -> Frames:
    """Return frames with marks replaced by ``turn``, a mapping from old to new counted from 0, and their lines redrawn.

    Raises MediaError if no object wears a mark.
    """
    if frames.marks is None or not frames.marks.any():
        raise MediaError("No object of these frames wears a mark. Open sample:marked, with all of its frames.")
    marks = frames.marks.copy()
    for old, new in turn.items():
        marks[frames.marks == 1 + old] = 1 + new
    return replace(frames, rgb=drawn(frames.rgb, marks), marks=marks)
