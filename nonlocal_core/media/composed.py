"""A clip made here from still photographs, so that the pixels of each object are known exactly.

Three round cut-outs float over a slowly panning starfield: a cat passes in front of a cup, and a mission patch
leaves the frame and comes back. Everything follows from the tables below; nothing is random.
"""

from dataclasses import dataclass, replace
from functools import cache
from io import BytesIO

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from PIL import Image, ImageFilter

from nonlocal_core.media.packaged import PackagedFile, picture

FRAME_MS = 100
SOFT_EDGE_PX = 1.5
SHARP_FRAME, BLUR_PX = 6, 6.0
"""The only sharp frame of the blurred clip, and the standard deviation of the blur of all others in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOut:
    """An ellipse cut out of a photograph, and its path.

    ``center`` and ``semi_axes`` in pixels of the photograph. ``path``: waypoints (x, y, size, degrees), evenly spaced
    in time: x and y of the centre in units of the frame, ``size`` the horizontal semi-axis in units of the frame's
    width, degrees anticlockwise.
    """

    name: str
    photo: PackagedFile
    center: tuple[float, float]
    semi_axes: tuple[float, float]
    path: tuple[tuple[float, float, float, float], ...]


BACKGROUND = picture("hubble_deep_field.jpg")
PAN = ((0.0, 0.25), (0.3, 0.45))  # top left corner of the view at the start and the end, in units of the room left

# From back to front.
CUT_OUTS: tuple[CutOut, ...] = (
    CutOut(
        name="cup",
        photo=picture("coffee.png"),
        center=(294.0, 113.0),
        semi_axes=(119.0, 95.0),
        path=((0.88, 0.30, 0.13, 20.0), (0.62, 0.42, 0.12, 0.0), (0.36, 0.50, 0.11, -25.0), (0.12, 0.32, 0.10, -40.0)),
    ),
    CutOut(
        name="patch",
        photo=picture("astronaut.png"),
        center=(170.0, 389.0),
        semi_axes=(38.0, 38.0),
        path=(
            (0.60, 0.80, 0.07, 0.0),
            (1.02, 0.78, 0.08, -60.0),
            (1.15, 0.30, 0.08, -120.0),
            (0.62, 0.16, 0.07, -200.0),
        ),
    ),
    CutOut(
        name="cat",
        photo=picture("chelsea.png"),
        center=(238.0, 150.0),
        semi_axes=(165.0, 146.0),
        path=((0.16, 0.66, 0.17, 8.0), (0.36, 0.62, 0.18, 3.0), (0.54, 0.60, 0.19, -4.0), (0.72, 0.66, 0.18, -8.0)),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Composition:
    """The clip and its ground truth. ``masks``: the visible pixels of object k."""

    names: tuple[str, ...]
    rgb: UInt8[np.ndarray, "T H W 3"]
    masks: Bool[np.ndarray, "K T H W"]

    def blurred(self, *, sharp: int, radius_px: float) -> "Composition":
        """Return the clip with all frames but one blurred; the masks are unchanged."""
        blur = ImageFilter.GaussianBlur(radius_px)
        frames = [
            frame if index == sharp else np.asarray(Image.fromarray(frame).filter(blur))
            for index, frame in enumerate(self.rgb)
        ]
        return replace(self, rgb=np.stack(frames))

    def encoded(self) -> bytes:
        """Return the clip as a lossless animated WebP, so the masks hold for every pixel that is read back."""
        first, *rest = (Image.fromarray(frame) for frame in self.rgb)
        file = BytesIO()
        # The quickest setting: the bytes are made when first asked for, and stay in memory.
        settings = {"lossless": True, "quality": 0, "method": 0}
        first.save(file, format="WEBP", save_all=True, append_images=rest, duration=FRAME_MS, **settings)
        return file.getvalue()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layer:
    """One cut-out in one frame: its colours, and its opacity in [0, 1].

    ``window``: the rows and columns of the frame that the two arrays cover; the cut-out is transparent elsewhere.
    """

    window: tuple[slice, slice]
    rgb: Float[np.ndarray, "h w 3"]
    opacity: Float[np.ndarray, "h w"]


def compose(
    *,
    frames: int = 24,
    size_hw: tuple[int, int] = (288, 432),
    cut_outs: tuple[CutOut, ...] = CUT_OUTS,
    ground: PackagedFile = BACKGROUND,
) -> Composition:
    """Return the clip with its masks. Raises MediaError if scikit-image is not installed.

    From back to front, picture = picture * (1 - opacity) + colours * opacity. An object owns a pixel if it makes up at
    least half of what is seen there.
    """
    rgb = np.empty((frames, *size_hw, 3), np.uint8)
    masks = np.empty((len(cut_outs), frames, *size_hw), bool)
    for index, moment in enumerate(np.linspace(0.0, 1.0, frames).tolist()):
        seen = background(moment, size_hw, ground)
        shares = np.zeros((len(cut_outs), *size_hw))
        for k, cut_out in enumerate(cut_outs):
            front = layer(cut_out, moment, size_hw)
            seen[front.window] += front.opacity[..., None] * (front.rgb - seen[front.window])
            shares[:, *front.window] *= 1 - front.opacity
            shares[k][front.window] = front.opacity
        rgb[index], masks[:, index] = np.rint(seen), shares >= 0.5
    return Composition(names=tuple(cut_out.name for cut_out in cut_outs), rgb=rgb, masks=masks)


def composed_masks() -> dict[str, Bool[np.ndarray, "T H W"]]:
    """Return the mask of each object's visible pixels, by its name. Raises MediaError as ``compose`` does."""
    composition = compose()
    return dict(zip(composition.names, composition.masks, strict=True))


@cache
def composed_clip() -> bytes:
    """Return the composed clip as a file, made once per process. Raises MediaError as ``compose`` does."""
    return compose().encoded()


@cache
def blurred_clip() -> bytes:
    """Return the composed clip with one frame sharp, as a file. Raises MediaError as ``compose`` does."""
    return compose().blurred(sharp=SHARP_FRAME, radius_px=BLUR_PX).encoded()


def background(
    moment: float, size_hw: tuple[int, int], ground: PackagedFile = BACKGROUND
) -> Float[np.ndarray, "H W 3"]:
    """Return the panning photograph behind all objects at a moment in [0, 1], in [0, 255]."""
    photo, (height, width) = _photo(ground), size_hw
    window = 0.7 * min(photo.width / width, photo.height / height)
    start, stop = np.array(PAN)
    corner = (start + moment * (stop - start)) * (photo.width - window * width, photo.height - window * height)
    box = (*corner, *(corner + window * np.array([width, height])))
    return np.asarray(photo.resize((width, height), Image.Resampling.BICUBIC, box=box), np.float64)


def layer(cut_out: CutOut, moment: float, size_hw: tuple[int, int]) -> Layer:
    """Return a cut-out at a moment in [0, 1], turned and scaled, with an edge of a pixel and a half."""
    height, width = size_hw
    x, y, size, degrees = place(cut_out, moment)
    zoom, turn = size * width / cut_out.semi_axes[0], np.deg2rad(degrees)
    window = _window((x * width, y * height), max(cut_out.semi_axes) * zoom + SOFT_EDGE_PX, size_hw)
    # Pixel centres of the frame, seen from the centre of the object, turned back and scaled back to the photograph.
    down, across = (np.mgrid[window].T + 0.5 - (y * height, x * width)).T
    u = (np.cos(turn) * across - np.sin(turn) * down) / zoom
    v = (np.sin(turn) * across + np.cos(turn) * down) / zoom
    radius = np.hypot(u / cut_out.semi_axes[0], v / cut_out.semi_axes[1])
    inside_px = (1 - radius) * min(cut_out.semi_axes) * zoom
    opacity = np.clip(inside_px / SOFT_EDGE_PX + 0.5, 0, 1)
    return Layer(window=window, rgb=_sampled(cut_out, u, v, zoom), opacity=opacity)


def _window(center_xy: tuple[float, float], reach: float, size_hw: tuple[int, int]) -> tuple[slice, slice]:
    """Return the rows and columns that a disc of radius ``reach`` can touch, cut to the frame; empty outside it."""
    edges = (
        np.clip([np.floor(middle - reach), np.ceil(middle + reach)], 0, length).astype(int).tolist()
        for middle, length in zip(center_xy[::-1], size_hw, strict=True)
    )
    rows, columns = (slice(start, stop) for start, stop in edges)
    return rows, columns


def place(cut_out: CutOut, moment: float) -> tuple[float, float, float, float]:
    """Return (x, y, size, degrees) at a moment in [0, 1], from the polynomial through all waypoints."""
    powers = np.linspace(0, 1, len(cut_out.path))[:, None] ** np.arange(len(cut_out.path))
    x, y, size, degrees = moment ** np.arange(len(cut_out.path)) @ np.linalg.solve(powers, np.array(cut_out.path))
    return float(x), float(y), float(size), float(degrees)


def _sampled(
    cut_out: CutOut, u: Float[np.ndarray, "h w"], v: Float[np.ndarray, "h w"], zoom: float
) -> Float[np.ndarray, "h w 3"]:
    """Return the photograph at points (u, v) from the centre of the cut-out: shrunk first, then bilinear."""
    photo, (x, y), (a, b) = _photo(cut_out.photo), cut_out.center, cut_out.semi_axes
    box = (x - a - 2, y - b - 2, x + a + 2, y + b + 2)
    size = round((box[2] - box[0]) * zoom), round((box[3] - box[1]) * zoom)
    small = np.asarray(photo.resize(size, Image.Resampling.LANCZOS, box=box), np.float64)
    columns = (x + u - box[0]) * size[0] / (box[2] - box[0]) - 0.5
    rows = (y + v - box[1]) * size[1] / (box[3] - box[1]) - 0.5
    left, top = np.floor(columns).astype(int), np.floor(rows).astype(int)
    right_share, lower_share = (columns - left)[..., None], (rows - top)[..., None]

    def at(row: Int[np.ndarray, "h w"], column: Int[np.ndarray, "h w"]) -> Float[np.ndarray, "h w 3"]:
        inside: np.ndarray = small[np.clip(row, 0, size[1] - 1), np.clip(column, 0, size[0] - 1)]
        return inside

    upper = at(top, left) * (1 - right_share) + at(top, left + 1) * right_share
    lower = at(top + 1, left) * (1 - right_share) + at(top + 1, left + 1) * right_share
    return np.asarray(upper * (1 - lower_share) + lower * lower_share)


@cache
def _photo(file: PackagedFile) -> Image.Image:
    with Image.open(file.locate()) as photo:
        return photo.convert("RGB")
