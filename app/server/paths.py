"""Paths on the server's disk, which sentences for visitors from elsewhere leave out."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from nonlocal_core import WeightsError
from nonlocal_core.vocabulary import SURVEYED
from nonlocal_core.weights.cache import cache_folder

from .gate import is_open_to_others

_BELOW = r"(?:/+([\w.%@+/-]*\w))?(?![\w-])"
"""Pattern of the rest of a path: what follows a folder, without the full stop of a sentence."""


def for_visitors(sentence: str) -> str:
    """Return a sentence that names the server's folders, and the files in them, without saying where they lie.

    The user of the machine is told where, as long as nobody else reads the pages.
    """
    if not is_open_to_others():
        return sentence
    for path, folder in _folders():
        sentence = re.sub(rf"(?<![\w/.]){re.escape(path)}{_BELOW}", partial(_named, folder), sentence)
    return sentence


def _folders() -> Iterator[tuple[str, str]]:
    """Yield the folders that errors name, with what visitors read instead."""
    with suppress(WeightsError):  # this user has none
        yield str(cache_folder()), "the server's cache folder"
    if survey := os.environ.get(SURVEYED):
        yield survey, "the survey's folder"


def _named(folder: str, found: re.Match[str]) -> str:
    if found[1]:
        return f"{found[1]} in {folder}"
    return folder if found.start() else f"{folder[:1].upper()}{folder[1:]}"
