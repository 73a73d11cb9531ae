"""What the server holds for browsers: bundles to fetch and files that were uploaded, both bounded.

A bundle travels once over plain HTTP and is kept by the browser; the page itself only carries its address. What the
first picture does without, the normalisers of "who looks here", is made when the browser asks for it.
"""

import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

MAX_BUNDLE_BYTES = 512 * 2**20
"""Bundles held at once, least recently used first out."""
MAX_UPLOAD_BYTES = 512 * 2**20
"""Uploaded files held at once, for all visitors together."""


class Held(NamedTuple):
    """Bytes, the name to show for them, and what makes the bytes that belong to them and are asked for later."""

    content: bytes
    name: str
    later: Callable[[], bytes] | None


class ByteStore:
    """Bytes by a token that cannot be guessed from them; bounded; safe to use from several threads."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._salt = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._held: OrderedDict[str, Held] = OrderedDict()

    def put(self, content: bytes, name: str = "", later: Callable[[], bytes] | None = None) -> str:
        """Keep bytes and return their token; the same bytes have the same token while the server runs."""
        token = hmac.digest(self._salt, content, "sha256").hex()
        with self._lock:
            self._held[token] = Held(content, name, later)
            self._held.move_to_end(token)
            while len(self._held) > 1 and sum(len(held.content) for held in self._held.values()) > self._max_bytes:
                self._held.popitem(last=False)
        return token

    def get(self, token: str) -> Held | None:
        """Return what was kept, or None when it was never there or had to make room."""
        with self._lock:
            if token in self._held:
                self._held.move_to_end(token)
            return self._held.get(token)


BUNDLES = ByteStore(MAX_BUNDLE_BYTES)
UPLOADS = ByteStore(MAX_UPLOAD_BYTES)


def bundle_address(token: str) -> str:
    """Return the path of the route below, relative to the server's own root."""
    return f"/api/bundle/{token}.bin"


def columns_address(token: str) -> str:
    """Return the path of what ``later`` makes for the bundle of that token."""
    return f"/api/columns/{token}.bin"


async def serve_bundle(request: Request) -> Response:
    """Answer with the bundle."""
    held = BUNDLES.get(request.path_params["token"])
    return _answer(None if held is None else held.content)


async def serve_columns(request: Request) -> Response:
    """Answer with what belongs to a bundle, made now, in a thread beside the server's loop."""
    held = BUNDLES.get(request.path_params["token"])
    return _answer(None if held is None or held.later is None else await run_in_threadpool(held.later))


def _answer(content: bytes | None) -> Response:
    """Answer uncompressed, since all of it is dense already, and cacheable for ever by this browser only."""
    if content is None:
        return PlainTextResponse("This result is no longer held by the server. Reload the page.", status_code=404)
    headers = {"Content-Encoding": "identity", "Cache-Control": "private, max-age=31536000, immutable"}
    return Response(content, media_type="application/octet-stream", headers=headers)


ROUTES = (Route(bundle_address("{token}"), serve_bundle), Route(columns_address("{token}"), serve_columns))
