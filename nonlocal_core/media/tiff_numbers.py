"""One page of a TIFF as numbers, by tifffile: kinds that Pillow has no mode for, or reduces to eight bits."""

from typing import Any

import numpy as np
from jaxtyping import Num

from nonlocal_core.errors import MediaError
from nonlocal_core.media.limits import Limits
from nonlocal_core.media.tones import Numbers

_WHITE_IS_ZERO, _RGB = 0, 2
_UNSIGNED, _UNCOMPRESSED, _SEPARATE = 1, 1, 2
_ROWS = 64
"""Number of rows of packed bits to unpack at once."""


def check_page(page: Any, name: str, limits: Limits) -> tuple[int, int]:
    """Return the (H, W) of a page that can be read here. Raises MediaError with its kind, and MediaLimitError."""
    hw = (int(page.imagelength), int(page.imagewidth))
    samples, photometric = int(page.samplesperpixel), int(page.photometric)
    limits.check_picture_size(name, hw, max(samples, 1))  # all channels are unpacked
    if photometric > _RGB or page.imagedepth != 1 or (photometric == _RGB and samples < 3):
        raise unread(name, f"{samples} channels of {page.bitspersample} bits, photometric {photometric}")
    return hw


def numbers_of(page: Any, name: str, data: bytes) -> tuple[Numbers, str]:
    """Return a page as numbers, and a note if it holds more than is shown. Raises MediaError."""
    bits, form = int(page.bitspersample), int(page.sampleformat)
    try:
        values = _packed(page, data) if page.dtype is None or bits % 8 else page.asarray(maxworkers=1)
    except (ValueError, NotImplementedError, RuntimeError) as fault:  # a compression that tifffile has no decoder for
        raise unread(name, f"{bits} bits, {getattr(page.compression, 'name', page.compression)}") from fault
    values = values.reshape(_shape(page))
    if values.dtype.itemsize == 8:
        values = values.astype(np.float64)
    if page.planarconfig == _SEPARATE:
        values = np.moveaxis(values, 0, -1)
    shown = 3 if int(page.photometric) == _RGB else 1
    full = 2**bits - 1 if form == _UNSIGNED and bits <= 16 else None
    extra = [int(kind) for kind in page.extrasamples]
    colours, alpha = values[..., :shown], None
    if full is not None and extra[:1] in ([1], [2]):
        alpha = values[..., shown] / float(full)
        if extra[0] == 1:  # colours that are multiplied by alpha already
            colours = np.minimum(colours / np.maximum(alpha, 1 / 65535)[..., None], float(full))
    left = values.shape[-1] - shown - (alpha is not None)
    largest = page.tags.get("MaxSampleValue")
    numbers = Numbers(
        values=colours if shown == 3 else colours[..., 0],
        full=full,
        declared=int(np.max(largest.value)) if largest is not None and full is not None else None,
        negative=int(page.photometric) == _WHITE_IS_ZERO,
        alpha=None if alpha is None else np.round(alpha * 255).astype(np.uint8),
    )
    first = "the first is" if shown == 1 else "the first three are"
    return numbers, f"{name} has {values.shape[-1]} channels; {first} shown." if left > 0 else ""


def unread(name: str, what: str) -> MediaError:
    """Return the error for a sound TIFF of a kind that is not read here."""
    return MediaError(
        f"{name} is a TIFF of a kind that is not read here ({what}). "
        "Save it with 8 or 16 bits per channel and without compression, or as PNG."
    )


def _shape(page: Any) -> tuple[int, int, int]:
    hw, samples = (int(page.imagelength), int(page.imagewidth)), int(page.samplesperpixel)
    return (samples, *hw) if page.planarconfig == _SEPARATE else (*hw, samples)


def _packed(page: Any, data: bytes) -> Num[np.ndarray, "..."]:
    """Return samples of 2 to 31 bits that follow each other without a gap, rows starting on a byte (TIFF 6.0)."""
    bits = int(page.bitspersample)
    if int(page.compression) != _UNCOMPRESSED or page.is_tiled or page.fillorder != 1 or bits > 31:
        raise ValueError("packed bits that are also compressed or tiled")
    shape = _shape(page)
    per_row = shape[-1] * (shape[-2] if page.planarconfig != _SEPARATE else 1)
    row_bytes = (per_row * bits + 7) // 8
    stored = b"".join(data[at : at + count] for at, count in zip(page.dataoffsets, page.databytecounts, strict=True))
    rows = np.frombuffer(stored, np.uint8)[: int(np.prod(shape)) // per_row * row_bytes].reshape(-1, row_bytes)
    places = 1 << np.arange(bits - 1, -1, -1, dtype=np.int64)
    values = np.empty((len(rows), per_row), np.uint16 if bits <= 16 else np.uint32)
    for at in range(0, len(rows), _ROWS):
        split = np.unpackbits(rows[at : at + _ROWS], axis=1)[:, : per_row * bits]
        values[at : at + _ROWS] = split.reshape(len(split), per_row, bits) @ places
    return values
