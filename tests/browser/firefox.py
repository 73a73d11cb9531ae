"""Debian's Firefox, driven over WebDriver BiDi: one window without a frame, in a profile of its own."""

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from patience import PATIENCE_MS
from websockets.sync.client import ClientConnection, connect

PROGRAM = shutil.which("firefox-esr")
STOP_SECONDS = 30
ASK_SECONDS = 0.1
ENTER, ARROW_RIGHT = "\ue007", "\ue014"
"""Keys as WebDriver names them."""
PREFERENCES = {
    "browser.download.folderList": 2,
    "browser.download.useDownloadDir": True,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.disabledForTesting": True,
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
}


class Window:
    """The window of a running Firefox. What goes wrong in its page raises RuntimeError."""

    def __init__(self, connection: ClientConnection, downloads: Path) -> None:
        self.downloads, self._connection, self._asked = downloads, connection, 0
        self._tell("session.new", capabilities={})
        self._context = self._tell("browsingContext.getTree")["contexts"][0]["context"]

    def size(self, width: int, height: int) -> None:
        """Make the page so large, in pixels."""
        self._tell("browsingContext.setViewport", context=self._context, viewport={"width": width, "height": height})

    def open(self, address: str) -> None:
        """Go to an address and wait until it is loaded."""
        self._tell("browsingContext.navigate", context=self._context, url=address, wait="complete")

    def ask(self, expression: str) -> Any:
        """Return the value of an expression in the page, as JSON has it; a promise is waited for."""
        wrapped = f"Promise.resolve({expression}).then((value) => JSON.stringify(value ?? null))"
        given = self._evaluate(wrapped)["value"]
        return json.loads(given)

    def wait(self, expression: str) -> Any:
        """Return the value of an expression once it is true. Raises TimeoutError."""
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while time.monotonic() < deadline:
            if value := self.ask(expression):
                return value
            time.sleep(ASK_SECONDS)
        raise TimeoutError(f"{expression} was never true; the page says: {self.ask('document.body.innerText')[:600]}")

    def give(self, selector: str, file: Path) -> None:
        """Choose a file in an input."""
        found = self._evaluate(f"document.querySelector({json.dumps(selector)})")
        self._tell("input.setFiles", context=self._context, element={"sharedId": found["sharedId"]}, files=[str(file)])

    def press(self, *keys: str) -> None:
        """Press keys one after the other, in what has the focus; those of no letter have WebDriver's code points."""
        steps = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        actions = [{"type": "key", "id": "keyboard", "actions": steps}]
        self._tell("input.performActions", context=self._context, actions=actions)

    def downloaded(self, suffix: str) -> Path:
        """Return the whole file of that ending that was downloaded last. Raises TimeoutError."""
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while time.monotonic() < deadline:
            found = [path for path in self.downloads.glob(f"*{suffix}") if path.stat().st_size]
            if found and not list(self.downloads.glob("*.part")):
                return max(found, key=lambda path: path.stat().st_mtime)
            time.sleep(ASK_SECONDS)
        raise TimeoutError(f"No {suffix} was downloaded.")

    def picture(self) -> bytes:
        """Return what is on screen, as PNG."""
        return base64.b64decode(self._tell("browsingContext.captureScreenshot", context=self._context)["data"])

    def _evaluate(self, expression: str) -> Any:
        target = {"context": self._context}
        given = self._tell("script.evaluate", expression=expression, target=target, awaitPromise=True)
        if given["type"] == "exception":
            raise RuntimeError(given["exceptionDetails"]["text"])
        return given["result"]

    def _tell(self, method: str, **parameters: Any) -> Any:
        self._asked += 1
        self._connection.send(json.dumps({"id": self._asked, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._connection.recv(timeout=PATIENCE_MS / 1000))
            if answer.get("id") == self._asked:
                if answer["type"] == "error":
                    raise RuntimeError(f"{method}: {answer['message']}")
                return answer["result"]


@contextmanager
def firefox(folder: Path, *, dark: bool = False) -> Iterator[Window]:
    """Yield the window of a Firefox that has just started; profile and downloads lie in ``folder``."""
    assert PROGRAM is not None
    profile, downloads = folder / "profile", folder / "downloads"
    for each in (profile, downloads):
        each.mkdir()
    preferences = PREFERENCES | {
        "browser.download.dir": str(downloads),
        "layout.css.prefers-color-scheme.content-override": 0 if dark else 1,
    }
    lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in preferences.items())
    (profile / "user.js").write_text("\n".join(lines))
    command = [PROGRAM, "--headless", "--no-remote", "--remote-debugging-port=0", "--profile", str(profile)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with connect(f"{_address(profile / 'WebDriverBiDiServer.json')}/session", max_size=None) as connection:
            yield Window(connection, downloads)
    finally:
        process.terminate()
        try:
            process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _address(written: Path) -> str:
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while time.monotonic() < deadline:
        if written.exists() and (text := written.read_text()):
            told = json.loads(text)
            return f"ws://{told['ws_host']}:{told['ws_port']}"
        time.sleep(ASK_SECONDS)
    raise TimeoutError(f"Firefox did not write {written.name}.")
