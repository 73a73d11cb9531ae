"""Bounds on the bytes that Streamlit's uploader receives and holds, by visitor and in total, before they are sent.

Streamlit bounds one file, not their number, and keeps each until its visitor leaves. Files are released once read.
"""

import re
import threading
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFile

MOST_OF_ONE = 540_000_000
"""Maximum number of bytes that one visitor may have in transit or unread: the largest checkpoint, with its envelope."""
MOST_OF_ALL = 1_000_000_000
"""Maximum number of bytes that all visitors together may have in transit or unread."""
_ADDRESS = re.compile(r"/_stcore/upload_file/([^/]+)/([^/]+)$")
_File = tuple[str, str]
"""Ids of a visitor and of a file."""


class Uploading:
    """ASGI middleware that refuses uploads for which there is no room."""

    def __init__(
        self,
        app: ASGIApp,
        is_held: Callable[[str, str], bool] | None = None,
        most_of_one: int = MOST_OF_ONE,
        most_of_all: int = MOST_OF_ALL,
    ) -> None:
        self._app, self._is_held = app, is_held or _streamlit_holds
        self._most_of_one, self._most_of_all = most_of_one, most_of_all
        self._lock = threading.Lock()
        self._coming: dict[_File, int] = {}
        self._came: dict[_File, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, an upload only if there is room for it."""
        address = _ADDRESS.search(scope["path"]) if scope["type"] == "http" and scope["method"] == "PUT" else None
        if address is None:
            return await self._app(scope, receive, send)
        file: _File = (address[1], address[2])
        length = Headers(scope=scope).get("content-length", "")
        if not length.isdecimal() or len(length) > len(str(self._most_of_all)):
            return await _refuse(411, "An upload says how many bytes it has.", scope, receive, send)
        if not self._begin(file, int(length)):
            full = (
                "The server receives as many bytes as it holds at once. Try again in a minute, or send a smaller file."
            )
            return await _refuse(413, full, scope, receive, send)
        status = 0

        async def watch(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            self._end(file, came=200 <= status < 300)

    def _begin(self, file: _File, size: int) -> bool:
        """Reserve room for an incoming file, and return whether there was any."""
        with self._lock:
            self._came = {each: bytes_ for each, bytes_ in self._came.items() if self._is_held(*each)}
            if file in self._coming:
                return False
            sizes = [*self._coming.items(), *(each for each in self._came.items() if each[0] != file)]
            of_one = sum(bytes_ for (visitor, _), bytes_ in sizes if visitor == file[0])
            of_all = sum(bytes_ for _, bytes_ in sizes)
            if of_one + size > self._most_of_one or of_all + size > self._most_of_all:
                return False
            self._coming[file] = size
            return True

    def _end(self, file: _File, *, came: bool) -> None:
        with self._lock:
            size = self._coming.pop(file)
            if came:
                self._came[file] = size


async def _refuse(status: int, sentence: str, scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(sentence, status, {"Connection": "close"})(scope, receive, send)


def _streamlit_holds(visitor: str, file: str) -> bool:
    return runtime.exists() and bool(runtime.get_instance().uploaded_file_mgr.get_files(visitor, [file]))


def let_go(visitor: str | None, file: UploadedFile) -> None:
    """Let Streamlit release a file that was read; its bytes are held in the budget."""
    held = runtime.get_instance().uploaded_file_mgr if runtime.exists() else None
    if visitor is not None and isinstance(held, MemoryUploadedFileManager):
        held.remove_file(visitor, file.file_id)
