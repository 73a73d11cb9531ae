"""Read untrusted JSON field by field. Every fault becomes one sentence that names the field."""

import json
import math
from collections.abc import Iterable
from typing import TypeVar

from nonlocal_core.errors import BundleError

Word = TypeVar("Word", bound=str)


class Fields:
    """A JSON object and its path, with getters that check the type and range of a field and raise BundleError.

    >>> Fields({"frame": 3}, "view.query").count("frame", below=8)
    3
    """

    def __init__(self, value: object, path: str, what: str = "bundle") -> None:
        if not isinstance(value, dict):
            raise BundleError(f"A {what} needs an object at {path or 'the top of its header'}; got {_seen(value)}.")
        self._value = value
        self._path = path
        self._what = what

    @classmethod
    def parse(cls, text: bytes) -> "Fields":
        """Parse UTF-8 JSON. Raises BundleError, also for NaN and infinity."""
        try:
            return cls(json.loads(text.decode("utf-8"), parse_constant=_refuse_constant), "")
        except BundleError:
            raise
        except (ValueError, RecursionError) as error:  # not UTF-8, no JSON, or a number with thousands of digits
            raise BundleError(f"The header of a bundle is JSON in UTF-8; reading it failed: {error}.") from error

    def as_dict(self) -> dict[str, object]:
        """Return the object itself, as parsed."""
        return self._value

    def path(self, key: str) -> str:
        """Return the full path of a field, for messages."""
        return f"{self._path}.{key}" if self._path else key

    def has(self, key: str) -> bool:
        """Return whether an optional field is present."""
        return key in self._value

    def text(self, key: str) -> str:
        """Return a string."""
        value = self._get(key)
        if not isinstance(value, str):
            raise self._fault(key, "text", value)
        return value

    def choice(self, key: str, known: Iterable[Word]) -> Word:
        """Return one of the known words."""
        value = self.text(key)
        for word in known:
            if word == value:
                return word
        raise self._fault(key, f"one of {', '.join(known)}", value)

    def number(self, key: str, *, low: float = -math.inf, high: float = math.inf) -> float:
        """Return a finite number in [low, high]."""
        return self._number(key, self._get(key), low, high)

    def number_or_none(self, key: str, *, low: float = -math.inf) -> float | None:
        """Return a finite number, or None if the field is null."""
        value = self._get(key)
        return None if value is None else self._number(key, value, low, math.inf)

    def numbers(self, key: str, *, length: int | None = None) -> tuple[float, ...]:
        """Return a list of finite numbers. ``length``: the required number of them."""
        return tuple(self._number(key, item, -math.inf, math.inf) for item in self._list(key, length))

    def count(self, key: str, *, start: int = 0, below: int) -> int:
        """Return a whole number in [start, below)."""
        return self._count(key, self._get(key), start, below)

    def count_or_none(self, key: str, *, below: int) -> int | None:
        """Return a whole number in [0, below), or None if the field is null."""
        value = self._get(key)
        return None if value is None else self._count(key, value, 0, below)

    def counts(self, key: str, *, below: int, length: int | None = None) -> tuple[int, ...]:
        """Return a list of whole numbers in [0, below). ``length``: the required number of them."""
        return tuple(self._count(key, item, 0, below) for item in self._list(key, length))

    def spans(self, key: str, *, below: int) -> tuple[tuple[int, int], ...]:
        """Return a list of ranges [start, stop) of whole numbers."""
        pairs = []
        for item in self._list(key, None):
            if not (isinstance(item, list) and len(item) == 2):
                raise self._fault(key, "pairs [start, stop]", item)
            start, stop = (self._count(key, edge, 0, below) for edge in item)
            if start >= stop:
                raise self._fault(key, "ranges that are not empty", item)
            pairs.append((start, stop))
        return tuple(pairs)

    def texts_if_any(self, key: str) -> tuple[str, ...]:
        """Return a list of strings, or an empty one if the field is absent."""
        return self.texts(key) if key in self._value else ()

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of strings."""
        items = self._list(key, None)
        for item in items:
            if not isinstance(item, str):
                raise self._fault(key, "a list of texts", item)
        return tuple(str(item) for item in items)

    def child(self, key: str) -> "Fields":
        """Return the object in a field."""
        return Fields(self._get(key), self.path(key), self._what)

    def child_or_none(self, key: str) -> "Fields | None":
        """Return the object in a field, or None if the field is null or absent."""
        return None if self._value.get(key) is None else self.child(key)

    def children(self, key: str, *, most: int) -> tuple["Fields", ...]:
        """Return a list of at most ``most`` objects."""
        items = self._list(key, None)
        if len(items) > most:
            raise self._fault(key, f"at most {most} entries", f"{len(items)} entries")
        return tuple(Fields(item, f"{self.path(key)}[{i}]", self._what) for i, item in enumerate(items))

    def _get(self, key: str) -> object:
        if key not in self._value:
            raise BundleError(f"A {self._what} of this version has a field {self.path(key)}; this one does not.")
        found: object = self._value[key]
        return found

    def _list(self, key: str, length: int | None) -> list[object]:
        value = self._get(key)
        if not isinstance(value, list) or length not in (None, len(value)):
            raise self._fault(key, "a list" if length is None else f"a list of {length}", value)
        return value

    def _number(self, key: str, value: object, low: float, high: float) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            bounded = "" if (low, high) == (-math.inf, math.inf) else f" from {low:g} to {high:g}"
            raise self._fault(key, f"a number{bounded}", value)
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self._fault(key, "a finite number", value)
        return number

    def _count(self, key: str, value: object, start: int, below: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not start <= value < below:
            raise self._fault(key, f"a whole number from {start} to {below - 1}", value)
        return value

    def _fault(self, key: str, expected: str, value: object) -> BundleError:
        return BundleError(f"The field {self.path(key)} of a {self._what} is {expected}; got {_seen(value)}.")


def _refuse_constant(name: str) -> float:
    raise BundleError(f"The header of a bundle holds finite numbers only; got {name}.")


def _seen(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
