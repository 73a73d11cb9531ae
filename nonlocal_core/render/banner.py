"""A strip of words under each picture of a film: the network, the query and the cautions."""

from collections.abc import Iterable, Iterator

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw

from nonlocal_core.render.affinity import AffinityLike
from nonlocal_core.render.figure import ON_PANEL, ON_PANEL_MUTED, PANEL
from nonlocal_core.render.marks import Colour
from nonlocal_core.render.notes import Caption, cautions, network_words, query_words
from nonlocal_core.render.text import drawable, fitted, font, wrapped

WARNING_ON_PANEL: Colour = (255, 170, 110)
LEAST_TYPE = 11
"""Smallest legible size of type, in pixels."""
TYPES_ACROSS = 50
"""Width of the picture over the size of type."""


def with_banner(
    pictures: Iterable[UInt8[np.ndarray, "h w 3"]],
    row: AffinityLike,
    pts_seconds: Float[np.ndarray, " T"],
    caption: Caption,
) -> Iterator[UInt8[np.ndarray, "taller w 3"]]:
    """Yield each picture with network, query and warning under it, and its own number, time and share."""
    strip: Image.Image | None = None
    for index, picture in enumerate(pictures):
        strip = strip or _strip(picture.shape[1], row, pts_seconds, caption)
        own = strip.copy()
        if len(pts_seconds) > 1:
            size = _type_size(own.width)
            at = (own.width - size, size // 2)
            words = _own_words(row, pts_seconds, index)
            ImageDraw.Draw(own).text(at, words, font=font(size), fill=ON_PANEL, anchor="ra")
        yield np.concatenate([picture, np.asarray(own)])


def _own_words(row: AffinityLike, pts_seconds: Float[np.ndarray, " T"], index: int) -> str:
    t = row.key_grid.find_t(index)
    known = bool(np.isfinite(row.heat).all())
    share = "no keys" if t is None else f"{100 * row.per_step_share[t]:.1f} %" if known else "- %"
    return f"{index + 1} of {len(pts_seconds)} · {pts_seconds[index]:.2f} s · {share}"


def _strip(width: int, row: AffinityLike, pts_seconds: Float[np.ndarray, " T"], caption: Caption) -> Image.Image:
    """Return the words common to all pictures. The first line leaves room for those that change."""
    size = _type_size(width)
    room = width - 2 * size
    kept = font(size).getlength(_own_words(row, pts_seconds, 0)) + 2 * size if len(pts_seconds) > 1 else 0
    lines = [
        (fitted(drawable(network_words(caption, row)), size, round(room - kept)), ON_PANEL),
        (fitted(query_words(row, pts_seconds), size, room), ON_PANEL_MUTED),
        *((line, WARNING_ON_PANEL) for line in wrapped(drawable(cautions(caption, row)), size, room)),
    ]
    step = round(1.4 * size)
    strip = Image.new("RGB", (width, size + step * len(lines)), PANEL)
    pen = ImageDraw.Draw(strip)
    for index, (text, colour) in enumerate(lines):
        pen.text((size, size // 2 + step * index), text, font=font(size), fill=colour, anchor="la")
    return strip


def _type_size(width: int) -> int:
    return max(LEAST_TYPE, round(width / TYPES_ACROSS))
