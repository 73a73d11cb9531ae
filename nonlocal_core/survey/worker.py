"""Worker of a survey, which holds the networks and makes a clip's rows. Every engine runs it."""

import threading
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch

from nonlocal_core.errors import NonlocalError
from nonlocal_core.media import Frames, Limits, Selection, read_frames
from nonlocal_core.media.apart import ApartReader
from nonlocal_core.media.intake import choice_for
from nonlocal_core.models.sharing import shared_features
from nonlocal_core.running.prepared import PreparedModel, prepare_model
from nonlocal_core.session import Session
from nonlocal_core.survey.addresses import is_remote, read_bytes
from nonlocal_core.survey.clip_rows import clip_rows, questions
from nonlocal_core.survey.keys import KEYS, ClipKeys, captured_block, clip_keys
from nonlocal_core.survey.masks import NO_MASKS, KnownMasks, known_masks
from nonlocal_core.survey.plan import Job, Plan
from nonlocal_core.survey.records import TABLES, ClipTables, Row, as_bytes
from nonlocal_core.vocabulary import SAMPLE_PREFIX

DEPTH = 2
"""Number of clips that a worker holds at once: one runs while the other is decoded."""
ONE = Selection(frames=1)
"""Selection for a mask, which is one picture."""
TRIED = "sample:coffee"
"""Clip on which a worker tests whether the keys of its networks can be searched."""
THREADS = 1
"""Threads of a worker's arithmetic: one, since processes run in parallel, and other numbers round differently."""


@dataclass(frozen=True, slots=True, eq=False)
class _ReadClip:
    frames: Frames
    known: KnownMasks


class Worker:
    """Networks, ready to run, and a process that decodes for them; ``measure`` may be called by ``DEPTH`` threads.

    Decoders run in a separate process, so that a file that breaks one, or never ends, costs only its own row.
    """

    def __init__(self, plan: Plan) -> None:
        torch.set_num_threads(THREADS)
        self._plan = plan
        self._models = [prepare_model(model) for model in plan.models]
        if plan.index is not None:
            for model in self._models:
                captured_block(Session.open(TRIED, model, short_side=plan.short_side), plan.index)
        self._reader = ApartReader(1, again=True)
        self._running = threading.Lock()
        self._settled: set[tuple[str, tuple[int, ...]]] = set()

    def close(self) -> None:
        """End the process that decodes."""
        self._reader.close()

    def measure(self, job: Job) -> bytes:
        """Return the rows of one clip (`records.as_bytes`), followed by its keys if they are asked for.

        Any error is the reason in its rows. Under a plan that keeps tables, only these are returned.
        """
        if self._plan.keeps == "tables":
            return as_bytes([self._tables(job)], TABLES)
        read: dict[Selection, _ReadClip | str] = {}
        for model in self._models:
            chosen = choice_for(job.clip, self._plan.frames, model.selection)
            if chosen not in read:
                read[chosen] = self._read(job.clip, chosen)
        rows: list[Row] = []
        keys: list[ClipKeys] = []
        shared = shared_features() if len(self._models) > 1 else nullcontext()
        with self._running, shared:
            for model in self._models:
                shown = read[choice_for(job.clip, self._plan.frames, model.selection)]
                rows += self._rows(job, model, shown, keys)
        return as_bytes(rows) + (as_bytes(keys, KEYS) if self._plan.index is not None else b"")

    def _tables(self, job: Job) -> ClipTables:
        (model,) = self._models
        read = self._read(job.clip, choice_for(job.clip, self._plan.frames, model.selection))
        if isinstance(read, str):
            return ClipTables(reason=read)
        try:
            with self._running:
                session = Session.open(read.frames, model, short_side=self._plan.short_side)
                return ClipTables(sha256=read.frames.info.sha256, bundle=session.bundle())
        except Exception as fault:  # as in `_read`
            return ClipTables(reason=reason_of(fault))

    def _read(self, clip: str, chosen: Selection) -> _ReadClip | str:
        try:
            if clip.startswith(SAMPLE_PREFIX):
                return _ReadClip(read_frames(clip, chosen), NO_MASKS)
            remote = is_remote(clip)
            source = read_bytes(clip, Limits()) if remote else Path(clip)
            frames = self._apart(source, clip.rpartition("/")[2] if remote else None, chosen)
            return _ReadClip(frames, known_masks(clip, frames, self._apart))
        except Exception as fault:  # of a clip that nobody has seen: it is told in its row, and the survey goes on
            return reason_of(fault)

    def _apart(self, source: Path | bytes, name: str | None, chosen: Selection = ONE) -> Frames:
        return self._reader.read_frames(source, chosen, name=name, limits=Limits(), tell=lambda done, total: None)

    def _rows(self, job: Job, model: PreparedModel, shown: _ReadClip | str, keys: list[ClipKeys]) -> tuple[Row, ...]:
        if isinstance(shown, str):
            return (Row(place=job.place, clip=job.clip, model=model.card.id, reason=shown),)
        try:
            session = self._settled_session(model, shown.frames)
            rows = clip_rows(session, place=job.place, clip=job.clip, known=shown.known)
            if self._plan.index is not None:
                block = captured_block(session, self._plan.index)
                asked = [point for _, point in questions(session, block)]
                keys.append(clip_keys(session, block, asked, place=job.place, clip=job.clip))
            return rows
        except Exception as fault:  # as above
            return (Row(place=job.place, clip=job.clip, model=model.card.id, reason=reason_of(fault)),)

    def _settled_session(self, model: PreparedModel, shown: Frames) -> Session:
        """Return the session of a clip; the first of a size runs twice.

        The first run of a size is proved at every query, later ones at some that depend on the clip's own output. So a
        row does not depend on the clips that its worker met before.
        """
        session = Session.open(shown, model, short_side=self._plan.short_side)
        size = model.card.id, (len(shown.rgb), *session.view.input_hw)
        if size in self._settled:
            return session
        self._settled.add(size)
        return Session.open(shown, model, short_side=self._plan.short_side)


def reason_of(fault: Exception) -> str:
    """Return the sentence of an error of this library, or the type and message of any other."""
    return str(fault) if isinstance(fault, NonlocalError) else f"{type(fault).__name__}: {fault}"
