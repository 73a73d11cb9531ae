"""Request for a clip: the file or sample, the choice of frames, and the reader."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nonlocal_core.media.limits import Limits
from nonlocal_core.media.reading import Media, read_frames
from nonlocal_core.media.records import Frames
from nonlocal_core.media.samples import Sample, find_sample
from nonlocal_core.media.selection import Selection
from nonlocal_core.vocabulary import SAMPLE_PREFIX, Progress

Reader = Callable[..., Frames]
"""What reads frames: ``read_frames``, or something with its arguments that remembers what it read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """A clip, and what was asked of it; the rest is as the network, else the sample, else the library has it.

    ``media``: a path, ``sample:ID``, or what else ``read_frames`` takes. ``name``: what people call
    it, where the file does not say. ``asked``: fields of a ``Selection``, as ``asked_of_clip`` returns them.
    """

    media: str | Media
    name: str | None
    limits: Limits | None
    asked: Mapping[str, Any]
    reader: Reader = read_frames

    @property
    def sample(self) -> Sample | None:
        """The sample that is meant, None for a file. Raises UnknownNameError for a sample that does not exist."""
        if isinstance(self.media, str) and self.media.startswith(SAMPLE_PREFIX):
            return find_sample(self.media.removeprefix(SAMPLE_PREFIX))
        return None

    def read(self, trained_on: Selection | None, tell: Progress) -> Frames:
        """Return the frames; ``trained_on``: those that the network was trained to see. Raises MediaError."""
        sample, media = self.sample, self.media
        return self.reader(
            sample.open() if sample else Path(media) if isinstance(media, str) else media,
            self._selection(trained_on, sample),
            name=self.name or (sample.title if sample else None),
            limits=self.limits or Limits(),
            progress=lambda done, total: tell("Reading frames", done, total),
        )

    def _selection(self, trained_on: Selection | None, sample: Sample | None) -> Selection:
        if "frame_indices" in self.asked:  # these say everything
            return Selection(**self.asked)
        is_asked = "frames" in self.asked or trained_on is not None
        return replace(trained_on or (sample.selection if sample else Selection()), **self.asked, is_asked=is_asked)


def asked_of_clip(
    frames: int | None, stride: int | None, start_seconds: float | None, frame_indices: tuple[int, ...] | None
) -> Mapping[str, Any]:
    """Return the fields of a ``Selection`` that were asked for."""
    asked = {"frames": frames, "stride": stride, "start_seconds": start_seconds, "frame_indices": frame_indices}
    return {name: value for name, value in asked.items() if value is not None}
