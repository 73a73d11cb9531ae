"""Request for a clip: the file or sample, and the choice of frames."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nonlocal_core.errors import SelectionError
from nonlocal_core.media.frames import Frames
from nonlocal_core.media.limits import Limits
from nonlocal_core.media.reading import Media, read_frames
from nonlocal_core.media.samples import Sample, find_sample
from nonlocal_core.media.selection import Selection
from nonlocal_core.vocabulary import SAMPLE_PREFIX, Progress

Reader = Callable[..., Frames]
"""What reads frames: ``read_frames``, or something with its arguments that remembers what it read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """A clip and the choice of its frames.

    ``media``: a path, ``sample:ID``, what else ``read_frames`` takes, or frames that were read already. ``name``: what
    people call it, where the file does not say. ``asked``: fields of a ``Selection``, as ``asked_of_clip`` returns
    them. Unset fields fall back to the network's training selection, then the sample's, then the library default.
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
        """Return the frames; ``trained_on``: those that the network was trained to see.

        Raises MediaError, and SelectionError where a choice of frames was asked of frames that were read already.
        """
        sample, media = self.sample, self.media
        if isinstance(media, Frames):
            return self._as_read(media)
        return self.reader(
            sample.open() if sample else Path(media) if isinstance(media, str) else media,
            self._selection(trained_on, sample),
            name=self.name or (sample.title if sample else None),
            limits=self.limits or Limits(),
            progress=lambda done, total: tell("Reading frames", done, total),
        )

    def _as_read(self, frames: Frames) -> Frames:
        if self.asked:
            raise SelectionError(
                f"These {len(frames.rgb)} frames were read already, so {', '.join(self.asked)} cannot be chosen any "
                "more. Give it to read_frames instead."
            )
        return frames

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
