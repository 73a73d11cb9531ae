"""``gallery``: a survey as static pages."""

import argparse
from pathlib import Path

from nonlocal_core.cli.progress import tell


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument("result", type=Path, help="the --out of a survey")
    parser.add_argument("--out", type=Path, required=True, help="a folder for the pages")
    parser.add_argument(
        "--viewers", type=int, metavar="N", help="live viewers for the first N clips alone; left out, for all"
    )


def run(options: argparse.Namespace) -> None:
    """Write the pages and print the path of the first."""
    from nonlocal_core.survey.gallery import gallery

    print(gallery(options.result, options.out, viewers=options.viewers, progress=tell))
