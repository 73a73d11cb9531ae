"""An incomplete download: the bytes received, and the request that resumes it.

``NAME.part`` holds the bytes, and ``NAME.part.json`` the server's validator of that version of the file (RFC 9110: ETag
or Last-Modified, sent back as If-Range).
"""

import json
from contextlib import suppress
from http.client import HTTPResponse
from pathlib import Path


class PartialDownload:
    """The incomplete file at ``path``, to become ``final``."""

    def __init__(self, final: Path) -> None:
        self.final = final
        self.path = final.with_name(f"{final.name}.part")
        self._note = final.with_name(f"{final.name}.part.json")

    @property
    def byte_count(self) -> int:
        """Number of bytes received."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def range_headers(self) -> dict[str, str]:
        """Return the request headers for the missing rest of the same version; empty to request the whole file."""
        mark = self._mark()
        return {"Range": f"bytes={self.byte_count}-", "If-Range": mark} if self.byte_count and mark else {}

    def accept(self, response: HTTPResponse) -> int:
        """Prepare for the bytes of a response and return their offset: the bytes received so far, or 0."""
        first, _ = _content_range(response)
        if response.status == 206 and first == self.byte_count:
            return self.byte_count
        self.path.parent.mkdir(parents=True, exist_ok=True)
        etag = response.headers.get("ETag", "")
        strong = etag if etag.startswith('"') else ""  # a weak validator (W/"…") does not promise equal bytes
        # In this order: whatever is interrupted, no validator stands beside the bytes of another version.
        self._note.unlink(missing_ok=True)
        self.path.write_bytes(b"")
        self._note.write_text(json.dumps({"mark": strong or response.headers.get("Last-Modified", "")}))
        return 0

    def is_part_of_another(self, response: HTTPResponse) -> bool:
        """Return whether a response continues a version other than the one received, despite If-Range."""
        mark = self._mark()
        now = (response.headers.get("ETag", ""), response.headers.get("Last-Modified", ""))
        return response.status == 206 and mark is not None and any(now) and mark not in now

    def total(self, response: HTTPResponse) -> int | None:
        """Return the size of the whole file in bytes, or None if the server does not say."""
        if response.status == 206:
            return _content_range(response)[1]
        return response.length

    def complete(self) -> None:
        """Rename the file to the final one, atomically."""
        self.path.replace(self.final)
        self._note.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove the file, the final file, and folders that this leaves empty."""
        for path in (self.path, self._note, self.final):
            path.unlink(missing_ok=True)
        with suppress(OSError):  # not empty, or missing
            for folder in self.final.parents:
                folder.rmdir()

    def _mark(self) -> str | None:
        try:
            return str(json.loads(self._note.read_text())["mark"]) or None
        except (OSError, ValueError, KeyError, TypeError):
            return None  # without a validator the whole file is asked for again


def _content_range(response: HTTPResponse) -> tuple[int | None, int | None]:
    """Return the first byte of a part and the size of the whole, from ``Content-Range: bytes 5-9/10``."""
    span, _, whole = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
    first = span.partition("-")[0]
    return (int(first) if first.isdecimal() else None, int(whole) if whole.isdecimal() else None)
