"""The 400 classes of Kinetics-400 in alphabetical order, the numbering of every published network here."""

from functools import cache
from importlib.resources import files


@cache
def kinetics400_classes() -> tuple[str, ...]:
    """Return the names by class index.

    >>> kinetics400_classes()[103]
    'driving car'
    """
    text = (files("nonlocal_core.models") / "kinetics400_classes.txt").read_text(encoding="utf-8")
    return tuple(text.splitlines())
