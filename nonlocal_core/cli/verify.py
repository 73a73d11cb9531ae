"""``verify``: identify a checkpoint file."""

import argparse
from pathlib import Path

from nonlocal_core.weights.describe import describe_checkpoint


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument("file", type=Path)
    parser.add_argument("--arch", help="the network that it should fill; left out, all are tried")
    parser.add_argument(
        "--set", metavar="NAME", help="which of several sets of weights in the file; ema: their running average"
    )


def run(options: argparse.Namespace) -> None:
    """Print the report on the file."""
    print(describe_checkpoint(options.file, options.arch, weights=options.set).sentence)
