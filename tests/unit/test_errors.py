"""The error tree: the one that is drawn is the one that is there, and an unknown name is answered with the known."""

import re

import pytest

from nonlocal_core import errors
from nonlocal_core.errors import LONGEST_NAME, NonlocalError, UnknownNameError

DRAWN = re.findall(r"^    (│?)\s*(?:├──|└──) (\w+)( \(ValueError\))?", errors.__doc__, re.MULTILINE)


def test_the_tree_that_is_drawn_is_the_one_that_is_there():
    """A name further in stands under the last one at the margin."""
    parent = NonlocalError
    for inner, name, is_value_error in DRAWN:
        error = getattr(errors, name)
        if inner:
            assert error.__bases__ == (parent,)
        else:
            assert error.__bases__ == ((NonlocalError, ValueError) if is_value_error else (NonlocalError,))
            parent = error
    there = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert there == {name for _, name, _ in DRAWN} | {"NonlocalError"}


@pytest.mark.parametrize(
    ("known", "listed"), [(("b", "a"), "b, a"), (iter(["a"]), "a"), ((), "none")], ids=["two", "an iterator", "none"]
)
def test_an_unknown_name_is_answered_with_those_that_are_known(known, listed):
    error = UnknownNameError("scope", "nearby", known)
    assert str(error) == f"There is no scope called 'nearby'. Choose one of: {listed}."
    assert ", ".join(error.known) == listed.replace("none", "")
    assert isinstance(error, ValueError)


def test_of_a_long_name_the_beginning_is_told():
    said = str(UnknownNameError("model", "m" * 20_000, ["a"]))
    assert said == f"There is no model called '{'m' * (LONGEST_NAME - 1)}…. Choose one of: a."
