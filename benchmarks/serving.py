"""Start the app as its users do, on a free port, and stop it again; and which browser its visitors have."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 300
"""Longest start on a busy machine."""
STOP_SECONDS = 30
_BROWSERS = [Path("/usr/lib/chromium/chromium-headless-shell"), Path("/usr/bin/chromium")]
WITH_CAMERA = Path("/usr/lib/chromium/chromium")
"""Chromium as people have it: without its window it has no camera."""
CHROMIUM = Path(os.environ.get("NONLOCAL_CHROMIUM", next(filter(Path.exists, _BROWSERS), _BROWSERS[-1])))
"""The browser of the tests and benchmarks: Chromium without its window where Debian has it, else the whole one. Itself,
not the script that starts it, which leaves it behind when it is ended."""
AXE = Path(os.environ.get("NONLOCAL_AXE", ROOT / "build" / "programs" / "node_modules" / "axe-core" / "axe.min.js"))
"""The script that looks for what keeps people from using a page; `make tools` installs it."""
ENGINE = Path(os.environ.get("NONLOCAL_ENGINE", ROOT / "build" / "programs" / "onnxruntime-web"))
"""The folder of the engine that runs networks in a page without a server; `make tools` fetches it."""
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--use-fake-device-for-media-stream",
]
"""Arguments of Chromium: nothing that reaches out by itself, and a camera that is none."""
HOVER = """async (picture, [x, y]) => {
  const box = picture.getBoundingClientRect(), began = performance.now();
  const at = { clientX: box.left + x * box.width, clientY: box.top + y * box.height, bubbles: true, composed: true };
  picture.dispatchEvent(new PointerEvent('pointermove', at));
  await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  return performance.now() - began;
}"""
"""Script that moves the pointer over a picture and returns the milliseconds until the answer is painted."""


@contextmanager
def app_server(
    log: Path,
    script: str = "app/start.py",
    *,
    command: Sequence[str | Path] | None = None,
    base: str = "",
    cwd: Path = ROOT,
    **environment: str,
) -> Iterator[str]:
    """Yield the address of a running server; its output goes to ``log`` and is shown when it does not start.

    ``script``: what Streamlit runs. ``command``: `nonlocal-viewer` with its arguments, which is run instead.
    ``base``: path that all its addresses begin with, such as ``/viewer``.
    """
    port = _free_port()
    if command is None:
        streamlit = Path(sys.executable).with_name("streamlit")
        started = [streamlit, "run", script, "--server.port", str(port), "--server.headless", "true"]
    else:
        started = [*command, "--port", str(port), "--no-browser"]
    with log.open("w") as output:
        environment |= {"STREAMLIT_SERVER_BASE_URL_PATH": base.strip("/")} if base else {}
        process = subprocess.Popen(
            started, cwd=cwd, env=os.environ | environment, stdout=output, stderr=subprocess.STDOUT
        )
    address = f"http://localhost:{port}{base}"
    try:
        _wait_until_healthy(process, address, log)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:  # a start in the middle of an import
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_healthy(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=10):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"The app did not start within {START_SECONDS} s:\n{log.read_text()}")
