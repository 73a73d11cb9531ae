"""The engine that runs the networks in the browser: files of the npm package ``onnxruntime-web``, checked by hash.

They are not part of this repository: the package manager fetches them when a page is written, or a folder has them.
"""

import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from nonlocal_core.errors import SiteError

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
SCRIPT, WASM = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
GPU_SCRIPT, GPU_WASM = "ort.webgpu.bundle.min.mjs", "ort-wasm-simd-threaded.asyncify.wasm"
"""The same engine with WebGPU, which a page loads after its first answer. A folder may lack both."""
SHA256 = {
    SCRIPT: "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    WASM: "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
    GPU_SCRIPT: "0730816731ce2cdfb06f273da065d4a1c7091eb9d1756a83b2916c8a89d015e2",
    GPU_WASM: "39f9f0894d478800487ed9f7dbe92618498db320cf55c8e3d89adff8dce658da",
}
"""Digests of the files in ``dist``: whatever folder they come from, the page runs exactly these bytes."""
NOTICE = f"""{PACKAGE} {VERSION}

MIT License. Copyright (c) Microsoft Corporation.

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""
_BY_HAND = f"Or give a folder that has {SCRIPT} and {WASM} of {PACKAGE} {VERSION}: --runtime FOLDER."
_WAIT_SECONDS = 600
ENVIRONMENT = "NONLOCAL_ENGINE"
"""Variable that names a folder of the engine. The app offers a page for download if it is set."""


def runtime_at_hand() -> Path | None:
    """Return the folder that ``ENVIRONMENT`` names, or None if it is unset: a server fetches nothing for a visitor."""
    named = os.environ.get(ENVIRONMENT)
    return Path(named) if named and Path(named).is_dir() else None


def runtime_files(folder: Path | None = None) -> dict[str, bytes]:
    """Return the files by name, from a folder (the package, or its ``dist``), or fetched by ``npm``.

    Those with WebGPU are left out if the folder lacks one of them. Raises SiteError if the others are not available,
    or one is not the file that was tested.
    """
    found = _fetched() if folder is None else _read(folder)
    for name, content in found.items():
        if hashlib.sha256(content).hexdigest() != SHA256[name]:
            raise SiteError(
                f"The page runs {name} of {PACKAGE} {VERSION}, whose SHA-256 begins with {SHA256[name][:12]}; that of "
                f"the file at hand begins with {hashlib.sha256(content).hexdigest()[:12]}. Take that version."
            )
    return found


def _read(folder: Path) -> dict[str, bytes]:
    found = {name: place for name in SHA256 if (place := _place(folder, name))}
    for name in (SCRIPT, WASM):
        if name not in found:
            raise SiteError(f"{folder} has no {name}, nor has its folder dist. It is a file of {PACKAGE} {VERSION}.")
    taken = SHA256 if {GPU_SCRIPT, GPU_WASM} <= found.keys() else (SCRIPT, WASM)
    return {name: found[name].read_bytes() for name in taken}


def _place(folder: Path, name: str) -> Path | None:
    places = (place / name for place in (folder, folder / "dist", folder / "package" / "dist"))
    return next(filter(Path.is_file, places), None)


def _fetched() -> dict[str, bytes]:
    npm = shutil.which("npm")
    if npm is None:
        raise SiteError(f"npm fetches {PACKAGE} {VERSION}, and is not installed. Install Node.js. {_BY_HAND}")
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--silent", "--pack-destination", folder]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_WAIT_SECONDS, check=False)  # noqa: S603
        except subprocess.TimeoutExpired as late:
            raise SiteError(
                f"npm did not fetch {PACKAGE} {VERSION} within {_WAIT_SECONDS} s. Try again. {_BY_HAND}"
            ) from late
        archives = list(Path(folder).glob("*.tgz"))
        if done.returncode or not archives:
            said = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
            raise SiteError(f"npm did not fetch {PACKAGE} {VERSION}: {said} {_BY_HAND}")
        return _unpacked(archives[0])


def _unpacked(archive: Path) -> dict[str, bytes]:
    found = {}
    with tarfile.open(archive) as package:
        for name in SHA256:
            part = package.extractfile(f"package/dist/{name}")
            assert part is not None
            found[name] = part.read()
    return found
