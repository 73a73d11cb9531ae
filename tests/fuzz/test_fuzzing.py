"""A share of the fuzz runs, the same in each run; `python tests/fuzz/fuzzing.py KIND COUNT` runs any number."""

import random

import pytest
from fuzzing import KINDS, damaged, run_case, whole

SHARE = {"media": 80, "checkpoints": 80, "bundles": 60, "tours": 150, "links": 150}


def test_every_kind_has_a_share():
    assert SHARE.keys() == KINDS.keys()


@pytest.mark.parametrize("kind", SHARE)
def test_damaged_input_is_answered_or_refused(kind):
    for data in whole(kind):
        KINDS[kind][1](data)
    for number in range(SHARE[kind]):
        try:
            run_case(kind, number)
        except Exception as fault:
            raise AssertionError(f"python tests/fuzz/fuzzing.py {kind} 1 --first {number}") from fault


def test_a_case_is_damaged_and_the_same_each_time():
    data = bytes(1000)
    made = {damaged(data, random.Random(f"media {number}")) for number in range(50)}
    assert len(made) > 40
    assert damaged(data, random.Random("media 3")) == damaged(data, random.Random("media 3"))


def test_a_fault_that_is_not_ours_is_not_passed_over(monkeypatch):
    def fault(_data):
        raise ValueError("raw")

    monkeypatch.setitem(KINDS, "tours", (KINDS["tours"][0], fault))
    with pytest.raises(ValueError, match="raw"):
        run_case("tours", 0)
