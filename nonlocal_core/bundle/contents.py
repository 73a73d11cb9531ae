"""Contents of a bundle, as frozen records."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from jaxtyping import Float32

from nonlocal_core.capture.record import BlockCapture, ClassScore
from nonlocal_core.errors import BundleError
from nonlocal_core.pin import MOST_HOPS, Pin, Point
from nonlocal_core.vocabulary import Direction, WeightStatus

MAX_TOUR_STOPS = 32
"""Maximum number of stops in a tour, more than a lecture needs. ``viewer/model/tour.js`` has the same limits."""
MAX_CAPTION_LENGTH = 200
"""Maximum length of a stop's caption in characters: two lines on a projector."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A point of the shown frame to ask from: frame counted from 0, x and y in [0, 1], y downwards."""

    frame: int
    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TourStop:
    """One stop of a guided tour: a question and the sentence to say there.

    Raises BundleError for a caption of more than ``MAX_CAPTION_LENGTH`` characters, and for hops out of their range.
    """

    question: Question
    caption: str
    block: str | None = None
    """The block to show; None keeps the one on screen."""
    direction: Direction = "row"
    hops: int = 1
    """Number of hops, as in a ``Pin``."""

    def __post_init__(self) -> None:
        """Validate the fields beyond their types."""
        if len(self.caption) > MAX_CAPTION_LENGTH:
            raise BundleError(
                f"The caption of a stop has up to {MAX_CAPTION_LENGTH} characters; "
                f"this one has {len(self.caption)}: {self.caption[:40]!r}... Shorten it."
            )
        if not 1 <= self.hops <= MOST_HOPS:
            raise BundleError(f"A stop follows where it looks for 1 to {MOST_HOPS} hops; got {self.hops}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Block, question and tour to show first. Raises BundleError for more than ``MAX_TOUR_STOPS`` stops."""

    block: str | None = None
    """Name of the block, or None for the one that the capture shows first."""
    question: Question | None = None
    """Question, or None for the middle of the middle frame."""
    also: tuple[Point, ...] = ()
    minus: tuple[Point, ...] = ()
    beside: tuple[tuple[Point, ...], ...] = ()
    temperature: float = 1.0
    hops: int = 1
    asker: str | None = None
    """Name of an asker. This field and the five above are those of a ``Pin``."""
    direction: Direction = "row"
    look: str = ""
    """Style of the pictures, in the words of a ``Look``."""
    tour: tuple[TourStop, ...] = ()

    def __post_init__(self) -> None:
        """Validate the fields beyond their types."""
        if len(self.tour) > MAX_TOUR_STOPS:
            raise BundleError(
                f"A tour has up to {MAX_TOUR_STOPS} stops; this one has {len(self.tour)}. Leave some out."
            )

    @classmethod
    def of(cls, pin: Pin, tour: Sequence[TourStop] = ()) -> "View":
        """Return the view that a pin names. Raises BundleError like the class."""
        return cls(
            block=pin.block,
            question=Question(frame=pin.frame, x=pin.x, y=pin.y),
            also=pin.also,
            minus=pin.minus,
            beside=pin.beside,
            temperature=pin.temperature,
            hops=pin.hops,
            asker=pin.asker,
            direction=pin.direction,
            look=pin.view,
            tour=tuple(tour),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipWords:
    """Sentences shown under a clip."""

    caption: str = ""
    licence: str = ""


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
    """Sentences about the clip, shown with its pictures."""
    remarks: tuple[str, ...] = ()
    """Sentences about the file, shown apart: the assumptions that players make too."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BundledBlock:
    """A block as stored: its capture, read back, and the error of its storage type."""

    capture: BlockCapture
    log_normaliser: Float32[np.ndarray, " Nq"] | None
    """Normaliser of the stored rows. None if the weights need none, or if it was too costly and columns are missing."""
    warning: str
    proof: str
    """Sentences that the viewer prints: `BlockCapture.warning` and `BlockCapture.proof` at the time of writing."""
    dtype: str
    """``int8``, ``float16`` or ``float32``, of theta and phi in the file."""
    row_error: float
    """Largest error of a measured row due to the storage type, as a fraction of the row's maximum."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bundle:
    """Content of a bundle, read and checked."""

    id: str
    """SHA-256 of the content, in hexadecimal."""
    media: MediaLabel
    frames: tuple[bytes, ...]
    """One JPEG or WebP file per frame."""
    model: ModelLabel
    classes: tuple[ClassScore, ...]
    blocks: tuple[BundledBlock, ...]
    view: View

    @property
    def clip(self) -> str:
        """Text that identifies the pictures: the same for bundles of the same clip."""
        return sha256(b"".join(self.frames)).hexdigest()
