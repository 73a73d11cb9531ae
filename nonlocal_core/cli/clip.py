"""Arguments of the verbs that open a clip with a network and ask at one point."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from nonlocal_core.cli.progress import tell
from nonlocal_core.media import Selection
from nonlocal_core.pin import Pin, Point
from nonlocal_core.running.prepared import PreparedModel, prepare_checkpoint
from nonlocal_core.session import Session
from nonlocal_core.vocabulary import DIRECTIONS, SAMPLE_PREFIX


def add_clip(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for the clip, its frames, and the network."""
    parser.add_argument("clip", help=f"an image, a video, a folder of frames, or {SAMPLE_PREFIX}ID")
    network = parser.add_mutually_exclusive_group()
    network.add_argument(
        "--model", default="default", help="an id from `models`; a published checkpoint is fetched the first time"
    )
    network.add_argument("--weights", type=Path, metavar="FILE", help="a checkpoint file of your own")
    parser.add_argument("--arch", help="the network that the file of --weights fills; left out, all are tried")
    parser.add_argument(
        "--set", metavar="NAME", help="which of several sets of weights in the file; ema: their running average"
    )
    parser.add_argument("--frames", type=int, help="how many frames (8)")
    parser.add_argument("--stride", type=int, help="take every n-th frame; left out, they are spread over the clip")
    parser.add_argument("--start", type=float, metavar="SECONDS", help="where to begin")
    parser.add_argument("--frame-indices", type=int, nargs="+", metavar="I", help="exactly these frames of the file")
    parser.add_argument("--short-side", type=int, metavar="PIXELS", help="of the network's input")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")


def add_point(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for the positions, the block, and the direction to look."""
    parser.add_argument("--frame", type=int, help="of the frames that were read, from 0")
    parser.add_argument("--x", type=float, help="0 left to 1 right")
    parser.add_argument("--y", type=float, help="0 top to 1 bottom")
    parser.add_argument(
        "--point", type=numbers(3), action="append", metavar="FRAME,X,Y", help="a further point; the mean is asked"
    )
    parser.add_argument(
        "--box", type=numbers(5), action="append", metavar="FRAME,X0,Y0,X1,Y1", help="all cells in a box; repeatable"
    )
    parser.add_argument(
        "--minus", type=numbers(3), action="append", metavar="FRAME,X,Y", help="a point whose answer is taken away"
    )
    parser.add_argument(
        "--temperature", type=float, default=1.0, help="divide the scores of a softmax by it; 1 is the network's"
    )
    parser.add_argument(
        "--hops", type=int, default=1, help="go on along the rows of the layers before: 1, where it looks, to 4"
    )
    parser.add_argument(
        "--asker",
        help="who of the block's askers is asked instead, such as 'class token'; of a text, the word that is looked at",
    )
    parser.add_argument("--direction", choices=DIRECTIONS, default="row", help="column: who looks at it")
    parser.add_argument("--block", help="a block of the network; left out, the one that is shown first")


def numbers(count: int) -> Callable[[str], tuple[float, ...]]:
    """Return a parser for an argument of a frame and numbers, separated by commas."""

    def read(text: str) -> tuple[float, ...]:
        frame, *rest = text.split(",")
        if len(rest) != count - 1:
            raise argparse.ArgumentTypeError(f"{count} numbers with commas between are needed; got {text!r}")
        try:
            return (int(frame), *map(float, rest))
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"a whole frame and numbers are needed; got {text!r}") from error

    return read


def _network(options: argparse.Namespace) -> str | PreparedModel:
    if options.weights is None:
        model: str = options.model
        return model
    return prepare_checkpoint(options.weights, options.arch, options.device, weights=options.set)


def open_session(options: argparse.Namespace) -> Session:
    """Open the session that the arguments ask for. Raises the errors of ``Session.open``."""
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


def pin_of(session: Session, options: argparse.Namespace, view: str = "", beside: Sequence[Point] = ()) -> Pin:
    """Return the question asked for; missing parts come from the clip's own first question.

    ``beside``: the pins shown with it.
    """
    block = session.block(options.block)
    grid = block.query_grid if options.direction == "row" else block.key_grid
    boxes = options.box or ()
    inside = dict.fromkeys(
        cell for frame, x0, y0, x1, y1 in boxes for cell in grid.cells_in(frame=frame, box=(x0, y0, x1, y1))
    )
    points = [*(options.point or ()), *((grid.span(cell.t)[0], *grid.center(cell)) for cell in inside)]
    if options.frame is not None or options.x is not None or options.y is not None or not points:
        first = session.first_question()
        given = zip((options.frame, options.x, options.y), (first.frame, first.x, first.y), strict=True)
        frame, x, y = (usual if value is None else value for value, usual in given)
        points.insert(0, (frame, x, y))
    (frame, x, y), *also = points
    return Pin(
        frame=frame,
        x=x,
        y=y,
        also=tuple(also),
        minus=tuple(options.minus or ()),
        beside=tuple((point,) for point in beside),
        temperature=options.temperature,
        hops=options.hops,
        asker=options.asker,
        block=options.block,
        direction=options.direction,
        view=view,
    )
