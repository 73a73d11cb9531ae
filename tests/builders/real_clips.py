"""Nine real clips and five pictures with objects outlined by hand, on which pictures and first questions are judged.

Bikes, bunny and the pictures come with the installation. The others are not shipped: their sources and hashes stand in
tests/data/real_clips.json, and a folder that holds them is named by ``NONLOCAL_MEDIA``.
"""

import hashlib
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from lock import ROOT

from nonlocal_core import Selection, Session
from nonlocal_core.pin import Pin
from pretrained.recipe.real import outlined
from pretrained.recipe.runs import OUTLINES

MEDIA = Path(os.environ.get("NONLOCAL_MEDIA", ROOT / "build" / "media"))
CLIPS = ("juggle", "dog", "cups", "car", "rabbit", "coffee", "bikes", "bunny", "bottle")
PICTURES = ("coins", "face", "cat", "saucer", "rocket")
"""The astronaut, whose face and suit are outlined apart, is one picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RealClip:
    """A clip or picture with the outlines of every object in it."""

    source: str | Path
    entries: tuple[dict[str, Any], ...]

    def open(self) -> Session:
        """Return the clip with the default network, as if nobody had curated its first question."""
        frames = Selection(frame_indices=tuple(self.entries[0]["frame_indices"]))
        return replace(Session.open(self.source, frames=frames), sample=None)

    def has(self, pin: Pin, size_hw: tuple[int, int]) -> bool:
        """Tell whether a point lies on an outlined object."""
        at = (int(pin.y * size_hw[0]), int(pin.x * size_hw[1]))
        return any(
            outlined(entry["shapes"][pin.frame], size_hw, is_round=entry.get("round", False))[at]
            for entry in self.entries
        )


def real_clip(name: str) -> RealClip:
    """Return the clip of an id in ``CLIPS`` or ``PICTURES``; the test is skipped where its file is missing."""
    all_entries = json.loads(OUTLINES.read_text(encoding="utf-8"))
    (named,) = (entry for entry in all_entries if entry["id"] == name)
    entries = tuple(entry for entry in all_entries if entry["file"] == named["file"])
    if "sample" in named:
        return RealClip(source=f"sample:{named['sample']}", entries=entries)
    path = MEDIA / named["file"]
    if not path.is_file():
        pytest.skip(f"No {named['file']} in {MEDIA}: NONLOCAL_MEDIA names a folder that holds it.")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == named["sha256"], "the file on which it was outlined"
    return RealClip(source=path, entries=entries)
