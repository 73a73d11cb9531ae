"""Files of a result of Track: its frames as a picture or a film, its pixels, its scores; each with its cautions."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np

from nonlocal_core import BlockCapture, Progress, Session
from nonlocal_core.measures.tracking import CarriedMask, pointing_hits, region_similarity
from nonlocal_core.render import (
    ON_PANEL,
    PANEL,
    WARNING_ON_PANEL,
    durations,
    paint_mask,
    replacing,
    words_strip,
    write_mp4,
    write_png,
)
from nonlocal_core.saving.provenance import record

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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """An object as the block found it, and the truth if it is known."""

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
        """Cautions on the result, in sentences."""
        return " ".join(cautions.sentences(self.session.frames, [self.carried.note]))

    @property
    def provenance(self) -> str:
        """Record of clip, network, block and mark."""
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
        return record(facts)


def offer(found: Found) -> None:
    """Draw the button that saves the result."""
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
    sheet = np.empty((-(-count // columns) * (height + GAP), columns * (width + GAP) - GAP, 3), np.uint8)
    sheet[:] = PANEL
    for index, picture in enumerate(_painted(found)):
        top, left = index // columns * (height + GAP), index % columns * (width + GAP)
        sheet[top : top + height, left : left + width] = picture
        tell("Drawing frames", index + 1, count)
    write_png(path, np.concatenate([sheet, words_under(found, sheet.shape[1])]), provenance=found.provenance)


def _film(path: Path, found: Found, tell: Progress) -> None:
    seconds = durations(found.session.frames.pts_seconds)
    words = words_under(found, found.session.frames.rgb.shape[2])
    pictures = (np.concatenate([picture, words]) for picture in _painted(found))
    write_mp4(path, pictures, seconds, partial(tell, "Drawing frames"), provenance=found.provenance)


def words_under(found: Found, width: int) -> np.ndarray:
    """Return the caption strip for a picture of that width, (h, width, 3) uint8: the find's origin and all cautions."""
    name, card = found.session.frames.info.name, found.session.model.card
    said = f"{name}. {card.title}, {found.block.title}. Marked in frame {found.carried.frame + 1}."
    return np.asarray(words_strip([(said, ON_PANEL), (found.note, WARNING_ON_PANEL)], width))


def _table(path: Path, found: Found, tell: Progress) -> None:
    masks, truth = found.masks, found.truth
    similarity = None if truth is None else region_similarity(masks, truth)
    hits = None if truth is None else pointing_hits(found.carried, truth)
    frames = found.session.frames
    with replacing(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["frame", "frame_index", "marked", "x0", "y0", "x1", "y1", "j", "pointing_hit", "note"])
        for index, mask in enumerate(masks):
            marked = index == found.carried.frame
            scores = ["", ""]
            if similarity is not None and hits is not None and not marked:
                scores = [f"{similarity[index]:.6f}", "" if np.isnan(hits[index]) else str(int(hits[index]))]
            box = box_of(mask)
            said = f"Note: {found.note}" if found.note and index == 0 else ""  # begins as in the files of an answer
            table.writerow([index + 1, int(frames.frame_indices[index]), int(marked), *box, *scores, said])
            tell("Writing scores", index + 1, len(masks))


def box_of(mask: np.ndarray) -> list[str]:
    """Return the sides of the box around a mask (h, w), x0, y0, x1, y1 in units of the frame; none for an empty mask.

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
