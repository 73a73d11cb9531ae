"""The folder of downloads and conversions: its place, its locks, and the pins of the files that loaded completely.

files/ID/NAME                 a download, under the id of its card
converted/NAME.safetensors    the same weights under our names (`store`)
pins.json                     the hash of every download that filled its network completely once
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from safetensors import SafetensorError

from nonlocal_core.errors import WeightsError

ENVIRONMENT = "NONLOCAL_CACHE"
LOCK_SECONDS = 3600.0
"""Seconds that one process waits for the download of another."""
CONVERSION = "1"
"""Version of conversions. A change of our names or of the folding of published tensors raises it, and older conversions
are ignored."""

_PINS = "pins.json"
_LOCKS = ".locks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """Hash of a download, and the network that it filled completely at its first load."""

    sha256: str
    arch: str


def cache_folder(chosen: Path | None = None) -> Path:
    """Return the given folder, else the one in $NONLOCAL_CACHE, else the user's cache folder.

    Raises WeightsError if the user has no such folder.
    """
    if chosen is not None:
        return chosen
    if named := os.environ.get(ENVIRONMENT):
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "nonlocal-viewer"
    except RuntimeError as fault:
        raise WeightsError(f"This user has no home folder. Set ${ENVIRONMENT} to a folder of your own.") from fault


@contextmanager
def locked(cache: Path, name: str, *, seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """Hold the lock ``name`` against other processes and threads. Raises WeightsError after too long a wait."""
    folder = cache / _LOCKS
    lock = FileLock(folder / f"{name.replace('/', '%')}.lock", timeout=seconds)
    try:
        with writing(cache):
            folder.mkdir(parents=True, exist_ok=True)
            lock.acquire()
    except Timeout as fault:
        raise WeightsError(
            f"Another process has been busy with {name} in {cache} for {seconds:g} seconds. Wait for it, or end it."
        ) from fault
    try:
        yield
    finally:
        lock.release()


@contextmanager
def writing(cache: Path) -> Iterator[None]:
    """Say what the system refuses inside the ``with``, such as a disk that is full. Raises WeightsError."""
    try:
        yield
    except Timeout:
        raise
    except (OSError, SafetensorError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else fault
        raise WeightsError(
            f"Nothing can be written in {cache} ({reason}). Make room there, or set ${ENVIRONMENT} to a folder of your "
            "own."
        ) from fault


def find_pin(cache: Path, card_id: str) -> Pin | None:
    """Return the pin of a checkpoint, or None before its first complete load."""
    return list_pins(cache).get(card_id)


def write_pin(cache: Path, card_id: str, pin: Pin) -> None:
    """Pin a checkpoint that was loaded completely.

    Raises WeightsError if another hash is pinned for it, or if the same file is pinned as another network. Two
    networks can agree in all names and shapes, and one would then load as the other without an error.
    """
    with locked(cache, _PINS), writing(cache):
        pins = list_pins(cache)
        if pins.setdefault(card_id, pin) != pin:
            raise WeightsError(
                f"{card_id} was pinned here as sha256 {pins[card_id].sha256} and is now {pin.sha256}. "
                f"If the source did change it, remove its line from {cache / _PINS}."
            )
        for other, known in pins.items():
            if known.sha256 == pin.sha256 and known.arch != pin.arch:
                raise WeightsError(
                    f"The file that came as {card_id} is the one that was pinned as {other}, which is another network. "
                    "One of the two addresses serves the wrong file."
                )
        content = {name: asdict(known) for name, known in sorted(pins.items())}
        fresh = cache / f"{_PINS}.new"
        fresh.write_text(json.dumps(content, indent=2))
        fresh.replace(cache / _PINS)


def list_pins(cache: Path) -> dict[str, Pin]:
    """Return all pins by id of the checkpoint. Raises WeightsError if their file is damaged."""
    path = cache / _PINS
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as fault:
        raise WeightsError(
            f"{path} cannot be read ({fault.strerror}). Make it readable, or remove it; the downloads are then pinned "
            "anew."
        ) from fault
    try:
        return {name: _pin(entry) for name, entry in json.loads(content).items()}
    except (ValueError, TypeError, AttributeError, RecursionError) as fault:
        raise WeightsError(f"{path} is damaged. Remove it; the downloads are then pinned anew.") from fault


def _pin(entry: object) -> Pin:
    match entry:
        case {"sha256": str(sha256), "arch": str(arch)}:
            return Pin(sha256=sha256, arch=arch)
    raise TypeError(entry)


def converted_path(cache: Path, arch: str, source_sha256: str) -> Path:
    """Return the path of the conversion of a file to the network of that name."""
    return cache / "converted" / f"{arch}-{source_sha256[:16]}-v{CONVERSION}.safetensors"


def fetched_ids(*, cache_dir: Path | None = None) -> frozenset[str]:
    """Return the ids of the checkpoints that open without a download. Raises WeightsError."""
    cache = cache_folder(cache_dir)
    pins = list_pins(cache).items()
    try:
        return frozenset(name for name, pin in pins if converted_path(cache, pin.arch, pin.sha256).is_file())
    except OSError as fault:
        raise WeightsError(f"{cache} cannot be read ({fault.strerror}). Make it readable.") from fault
