"""The container under a bundle: magic, version, JSON header, 64-byte aligned sections.

    bytes 0-3    NLVB
    bytes 4-7    version, unsigned, little endian
    bytes 8-11   length of the header, unsigned, little endian
    header       JSON in UTF-8, padded with spaces until the payload starts at a multiple of 64
    payload      sections, each at a multiple of 64 from the start of the payload

A table's section is {offset, length, dtype, shape, gain}, and value = stored * gain. A table of int8 has a section
``row_gains`` of float32 as well, and value = stored * row_gains[row]. Equal tables share a section.
The same input gives the same bytes, and ``id`` in the header is the SHA-256 of everything else.
"""

import hashlib
import json
import math
import struct

import numpy as np

from nonlocal_core.bundle.fields import Fields
from nonlocal_core.errors import BundleError

MAGIC = b"NLVB"
VERSION = 3
ALIGNMENT = 64
_PREFIX = struct.Struct("<4sII")
_DTYPES: dict[str, np.dtype[np.int8] | np.dtype[np.float16] | np.dtype[np.float32]] = {
    "int8": np.dtype("i1"),
    "float16": np.dtype("<f2"),
    "float32": np.dtype("<f4"),
}
_MAX_SIDE = 2**31


class ContainerWriter:
    """Writer that collects sections and packs them after a header."""

    def __init__(self) -> None:
        self._payload = bytearray()
        self._offsets: dict[bytes, int] = {}

    def table(self, stored: np.ndarray, gain: float = 1.0, row_gains: np.ndarray | None = None) -> dict[str, object]:
        """Add an array whose values are ``stored * gain``, or of int8 with a gain for each row; return its section."""
        name = stored.dtype.name
        meaning: dict[str, object] = {"dtype": name, "shape": list(stored.shape), "gain": gain}
        if row_gains is not None:
            meaning["row_gains"] = self.table(row_gains)
        data = np.ascontiguousarray(stored, dtype=_DTYPES[name]).tobytes()
        return {**self._append(data, meaning), **meaning}

    def blob(self, data: bytes, media_type: str) -> dict[str, object]:
        """Add bytes of a known media type; return their section."""
        meaning: dict[str, object] = {"type": media_type}
        return {**self._append(data, meaning), **meaning}

    def pack(self, header: dict[str, object]) -> bytes:
        """Return the whole container; the header gains ``version`` and ``id``."""
        header = {**header, "version": VERSION}
        text = _canonical({**header, "id": _content_id(header, self._payload)})
        text += b" " * (-(_PREFIX.size + len(text)) % ALIGNMENT)
        return _PREFIX.pack(MAGIC, VERSION, len(text)) + text + bytes(self._payload)

    def _append(self, data: bytes, meaning: dict[str, object]) -> dict[str, object]:
        key = hashlib.sha256(_canonical(meaning) + data).digest()
        if key not in self._offsets:
            self._payload += bytes(-len(self._payload) % ALIGNMENT)
            self._offsets[key] = len(self._payload)
            self._payload += data
        return {"offset": self._offsets[key], "length": len(data)}


class ContainerReader:
    """A checked container: its header, and arrays and bytes by their sections.

    Raises BundleError for bytes that are not a complete container of this version.
    """

    def __init__(self, data: bytes) -> None:
        if len(data) < _PREFIX.size or data[:4] != MAGIC:
            raise BundleError(f"A bundle starts with the letters NLVB; got {bytes(data[:4])!r}. Is this another file?")
        _, version, length = _PREFIX.unpack_from(data)
        if version != VERSION:
            raise BundleError(f"This reader knows version {VERSION} of the bundle; got {version}. Export it again.")
        start = _PREFIX.size + length
        if start > len(data) or start % ALIGNMENT:
            raise BundleError(
                f"The payload of a bundle starts at a multiple of {ALIGNMENT} inside the file; "
                f"this header of {length} bytes ends at {start} of {len(data)}. The file was cut or damaged."
            )
        self.header = Fields.parse(data[_PREFIX.size : start])
        self.header.count("version", start=VERSION, below=VERSION + 1)
        self._payload = memoryview(data)[start:]
        self._seen: dict[tuple[int, int], tuple[object, ...]] = {}
        self._tables: dict[tuple[int, int], np.ndarray] = {}
        self._blobs: dict[tuple[int, int], bytes] = {}

    @property
    def id(self) -> str:
        """The id of the content. Raises BundleError if the content has changed since the id was computed."""
        claimed = self.header.text("id")
        header = {key: value for key, value in self.header.as_dict().items() if key != "id"}
        try:
            found = _content_id(header, self._payload)
        except (ValueError, RecursionError):  # what JSON may hold and this writer never does: 1e999, deep nesting
            found = ""
        if claimed != found:
            raise BundleError("The content of this bundle does not match its id: the file is damaged. Export it again.")
        return claimed

    def table(self, section: Fields, shape: tuple[int, ...]) -> np.ndarray:
        """Return the float32 table of a section, which must have that shape; equal sections give the same array."""
        dtype = _DTYPES[section.choice("dtype", _DTYPES)]
        found = section.counts("shape", below=_MAX_SIDE)
        rows = section.child_or_none("row_gains")
        if (dtype.name == "int8") != (rows is not None):
            raise BundleError(
                f"{section.path('row_gains')} belongs to tables of int8, and only there; {dtype} was found."
            )
        if found != shape:
            raise BundleError(f"{section.path('shape')} follows from the grids as {list(shape)}; got {list(found)}.")
        gain = section.number("gain", low=0.0)
        gains = np.float32(gain) if rows is None else self.table(rows, found[:1])[:, None]
        place = self._claim(section, dtype.name, found, gain, None if rows is None else rows.as_dict())
        if place[1] != math.prod(found) * dtype.itemsize:
            raise BundleError(f"{section.path('length')} does not match {list(found)} of {dtype.name}; got {place[1]}.")
        if place not in self._tables:
            stored = np.frombuffer(self._payload, dtype, count=math.prod(found), offset=place[0])
            with np.errstate(over="ignore", invalid="ignore"):
                values = stored.astype(np.float32).reshape(found) * gains
            if not np.isfinite(values).all():
                raise BundleError(
                    f"{section.path('offset')} leads to values that are not finite. The bundle is damaged."
                )
            self._tables[place] = values
        return self._tables[place]

    def blob(self, section: Fields, media_type: str) -> bytes:
        """Return the bytes of a section of that media type; equal sections give the same bytes."""
        section.choice("type", (media_type,))
        offset, length = place = self._claim(section, media_type)
        if place not in self._blobs:  # a thousand frames may be the same picture
            self._blobs[place] = bytes(self._payload[offset : offset + length])
        return self._blobs[place]

    def _claim(self, section: Fields, *meaning: object) -> tuple[int, int]:
        """Return (offset, length). Raises BundleError for a section outside the payload or over another section."""
        total = len(self._payload)
        offset, length = section.count("offset", below=total + 1), section.count("length", below=total + 1)
        if offset % ALIGNMENT or offset + length > total:
            raise BundleError(
                f"{section.path('offset')} is a multiple of {ALIGNMENT}, with its bytes inside the payload of {total}; "
                f"got {offset} and {length} bytes. The file was cut or damaged."
            )
        for (other, size), other_meaning in self._seen.items():
            shared = (other, size) == (offset, length) and other_meaning == meaning
            if not shared and offset < other + size and other < offset + length:
                raise BundleError(f"The sections of a bundle do not overlap; {section.path('offset')} does.")
        self._seen[offset, length] = meaning
        return offset, length


def _canonical(header: dict[str, object]) -> bytes:
    # Escapes instead of UTF-8: a file name may hold bytes that no encoding allows.
    return json.dumps(header, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def _content_id(header: dict[str, object], payload: bytes | bytearray | memoryview) -> str:
    digest = hashlib.sha256(_canonical(header))
    digest.update(payload)
    return digest.hexdigest()
