"""The facade: open a clip with a network once, then ask as often as you like.

session = Session.open("clip.mp4", frames=8)
row = session.query(frame=3, x=0.5, y=0.4)
row.top(5), row.per_step_share
session.save("page.html", frame=3, x=0.5, y=0.4)
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Unpack

from torch import nn

from nonlocal_core.ancestors.filters import AnyFilter
from nonlocal_core.answers import AffinityColumn, AffinityRow, AnyAnswer
from nonlocal_core.asking import Questions
from nonlocal_core.bundle import (
    ClipWords,
    ModelLabel,
    Precision,
    Question,
    Storage,
    TourStop,
    View,
    encode_bundle,
    encode_columns,
)
from nonlocal_core.capture import Capture, asked_by
from nonlocal_core.capture.untouched import same_random_numbers
from nonlocal_core.errors import CaptureError
from nonlocal_core.geometry import ViewTransform
from nonlocal_core.measures.default_query import default_query
from nonlocal_core.measures.faithfulness import DRAWS, Faithfulness, faithfulness
from nonlocal_core.media import Frames, Limits, Sample, Selection, find_sample
from nonlocal_core.media.intake import count_of, frames_for
from nonlocal_core.media.one_colour import told_if_of_one_colour
from nonlocal_core.media.reading import Media
from nonlocal_core.media.stretching import stretched
from nonlocal_core.pin import MOST_POINTS, Pin, PinFields
from nonlocal_core.query import pin_of
from nonlocal_core.running.foreign import ForeignNetwork, ModelSpec, SpecFields, spec_of, uncompiled
from nonlocal_core.running.forward import DeviceChoice, device_of
from nonlocal_core.running.own_run import record_own
from nonlocal_core.running.prepared import NetworkCard, PreparedModel, network_and_frames, network_for
from nonlocal_core.running.recorded import RecordedRun, record_run
from nonlocal_core.running.snapshots import Checkpoint, as_film, weights_of
from nonlocal_core.saving.formats import QuestionAnswer, figure_svg, save
from nonlocal_core.viewer import CELL_STORAGE, notebook_cell
from nonlocal_core.vocabulary import Progress


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Session(Questions):
    """One clip after its run through one network: everything that a question needs, and no tensor.

    >>> session = Session.open("sample:chelsea")
    >>> session.query(frame=0, x=0.4, y=0.4).values.shape
    (1232,)
    """

    frames: Frames
    view: ViewTransform
    model: PreparedModel
    forecast_bytes: int | None
    """Forecast in bytes of the device's peak memory in the run, without weights and input; for a user's network, from a
    run on a few of the frames. None: unknown."""
    sample: Sample | None = None
    _first: list[Pin] = field(default_factory=list)

    def __repr__(self) -> str:
        count, blocks = len(self.frames.rgb), self.capture.blocks_in_words
        frames = f"{count} frame{'s' * (count > 1)}"
        return f"Session({self.frames.info.name!r}, {frames}, {self.model.card.id}, {blocks})"

    @classmethod
    def open(
        cls,
        media: Media,
        model: str | PreparedModel | AnyFilter = "default",
        *,
        frames: int | Selection | None = None,
        short_side: int | None = None,
        device: DeviceChoice = "auto",
        limits: Limits | None = None,
        progress: Progress | None = None,
    ) -> "Session":
        """Read frames, run the network on them once, and return the session.

        ``media``: a file or a folder of pictures, ``sample:ID``, the bytes of a file, an array of frames (uint8, or
        floats from 0 to 1, of shape (T, H, W, 3), (T, H, W) or of one frame), a list of arrays, PIL images and paths,
        or the result of ``read_frames``, which also gives a clip a name. ``model``: an id of ``list_models`` or of a
        published checkpoint, a network from ``prepare_model`` or ``prepare_checkpoint``, or a filter over pixels, such
        as ``NlMeans(h=0.2)``; "default": the one that a sample was made for, else the first of ``list_models``.
        ``frames``: their number, or a ``Selection``; its unset fields fall back to the network's training selection,
        else the sample's, else 8 frames spread over the clip. ``short_side``: pixels of the network's input; the whole
        frame is shown.

        Raises MediaError, SelectionError, UnknownNameError, WeightsError, DeviceMemoryError, and CaptureError if no
        block of the network could be proved on this clip.
        """
        tell = progress or _silent
        prepared, shown = network_and_frames(
            network_for(media, model),
            device,
            lambda trained_on: frames_for(media, frames, trained_on, limits=limits, tell=tell),
            tell,
        )
        session = _session(prepared, shown, record_run(prepared, shown, tell, short_side=short_side))
        return _with_an_answer(session) if session.unreadable else session

    @classmethod
    @same_random_numbers()
    def from_model(
        cls,
        model: nn.Module,
        media: Media,
        *,
        spec: ModelSpec | None = None,
        frames: int | Selection | None = None,
        limits: Limits | None = None,
        progress: Progress | None = None,
        **stated: Unpack[SpecFields],
    ) -> "Session":
        """Run a user's network on a clip and return the session; the network is left as it was.

        Its non-local blocks and self-attention layers are found (``attach``), and hooked for this one run. Everything
        else that the run changes is restored: buffers, caches, attributes, modes and random numbers.
        ``model``: in eval mode, on the device to run on; inside a wrapper of ``torch.compile`` or ``DataParallel``, the
        original network runs.
        ``spec``: facts that the module does not state, such as the status of its weights, or how to call it.
        ``stated``: the same by name, as in ``status="untrained"``, which takes precedence. A clip that is shorter than
        the network needs, or of which its first convolution would drop the last frames, is shown with repeated frames,
        and a warning says so. Other arguments are as for ``open``.

        Raises CaptureError if nothing in it can be shown, with the reasons, and the errors of ``open``.
        """
        tell, spec = progress or _silent, spec_of(spec, stated)
        model = uncompiled(model)
        network = ForeignNetwork(model, spec)
        title = spec.title or type(model).__name__
        description = f"A network of your own. {network.stated_input.sentence}"
        prepared = PreparedModel(
            network=network,
            card=NetworkCard(id=title, title=title, description=description, status=spec.status),
            device=device_of(model),
        )
        shown = frames_for(media, frames, network.trained_on, limits=limits, tell=tell)
        least = max(len(shown.rgb), min(network.least_frames, count_of(frames) or network.least_frames))
        shown = stretched(shown, network.whole_frames(least) if spec.token_grid is None else least)
        return _with_an_answer(_session(prepared, shown, record_own(prepared, shown, spec, tell)))

    @classmethod
    def film(
        cls,
        model: nn.Module,
        media: Media,
        checkpoints: Mapping[str, Checkpoint],
        *,
        block: str | None = None,
        spec: ModelSpec | None = None,
        frames: int | Selection | None = None,
    ) -> "Session":
        """Return a session whose blocks are one block during training: the viewer steps through them under one pin.

        ``model`` runs on the clip once with the weights of each checkpoint, and gets its own back afterwards.
        ``checkpoints``: a file or a state dict for each title, such as "step 300", in order. ``block``: a name
        from ``capture.blocks`` of such a session, or None for the one that is shown first. Other arguments are as for
        ``from_model``. Do not call it while another thread runs the same network.

        Raises WeightsError for a checkpoint of another network, CaptureError if there is nothing to show, and the
        errors of ``from_model``.
        """
        runs: dict[str, Session] = {}
        for title, checkpoint in checkpoints.items():
            with weights_of(model, checkpoint):
                shown = runs[next(iter(runs))].frames if runs else media
                runs[title] = cls.from_model(model, shown, spec=spec, frames=None if runs else frames)
        film = as_film({title: run.capture for title, run in runs.items()}, block)
        return replace([*runs.values()][-1], capture=film, _normalisers={}, _first=[])

    def _with_figure(self, answer: AnyAnswer) -> AnyAnswer:
        """Return the answer with its figure, which is drawn when it is asked for."""
        few = len(answer.asked_cells) + len(answer.minus) <= MOST_POINTS
        return replace(answer, draw=_FigureOf(self, answer)) if few else answer

    def faithfulness(
        self,
        *,
        frame: int,
        x: float,
        y: float,
        block: str | None = None,
        keys: int | None = None,
        draws: int = DRAWS,
        runs: int = 0,
    ) -> Faithfulness:
        """Return the effect of cutting the strongest keys of a point's row, compared with cutting others.

        ``keys``: the number cut at once, or None for those above an even share. ``draws``: the number of draws of
        random keys, and of other rows. ``runs``: the number of draws for which the network runs again for its answer,
        as it does once for each other cut; none by default. Raises OutsideGridError, UnknownNameError, SelectionError
        for a number of keys that leaves none, CaptureError for a block that adds nothing by design or is not built
        here, DeviceMemoryError.
        """
        captured = self.block(block)
        cell = captured.query_grid.cell_at(frame=frame, x=x, y=y)
        return faithfulness(self, captured, cell, keys=keys, draws=draws, runs=runs)

    def bundle(
        self,
        pin: Pin | None = None,
        *,
        block: str | None = None,
        tour: Sequence[TourStop] | None = None,
        precision: Precision = "float16",
        columns: bool = True,
    ) -> bytes:
        """Return the bytes that the viewer reads: the clip, the tables of every block, and the first view.

        ``pin``: the question on arrival and its drawing options; None: ``first_question``, of ``block``. ``tour``: its
        stops in order, none if empty; None: those of the sample. ``precision``: "int8" halves the tables for rows
        within 5 % of their maximum instead of 0.5 %. ``columns``: whether to include what "who looks here" needs for a
        softmax, which takes longer than all the rest; ``columns_bundle`` makes it separately.
        Raises BundleError for a question or a stop that the clip does not have, or a block that the network does not.
        """
        storage = Storage(precision=precision, columns=columns)
        return self._packed(pin or replace(self.first_question(), block=block), storage, tour=tour)

    def _packed(
        self, first: Pin, storage: Storage, *, tour: Sequence[TourStop] | None = None, said: tuple[str, ...] = ()
    ) -> bytes:
        """Return a bundle; ``said``: sentences to show under the clip with its own."""
        card, sample = self.model.card, self.sample
        return encode_bundle(
            self.frames,
            self.capture,
            model=ModelLabel(id=card.id, title=card.title, status=card.status),
            view=View.of(
                replace(first, block=None if first.block is None else self.block(first.block).name),
                self._sample_tour() if tour is None else tour,
            ),
            words=ClipWords(
                caption=" ".join(([sample.caption] if sample else []) + [*self.not_shown, *said]),
                licence=sample.licence if sample else "",
            ),
            storage=storage,
        )

    def columns_bundle(self) -> bytes:
        """Return the normalisers of float16 tables that ``bundle(columns=False)`` left out, to be read after it."""
        return encode_columns(self.capture)

    @property
    def not_shown(self) -> list[str]:
        """Sentences on the parts of the network that look like a block and cannot be shown."""
        return [f"Not shown: {name} {reason}." for name, reason in self.unreadable]

    def _sample_tour(self) -> tuple[TourStop, ...]:
        """Return the stops of the sample that lie in the chosen frames."""
        return tuple(
            TourStop(question=Question(frame=stop.frame, x=stop.x, y=stop.y), caption=stop.caption)
            for stop in (self.sample.tour if self.sample else ())
            if stop.frame < len(self.frames.rgb)
        )

    def first_question(self) -> Pin:
        """Return the pin to show on arrival: the sample's curated query, or else one that has something to show.

        The rule is in `nonlocal_core.measures.default_query`.
        """
        if self.sample is not None and self.sample.query.frame < len(self.frames.rgb):
            return Pin(frame=self.sample.query.frame, x=self.sample.query.x, y=self.sample.query.y)
        if not self._first:
            block = self.block()
            cell = default_query(block, self.frames.rgb)
            x, y = block.query_grid.center(cell)
            self._first.append(Pin(frame=block.query_grid.span(cell.t)[0], x=x, y=y))
        return self._first[0]

    def save(
        self,
        path: str | Path,
        *,
        tour: Sequence[TourStop] | None = None,
        precision: Precision = "float16",
        progress: Progress | None = None,
        **pin: Unpack[PinFields],
    ) -> Path:
        """Write the answer to one question as a file and return its path; the suffix selects the format.

        ``.html``: the live viewer in one file; ``.png``, ``.svg`` and ``.pdf``: a figure of all frames with heat,
        arrows (paper, figure 3), shares and the sentence; ``.gif`` and ``.mp4``: the clip with heat; ``.npz`` and
        ``.csv``: the numbers; ``.json``: their provenance. ``pin``: the question and its drawing options, the fields of
        a ``Pin``: ``frame``, ``x``, ``y``, ``also``, ``minus``, ``beside``, ``temperature``, ``hops``, ``asker``,
        ``block``, ``direction``, ``view``. ``tour`` and ``precision``: for the live viewer, as in ``bundle``. An error
        raised by ``progress`` ends the writing and leaves nothing behind.
        Raises UnknownNameError for an unknown suffix or view, OutsideGridError, RenderError, BundleError.
        """
        asked = Pin(**pin)
        answered = self._answered(asked, lambda: self.bundle(asked, tour=tour, precision=precision))
        return save(Path(path), answered, progress or _silent)

    def _answered(self, asked: Pin, bundle: Callable[[], bytes]) -> QuestionAnswer:
        return QuestionAnswer(
            frames=self.frames,
            view=self.view,
            card=self.model.card,
            device=self.model.device.title,
            block=asked_by(self.block(asked.block), asked.asker),
            pin=asked,
            shown=tuple(self.shown(one) for one in asked.all),
            exact=tuple(self.answer(one) for one in asked.all),
            unreadable=self.unreadable,
            bundle=bundle,
        )

    def _repr_html_(self) -> str:
        """Return the live viewer for the cell of a notebook."""
        first = self.first_question()

        def pack(kept: Capture, said: str) -> bytes:
            return replace(self, capture=kept)._packed(first, CELL_STORAGE, said=(said,) if said else ())

        question = Question(frame=first.frame, x=first.x, y=first.y)
        return notebook_cell(self.capture, pack, title=self.frames.info.name, question=question)


class _FigureOf:
    """Drawing of a session's answer, made when called. A pickle of the answer leaves out the drawing and its clip."""

    def __init__(self, session: Session, answer: AffinityRow | AffinityColumn) -> None:
        self._session, self._pin = session, pin_of(answer)

    def __call__(self) -> str:
        return figure_svg(self._session._answered(self._pin, self._session.bundle))

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        return type(None), ()


def _silent(stage: str, done: int, total: int) -> None:
    """Report nothing."""


def _session(prepared: PreparedModel, frames: Frames, found: RecordedRun) -> Session:
    sample_id = frames.info.sample_id
    return Session(
        frames=told_if_of_one_colour(frames),
        view=found.view,
        capture=found.capture,
        model=prepared,
        forecast_bytes=found.forecast_bytes,
        sample=None if sample_id is None else find_sample(sample_id),
        unreadable=found.unreadable,
    )


def _with_an_answer(session: Session) -> Session:
    """Return the session. Raises CaptureError, with the reasons, if it has no block to ask."""
    if not session.capture.blocks:
        reasons = "; ".join(f"{name} {reason}" for name, reason in session.unreadable)
        raise CaptureError(
            f"{session.model.card.title} ran no non-local block and no attention layer that can be shown. "
            f"{reasons or 'None was found in it'}. Where you know how a layer weighs, hand its theta and phi over with "
            "ModelSpec(by_hand={'its name': function}), which returns Tables."
        )
    return session
