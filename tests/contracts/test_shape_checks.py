"""The checks of every call that the test run adds can fail, and are there."""

import sys
from dataclasses import dataclass, field

import numpy as np
import pytest
from beartype.roar import BeartypeCallHintViolation
from jaxtyping import Float
from shape_checks import CALLS, check_packages, checked, turn
from unchecked_shapes import unchecked  # noqa: F401, a fixture

from nonlocal_core.geometry import Cell, QueryGrid

WRONG = BeartypeCallHintViolation
SOURCE = """
from dataclasses import dataclass
import numpy as np
from jaxtyping import Float

def outer(a: Float[np.ndarray, "N"], b: Float[np.ndarray, "N"] | None) -> Float[np.ndarray, "N N"]:
    return np.outer(a, a if b is None else b)[: len(a)]

def half(number: int) -> float:
    return number / 2 if number else "nothing"

@dataclass(frozen=True)
class Pair:
    first: Float[np.ndarray, "N"]
    second: Float[np.ndarray, "N"]

    @property
    def size(self) -> int:
        return str(len(self.first))
"""
THREE, FOUR = np.zeros(3), np.zeros(4)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module that is imported with the checks, and imported again from its bytecode."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (tmp_path / "shaped_module.py").write_text(SOURCE)
    check_packages(["shaped_module"])
    for _ in range(2):
        sys.modules.pop("shaped_module", None)
        import shaped_module
    assert [file.name for file in tmp_path.glob("__pycache__/*")] == [
        f"shaped_module.{sys.implementation.cache_tag}.shape_checks.pyc"
    ]
    yield shaped_module
    del sys.modules["shaped_module"]


def test_types_and_shapes_of_what_is_given_and_returned_are_checked(module):
    assert module.outer(THREE, None).shape == (3, 3)
    assert (module.half(3), module.Pair(THREE, THREE).second is THREE) == (1.5, True)
    for call in (
        lambda: module.outer(THREE, FOUR),
        lambda: module.outer(THREE.astype(int), None),
        lambda: module.outer(THREE[None], None),
        lambda: module.half("3"),
        lambda: module.half(0),
        lambda: module.Pair(THREE, FOUR),
        lambda: module.Pair(THREE, THREE).size,
    ):
        with pytest.raises(WRONG):
            call()


def test_a_test_checks_the_first_calls_of_a_function_and_the_next_one_anew(module):
    for _ in range(CALLS):
        module.half(4)
    assert module.half(5.0) == 2.5, "a call beyond them is not checked"
    turn["test"] += 1
    with pytest.raises(WRONG):
        module.half(5.0)


def test_an_axis_may_have_another_size_in_the_next_call_and_in_a_call_within(module):
    @checked
    def twice(a: Float[np.ndarray, " N"]) -> Float[np.ndarray, "N N"]:
        module.outer(FOUR, FOUR)
        return module.outer(a, a)

    assert [twice(a).shape for a in (THREE, FOUR)] == [(3, 3), (4, 4)]


@dataclass
class Plain:
    number: int
    more: list[int] = field(default_factory=list)


def test_a_dataclass_keeps_its_defaults_and_its_name():
    made = checked(Plain)
    assert made is Plain
    assert made(2).more == []
    with pytest.raises(WRONG):
        made("2")


def test_the_library_is_checked_but_where_a_test_runs_it_as_users_do(request):
    with pytest.raises(WRONG):
        QueryGrid.over_clip(clip_frames=2, steps=2, rows="3", cols=4)
    with pytest.raises(WRONG):
        QueryGrid.over_clip(clip_frames=2, steps=2, rows=3, cols=4).center((0, 1, 2))
    request.getfixturevalue("unchecked")
    assert QueryGrid.over_clip(clip_frames=2, steps=2, rows=3, cols=4).center(Cell(0, 1, 2)) == (0.625, 0.5)
