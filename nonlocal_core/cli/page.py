"""``page``: write the viewer as a folder of static files, in which the network runs in the reader's browser."""

import argparse
from pathlib import Path

from nonlocal_core.cli.progress import tell
from nonlocal_core.site.writing import write_site
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
        "--runtime", type=Path, metavar="FOLDER", help="a folder with onnxruntime-web; left out, npm fetches it"
    )


def run(options: argparse.Namespace) -> None:
    """Write the folder and print the page's path."""
    print(write_site(options.out, models=options.model, clips=options.clip, runtime=options.runtime, progress=tell))
