"""Writer of the page: a folder of static files in which every name but the page's own depends on the content."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.metadata import version
from itertools import count
from pathlib import Path

from nonlocal_core.errors import SiteError
from nonlocal_core.look import recipe
from nonlocal_core.models import Lite0Network
from nonlocal_core.models.lite0_networks import INPUT
from nonlocal_core.render import replacing
from nonlocal_core.running.prepared import prepare_model
from nonlocal_core.session import Session
from nonlocal_core.site.contents import PageClip, clip_bundle, input_json, network_entry, pinned_json
from nonlocal_core.site.lite0 import normaliser_graph, trunk_graph
from nonlocal_core.site.networks import page_networks
from nonlocal_core.site.runtime import GPU_SCRIPT, GPU_WASM, NOTICE, PACKAGE, SCRIPT, VERSION, WASM, runtime_files
from nonlocal_core.viewer.export import export_frame
from nonlocal_core.viewer.scripts import offline_js, site_css, site_js, worker_js
from nonlocal_core.vocabulary import SAMPLE_PREFIX, Progress

SAMPLES = ("bunny", "composed", "chelsea")
"""Default clips of a page."""
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; style-src 'self'; "
    "img-src blob:; media-src blob:; connect-src 'self'; base-uri 'none'; form-action 'none'"
)
TITLE = "Where does this position look?"


@dataclass(frozen=True, slots=True)
class _Folder:
    """Folder that is being filled, and the addresses of its files."""

    path: Path
    names: list[str] = field(default_factory=list)
    """Names of the files that a browser keeps for offline reading as soon as the page was opened."""
    later: list[str] = field(default_factory=list)
    """Names of the files that it keeps once the page has asked for them."""

    def add(self, name: str, content: bytes, *, later: bool = False) -> str:
        """Write a file under its name and a part of its hash, and return its address."""
        stem, _, suffix = name.partition(".")
        return self.add_as(f"{stem}-{hashlib.sha256(content).hexdigest()[:10]}.{suffix}", content, later=later)

    def add_as(self, name: str, content: bytes, *, later: bool = False) -> str:
        with replacing(self.path / name) as part:
            part.write_bytes(content)
        (self.later if later else self.names).append(name)
        return name


def write_site(
    out: Path,
    *,
    models: Sequence[str] = (),
    clips: Sequence[str | PageClip] = (),
    runtime: Path | None = None,
    progress: Progress,
) -> Path:
    """Write a page of networks and clips into a folder, and return the address to open in it.

    ``models``: ids of ``page_networks``, the first one shown first; all of them if empty. ``clips``: files, folders
    of frames, ``sample:ID`` and clips that are open; ``SAMPLES`` if empty. ``runtime``: a folder with the files of
    ``runtime_files``. Other files in the folder are kept; those of an earlier page of the same name are replaced.
    Raises SiteError, UnknownNameError, WeightsError, and the errors of ``Session.open`` for a clip.
    """
    named = tuple(models) or page_networks()
    asked = tuple(clips) or tuple(SAMPLE_PREFIX + sample for sample in SAMPLES)
    steps = 2 + len(named) + len(asked)
    progress("Fetching the engine", 0, steps)
    engine = runtime_files(runtime)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise SiteError(f"A page is a folder; {out} cannot be made: {fault.strerror}. Name another place.") from fault
    folder = _Folder(out)
    facts: dict[str, object] = {
        "runtime": {"script": folder.add(SCRIPT, engine[SCRIPT]), "wasm": folder.add(WASM, engine[WASM])},
        "with_gpu": _with_gpu(folder, engine),
        "worker": folder.add("worker.js", worker_js().encode()),
        "input": input_json(INPUT),
        "look": recipe(),
        "frame": folder.add("kept.html", export_frame().encode()),
        "versions": {"nonlocal-viewer": version("nonlocal-viewer"), PACKAGE: VERSION},
    }
    entries = []
    for index, model in enumerate(named):
        progress("Exporting networks", 1 + index, steps)
        entries.append(network_entry(model, folder.add))
    networks = [prepare_model(model, "cpu").network for model in named]
    trunks = [network.trunk for network in networks if isinstance(network, Lite0Network)]
    facts["networks"] = entries
    facts["files"] = {
        **({"trunk": folder.add("trunk.onnx", trunk_graph(trunks[0]))} if trunks else {}),
        "normaliser": folder.add("normaliser.onnx", normaliser_graph()),
    }
    samples: dict[str, dict[str, object]] = {}
    for index, clip in enumerate(asked):
        progress("Reading clips", 1 + len(named) + index, steps)
        shown = clip if isinstance(clip, PageClip) else PageClip(session=Session.open(clip, named[0], device="cpu"))
        key = _free_key(shown, samples)
        samples[key] = _sample(key, shown, folder)
    facts["samples"] = list(samples.values())
    progress("Writing the page", steps - 1, steps)
    _write_page(folder, facts)
    progress("Writing the page", steps, steps)
    return out / "index.html"


def _with_gpu(folder: _Folder, engine: Mapping[str, bytes]) -> dict[str, str] | None:
    if GPU_SCRIPT not in engine:
        return None
    names = {"script": GPU_SCRIPT, "wasm": GPU_WASM}
    return {part: folder.add(name, engine[name], later=True) for part, name in names.items()}


def _free_key(clip: PageClip, taken: Collection[str]) -> str:
    """Return the name of a clip in a link, with a number from the second clip of the same name on."""
    sample = clip.session.sample
    key = sample.id if sample else hashlib.sha256(clip.session.frames.info.name.encode()).hexdigest()[:10]
    numbered = (f"{key}-{number}" for number in count(2))
    return key if key not in taken else next(name for name in numbered if name not in taken)


def _sample(key: str, clip: PageClip, folder: _Folder) -> dict[str, object]:
    sample, info = clip.session.sample, clip.session.frames.info
    return {
        "id": key,
        "title": sample.title if sample else info.name,
        "file": folder.add(f"clip_{key}.nlvb", clip_bundle(clip)),
        "sha256": info.sha256,
        **({"pin": pinned_json(clip.pin)} if clip.pin else {}),
    }


def _write_page(folder: _Folder, facts: dict[str, object]) -> None:
    site = folder.add("site.json", json.dumps(facts, allow_nan=False).encode())
    style, script = folder.add("site.css", site_css().encode()), folder.add("site.js", site_js().encode())
    folder.add_as("NOTICE.txt", NOTICE.encode())
    folder.add_as("index.html", _html(site=site, style=style, script=script).encode())
    edition = f"nonlocal-{hashlib.sha256(' '.join(folder.names + folder.later).encode()).hexdigest()[:10]}"
    lists = {"VERSION": edition, "FILES": ["./", *folder.names], "LATER": folder.later}
    offline = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in lists.items()) + offline_js()
    folder.add_as("offline.js", offline.encode())


def _html(*, site: str, style: str, script: str) -> str:
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{TITLE}</title>
<link rel="stylesheet" href="{style}">
</head>
<body data-site="{site}">
<header>
<h1>{TITLE}</h1>
<p>Point at any place of any frame: the network runs in this page. <strong>Nothing leaves this computer.</strong></p>
</header>
<main id="viewer"><p role="status">Opening the page. If this sentence stays, it was opened as a file: a browser runs it
from a web server alone, such as <code>python -m http.server</code> in this folder. Or the browser is too
old.</p></main>
<noscript><p>This page runs a network while you point, so it needs JavaScript. It sends nothing.</p></noscript>
<footer>nonlocal-viewer · {PACKAGE} {VERSION} (MIT licence, Microsoft) · once opened, this page works offline ·
<span id="engine"></span></footer>
<script type="module" src="{script}"></script>
</body>
</html>
"""
