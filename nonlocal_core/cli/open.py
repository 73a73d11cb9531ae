"""``open``: start the viewer in the browser, on the user's clip if one is named.

The pages are started as ``streamlit run`` starts them. This module imports none of them, and no torch.
"""

import argparse
import json
import os
import runpy
import socket
import sys
from importlib.util import find_spec
from pathlib import Path

from nonlocal_core.ancestors.filters import FILTERS, filter_id, is_filter, parse_filter
from nonlocal_core.cli.progress import tell
from nonlocal_core.errors import MediaError, NonlocalError, UnknownNameError
from nonlocal_core.installed import folder_of
from nonlocal_core.threads import use_one_heap
from nonlocal_core.vocabulary import FIRST_VISIT, SAMPLE_PREFIX, SURVEYED
from nonlocal_core.weights import list_models
from nonlocal_core.weights.cache import fetched_ids
from nonlocal_core.weights.cards import list_published

_EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 -- compared, not listened to


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument(
        "clip", nargs="?", help=f"an image, a video, a folder of frames, or {SAMPLE_PREFIX}ID; read from where it lies"
    )
    parser.add_argument(
        "--model", help="an id from `nonlocal-viewer models`; a published checkpoint is fetched the first time"
    )
    parser.add_argument("--frames", type=int, help="how many frames (8)")
    parser.add_argument("--stride", type=int, help="take every n-th frame; left out, they are spread over the clip")
    parser.add_argument("--start", type=float, metavar="SECONDS", help="where to begin")
    parser.add_argument("--short-side", type=int, metavar="PIXELS", help="of the network's input")
    parser.add_argument("--survey", metavar="RESULT", help="show the --out of a survey on a page of its own")
    parser.add_argument("--port", type=int, help="of the server (8501)")
    parser.add_argument("--address", help="0.0.0.0 lets other machines in; left out, only this one may")
    parser.add_argument("--no-browser", action="store_true", help="start the server alone")


def run(options: argparse.Namespace) -> None:
    """Serve the pages until interrupted. Raises NonlocalError if the clip, the network or the pages are missing."""
    if missing := [name for name in ("streamlit", "plotly") if find_spec(name) is None]:
        raise NonlocalError(
            f"The viewer needs {' and '.join(missing)}, which this environment does not have. "
            "Install it with: pip install 'nonlocal-viewer[app]'"
        )
    visit = {
        "clip": _clip(options.clip),
        "model": _model(options.model),
        "frames": options.frames,
        "stride": options.stride,
        "start_seconds": options.start,
        "short_side": options.short_side,
    }
    os.environ[FIRST_VISIT] = json.dumps({name: value for name, value in visit.items() if value is not None})
    if options.survey is not None:
        os.environ[SURVEYED] = _survey(options.survey)
    flags = {"--server.port": options.port, "--server.address": options.address}
    if options.address in _EVERY_ADDRESS:
        flags["--browser.serverAddress"] = _own_number()  # which it prints; else it asks a service outside for one
    said = [f"{flag}={value}" for flag, value in flags.items() if value is not None]
    sys.argv = ["streamlit", "run", str(folder_of("app") / "start.py"), *said]
    if options.no_browser:
        sys.argv.append("--server.headless=true")
    use_one_heap()
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)


def _own_number() -> str:
    """Return the number under which others reach this machine, or ``localhost`` without a network. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        try:
            way.connect(("192.0.2.1", 9))  # an address of documentation
        except OSError:
            return "localhost"
        number: str = way.getsockname()[0]
        return number


def _survey(named: str) -> str:
    """Return the absolute path of a survey. Raises SurveyError for a folder without one."""
    from nonlocal_core.survey import ResultFolder

    return str(ResultFolder(named).path.resolve())


def _clip(named: str | None) -> str | None:
    """Return the sample, or the absolute path of the clip."""
    if named is None:
        return None
    if named.startswith(SAMPLE_PREFIX):
        from nonlocal_core.media import find_sample

        find_sample(named.removeprefix(SAMPLE_PREFIX))
        return named
    path = Path(named)
    if not path.exists():
        raise MediaError(
            f"There is no file or folder {named!r}, and no verb of that name. "
            "Give the path of a clip, or see `nonlocal-viewer --help`."
        )
    return str(path.resolve())


def _model(named: str | None) -> str | None:
    """Return the network's id; a published one is fetched now, since pages do not fetch networks that a link names."""
    if named in (None, "default"):
        return None
    published = {card.id: card for card in list_published()}
    known = [*(card.id for card in list_models()), *(each.name for each in FILTERS)]
    if is_filter(named):
        return filter_id(parse_filter(named))
    if named in known:
        return named
    if named not in published:
        raise UnknownNameError("model", named, [*known, *published])
    if named not in fetched_ids():
        from nonlocal_core.weights.download import download

        download(published[named], progress=lambda done, total: tell("Bytes", done, total or 0))
    return named
