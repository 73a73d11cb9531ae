"""``ask``: a question about one clip, answered in all clips of a survey."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nonlocal_core.errors import SelectionError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument("result", type=Path, help="the --out of a survey with --index")
    parser.add_argument("clip", help="a clip or a picture, of the survey or not; left out of the answer")
    parser.add_argument("--frame", type=int, help="of the frames that were read, from 0; left out: its first question")
    parser.add_argument("--x", type=float, help="0 left to 1 right")
    parser.add_argument("--y", type=float, help="0 top to 1 bottom")
    parser.add_argument("--model", help="of the survey's networks; left out, its first")
    parser.add_argument("--count", type=int, default=10, metavar="N", help="clips to list (10)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> None:
    """Print the clips, strongest first."""
    from nonlocal_core.survey import ask

    given = (options.frame, options.x, options.y)
    if any(part is None for part in given) and any(part is not None for part in given):
        raise SelectionError("A point has --frame, --x and --y. Give all three, or none for the clip's first question.")
    point = None if options.frame is None else given
    asked = ask(options.result, options.clip, point=point, model=options.model, count=options.count)
    print(json.dumps(asdict(asked), indent=2) if options.json else _as_text(asked))


def _as_text(asked: Any) -> str:
    lines = [
        f"{asked.model}, {asked.block}: {asked.clip}, frame {asked.frame}, x {asked.x:.3g}, y {asked.y:.3g}, "
        f"asked in {asked.count:,} clips"
    ]
    lines += asked.cautions
    lines += [
        f"{n:3}. {found.name}: frame {found.frame}, x {found.x:.3g}, y {found.y:.3g}; score {found.score:.3g}, "
        f"weight {found.weight:.3g}, {found.times_uniform:.3g} × an even share"
        for n, found in enumerate(asked.ranked, 1)
    ]
    return "\n".join(lines)
