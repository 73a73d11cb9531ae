"""The facade: open a clip with a network once, then ask as often as you like.

session = Session.open("clip.mp4", frames=8)
row = session.query(frame=3, x=0.5, y=0.4)
row.top(5), row.per_frame_share
session.save("page.html", frame=3, x=0.5, y=0.4)
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64

from nonlocal_core.bundle import ModelLabel, Question, TourStop, View, encode_bundle
from nonlocal_core.capture import (
    BlockCapture,
    BlockSite,
    Capture,
    ClassScore,
    Reader,
    attach,
    log_normaliser,
    recording,
)
from nonlocal_core.capture.own import NonlocalBlockReader, ParameterFreeReader
from nonlocal_core.errors import CaptureError
from nonlocal_core.forward import Device, DeviceChoice, pick_device, run
from nonlocal_core.geometry import ViewTransform
from nonlocal_core.media import Frames, Limits, Sample, Selection, find_sample, network_input, read_frames
from nonlocal_core.models import InsertedBlock, Lite0Network, NonlocalBlock, ParameterFreeGaussian, clip_probabilities
from nonlocal_core.models.progress import forward_progress
from nonlocal_core.query import AffinityColumn, AffinityRow, column, row
from nonlocal_core.saving import Answered, save
from nonlocal_core.weights import ModelCard, build_model

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many steps are done, and how many there are."""

MAX_CLASSES = 5
"""Best classes that a session keeps."""
SAMPLE_PREFIX = "sample:"
_KEPT_MODELS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedModel:
    """A network that is frozen, hooked and on its device; shared by all sessions, changed by none."""

    network: Lite0Network
    card: ModelCard
    device: Device


_preparing = threading.Lock()


def prepare_model(model: str = "default", device: DeviceChoice = "auto") -> PreparedModel:
    """Return the network of that id, ready to record; the same object for the same arguments.

    Raises UnknownNameError for an id or a device that does not exist, WeightsError for weights that cannot be used.
    """
    with _preparing:
        return _prepare(model, pick_device(device))


@lru_cache(maxsize=_KEPT_MODELS)
def _prepare(model: str, device: Device) -> PreparedModel:
    network, card = build_model(model)
    network.to(device.torch_name)
    attach(tuple(_site(inserted) for inserted in network.inserted))
    return PreparedModel(network=network, card=card, device=device)


def _site(inserted: InsertedBlock) -> BlockSite:
    match inserted.module:
        case ParameterFreeGaussian() as probe:
            reader: Reader = ParameterFreeReader(probe)
        case NonlocalBlock() as block:
            reader = NonlocalBlockReader(block)
        case other:
            raise CaptureError(f"Block {inserted.name!r} is a {type(other).__name__}, which has no reader.")
    return BlockSite(
        name=inserted.name,
        title=inserted.title,
        module=inserted.module,
        reader=reader,
        status=inserted.status,
        note=inserted.note,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Session:
    """One clip that went through one network: everything that a question needs, and no tensor.

    >>> session = Session.open("sample:chelsea")
    >>> session.query(frame=0, x=0.4, y=0.4).values.shape
    (1596,)
    """

    frames: Frames
    view: ViewTransform
    capture: Capture
    model: PreparedModel
    forecast_bytes: int
    """What the run was expected to take of the device's memory at its peak, weights and input apart."""
    sample: Sample | None = None
    _normalisers: dict[str, Float64[np.ndarray, " Nq"]] = field(default_factory=dict)

    @classmethod
    def open(
        cls,
        media: str | Path | bytes,
        model: str | PreparedModel = "default",
        *,
        frames: int | None = None,
        stride: int | None = None,
        start_seconds: float | None = None,
        frame_indices: tuple[int, ...] | None = None,
        short_side: int | None = None,
        device: DeviceChoice = "auto",
        name: str | None = None,
        limits: Limits | None = None,
        progress: Progress | None = None,
    ) -> "Session":
        """Read frames, run them through the network once, and return the session.

        ``media``: a file, its bytes, or ``sample:ID``. ``frames``: how many, spread over the clip (8), or every
        ``stride``-th one from ``start_seconds``; ``frame_indices``: exactly those. What is left out is the
        sample's own choice, else the default. ``short_side``: pixels of the network's input; the whole frame is shown.

        Raises MediaError, SelectionError, UnknownNameError, WeightsError, DeviceMemoryError.
        """
        tell = progress or _silent
        sample = None
        if isinstance(media, str) and media.startswith(SAMPLE_PREFIX):
            sample = find_sample(media.removeprefix(SAMPLE_PREFIX))
        selection = _selection(sample, frames, stride, start_seconds, frame_indices)
        tell("Loading the network", 0, 1)
        prepared = model if isinstance(model, PreparedModel) else prepare_model(model, device)
        shown = read_frames(
            sample.open() if sample else media if isinstance(media, bytes) else Path(media),
            selection,
            name=name or (sample.title if sample else None),
            limits=limits or Limits(),
            progress=lambda done, total: tell("Reading frames", done, total),
        )
        with forward_progress(lambda done, total: tell("Running the network", done, total)):
            view, capture, forecast_bytes = _record(prepared, shown, short_side)
        return cls(
            frames=shown,
            view=view,
            capture=capture,
            model=prepared,
            forecast_bytes=forecast_bytes,
            sample=sample,
        )

    def query(self, *, frame: int, x: float, y: float, block: str | None = None) -> AffinityRow:
        """Return where a point looks: ``frame`` of the clip, x and y in [0, 1] of the shown frame, y downwards.

        ``block``: a name from ``capture.blocks``, or None for the one that is shown first.
        Raises OutsideGridError when the network did not see that point, UnknownNameError for another block.
        """
        captured = self.block(block)
        return row(captured, captured.query_grid.cell_at(frame=frame, x=x, y=y))

    def column(self, *, frame: int, x: float, y: float, block: str | None = None) -> AffinityColumn:
        """Return who looks at a point; arguments and errors as for ``query``."""
        captured = self.block(block)
        cell = captured.key_grid.cell_at(frame=frame, x=x, y=y)
        if captured.is_softmax and captured.name not in self._normalisers:
            self._normalisers[captured.name] = log_normaliser(captured)
        return column(captured, cell, self._normalisers.get(captured.name))

    def block(self, name: str | None = None) -> BlockCapture:
        """Return the captured block of that name, or the one that is shown first."""
        return self.capture.block(name)

    def bundle(self, *, question: Question | None = None, block: str | None = None) -> bytes:
        """Return the bytes that the viewer reads: the clip, the tables of every block, and what to show first.

        ``question``: asked on arrival; the sample's own, or the middle of the clip, when None.
        Raises BundleError for a question that the clip does not have.
        """
        card, sample = self.model.card, self.sample
        return encode_bundle(
            self.frames,
            self.capture,
            model=ModelLabel(id=card.id, title=card.title, status=card.status),
            view=View(
                block=self.block(block).name,
                question=question or self.first_question(),
                tour=tuple(
                    TourStop(question=Question(frame=stop.frame, x=stop.x, y=stop.y), caption=stop.caption)
                    for stop in (sample.tour if sample else ())
                    if stop.frame < len(self.frames.rgb)
                ),
            ),
            caption=sample.caption if sample else "",
            licence=sample.licence if sample else "",
        )

    def first_question(self) -> Question:
        """Return what to ask on arrival: the sample's curated query, else the middle of the middle frame."""
        count = len(self.frames.rgb)
        if self.sample is not None and self.sample.query.frame < count:
            return Question(frame=self.sample.query.frame, x=self.sample.query.x, y=self.sample.query.y)
        return Question(frame=count // 2, x=0.5, y=0.5)

    def save(
        self,
        path: str | Path,
        *,
        frame: int,
        x: float,
        y: float,
        block: str | None = None,
        progress: Progress | None = None,
    ) -> Path:
        """Write the answer to one question as a file and return its path; the suffix says what.

        ``.html`` the live viewer in one file, ``.png`` a figure for print, ``.gif`` and ``.mp4`` the clip with heat,
        ``.npz`` and ``.csv`` the numbers, ``.json`` where they come from. What ``progress`` raises ends the writing
        and leaves nothing behind.
        Raises UnknownNameError for another suffix, OutsideGridError, RenderError.
        """
        question = Question(frame=frame, x=x, y=y)
        answered = Answered(
            frames=self.frames,
            view=self.view,
            card=self.model.card,
            device=self.model.device.title,
            block=self.block(block),
            question=question,
            row=self.query(frame=frame, x=x, y=y, block=block),
            bundle=lambda: self.bundle(question=question, block=block),
        )
        return save(Path(path), answered, progress or _silent)


def _silent(stage: str, done: int, total: int) -> None:
    """Report nothing."""


def _selection(
    sample: Sample | None,
    frames: int | None,
    stride: int | None,
    start_seconds: float | None,
    frame_indices: tuple[int, ...] | None,
) -> Selection:
    """Return the sample's own selection, or the default, with what was asked for in its place."""
    asked = {"frames": frames, "stride": stride, "start_seconds": start_seconds, "frame_indices": frame_indices}
    given: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    own = sample.selection if sample is not None else Selection()
    return replace(own, **given)


def _record(prepared: PreparedModel, frames: Frames, short_side: int | None) -> tuple[ViewTransform, Capture, int]:
    network = prepared.network
    spec = network.input_spec if short_side is None else replace(network.input_spec, short_side=short_side)
    pixels, view = network_input(frames, spec)
    clip = torch.from_numpy(pixels)
    with recording(view=view, clip_frames=len(frames.rgb)) as record:
        needed = network.forward_bytes(clip.shape)
        logits = run(network, clip, device=prepared.device, forecast_bytes=needed)
    scores = clip_probabilities(logits)[0]
    best = scores.topk(MAX_CLASSES)
    classes = tuple(
        ClassScore(network.classes[int(index)], float(score))
        for score, index in zip(best.values, best.indices, strict=True)
    )
    return view, Capture(blocks=tuple(record.blocks), classes=classes), needed
