"""``page``: write the viewer as a folder of static files, in which the network runs in the reader's browser."""

import argparse
from pathlib import Path

from nonlocal_core.cli.clip import numbers
from nonlocal_core.cli.progress import tell
from nonlocal_core.pin import Pin
from nonlocal_core.session import Session
from nonlocal_core.site.contents import PageClip
from nonlocal_core.site.networks import page_networks
from nonlocal_core.site.writing import SAMPLES, write_site
from nonlocal_core.vocabulary import SAMPLE_PREFIX


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where the files go")
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        help="an id from `models`; repeatable, the first is shown first (all on the shared trunk)",
    )
    parser.add_argument(
        "--clip",
        action="append",
        default=[],
        help=f"an image, a video, a folder of frames, or {SAMPLE_PREFIX}ID; repeatable (three samples)",
    )
    parser.add_argument(
        "--at", type=numbers(3), metavar="FRAME,X,Y", help="a question of the first clip that is pinned on arrival"
    )
    parser.add_argument("--block", help="the block of --at; left out, the one that is shown first")
    parser.add_argument(
        "--runtime", type=Path, metavar="FOLDER", help="a folder with onnxruntime-web; left out, npm fetches it"
    )


def run(options: argparse.Namespace) -> None:
    """Write the folder and print the page's path."""
    models = tuple(options.model) or page_networks()
    named = tuple(options.clip or (SAMPLE_PREFIX + sample for sample in SAMPLES))
    clips: list[str | PageClip] = list(named)
    if options.at is not None:
        session = Session.open(named[0], models[0], device="cpu", progress=tell)
        frame, x, y = options.at
        pin = Pin(frame=frame, x=x, y=y, block=options.block)
        session.answer(pin)  # refuses a question that the network cannot be asked
        clips[0] = PageClip(session=session, pin=pin)
    print(write_site(options.out, models=models, clips=clips, runtime=options.runtime, progress=tell))
