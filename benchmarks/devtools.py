"""A Chromium that is asked as little as possible: one tab, driven over its own debugging protocol.

Playwright listens to every request of a page; on two cores that alone delays a first picture by about a second.
"""

import json
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from serving import CHROMIUM, FLAGS
from websockets.sync.client import ClientConnection, connect

PATIENCE_SECONDS = 120
SETTLE_SECONDS = 1.5
"""Wait for a new browser to settle before anything is timed."""
ASK_SECONDS = 0.05

IN_ANY_SHADOW = """(() => {
  const seek = (root) => root.querySelector(SELECTOR)
    || [...root.querySelectorAll("*")].some(({ shadowRoot }) => shadowRoot && seek(shadowRoot));
  return Boolean(seek(document));
})()"""


class Tab:
    """One page."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection, self._asked = connection, 0

    def show(self, address: str, selector: str) -> float:
        """Go to an address and return the moment (``time.perf_counter``) at which the page held such an element."""
        self._ask("Page.navigate", url=address)
        deadline = time.perf_counter() + PATIENCE_SECONDS
        question = IN_ANY_SHADOW.replace("SELECTOR", json.dumps(selector))
        while not self._ask("Runtime.evaluate", expression=question)["result"].get("value"):
            if time.perf_counter() > deadline:
                raise TimeoutError(f"{address} showed no {selector} within {PATIENCE_SECONDS} s.")
            time.sleep(ASK_SECONDS)
        return time.perf_counter()

    def _ask(self, method: str, **parameters: Any) -> Any:
        self._asked += 1
        self._connection.send(json.dumps({"id": self._asked, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._connection.recv())
            if answer.get("id") == self._asked:
                return answer["result"]


@contextmanager
def new_browser() -> Iterator[Tab]:
    """Yield the tab of a browser that has just started and knows nothing."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        own = ["--remote-debugging-port=0", "--window-size=1280,900", f"--user-data-dir={profile}", "about:blank"]
        command = [str(CHROMIUM), *FLAGS, *own]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with connect(_page_address(Path(profile) / "DevToolsActivePort"), max_size=None) as connection:
                time.sleep(SETTLE_SECONDS)
                yield Tab(connection)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _page_address(port_file: Path) -> str:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        port = port_file.read_text().partition("\n")[0] if port_file.exists() else ""
        if port:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json") as answer:
                pages = [target for target in json.load(answer) if target["type"] == "page"]
            if pages:
                return str(pages[0]["webSocketDebuggerUrl"])
        time.sleep(ASK_SECONDS)
    raise TimeoutError(f"{CHROMIUM} did not start within {PATIENCE_SECONDS} s.")
