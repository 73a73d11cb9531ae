"""Gate before every request: the host names that this server answers to, and the resources that its pages may load.

Without it a foreign site can point its own name at this machine's address, and its script then reads what only
visitors of the viewer may (DNS rebinding). Streamlit checks names only for its websocket, and only if a list is given.
"""

import base64
import hashlib
import os
import re
import socket
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import net_util

from . import health

FRAMED_BY = "NONLOCAL_FRAMED_BY"
"""Environment variable with the sites that may embed the pages in a frame, beside the server's own."""
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "0.0.0.0")  # noqa: S104 -- compared, not listened to
"""Hosts of pages that Streamlit lets in everywhere."""
MISDIRECTED = 421
POLICY_VIOLATED = 1008


class Gate:
    """ASGI middleware that refuses foreign host names, and tells browsers to load nothing from elsewhere."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        host = Headers(scope=scope).get("host", "")
        allowed = tuple(st.get_option("server.allowedHosts"))
        is_health = scope["path"].endswith(health.PATH)  # asked under the machine's own name
        if not is_ours(host, allowed) and not (is_health and is_ours(host, ())):
            return await _refuse(host, allowed, scope, receive, send)
        origin = Headers(scope=scope).get("origin")
        if scope["type"] == "websocket" and origin is not None and not may_connect(origin, host):
            return await send({"type": "websocket.close", "code": POLICY_VIOLATED})

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_headers(host))
            await send(message)

        return await self._app(scope, receive, send_guarded if scope["type"] == "http" else send)


def is_ours(host: str, allowed: tuple[str, ...]) -> bool:
    """Return whether a request to this host name, with or without a port, is answered.

    If names are allowed, those alone, with ``*.`` for all names below one: Streamlit connects to no others, and a page
    that does not connect stays empty. Otherwise IP addresses, which no foreign site can claim, and this machine's own
    names. A request without a name does not come from a browser.

    >>> [is_ours(host, ()) for host in ("127.0.0.1:8501", "localhost", "evil.example")]
    [True, True, False]
    >>> [is_ours(host, ("*.school.org",)) for host in ("127.0.0.1:8501", "lab.school.org", "evil.example")]
    [False, True, False]
    """
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return False
    if not host:
        return True
    if allowed:
        return any(_matches(name, pattern.strip().lower().rstrip(".")) for pattern in allowed)
    own = {"localhost", socket.gethostname().lower(), f"{socket.gethostname().lower()}.local"}
    return name in own or name.endswith(".localhost") or _is_number(name)


def may_connect(origin: str, host: str) -> bool:
    """Return True for the origin of a page that may connect: the server's own, or one that its options let in.

    Streamlit has the last word. Before it refuses a foreign origin, it asks a service outside for the number of this
    machine, and all visitors wait for the answer: 20 s where there is no way out.
    """
    try:
        found = urlsplit(origin)
        if found.netloc == host or not st.get_option("server.enableCORS"):
            return True
        let_in = (urlsplit(one).hostname for one in st.get_option("server.corsAllowedOrigins"))
    except ValueError:
        return False
    own = (*_LOOPBACK_NAMES, st.get_option("browser.serverAddress"), net_util.get_internal_ip())
    return found.hostname is not None and found.hostname in {*own, *let_in}


def is_open_to_others() -> bool:
    """Return True for a server that lets in others than its machine's user, by an address or by a name for a proxy."""
    return bool(st.get_option("server.allowedHosts")) or not _is_loopback(st.get_option("server.address") or "")


def _is_loopback(address: str) -> bool:
    return address == "localhost" or (_is_number(address) and ip_address(address).is_loopback)


def _is_number(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _matches(name: str, pattern: str) -> bool:
    return pattern == "*" or name == pattern or (pattern.startswith("*.") and name.endswith(pattern[1:]))


async def _refuse(host: str, allowed: tuple[str, ...], scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": POLICY_VIOLATED})
        return
    use = "Use a name that it was given" if allowed else "Use the address in numbers"
    said = PlainTextResponse(
        f"This viewer does not answer to the name {host!r}. {use}, or let whoever started it allow this one: "
        "--server.allowedHosts NAME",
        status_code=MISDIRECTED,
        headers=_headers(""),
    )
    await said(scope, receive, send)


def _headers(host: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": policy(host),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }


def policy(host: str) -> str:
    """Return the policy of the pages: scripts of the server alone, and no requests to anywhere else.

    ``blob:`` is for components, which Streamlit loads from memory; inline styles are for Streamlit and the charts. The
    websocket is named, since not every browser accepts ``'self'`` for it.
    """
    sockets = f" ws://{host} wss://{host}" if re.fullmatch(r"[\w.:\[\]-]+", host) else ""
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' blob: {_inline_scripts()}".rstrip(),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' blob: data:",
            "font-src 'self' data:",
            "media-src 'self' blob: data:",
            "worker-src 'self' blob:",
            f"connect-src 'self' blob: data:{sockets}",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            f"frame-ancestors 'self' {os.environ.get(FRAMED_BY, '')}".rstrip(),
        )
    )


@cache
def _inline_scripts() -> str:
    """Return the policy sources that admit the inline scripts of Streamlit's own page, and no others."""
    page = (Path(st.__file__).parent / "static" / "index.html").read_bytes()
    digests = (hashlib.sha256(script).digest() for script in re.findall(rb"<script>(.*?)</script>", page, re.DOTALL))
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
