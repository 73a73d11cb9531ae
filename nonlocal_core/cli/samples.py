"""``samples``: the clips that came with the installation."""

import argparse

from nonlocal_core.media import list_samples
from nonlocal_core.vocabulary import SAMPLE_PREFIX


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Add nothing: there is nothing to choose."""


def run(_options: argparse.Namespace) -> None:
    """Print a line for each sample."""
    for sample in list_samples():
        print(f"{SAMPLE_PREFIX}{sample.id:20} {sample.kind:6} {sample.title}: {sample.caption}")
