"""Names of wrappers are taken off as long as more names are known then."""

import pytest
import torch

from nonlocal_core.weights.layouts import MMACTION2, PYSLOWFAST
from nonlocal_core.weights.wrappers import MAX_WRAPPERS, unwrapped


def test_a_prefix_that_a_source_itself_writes_is_kept():
    names = {name: torch.ones(1) for name in ("backbone.conv1.conv.weight", "backbone.layer1.0.conv1.conv.weight")}
    known = lambda name: MMACTION2.our_name(name) is not None  # noqa: E731
    assert unwrapped(names, known, stands_beside=MMACTION2.classifies).keys() == names.keys()
    more = {f"module.{name}": value for name, value in names.items()}
    assert unwrapped(more, known, stands_beside=MMACTION2.classifies).keys() == names.keys()
    assert PYSLOWFAST.classifies("head.projection.weight")
    assert not PYSLOWFAST.classifies("s5.pathway0_res0.branch1.weight")


def renamed(names, *, known, beside=()):
    tensors = {name: torch.ones(1) for name in names}
    return list(unwrapped(tensors, known.__contains__, stands_beside=beside.__contains__))


@pytest.mark.parametrize("before", ["module.", "net.", "my_network.", "_orig_mod.", "module._orig_mod.model."])
def test_what_a_wrapper_put_before_every_name_is_taken_off(before):
    assert renamed([f"{before}a", f"{before}b"], known={"a", "b"}) == ["a", "b"]


def test_a_name_is_kept_where_taking_it_off_makes_nothing_known():
    assert renamed(["model.a", "model.b"], known={"model.a", "model.b"}) == ["model.a", "model.b"]
    assert renamed(["model.a", "model.b"], known={"c"}) == ["model.a", "model.b"]


def test_only_what_may_lie_outside_of_a_wrapper_lies_there():
    assert renamed(["model.a", "model.b", "fc"], known={"a", "b"}, beside={"fc"}) == ["a", "b", "fc"]
    assert renamed(["model.a", "model.b", "fc"], known={"a", "b"}) == ["model.a", "model.b", "fc"]


def test_no_more_wrappers_than_anybody_writes_are_taken_off():
    inside = "a." * MAX_WRAPPERS
    assert renamed([f"{inside}b", f"{inside}c"], known={"b", "c"}) == ["b", "c"]
    assert renamed([f"a.{inside}b", f"a.{inside}c"], known={"b", "c"}) == [f"a.{inside}b", f"a.{inside}c"]


def test_names_that_would_be_alike_stay():
    names = ["_orig_mod.a", "a"]
    assert renamed(names, known={"a"}) == names
