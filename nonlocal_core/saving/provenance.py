"""Provenance of an answer: enough to compute it again, and nothing about the machine's folders."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version

PACKAGES = ("nonlocal-viewer", "torch", "numpy", "av", "pillow")
"""Distributions whose versions an answer depends on: networks, arithmetic, decoding, resizing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Question, clip and network of one answer. Frames, rows and columns are counted from 0, as in the library.

    ``clip_name`` is a display name, never a path. ``frame_indices`` count the decoded frames of the file. ``query`` is
    the frame among these that was asked from, with x and y in [0, 1], ``also`` and ``minus`` are further points of the
    question, ``beside`` those of the pins shown with it, ``temperature`` is the divisor of the scores,
    ``hops`` the number of hops, ``asker`` the asker instead of the point; ``asked_cell`` is (t, y, x) on the query
    grid, or on the key grid if ``direction`` is "column". ``view``: the options for drawing, in the words of a
    ``Look``. ``step``: the step of a network that ran several times, such as "timestep 900", else empty.
    ``weights`` maps the name of each weights file to its SHA-256. ``note`` and ``proof`` are the block's sentences
    about its reading, ``warnings`` those about the clip, ``remarks`` the assumptions that players make too.
    ``unreadable`` has the name and the reason of each part of the network that could not be shown.
    """

    clip_name: str
    clip_sha256: str
    frame_indices: tuple[int, ...]
    pts_seconds: tuple[float, ...]
    warnings: tuple[str, ...]
    remarks: tuple[str, ...]
    shown_hw: tuple[int, int]
    input_hw: tuple[int, int]
    input_crop: tuple[float, float, float, float]
    model: str
    weights: dict[str, str]
    device: str
    unreadable: tuple[tuple[str, str], ...]
    block: str
    step: str
    block_status: str
    note: str
    proof: str
    rebuild_error: float | None
    pairwise: str
    query_grid: tuple[int, int, int]
    key_grid: tuple[int, int, int]
    query: tuple[int, float, float]
    also: tuple[tuple[int, float, float], ...]
    minus: tuple[tuple[int, float, float], ...]
    beside: tuple[tuple[tuple[int, float, float], ...], ...]
    temperature: float
    hops: int
    asker: str | None
    asked_cell: tuple[int, int, int]
    direction: str
    view: str

    def as_json(self) -> str:
        """Return the record as text."""
        return record(asdict(self))


def record(facts: Mapping[str, object]) -> str:
    """Return facts as indented JSON in ASCII, with the versions of the packages involved."""
    versions = {package: version(package) for package in PACKAGES}
    return json.dumps({**facts, "versions": versions}, indent=2, allow_nan=False)
