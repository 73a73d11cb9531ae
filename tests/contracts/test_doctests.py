"""Every example in a docstring is true: its lines run, and print what the docstring says."""

import doctest
from importlib import import_module

import pytest
from lock import ROOT

ROOMS = ("app", "nonlocal_core", "pretrained")


def modules_with_examples() -> list[str]:
    files = sorted(file for room in ROOMS for file in (ROOT / room).rglob("*.py") if ">>> " in file.read_text())
    return [".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in files]


@pytest.mark.parametrize("module", modules_with_examples())
def test_the_examples_of_a_module_are_true(module):
    failed, tried = doctest.testmod(import_module(module))
    assert failed == 0
    assert tried > 0


def test_a_false_example_is_found(capsys):
    def claim():
        """State an untruth.

        >>> 1 + 1
        3
        """

    (example,) = doctest.DocTestFinder().find(claim)
    assert doctest.DocTestRunner().run(example).failed == 1
    assert "Expected:\n    3\nGot:\n    2" in capsys.readouterr().out
