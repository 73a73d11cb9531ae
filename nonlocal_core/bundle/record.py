"""Contents of a bundle, as frozen records."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from nonlocal_core.capture.record import BlockCapture, ClassScore
from nonlocal_core.errors import BundleError
from nonlocal_core.vocabulary import Direction, WeightStatus

MAX_TOUR_STOPS = 32
"""Stops of a tour: more than a lecture walks through. ``viewer/model/tour.js`` has the same limits."""
MAX_CAPTION_LENGTH = 200
"""Characters of a stop's caption: two lines on a projector."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A point of the shown frame to ask from: frame counted from 0, x and y in [0, 1], y downwards."""

    frame: int
    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TourStop:
    """One stop of the guided tour: a question, and the sentence to say there.

    Raises BundleError for a caption of more than ``MAX_CAPTION_LENGTH`` characters.
    """

    question: Question
    caption: str
    block: str | None = None
    """The block to show; None keeps the one on screen."""
    direction: Direction = "row"

    def __post_init__(self) -> None:
        """Check what the type cannot say."""
        if len(self.caption) > MAX_CAPTION_LENGTH:
            raise BundleError(
                f"The caption of a stop has up to {MAX_CAPTION_LENGTH} characters; "
                f"this one has {len(self.caption)}: {self.caption[:40]!r}... Shorten it."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Block, question and tour to show first. Raises BundleError for more than ``MAX_TOUR_STOPS`` stops."""

    block: str | None = None
    """None for the one that the capture shows."""
    question: Question | None = None
    """None for the middle of the middle frame."""
    tour: tuple[TourStop, ...] = ()

    def __post_init__(self) -> None:
        """Check what the type cannot say."""
        if len(self.tour) > MAX_TOUR_STOPS:
            raise BundleError(
                f"A tour has up to {MAX_TOUR_STOPS} stops; this one has {len(self.tour)}. Leave some out."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLabel:
    """Name and status of the network that answered."""

    id: str
    title: str
    status: WeightStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLabel:
    """Name, kind and sizes of the clip."""

    name: str
    kind: str
    shown_hw: tuple[int, int]
    pts_seconds: tuple[float, ...]
    frame_indices: tuple[int, ...]
    caption: str = ""
    licence: str = ""
    warnings: tuple[str, ...] = ()
    """Sentences about the clip, which stand with its pictures."""
    remarks: tuple[str, ...] = ()
    """Sentences about the file that stand aside: what was taken as players take it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BundledBlock:
    """A block as it was stored: its capture, read back, and what the storage cost."""

    capture: BlockCapture
    log_normaliser: Float32[np.ndarray, " Nq"] | None
    """Of the stored tables; None where the weights have none, or where it was too dear: then there are no columns."""
    warning: str
    proof: str
    """What the viewer prints of the block: `BlockCapture.warning` and `BlockCapture.proof` when it was written."""
    dtype: str
    """``int8``, ``float16`` or ``float32``, of theta and phi in the file."""
    row_error: float
    """Worst error that the storage put on a row, over that row's maximum, among the rows that were measured."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bundle:
    """A whole bundle, read and checked."""

    id: str
    """SHA-256 of the content, in hexadecimal."""
    media: MediaLabel
    frames: tuple[bytes, ...]
    """One JPEG file per frame."""
    model: ModelLabel
    classes: tuple[ClassScore, ...]
    blocks: tuple[BundledBlock, ...]
    view: View
