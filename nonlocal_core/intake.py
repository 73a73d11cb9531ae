"""What a session is opened on: which frames of which clip, and the network that is shown them."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nonlocal_core.forward import DeviceChoice
from nonlocal_core.media import Frames, Limits, Sample, Selection, find_sample, read_frames
from nonlocal_core.prepared import PreparedModel, Progress, is_shipped, prepare_model

SAMPLE_PREFIX = "sample:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """A clip, and what was asked of it; the rest is as the network, else the sample, else the library has it.

    ``media``: a file, its bytes, or ``sample:ID``. ``name``: what people call it, where the file does not say.
    ``asked``: fields of a ``Selection``, as ``asked_of_clip`` returns them.
    """

    media: str | Path | bytes
    name: str | None
    limits: Limits | None
    asked: Mapping[str, Any]

    @property
    def sample(self) -> Sample | None:
        """The sample that is meant, None for a file. Raises UnknownNameError for a sample that does not exist."""
        if isinstance(self.media, str) and self.media.startswith(SAMPLE_PREFIX):
            return find_sample(self.media.removeprefix(SAMPLE_PREFIX))
        return None

    def read(self, trained_on: Selection | None, tell: Progress) -> Frames:
        """Return the frames; ``trained_on``: those that the network was trained to see. Raises MediaError."""
        sample, media = self.sample, self.media
        return read_frames(
            sample.open() if sample else media if isinstance(media, bytes) else Path(media),
            self._selection(trained_on, sample),
            name=self.name or (sample.title if sample else None),
            limits=self.limits or Limits(),
            progress=lambda done, total: tell("Reading frames", done, total),
        )

    def _selection(self, trained_on: Selection | None, sample: Sample | None) -> Selection:
        if "frame_indices" in self.asked:  # these say everything
            return Selection(**self.asked)
        return replace(trained_on or (sample.selection if sample else Selection()), **self.asked)


def asked_of_clip(
    frames: int | None, stride: int | None, start_seconds: float | None, frame_indices: tuple[int, ...] | None
) -> Mapping[str, Any]:
    """Return the fields of a ``Selection`` that were asked for."""
    asked = {"frames": frames, "stride": stride, "start_seconds": start_seconds, "frame_indices": frame_indices}
    return {name: value for name, value in asked.items() if value is not None}


def network_and_frames(
    model: str | PreparedModel, device: DeviceChoice, intake: Intake, tell: Progress
) -> tuple[PreparedModel, Frames]:
    """Return the network and what it is shown; a shipped network is loaded while the frames are read.

    Raises what ``prepare_model`` and ``Intake.read`` raise.
    """
    tell("Loading the network", 0, 1)
    if isinstance(model, str) and is_shipped(model):
        with ThreadPoolExecutor(max_workers=1) as beside:
            loading = beside.submit(prepare_model, model, device)
            shown = intake.read(None, tell)
            return loading.result(), shown
    prepared = model if isinstance(model, PreparedModel) else prepare_model(model, device, progress=tell)
    return prepared, intake.read(prepared.selection, tell)
