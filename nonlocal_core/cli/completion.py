"""``completion``: the script that makes a shell complete the verbs and their arguments."""

import argparse

import shtab

from nonlocal_core.cli import VERBS, make_parser


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument(
        "shell",
        choices=shtab.SUPPORTED_SHELLS,
        help="for bash: nonlocal-viewer completion bash > ~/.local/share/bash-completion/completions/nonlocal-viewer",
    )


def run(options: argparse.Namespace) -> None:
    """Print the script."""
    print(shtab.complete(make_parser(filled=VERBS), options.shell))
