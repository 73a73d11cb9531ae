"""TIFF: its pages as frames, and numbers of any depth (TIFF 6.0, and BigTIFF with 64-bit offsets)."""

import io
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from nonlocal_core.media.frames import ASSUMED_RATE, assumed_rate_note
from nonlocal_core.media.limits import DecodeBudget, Limits
from nonlocal_core.media.pixels import Turn
from nonlocal_core.media.stills import CLEAR_BYTES, OPAQUE_BYTES
from nonlocal_core.media.tiff_numbers import check_page, numbers_of, unread
from nonlocal_core.media.tiff_tags import check_tags
from nonlocal_core.media.tones import Numbers

_KIND, _OLD_KIND, _BITS, _PHOTOMETRIC, _DESCRIPTION = 254, 255, 258, 262, 270
_LARGEST, _SAMPLE_FORMAT, _SAMPLES, _PROFILE, _ORIENTATION, _EXTRA = 281, 339, 277, 34675, 274, 338
_REDUCED, _MASK, _OLD_REDUCED = 1, 4, 2
_SIGNED, _FLOAT = 2, 3
_ALPHA_BYTES, _MULTIPLIED_BYTES = 12.0, 42.0
"""Bytes per pixel of alpha, and of colours that were premultiplied by it and are divided again as floats."""


class PillowTiff:
    """A TIFF read by Pillow, page by page; Pillow turns it upright itself."""

    turn = Turn()

    def __init__(self, data: bytes, name: str, limits: Limits) -> None:
        self._picture = TiffImageFile(io.BytesIO(data))
        self._name, self._limits = name, limits

    def page(self, index: int) -> tuple[tuple[int, int], dict[int, Any]]:
        """Return the (H, W) and the tags of a page. Raises EOFError after the last."""
        self._picture.seek(index)
        hw = self._picture.size[::-1]
        self._limits.check_picture_size(self._name, hw)
        return hw, dict(self._picture.tag_v2)

    def extra_bytes(self, tags: dict[int, Any]) -> float:
        """Return the bytes per pixel of numbers, beside those of the picture made from them."""
        bits, opaque = float(np.max(tags.get(_BITS, 1))), tags.get(_SAMPLES, 1) in (1, 3)
        return (bits / 4 if bits > 8 else 0.0) - (CLEAR_BYTES - OPAQUE_BYTES) * opaque

    def decoded(self, index: int) -> Image.Image | Numbers:
        """Return a page: a picture, or numbers still to be scaled to grey levels."""
        page = self._picture
        page.seek(index)
        tags = page.tag_v2
        bits, form = int(tags.get(_BITS, (1,))[0]), int(tags.get(_SAMPLE_FORMAT, (1,))[0])
        largest, negative = tags.get(_LARGEST, (None,))[0], tags.get(_PHOTOMETRIC) == 0
        page.load()
        if page.mode.startswith("I;16"):
            return Numbers(values=np.asarray(page), full=2**bits - 1, declared=largest, negative=negative)
        if page.mode in ("I", "F"):
            values = np.asarray(page)
            unsigned = page.mode == "I" and form not in (_SIGNED, _FLOAT)
            return Numbers(values=values.view(np.uint32) if unsigned else values, full=None, negative=negative)
        if page.mode == "L" and form == _SIGNED:
            return Numbers(values=np.asarray(page).view(np.int8), full=None, negative=negative)
        return page


class DeepTiff:
    """A TIFF read by tifffile, page by page."""

    def __init__(self, data: bytes, name: str, limits: Limits) -> None:
        import tifffile  # here, since few files need it and every visitor would wait for it

        self.notes: list[str] = []
        self._data, self._name, self._limits = data, name, limits
        self._file: Any = tifffile.TiffFile(io.BytesIO(data))
        first: Any = self._file.pages[0]
        tag = first.tags.get(_ORIENTATION)
        self.turn = Turn.from_exif(int(tag.value)) if tag is not None else Turn()

    def page(self, index: int) -> tuple[tuple[int, int], dict[int, Any]]:
        """Return the (H, W) and the tags of a page. Raises EOFError after the last."""
        try:
            page = self._file.pages[index]
        except IndexError as fault:
            raise EOFError from fault
        return check_page(page, self._name, self._limits), {tag.code: tag.value for tag in page.tags}

    def extra_bytes(self, tags: dict[int, Any]) -> float:
        """Return the bytes per pixel of its channels, packed and unpacked, and of its alpha."""
        samples = float(np.max(tags.get(_SAMPLES, 1)))
        alpha = (
            _MULTIPLIED_BYTES
            if np.any(np.equal(tags.get(_EXTRA, 0), 1))
            else _ALPHA_BYTES
            if samples in (2, 4)
            else 0.0
        )
        return float(np.max(tags.get(_BITS, 1))) / 4 * samples + alpha

    def decoded(self, index: int) -> Numbers:
        """Return a page as numbers."""
        numbers, note = numbers_of(self._file.pages[index], self._name, self._data)
        if note and note not in self.notes:
            self.notes.append(note)
        return numbers


class TiffPages:
    """The pages of a TIFF that are pictures of one size, in order."""

    def __init__(self, data: bytes, name: str, limits: Limits, budget: DecodeBudget) -> None:
        self._name, self._limits = name, limits
        check_tags(data, name)
        self._reader = _reader(data, name, limits)
        self.notes: list[str] = getattr(self._reader, "notes", [])
        self.turn = self._reader.turn
        self.hw, tags = self._reader.page(0)
        self.profile: bytes | None = tags.get(_PROFILE) if isinstance(tags.get(_PROFILE), bytes) else None
        self._pages = self._alike(budget)
        self.count = len(self._pages)
        self.hw, tags = self._reader.page(self._pages[0])
        self.bytes_per_pixel = CLEAR_BYTES + self._reader.extra_bytes(tags)
        self.opening_pixels = 0.0
        self._delay = self._delay_of(str(tags.get(_DESCRIPTION, ""))) if self.count > 1 else Fraction(0)

    def _alike(self, budget: DecodeBudget) -> list[int]:
        """Return the pages that may be frames: all but reduced copies and masks, if of one size, else one page."""
        pages: list[int] = []
        sizes: set[tuple[int, int]] = set()
        index = 0
        while True:
            self._limits.check_listed(self._name, index)
            try:
                hw, tags = self._reader.page(index)
            except EOFError:
                break
            except (OSError, SyntaxError, ValueError, KeyError) as fault:
                self.notes.append(f"{self._name} is damaged, or of a kind not read here, after page {index}: {fault}.")
                break
            budget.spend(hw)
            if not (int(tags.get(_KIND, 0)) & (_REDUCED | _MASK) or tags.get(_OLD_KIND) == _OLD_REDUCED):
                pages.append(index)
                sizes.add(hw)
            index += 1
        if len(sizes) > 1:
            self.notes.append(f"{self._name} holds {len(pages)} pages of different sizes; the first is shown.")
        return pages if len(sizes) == 1 else [min(pages, default=0)]

    def _delay_of(self, description: str) -> Fraction:
        """Return the duration of each page in seconds, as ImageJ writes it into the file, or an assumed one."""
        told = re.search(r"^ImageJ=.*^fps=(\d{1,4}(?:\.\d{1,6})?)\s*$", description, re.DOTALL | re.MULTILINE)
        rate = Fraction(told[1]) if told else Fraction(0)
        if rate > 0:
            return 1 / rate
        self.notes.append(assumed_rate_note(f"{self._name} has {len(self._pages)} pages"))
        return 1 / ASSUMED_RATE

    def reading_pixels(self, indices: Sequence[int]) -> float:
        """Return the number of pixels to decode: those of these pages alone."""
        return float(len(indices) * self.hw[0] * self.hw[1])

    def part_hw(self, _index: int) -> tuple[int, int]:
        """Return the size of a page."""
        return self.hw

    def delay(self, _index: int) -> Fraction:
        """Return the duration of a page in seconds."""
        return self._delay

    def frames(self, indices: Sequence[int], _hw: tuple[int, int]) -> Iterator[Image.Image | Numbers]:
        """Yield pages, each as a picture or as numbers that need a scale."""
        for index in indices:
            yield self._reader.decoded(self._pages[index])


def _reader(data: bytes, name: str, limits: Limits) -> PillowTiff | DeepTiff:
    """Return a reader of a TIFF: Pillow, or tifffile for several channels of over eight bits or a mode Pillow lacks.

    Pillow reduces such channels to eight bits, and misreads them if each is stored apart. It has more compressions.
    """
    if data.startswith(b"MM\x00+"):  # Pillow takes its offsets for shorter ones
        return _deep(data, name, limits, "")
    try:
        pillow = PillowTiff(data, name, limits)
    except (SyntaxError, ValueError, KeyError, IndexError) as fault:
        return _deep(data, name, limits, str(fault))
    _, tags = pillow.page(0)
    if tags.get(_SAMPLES, 1) < 2 or max(tags.get(_BITS, (1,))) <= 8 or tags.get(_PHOTOMETRIC) not in (0, 1, 2):
        return pillow
    return _deep(data, name, limits, "")


def _deep(data: bytes, name: str, limits: Limits, reason: str) -> DeepTiff:
    import tifffile

    try:
        return DeepTiff(data, name, limits)
    except tifffile.TiffFileError as fault:
        raise unread(name, reason or str(fault)) from fault
