"""Store of bytes for browsers: bundles to fetch and uploaded files, in the common budget.

A bundle is sent once over plain HTTP and is kept by the browser; the page itself only has its address. The normalisers
of "who looks here", which the first picture does not need, are made when the browser asks for them.
"""

import hmac
import secrets
import threading
from collections.abc import Callable
from typing import NamedTuple, cast
from weakref import WeakValueDictionary

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from .budget import HELD, Budget, Kind


class StoredBytes(NamedTuple):
    """Bytes and the name to show for them."""

    content: bytes
    name: str


class LazyBytes:
    """Bytes that are made once, when they are first asked for."""

    def __init__(self, make: Callable[[], bytes]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: bytes | None = None

    def content(self) -> bytes:
        """Return the bytes; callers that ask while they are being made wait for them."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made


class ByteStore:
    """Bytes by unguessable tokens, held in a budget; safe to use from several threads."""

    def __init__(self, kind: Kind, budget: Budget) -> None:
        self._kind, self._budget = kind, budget
        self._salt = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._later: WeakValueDictionary[str, LazyBytes] = WeakValueDictionary()

    def put(self, content: bytes, name: str = "", later: LazyBytes | None = None) -> str:
        """Store bytes and return their token, which is the same for the same bytes and name while the server runs.

        Another name gives another token, so that no visitor sees another's name for the same bytes.
        ``later``: lazy bytes that belong to them. They are not kept alive from here, since they may hold far more.
        """
        labelled = name.encode("utf-8", "replace")
        digest = hmac.new(self._salt, len(labelled).to_bytes(8, "big") + labelled, "sha256")
        digest.update(content)
        token = digest.hexdigest()
        if later is not None:
            with self._lock:
                self._later[token] = later
        self._budget.put((self._kind, token), StoredBytes(content, name), len(content))
        return token

    def get(self, token: str) -> StoredBytes | None:
        """Return the stored bytes, or None if they were never stored or were evicted."""
        return cast(StoredBytes | None, self._budget.get((self._kind, token)))

    def later(self, token: str) -> LazyBytes | None:
        """Return the lazy bytes that belong to a token, or None if there are none or their owner has released them."""
        with self._lock:
            return self._later.get(token)


PICTURE_SECONDS = 5.0
"""Maximum number of seconds that everything else waits for a first visitor's picture, since no visitor may come."""
_sent = threading.Event()
BUNDLES = ByteStore("bundle", HELD)
UPLOADS = ByteStore("upload", HELD)


def bundle_address(token: str) -> str:
    """Return the address of the route below, relative to a page, since only the browser knows the prefix of a proxy."""
    return f"api/bundle/{token}.bin"


def columns_address(token: str) -> str:
    """Return the address of the lazy bytes of that token's bundle, relative to a page."""
    return f"api/columns/{token}.bin"


async def serve_bundle(request: Request) -> Response:
    """Answer with the bundle."""
    held = BUNDLES.get(request.path_params["token"])
    if held is not None:
        _sent.set()
    return _answer(None if held is None else held.content)


def let_picture_go_first() -> None:
    """Wait until a browser has asked for the first bundle since the server started; return at once afterwards."""
    _sent.wait(PICTURE_SECONDS)


async def serve_columns(request: Request) -> Response:
    """Answer with the lazy bytes of a bundle, made now, in a thread beside the server's loop."""
    later = BUNDLES.later(request.path_params["token"])
    return _answer(None if later is None else await run_in_threadpool(later.content))


def _answer(content: bytes | None) -> Response:
    """Answer uncompressed, since the bytes are dense already, and cacheable for ever by this browser only."""
    if content is None:
        return PlainTextResponse("This result is no longer held by the server. Reload the page.", status_code=404)
    headers = {"Content-Encoding": "identity", "Cache-Control": "private, max-age=31536000, immutable"}
    return Response(content, media_type="application/octet-stream", headers=headers)


_BASE = "/{base:path}"
"""Path in front of the pages: empty, or ``server.baseUrlPath``."""
ROUTES = (
    Route(_BASE + bundle_address("{token}"), serve_bundle),
    Route(_BASE + columns_address("{token}"), serve_columns),
)
