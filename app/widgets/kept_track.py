"""Files of what Track found: its frames as a picture or a film, its pixels, its scores; each with its cautions."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from nonlocal_core import BlockCapture, Progress, Session
from nonlocal_core.measures.tracking import CarriedMask, pointing_hits, region_similarity
from nonlocal_core.render import durations, paint_mask, replacing, write_mp4, write_png

from . import cautions
from .keep import Format, Offer, Write, draw, file_name

FORMATS = (
    Format(
        "Frames with the outline (PNG)", "All frames in one picture, the found object coloured.", ".png", "image/png"
    ),
    Format("Film with the outline (MP4)", "The chosen frames, at their own times.", ".mp4", "video/mp4"),
    Format("Scores (CSV)", "One line for each frame: box of what was found, J and pointing hit.", ".csv", "text/csv"),
    Format("Found pixels (NPZ)", "The masks of all frames, for NumPy.", ".npz", "application/octet-stream"),
)
COLUMNS, GAP = 4, 6
TYPE_PART, LEAST_TYPE = 40, 12
"""A line of letters is this part of the picture's width high, and no smaller than so many pixels."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """An object as the block found it, and the truth where it is known."""

    session: Session
    block: BlockCapture
    carried: CarriedMask
    truth: np.ndarray | None

    @property
    def masks(self) -> np.ndarray:
        """The found pixels (frames, h, w)."""
        masks: np.ndarray = self.carried.masks(self.session.frames.rgb.shape[1:3])
        return masks

    @property
    def note(self) -> str:
        """All that must be known of it, in sentences."""
        return " ".join(cautions.sentences(self.session.frames, [self.carried.note]))

    @property
    def provenance(self) -> str:
        """Clip, network, block and mark, as JSON in ASCII."""
        frames, card = self.session.frames, self.session.model.card
        facts = {
            "clip_name": frames.info.name,
            "clip_sha256": frames.info.sha256,
            "frame_indices": frames.frame_indices.tolist(),
            "model": card.id,
            "weights": dict(card.weights),
            "block": self.block.name,
            "marked_frame": self.carried.frame,
            "note": self.note,
            "proof": self.block.proof,
        }
        return json.dumps(facts, indent=2)


def offer(found: Found) -> None:
    """Draw the button that keeps what was found."""
    stem = file_name(found.session.frames.info.name, found.carried.frame, "-found")
    truth = None if found.truth is None else sha256(found.truth.tobytes()).hexdigest()
    writers = {".png": _picture, ".mp4": _film, ".csv": _table, ".npz": _pixels}

    def write(wanted: Format) -> Write:
        return lambda path, tell: writers[wanted.suffix](path, found, tell)

    draw(Offer("track", (found.carried, truth), stem, FORMATS, write))


def _painted(found: Found) -> Iterator[np.ndarray]:
    for frame, mask in zip(found.session.frames.rgb, found.masks, strict=True):
        yield paint_mask(frame, mask)


def _picture(path: Path, found: Found, tell: Progress) -> None:
    count = len(found.session.frames.rgb)
    height, width = found.session.frames.rgb.shape[1:3]
    columns = min(COLUMNS, count)
    sheet = np.full((-(-count // columns) * (height + GAP), columns * (width + GAP) - GAP, 3), 255, np.uint8)
    for index, picture in enumerate(_painted(found)):
        top, left = index // columns * (height + GAP), index % columns * (width + GAP)
        sheet[top : top + height, left : left + width] = picture
        tell("Drawing frames", index + 1, count)
    write_png(path, with_words(sheet, _words(found)), provenance=found.provenance)


def _film(path: Path, found: Found, tell: Progress) -> None:
    seconds = durations(found.session.frames.pts_seconds)
    pictures = (with_words(picture, _words(found)) for picture in _painted(found))
    write_mp4(path, pictures, seconds, partial(tell, "Drawing frames"), provenance=found.provenance)


def _words(found: Found) -> str:
    name, card = found.session.frames.info.name, found.session.model.card
    return f"{name}. {card.title}, {found.block.title}. Marked in frame {found.carried.frame + 1}. {found.note}".strip()


def with_words(picture: np.ndarray, words: str) -> np.ndarray:
    """Return a picture (h, w, 3) uint8 with words on white under it, in as many lines as they take."""
    width = picture.shape[1]
    font = ImageFont.load_default(max(width // TYPE_PART, LEAST_TYPE))
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width - 2 * GAP:
            lines.append(word)
        else:
            lines[-1] = longer
    line = round(1.35 * getattr(font, "size", LEAST_TYPE))
    strip = Image.new("RGB", (width, line * len(lines) + 2 * GAP), "white")
    ImageDraw.Draw(strip).multiline_text((GAP, GAP), "\n".join(lines), fill="black", font=font, spacing=line // 4)
    return np.concatenate([picture, np.asarray(strip)])


def _table(path: Path, found: Found, tell: Progress) -> None:
    masks, truth = found.masks, found.truth
    similarity = None if truth is None else region_similarity(masks, truth)
    hits = None if truth is None else pointing_hits(found.carried, truth)
    frames = found.session.frames
    with replacing(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["frame", "frame_index", "marked", "x0", "y0", "x1", "y1", "j", "pointing_hit", "note"])
        for index, mask in enumerate(masks):
            marked = index == found.carried.frame
            scores = ["", ""]
            if similarity is not None and hits is not None and not marked:
                scores = [f"{similarity[index]:.6f}", "" if np.isnan(hits[index]) else str(int(hits[index]))]
            box = box_of(mask)
            table.writerow([index + 1, int(frames.frame_indices[index]), int(marked), *box, *scores, found.note])
            tell("Writing scores", index + 1, len(masks))


def box_of(mask: np.ndarray) -> list[str]:
    """Return the sides of the box around a mask (h, w), x0, y0, x1, y1 in units of the frame; empty where it is.

    >>> box_of(np.pad(np.ones((1, 2), bool), ((1, 2), (3, 5))))
    ['0.300000', '0.250000', '0.500000', '0.500000']
    """
    rows, cols = np.nonzero(mask)
    if not len(rows):
        return [""] * 4
    height, width = mask.shape
    sides = (cols.min() / width, rows.min() / height, (cols.max() + 1) / width, (rows.max() + 1) / height)
    return [f"{side:.6f}" for side in sides]


def _pixels(path: Path, found: Found, tell: Progress) -> None:
    with replacing(path) as part, part.open("wb") as file:
        np.savez_compressed(
            file,
            masks=found.masks,
            frame_indices=found.session.frames.frame_indices,
            note=np.array(found.note),
            provenance=np.array(found.provenance),
        )
    tell("Writing pixels", 1, 1)
