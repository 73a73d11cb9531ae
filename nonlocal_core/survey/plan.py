"""Plan of a survey: the work on every clip. It determines the rows, so that a run resumes only under the same plan."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypedDict

from nonlocal_core.errors import SurveyError
from nonlocal_core.media import Selection


class PlanFields(TypedDict, total=False):
    """Fields of a plan, the arguments of ``survey``."""

    models: Sequence[str]
    frames: int | Selection | None
    short_side: int | None
    index: str | None


Keeps = Literal["rows", "tables"]
"""Product of a worker: rows of figures, or the tables of theta and phi."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Networks and frames. ``models``: ids; ``frames``: unset fields fall back as for ``Session.open``. ``index``: the
    block whose keys are kept, "first" for the one that each network shows first, or None for no keys. ``keeps``: the
    tables in the second pass of `survey.chosen_tables`.

    Raises SurveyError without a network, or for one that is named twice.
    """

    models: tuple[str, ...] = ("default",)
    frames: Selection = field(default_factory=Selection)
    short_side: int | None = None
    index: str | None = None
    keeps: Keeps = "rows"

    def __post_init__(self) -> None:
        """Refuse a plan that would give no rows, or the same rows twice."""
        if not self.models or len(set(self.models)) < len(self.models):
            raise SurveyError(f"A survey takes one or more different networks; got {list(self.models)}.")

    @classmethod
    def of(cls, fields: PlanFields) -> "Plan":
        """Return the plan with these fields, in which a number of frames stands for a selection."""
        frames = fields.get("frames")
        return cls(
            models=tuple(fields.get("models", ("default",))),
            frames=frames if isinstance(frames, Selection) else Selection(frames=frames),
            short_side=fields.get("short_side"),
            index=fields.get("index"),
        )

    def as_json(self) -> str:
        """Return the plan as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Plan":
        """Return the plan of such a line."""
        told: dict[str, Any] = json.loads(text)
        frames = told["frames"]
        indices = frames.pop("frame_indices")
        return cls(
            models=tuple(told["models"]),
            frames=Selection(**frames, frame_indices=None if indices is None else tuple(indices)),
            short_side=told["short_side"],
            index=told.get("index"),
            keeps=told.get("keeps", "rows"),
        )


@dataclass(frozen=True, slots=True)
class Job:
    """Clip to measure: its place in the reading list, and its address."""

    place: int
    clip: str
