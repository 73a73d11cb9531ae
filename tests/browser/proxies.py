"""A reverse proxy as institutes put one before the app: with a path before all addresses, kept or taken off."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

HEAD_END = b"\r\n\r\n"


@contextmanager
def proxy(upstream: str, prefix: str, *, keeps_prefix: bool) -> Iterator[str]:
    """Yield an address whose requests below ``prefix`` go to ``upstream``; all others are not found.

    ``keeps_prefix``: as nginx does for a server with that base path; else it is taken off, as JupyterHub's proxy does.
    """
    there = urlsplit(upstream)
    door = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):  # of the door that is closed
            while True:
                visitor, _ = door.accept()
                threading.Thread(target=_pass_on, args=(visitor,), daemon=True).start()

    def _pass_on(visitor: socket.socket) -> None:
        with visitor, suppress(OSError):
            head, rest = _head_of(visitor)
            method, path, *_ = head.split(b" ", 2)
            if not path.startswith(prefix.encode() + b"/"):
                visitor.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            if not keeps_prefix:
                head = head.replace(method + b" " + prefix.encode(), method + b" ", 1)
            if b"upgrade: websocket" not in head.lower():
                kept = (line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:"))
                head = b"\r\n".join((*kept, b"Connection: close"))
            with socket.create_connection((there.hostname or "", there.port or 80)) as server:
                server.sendall(head + HEAD_END + rest)
                answers = threading.Thread(target=_pump, args=(server, visitor), daemon=True)
                answers.start()
                _pump(visitor, server)
                answers.join()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://localhost:{door.getsockname()[1]}{prefix}"
    finally:
        door.close()


def _head_of(visitor: socket.socket) -> tuple[bytes, bytes]:
    received = b""
    while HEAD_END not in received:
        more = visitor.recv(65536)
        if not more:
            raise OSError("the visitor has left")
        received += more
    head, _, rest = received.partition(HEAD_END)
    return head, rest


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
