"""The 1000 classes of ImageNet-1k, in the order of every published classifier: short English names."""

from functools import cache
from importlib.resources import files


@cache
def imagenet_classes() -> tuple[str, ...]:
    """Return the names by class index.

    >>> imagenet_classes()[967]
    'espresso'
    """
    text = (files("nonlocal_core.models") / "imagenet_classes.txt").read_text(encoding="utf-8")
    return tuple(text.splitlines())
