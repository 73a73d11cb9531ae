"""Looks that differ from the usual one in one field each: taken from the fields, so that a new choice is among them."""

from dataclasses import fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from nonlocal_core.errors import UnknownNameError
from nonlocal_core.look import LOOK, Look

MOST_NUMBER = 999
"""Largest number that a word of a look can say."""


def _allows(name: str, value: object) -> bool:
    try:
        Look(**{name: value})
    except UnknownNameError:
        return False
    return True


def _values(name: str, kind: Any) -> tuple[object, ...]:
    """Return every value of a field that names its values, and the least and the largest of a number."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    if kind is bool:
        return (False, True)
    if int not in (kind, *get_args(kind)):
        raise TypeError(f"Nobody has said which values of {name}, {kind}, are to be tried.")
    allowed = [number for number in range(MOST_NUMBER + 1) if _allows(name, number)]
    return (allowed[0], allowed[-1])


def _other_looks() -> dict[str, list[str]]:
    kinds = get_type_hints(Look)
    return {
        field.name: [
            Look(**{field.name: value}).words
            for value in _values(field.name, kinds[field.name])
            if value != getattr(LOOK, field.name)
        ]
        for field in fields(Look)
    }


OTHER_LOOKS = _other_looks()
"""For each field of a look the words of those that differ from the usual one there alone."""


def changed_field(before: str, after: str) -> str:
    """Return the one field in which the looks of two views differ."""
    looks = [Look.parse(words) for words in (before, after)]
    (name,) = (field.name for field in fields(Look) if len({getattr(look, field.name) for look in looks}) > 1)
    return name
