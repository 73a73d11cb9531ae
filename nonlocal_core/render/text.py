"""Words and numbers on a picture, in Pillow's own font."""

import re
import unicodedata
from functools import cache
from itertools import chain

import numpy as np
from PIL import ImageFont

EM = 1000  # size of type at which widths are measured; files count in thousandths of it
# Pillow's own font (Aileron Regular) draws ASCII and these; the rest of Unicode comes out as empty boxes.
UNBROKEN = re.compile(r"\s+(?!%)")
BEYOND_ASCII = "·…°±"
STAND_INS = str.maketrans({"×": "x", "–": "-", "—": "-", "−": "-", "‘": "'", "’": "'", "“": '"', "”": '"', "\n": " "})


@cache
def font(size_px: int) -> ImageFont.FreeTypeFont:
    """Return Pillow's bundled font, so that pictures look the same on every system."""
    loaded = ImageFont.load_default(size_px)
    assert isinstance(loaded, ImageFont.FreeTypeFont), "Pillow was built without FreeType"
    return loaded


def drawable(text: str) -> str:
    """Return the text in the letters of the font: without accents and controls, other scripts as question marks."""
    letters = (c if c in BEYOND_ASCII else unicodedata.normalize("NFKD", c) for c in text.translate(STAND_INS))
    kept = (c for letter in letters for c in letter if c.isprintable() and not unicodedata.combining(c))
    return "".join(c if c.isascii() or c in BEYOND_ASCII else "?" for c in kept)


def fitted(text: str, size_px: int, width_px: int) -> str:
    """Return the text, shortened in its middle until it fits, since both ends of a file name matter."""
    shown, keep = text, len(text)
    while keep > 4 and font(size_px).getlength(shown) > width_px:
        keep -= 1
        shown = text[: keep - keep // 2].rstrip() + "…" + text[len(text) - keep // 2 :].lstrip()
    return shown


def wrapped(text: str, size_px: int, width_px: int) -> list[str]:
    """Return the text in lines that fit, broken between words but not before %, or inside a word longer than a line."""
    lines: list[str] = []
    for word in chain.from_iterable(
        _fitting(whole, size_px, width_px) for whole in filter(None, UNBROKEN.split(text.strip()))
    ):
        if lines and font(size_px).getlength(f"{lines[-1]} {word}") <= width_px:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _fitting(word: str, size_px: int, width_px: int) -> list[str]:
    fits = next((n for n in range(len(word), 1, -1) if font(size_px).getlength(word[:n]) <= width_px), 1)
    return [word] if fits >= len(word) else [word[:fits], *_fitting(word[fits:], size_px, width_px)]


def number(value: float) -> str:
    """Return a number with at most three significant figures: 0, 0.0125, 12.5, 1500, 3.2e-05."""
    if value == 0 or 1e-4 <= abs(value) < 1e6:
        return np.format_float_positional(value + 0.0, precision=3, fractional=False, trim="-")
    return f"{value:.3g}"
