"""``render``: one answer, as a file."""

import argparse
from dataclasses import asdict
from pathlib import Path

from nonlocal_core.bundle import PRECISIONS, open_tour
from nonlocal_core.cli.clip import add_clip, add_point, numbers, open_session, pin_of
from nonlocal_core.cli.progress import tell
from nonlocal_core.saving.formats import FORMATS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    add_clip(parser)
    add_point(parser)
    parser.add_argument(
        "--beside",
        type=numbers(3),
        action="append",
        metavar="FRAME,X,Y",
        help="a pin to show with it, in a colour of its own; up to two, A and B before the point that is asked",
    )
    parser.add_argument(
        "--view",
        default="",
        metavar="WORDS",
        help="how it is drawn, as the view= of a link: each, root, linear, smooth, plain, negatives, bare, over3, "
        "strength50, arrows8, joined by dashes",
    )
    parser.add_argument("--out", type=Path, required=True, help=f"a path ending in {', '.join(FORMATS)}")
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="float16",
        help="of an .html: int8 is smaller and rounds more; the page says by how much",
    )
    parser.add_argument(
        "--tour",
        type=Path,
        metavar="FILE",
        help="of an .html: its stops, as a JSON list of {frame, x, y, caption, block?, direction?}",
    )


def run(options: argparse.Namespace) -> None:
    """Write the file and print its path."""
    session = open_session(options)
    pin = pin_of(session, options, options.view, options.beside or ())
    blocks = [block.name for block in session.capture.named]
    target = session.save(
        options.out,
        **asdict(pin),
        tour=options.tour and open_tour(options.tour, frame_count=len(session.frames.rgb), blocks=blocks),
        precision=options.precision,
        progress=tell,
    )
    print(target)
