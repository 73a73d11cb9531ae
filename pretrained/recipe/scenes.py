"""Clips with known labels for every pixel: cut-outs that move over a photograph under a panning camera."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from pretrained.recipe.sources import Sources

FRAMES, SIDE = 8, 224
BACKGROUND, MAX_OBJECTS = 0, 4
STAMP_PX = (34.0, 110.0)
"""Longest side of a cut-out in the frame."""
LARGE_PX = (110.0, 190.0)
"""Longest side of a large cut-out, the size of a camera's usual subject."""
SCENERY = (4, 10)
"""Number of cut-outs fixed to the background."""
TRAIN_PATCHES = 0.4
"""Share of objects that are patches of other photographs, so that style does not give an object away."""
TRAIN_LARGE = 0.3
"""Share of objects that are large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A clip with its truth.

    ``rgb`` (T, H, W, 3) uint8. ``objects`` (T, H, W) uint8: 0 the background, k object k. ``window`` (T, 4): the
    part (x0, y0, x1, y1) that the camera sees, in units of the photograph.
    """

    rgb: np.ndarray
    objects: np.ndarray
    window: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """Path of one instance: centre (x, y), size in pixels, angle and shear per frame, and the frames that show it."""

    center: np.ndarray
    size: np.ndarray
    angle: np.ndarray
    corners: np.ndarray
    shows: np.ndarray


def compose(
    sources: Sources,
    rng: np.random.Generator,
    *,
    patches: float,
    large: float = 0.0,
    frames: int = FRAMES,
    side: int = SIDE,
) -> Scene:
    """Return a clip of 2 to 4 objects that move, turn, warp, overlap, change their light, leave and sometimes repeat.

    ``patches``: share of the objects that are patches of photographs instead of stamps; all of them if there are no
    stamps. ``large``: share of the objects with the size `LARGE_PX`. ``side``: height and width of the clip in pixels.
    """
    cast = Cast(sources, patches, rng)
    photo = furnished(cast, rng)
    window = camera((photo.height, photo.width), rng, frames)
    rgb = np.stack([seen(photo, box, side) for box in window]).astype(np.float32)
    objects = np.zeros((frames, side, side), np.uint8)
    for label in range(1, int(rng.integers(2, MAX_OBJECTS + 1)) + 1):
        stamp = cast.draw(rng)
        for _instance in range(2 if rng.random() < 0.15 else 1):
            place(rgb, objects, stamp, label, _motion(rng, frames, side, large), rng)
    return Scene(rgb=np.rint(np.clip(rgb, 0, 255)).astype(np.uint8), objects=objects, window=window)


def camera(photo_hw: tuple[int, int], rng: np.random.Generator, frames: int) -> np.ndarray:
    """Return the window of every frame, a square of the photograph that drifts and zooms, or stands still."""
    height, width = photo_hw
    share = rng.uniform(0.45, 0.95, 2) if rng.random() < 0.75 else np.full(2, rng.uniform(0.45, 0.95))
    start, stop = rng.random((2, 2))
    if rng.random() < 0.3:
        stop, share = start, share[:1].repeat(2)
    else:
        stop = start + (stop - start) * rng.uniform(0.1, 0.8)
    moment = np.linspace(0, 1, frames)[:, None]
    length = (share[0] + moment * (share[1] - share[0])) * min(height, width)
    room = np.array([width, height]) - length
    corner = (start + moment * (stop - start)) * room
    window: np.ndarray = np.concatenate([corner, corner + length], axis=1) / np.array([width, height, width, height])
    return window


def seen(photo: Image.Image, window: np.ndarray, side: int) -> np.ndarray:
    """Return the part of a photograph that a window (x0, y0, x1, y1) shows, in units of the photograph."""
    box = tuple(window * np.array([photo.width, photo.height] * 2))
    return np.asarray(photo.resize((side, side), Image.Resampling.BILINEAR, box=box))


class Cast:
    """Source of the parts of a clip: one photograph, and cut-outs without repetition."""

    def __init__(self, sources: Sources, patches: float, rng: np.random.Generator) -> None:
        ground, *others = rng.permutation(len(sources.photos))
        self.ground = sources.photos[ground]
        self._photos = [sources.photos[k] for k in others]
        self._stamps = [sources.stamps[k] for k in rng.permutation(len(sources.stamps))[: MAX_OBJECTS + SCENERY[1]]]
        self._patches = patches

    def draw(self, rng: np.random.Generator) -> Image.Image:
        """Return a cut-out, randomly mirrored: a stamp, or a rounded patch of another photograph."""
        if self._stamps and rng.random() >= self._patches:
            cut = Image.fromarray(self._stamps.pop(), "RGBA")
        else:
            cut = _patch(self._photos[int(rng.integers(len(self._photos)))], rng)
        return cut.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else cut


def furnished(cast: Cast, rng: np.random.Generator) -> Image.Image:
    """Return the photograph with cut-outs fixed to it. They belong to the background and move with it.

    Without them every cut-out would be an object, and distinguishing cut-outs from photographs would find all objects.
    """
    photo = Image.fromarray(cast.ground).convert("RGBA")
    short = min(photo.size)
    for _piece in range(int(rng.integers(SCENERY[0], SCENERY[1] + 1))):
        piece = cast.draw(rng).rotate(rng.uniform(-40, 40), Image.Resampling.BILINEAR, expand=True)
        length = rng.uniform(0.1, 0.35) * short
        piece.thumbnail((length, length))
        photo.alpha_composite(
            piece, (int(rng.integers(photo.width - piece.width)), int(rng.integers(photo.height - piece.height)))
        )
    return photo.convert("RGB")


def _patch(photo: np.ndarray, rng: np.random.Generator) -> Image.Image:
    height, width = photo.shape[:2]
    length = int(rng.uniform(0.15, 0.5) * min(height, width))
    top, left = rng.integers(height - length), rng.integers(width - length)
    cut = Image.fromarray(photo[top : top + length, left : left + length]).resize((160, 160), Image.Resampling.BILINEAR)
    y, x = (np.mgrid[:160, :160] + 0.5) / 80 - 1
    angle, edge = np.arctan2(y, x), np.full((160, 160), 0.75)
    for wave in (1, 2, 3, 4):
        edge += rng.uniform(-0.22, 0.22) / wave * np.cos(wave * angle + rng.uniform(0, 2 * np.pi))
    opacity = np.clip((edge - np.hypot(x, y)) * 40 + 0.5, 0, 1) * 255
    cut.putalpha(Image.fromarray(opacity.astype(np.uint8)))
    return cut


def _motion(rng: np.random.Generator, frames: int, side: int, large: float) -> Motion:
    moment = np.linspace(0, 1, frames)
    start, stop = rng.uniform(0.12, 0.88, (2, 2)) * side
    bend = rng.normal(0, 0.12, 2) * side
    center = start + moment[:, None] * (stop - start) + np.sin(np.pi * moment)[:, None] * bend
    longest = LARGE_PX if large and rng.random() < large else STAMP_PX
    size = rng.uniform(*longest) * side / SIDE * rng.uniform(0.7, 1.4) ** moment
    angle = rng.uniform(-0.5, 0.5) + moment * rng.normal(0, 0.7)
    corners = rng.normal(0, 0.05, (4, 2)) + np.sin(np.pi * moment)[:, None, None] * rng.normal(0, 0.08, (4, 2))
    shows = np.ones(frames, bool)
    if rng.random() < 0.25:
        first = int(rng.integers(1, frames))
        shows[first : first + int(rng.integers(1, 4))] = False
    return Motion(center=center, size=size, angle=angle, corners=corners, shows=shows)


def place(
    rgb: np.ndarray, objects: np.ndarray, stamp: Image.Image, label: int, motion: Motion, rng: np.random.Generator
) -> None:
    """Draw the object into every frame that shows it, and its label where it is visible."""
    side = rgb.shape[1]
    light, tint = rng.uniform(0.8, 1.2), rng.normal(1, 0.04, 3)
    for t in np.flatnonzero(motion.shows):
        scale = motion.size[t] / max(stamp.size)
        half = np.array([stamp.width, stamp.height]) * scale / 2
        turn = np.array([
            [np.cos(motion.angle[t]), np.sin(motion.angle[t])],
            [-np.sin(motion.angle[t]), np.cos(motion.angle[t])],
        ])  # fmt: skip
        square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half + motion.corners[t] * motion.size[t]
        quad = square @ turn + motion.center[t]
        # Shrink first, so that the bilinear transform does not alias.
        small = stamp.resize(tuple(np.maximum(1, np.rint(2 * half)).astype(int)), Image.Resampling.BILINEAR)
        drawn = small.transform(
            (side, side), Image.Transform.PERSPECTIVE, _perspective(quad, small.size), Image.Resampling.BILINEAR
        )
        layer = np.asarray(drawn.filter(ImageFilter.GaussianBlur(0.4)), np.float32)
        opacity = layer[..., 3:] / 255
        rgb[t] += opacity * (layer[..., :3] * (light * rng.uniform(0.9, 1.1)) * tint - rgb[t])
        objects[t][opacity[..., 0] > 0.5] = label


def _perspective(quad: np.ndarray, size: tuple[int, int]) -> list[float]:
    """Return Pillow's eight coefficients of the perspective transform from the frame's ``quad`` to the picture."""
    width, height = size
    corners = [(0, 0), (width, 0), (width, height), (0, height)]
    rows, values = [], []
    for (x, y), (u, v) in zip(quad, corners, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return list(np.linalg.solve(np.array(rows), np.array(values, float)))
