"""``fetch``: download a published checkpoint."""

import argparse

from nonlocal_core.cli.progress import tell
from nonlocal_core.weights.cards import find_published_card
from nonlocal_core.weights.download import download


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument("id", help="of a published checkpoint, from `models`")


def run(options: argparse.Namespace) -> None:
    """Download the checkpoint and print its path."""
    print(download(find_published_card(options.id), progress=lambda done, total: tell("Bytes", done, total or 0)))
