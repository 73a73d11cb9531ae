"""TIFF: its pages as frames, and numbers of any depth (TIFF 6.0; BigTIFF, where offsets have 64 bits)."""

import io
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from nonlocal_core.errors import MediaError
from nonlocal_core.media.limits import DecodeBudget, Limits
from nonlocal_core.media.pixels import Turn
from nonlocal_core.media.records import ASSUMED_RATE, assumed_rate_note
from nonlocal_core.media.tones import Numbers

_KIND, _OLD_KIND, _BITS, _PHOTOMETRIC, _DESCRIPTION = 254, 255, 258, 262, 270
_LARGEST, _SAMPLE_FORMAT, _COMPRESSION, _SAMPLES = 281, 339, 259, 277
_REDUCED, _MASK = 1, 4
_SIGNED, _FLOAT = 2, 3


class TiffPages:
    """The pages of a TIFF that are pictures of one size, in their order."""

    def __init__(self, data: bytes, name: str, limits: Limits, budget: DecodeBudget) -> None:
        self.notes: list[str] = []
        self.turn = Turn()  # Pillow turns these itself
        self._data, self._name = data, name
        picture = self._first()
        self.hw = picture.size[::-1]
        limits.check_picture_size(name, self.hw)
        self.profile: bytes | None = picture.info.get("icc_profile")
        description = str(picture.tag_v2.get(_DESCRIPTION, ""))
        self._pages = self._alike(picture, limits, budget)
        self.count = len(self._pages)
        self._delay = self._delay_of(description) if self.count > 1 else Fraction(0)

    def _first(self) -> TiffImageFile:
        try:
            return TiffImageFile(io.BytesIO(self._data))
        except SyntaxError as fault:  # Pillow knows the file for a TIFF, and no mode for its numbers
            if "TIFF" in str(fault):
                raise
            raise MediaError(
                f"{self._name} is a TIFF of a kind that is not read here ({fault}). "
                "Save it with 8 or 16 bits per channel, or as PNG."
            ) from fault

    def _alike(self, picture: TiffImageFile, limits: Limits, budget: DecodeBudget) -> list[int]:
        """Return the pages that may be frames: all but reduced copies and masks, if they have one size; else one."""
        pages: list[int] = []
        sizes: set[tuple[int, int]] = set()
        while True:
            limits.check_listed(self._name, picture.tell())
            budget.spend(picture.size[::-1])
            tags = picture.tag_v2
            if not (tags.get(_KIND, 0) & (_REDUCED | _MASK) or tags.get(_OLD_KIND, 1) == 2):
                pages.append(picture.tell())
                sizes.add(picture.size)
            try:
                picture.seek(picture.tell() + 1)
            except EOFError:
                break
            except Exception:  # whatever Pillow stumbles over in a later page: those before it are there
                self.notes.append(f"{self._name} is damaged after page {picture.tell() + 1}.")
                break
        if len(sizes) > 1:
            self.notes.append(f"{self._name} holds {len(pages)} pages of different sizes; the first is shown.")
        return pages if len(sizes) == 1 else [min(pages, default=0)]

    def _delay_of(self, description: str) -> Fraction:
        """Return how long each page is shown: as ImageJ writes it into the file, else as is assumed here."""
        told = re.search(r"^ImageJ=.*^fps=(\d{1,4}(?:\.\d{1,6})?)\s*$", description, re.DOTALL | re.MULTILINE)
        rate = Fraction(told[1]) if told else Fraction(0)
        if rate > 0:
            return 1 / rate
        self.notes.append(assumed_rate_note(f"{self._name} has {len(self._pages)} pages"))
        return 1 / ASSUMED_RATE

    def part_hw(self, _index: int) -> tuple[int, int]:
        """Return the size of a page."""
        return self.hw

    def delay(self, _index: int) -> Fraction:
        """Return how long a page is shown."""
        return self._delay

    def frames(self, indices: Sequence[int], _hw: tuple[int, int]) -> Iterator[Image.Image | Numbers]:
        """Yield pages, each as a picture or as numbers that need a scale."""
        picture = self._first()
        for index in indices:
            picture.seek(self._pages[index])
            yield _picture_of(picture)


def _picture_of(page: TiffImageFile) -> Image.Image | Numbers:
    tags = page.tag_v2
    bits = int(tags.get(_BITS, (1,))[0])
    form = int(tags.get(_SAMPLE_FORMAT, (1,))[0])
    largest = tags.get(_LARGEST, (None,))[0]
    negative = tags.get(_PHOTOMETRIC) == 0
    page.load()
    values = np.asarray(page)
    if page.mode.startswith("I;16"):
        return Numbers(values=values, full=2**bits - 1, declared=largest, negative=negative)
    if page.mode == "I" and form not in (_SIGNED, _FLOAT):
        return Numbers(values=values.view(np.uint32), full=None, negative=negative)
    if page.mode in ("I", "F"):
        return Numbers(values=values, full=None, negative=negative)
    if page.mode == "L" and form == _SIGNED:
        return Numbers(values=values.view(np.int8), full=None, negative=negative)
    return page.copy()
