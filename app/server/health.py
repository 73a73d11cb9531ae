"""Health check of a container: the server is asked at the port that it listens to, whoever chose that port.

``python -m nonlocal_core.app.server.health PROCESS`` ends with 0 if the server answers that is this process, or one
that it started. Process 1 is the first of a container.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection, HTTPException

import psutil

PATH = "/_stcore/health"
"""Path of Streamlit's health check, below the base path."""
BASE = "STREAMLIT_SERVER_BASE_URL_PATH"
"""Environment variable with the path that all addresses of the server begin with."""
SECONDS = 4.0
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- read, not listened to


def main(process: int) -> str | None:
    """Return the reason why no server of the process is healthy, or None if one is."""
    base = os.environ.get(BASE, "").strip("/")
    asked = [
        f"{host}:{port} {_answer(host, port, f'/{base}{PATH}' if base else PATH)}" for host, port in _doors(process)
    ]
    if any(said.endswith(" 200") for said in asked):
        return None
    return "; ".join(asked) or f"Process {process} and those that it started listen to no port."


def _doors(process: int) -> Iterator[tuple[str, int]]:
    """Yield the host and port of every door that the process, or one that it started, listens at."""
    first = psutil.Process(process)
    for each in (first, *first.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):  # a decoder that has just ended
            for door in each.net_connections("tcp"):
                if door.status == psutil.CONN_LISTEN:
                    yield _ANY.get(door.laddr.ip, door.laddr.ip), door.laddr.port


def _answer(host: str, port: int, path: str) -> str:
    """Return the status of the answer, or the reason why there is none."""
    asking = HTTPConnection(host, port, timeout=SECONDS)  # which goes through no proxy, unlike urllib
    try:
        asking.request("GET", path)
        return str(asking.getresponse().status)
    except (OSError, HTTPException) as fault:
        return repr(fault)
    finally:
        asking.close()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
