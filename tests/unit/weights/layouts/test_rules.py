"""Rules of a layout: one name becomes one other, and each key has one rule, is dropped, or is told as a second."""

import pytest
from published_files import ODD, caffe2_name, gluoncv_names, mmaction2_name, pyslowfast_name, tensors_of, tushar_name

from nonlocal_core.weights.layouts import CAFFE2, GLUONCV, MMACTION2, PYSLOWFAST, TUSHAR
from nonlocal_core.weights.layouts.rules import Layout, Rule

STAGES = {"stage": {"1": "2", "2": "3"}}
PLAIN = Layout(
    name="plain",
    title="Plain",
    rules=(Rule(r"layer(?P<stage>\d)[.](?P<rest>.+)", "res{stage}.{rest}", STAGES), Rule("out", "head.weight")),
    duplicates=(Rule(r"again[.](?P<rest>.+)", "{rest}"),),
)


def test_a_rule_takes_whole_names_and_translates_only_the_words_that_it_knows():
    rule = PLAIN.rules[0]
    assert rule.rename("layer1.a.b") == "res2.a.b"
    assert rule.rename("layer7.a") == "res7.a"
    for name in ("my.layer1.a", "layer1", "layer12.a", "layer1.a\n"):
        assert rule.rename(name) is None


def test_two_rules_of_one_key_are_a_fault_of_the_layout():
    double = Layout(name="double", title="Double", rules=(Rule("a.*", "x"), Rule(".*b", "y")))
    assert (double.our_name("a"), double.our_name("b"), double.our_name("c")) == ("x", "y", None)
    with pytest.raises(AssertionError, match=r"ab is claimed by two rules of double: \['x', 'y'\]"):
        double.our_name("ab")


def test_second_names_classifiers_and_bookkeeping_are_told_apart():
    assert PLAIN.first_name("again.layer1.a") == "layer1.a"
    assert PLAIN.first_name("layer1.a") is None
    named = ["out", "fc.weight", "cls_head.fc_cls.bias", "pred_w", "pred_wb", "fcs.weight", "layer1.fc.weight"]
    assert [name for name in named if PLAIN.classifies(name)] == ["out", "fc.weight", "cls_head.fc_cls.bias", "pred_w"]
    kept = ["n_averaged", "steps", "a.num_batches_tracked", "a.num_batches_tracked.b", "lr"]
    assert [name for name in kept if PLAIN.drops(name)] == ["n_averaged", "steps", "a.num_batches_tracked"]


@pytest.mark.parametrize(
    ("layout", "naming"),
    [
        (CAFFE2, caffe2_name),
        (PYSLOWFAST, pyslowfast_name),
        (MMACTION2, mmaction2_name),
        (TUSHAR, tushar_name),
        (GLUONCV, lambda tensor: gluoncv_names(tensor)[0]),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_every_tensor_has_a_name_of_its_own_and_is_no_bookkeeping(layout, naming):
    theirs = [naming(tensor) for tensor in tensors_of("i3d", after=ODD)]
    ours = {layout.our_name(name) for name in theirs}
    assert None not in ours
    assert len(ours) == len(theirs)
    assert not any(layout.drops(name) for name in theirs)
