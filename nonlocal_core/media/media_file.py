"""The bytes of a file: their place, their number, and the name under which they may be shown."""

import hashlib
import io
import unicodedata
from dataclasses import dataclass
from os import stat_result
from pathlib import Path
from stat import S_ISREG

from nonlocal_core.errors import MediaError
from nonlocal_core.media.limits import Limits

NAME_LENGTH = 80
"""Maximum length of a display name in characters; longer names lose their middle."""

HEAD_BYTES = 4096
"""Number of bytes at the start of a file from which its format is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFile:
    """A file on disk or in memory, with a name that is safe to show."""

    name: str
    byte_count: int
    data: Path | bytes
    version: tuple[int, ...] = ()
    """Attributes of the file on disk that change when it is written or replaced; empty in memory."""

    def open(self) -> io.BufferedReader | io.BytesIO:
        """Return a new reader at the start of the bytes; the caller closes it."""
        if isinstance(self.data, bytes):
            return io.BytesIO(self.data)
        try:
            return self.data.open("rb")
        except OSError as fault:
            raise MediaError(f"{self.name} cannot be opened: {fault.strerror}.") from fault

    def head(self) -> bytes:
        """Return the first bytes."""
        with self.open() as file:
            return file.read(HEAD_BYTES)

    def sha256(self) -> str:
        """Return the hash of the bytes in hex, without holding them all.

        Raises MediaError if the file has changed since it was found, since its bytes may come from either version.
        """
        with self.open() as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if isinstance(self.data, Path) and _version(_status(self.data, self.name)) != self.version:
            raise MediaError(f"{self.name} was changed while it was read. Open it again once it is written.")
        return digest


def as_media_file(source: Path | bytes, *, name: str | None, limits: Limits) -> MediaFile:
    """Return the source of a path or of bytes, named for display.

    Raises MediaError for a file that is empty or not an ordinary one (a device or a pipe could block for ever), and
    MediaLimitError for one that is too large.
    """
    shown = display_name(name or ("" if isinstance(source, bytes) else source.name))
    count, version = len(source) if isinstance(source, bytes) else 0, tuple[int, ...]()
    if isinstance(source, Path):
        status = _status(source, shown)
        count, version = status.st_size, _version(status)
    if count == 0:
        raise MediaError(f"{shown} is empty: it has 0 bytes. Save or upload it again.")
    limits.check_bytes(shown, count)
    return MediaFile(name=shown, byte_count=count, data=source, version=version)


def _version(status: stat_result) -> tuple[int, ...]:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _status(path: Path, shown: str) -> stat_result:
    try:
        status = path.stat()
    except (OSError, ValueError) as fault:  # ValueError: a NUL in the path
        raise MediaError(f"{shown} cannot be opened: there is no such file, or it may not be read.") from fault
    if not S_ISREG(status.st_mode):
        raise MediaError(f"{shown} is a device or a pipe; a file or a folder of pictures was expected.")
    return status


def display_name(name: str) -> str:
    """Return the last part of an untrusted path, fit to be shown: one short line without control characters.

    >>> display_name("../../etc/pass\\nwd.mp4")
    'passwd.mp4'
    """
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    spaced = (" " if unicodedata.category(c) == "Zs" else c for c in last)
    clean = "".join(c for c in spaced if c.isprintable()).strip()
    if len(clean) > NAME_LENGTH:
        tail = NAME_LENGTH // 4
        clean = f"{clean[: NAME_LENGTH - tail - 1]}…{clean[-tail:]}"
    return clean or "untitled"
