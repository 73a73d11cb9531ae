"""A strip of words under a picture: in a film, the network, the query and the cautions."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw

from nonlocal_core.look import Answer, answer_words, lettered, percent, question_words
from nonlocal_core.render.marks import Colour, pin_colours
from nonlocal_core.render.notes import Caption, cautions, network_words
from nonlocal_core.render.text import drawable, fitted, font, wrapped

PANEL, ON_PANEL, ON_PANEL_MUTED = (20, 20, 24), (245, 245, 248), (150, 150, 160)
WARNING_ON_PANEL: Colour = (255, 170, 110)
LEAST_TYPE = 11
"""Smallest legible size of type, in pixels."""
TYPES_ACROSS = 50
"""Ratio of the picture's width to the size of type."""


def with_banner(
    pictures: Iterable[UInt8[np.ndarray, "h w 3"]],
    answer: Answer,
    pts_seconds: Float[np.ndarray, " T"],
    caption: Caption,
    *,
    beside: Sequence[Answer] = (),
) -> Iterator[UInt8[np.ndarray, "taller w 3"]]:
    """Yield each picture with the sentence, question, network and cautions under it, and its own time and share.

    ``beside``: answers of other pins, whose words come first, each after its letter.
    """
    strip: Image.Image | None = None
    answers = (*beside, answer)
    shares = [one.cell_share.sum(axis=(1, 2)) for one in answers]
    for index, picture in enumerate(pictures):
        strip = strip or _strip(picture.shape[1], answers, pts_seconds, caption, shares)
        own = strip.copy()
        if len(pts_seconds) > 1:
            size = _type_size(own.width)
            at = (own.width - size, size // 2)
            words = _own_words(answer, pts_seconds, index, shares)
            ImageDraw.Draw(own).text(at, words, font=font(size), fill=ON_PANEL, anchor="ra")
        yield np.concatenate([picture, np.asarray(own)])


def _own_words(answer: Answer, pts_seconds: Float[np.ndarray, " T"], index: int, shares: list[np.ndarray]) -> str:
    t = answer.grid.find_t(index)
    nothing = "no keys" if answer.direction == "row" else "no queries"
    share = nothing if t is None else ", ".join(lettered([percent(float(steps[t])) for steps in shares]))
    return f"{index + 1} of {len(pts_seconds)} · {pts_seconds[index]:.2f} s · {share}"


def _strip(
    width: int,
    answers: Sequence[Answer],
    pts_seconds: Float[np.ndarray, " T"],
    caption: Caption,
    shares: list[np.ndarray],
) -> Image.Image:
    """Return the strip of the words common to all pictures. The first line leaves room for those that change."""
    size = _type_size(width)
    room, answer = width - 2 * size, answers[-1]
    own = [_own_words(answer, pts_seconds, index, shares) for index in range(len(pts_seconds))]
    kept = max(font(size).getlength(words) for words in own) + 2 * size if len(own) > 1 else 0
    said: list[tuple[str, Colour]] = [
        (fitted(drawable(network_words(caption, answer)), size, round(room - kept)), ON_PANEL_MUTED)
    ]
    sentences = lettered([answer_words(one) for one in answers])
    colours = (ON_PANEL,) if len(answers) == 1 else pin_colours(len(answers))
    for one, sentence, colour in zip(answers, sentences, colours, strict=True):
        seconds = float(pts_seconds[one.asked_grid.span(one.asked.t)[0]])
        said += [
            (question_words(one, frames=len(pts_seconds), seconds=seconds), ON_PANEL_MUTED),
            (sentence, colour),
        ]
    said.append((cautions(caption, answer), WARNING_ON_PANEL))
    return words_strip(said, width)


def words_strip(said: Sequence[tuple[str, Colour]], width: int) -> Image.Image:
    """Return paragraphs on a dark panel of the given width in pixels, in as many lines as they need."""
    size = _type_size(width)
    lines = [(line, colour) for text, colour in said for line in wrapped(drawable(text), size, width - 2 * size)]
    step = round(1.4 * size)
    strip = Image.new("RGB", (width, size + step * len(lines)), PANEL)
    pen = ImageDraw.Draw(strip)
    for index, (text, colour) in enumerate(lines):
        pen.text((size, size // 2 + step * index), text, font=font(size), fill=colour, anchor="la")
    return strip


def _type_size(width: int) -> int:
    return max(LEAST_TYPE, round(width / TYPES_ACROSS))
