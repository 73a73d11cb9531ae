"""``learn``: the course on one clip, or some steps of it, as one HTML file that works offline."""

import argparse
from pathlib import Path

from nonlocal_core.cli.progress import tell
from nonlocal_core.course.stages import step_ids
from nonlocal_core.course.writing import OnClip, write_course
from nonlocal_core.media import Selection
from nonlocal_core.vocabulary import SAMPLE_PREFIX


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument("clip", help=f"an image, a video, a folder of frames, or {SAMPLE_PREFIX}ID")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the .html to write")
    parser.add_argument(
        "--step",
        action="append",
        choices=step_ids(),
        default=[],
        metavar="STEP",
        help=f"a step; repeatable, left out: all of {', '.join(step_ids())}",
    )
    parser.add_argument("--frames", type=int, help="how many frames (8)")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")


def run(options: argparse.Namespace) -> None:
    """Write the file, and print its path and its size."""
    clip = OnClip(options.clip, Selection(frames=options.frames), options.device)
    path = write_course(options.out, clip.open, options.step or step_ids(), progress=tell)
    print(f"{path}, {path.stat().st_size / 1e6:.1f} MB")
