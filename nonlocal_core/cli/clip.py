"""Arguments of the verbs that open a clip with a network and ask at one point."""

import argparse
from pathlib import Path

from nonlocal_core.cli.progress import tell
from nonlocal_core.media import Selection
from nonlocal_core.running.prepared import PreparedModel, prepare_checkpoint
from nonlocal_core.session import Session
from nonlocal_core.vocabulary import SAMPLE_PREFIX


def add_clip(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say which clip, which frames of it, and which network."""
    parser.add_argument("clip", help=f"an image, a video, a folder of frames, or {SAMPLE_PREFIX}ID")
    network = parser.add_mutually_exclusive_group()
    network.add_argument(
        "--model", default="default", help="an id from `models`; a published checkpoint is fetched the first time"
    )
    network.add_argument("--weights", type=Path, metavar="FILE", help="a checkpoint file of your own")
    parser.add_argument("--arch", help="the network that the file of --weights fills; left out, all are tried")
    parser.add_argument("--frames", type=int, help="how many frames (8)")
    parser.add_argument("--stride", type=int, help="take every n-th frame; left out, they are spread over the clip")
    parser.add_argument("--start", type=float, metavar="SECONDS", help="where to begin")
    parser.add_argument("--frame-indices", type=int, nargs="+", metavar="I", help="exactly these frames of the file")
    parser.add_argument("--short-side", type=int, metavar="PIXELS", help="of the network's input")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")


def add_point(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say which position of which block."""
    parser.add_argument("--frame", type=int, help="of the frames that were read, from 0")
    parser.add_argument("--x", type=float, help="0 left to 1 right")
    parser.add_argument("--y", type=float, help="0 top to 1 bottom")
    parser.add_argument("--block", help="a block of the network; left out, the one that is shown first")


def _network(options: argparse.Namespace) -> str | PreparedModel:
    model: str = options.model
    return model if options.weights is None else prepare_checkpoint(options.weights, options.arch, options.device)


def open_session(options: argparse.Namespace) -> Session:
    """Open what the arguments say. Raises what ``Session.open`` raises."""
    return Session.open(
        options.clip,
        _network(options),
        frames=Selection(
            frames=options.frames,
            stride=options.stride,
            start_seconds=options.start,
            frame_indices=tuple(options.frame_indices) if options.frame_indices else None,
        ),
        short_side=options.short_side,
        device=options.device,
        progress=tell,
    )


def point_of(session: Session, options: argparse.Namespace) -> tuple[int, float, float]:
    """Return the point asked for; what was left out is the clip's own first question."""
    first = session.first_question()
    return (
        first.frame if options.frame is None else options.frame,
        first.x if options.x is None else options.x,
        first.y if options.y is None else options.y,
    )
