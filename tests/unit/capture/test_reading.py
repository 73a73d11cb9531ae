"""What a block was called with and what it gave back, and when a proof of it still holds."""

from collections import OrderedDict, namedtuple
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from nonlocal_core.capture.reading import BlockSite, Call, first_input, first_line, map_rows, part_of, with_part
from nonlocal_core.errors import CaptureError

Named = namedtuple("Named", "z weights")
A, B, C = (torch.full((2,), float(value)) for value in range(3))


def test_a_map_is_laid_out_row_by_row_over_time_height_and_width():
    x = torch.arange(2 * 2 * 3 * 4.0).reshape(1, 2, 2, 3, 4)
    rows = map_rows(x)
    for t in range(2):
        for y in range(3):
            for column in range(4):
                assert torch.equal(rows[(t * 3 + y) * 4 + column], x[0, :, t, y, column])
    with pytest.raises(CaptureError, match="batch of 2"):
        map_rows(x.repeat(2, 1, 1, 1, 1))


@pytest.mark.parametrize(
    ("output", "at"),
    [((A, B), 1), ([A, B], 1), (Named(A, B), 1), ({"z": A, "weights": B}, "weights"), (OrderedDict(a=A, b=B), "b")],
)
def test_one_tensor_of_several_is_taken_and_put_back_among_the_others(output, at):
    assert part_of(output, at) is B
    changed = with_part(output, at, C)
    assert type(changed) is type(output)
    assert part_of(changed, at) is C
    assert part_of(output, at) is B, "the block's own output stays"
    parts = changed.values() if isinstance(changed, dict) else changed
    assert [part is A for part in parts] == [True, False]


def test_the_only_tensor_is_its_own_part():
    assert part_of(A, "anything") is A
    assert with_part(A, "anything", C) is C


@pytest.mark.parametrize("output", [A, (None, A), {"hidden": None, "z": A}])
def test_the_device_of_a_call_is_that_of_its_first_tensor(output):
    assert Call(args=(), kwargs={}, output=output).device == "cpu"
    elsewhere = A.to("meta")
    moved = [elsewhere if part is A else part for part in (output if isinstance(output, tuple) else ())]
    assert not moved or Call(args=(), kwargs={}, output=tuple(moved)).device == "meta"


def test_a_call_without_tensors_is_on_the_cpu():
    assert Call(args=(), kwargs={}, output=(None,)).device == "cpu"


def test_the_first_input_is_given_by_place_or_by_name():
    assert first_input((A, B), {"x": C}) is A
    assert first_input((), {"x": C, "y": A}) is C


def test_a_foreign_error_is_said_in_one_line():
    assert first_line(ValueError("one\ntwo")) == "one"
    assert first_line(KeyError()) == "KeyError"


def site_of(module):
    return BlockSite(name="a", title="a", module=module, reader=SimpleNamespace(read=lambda x: None), status="trained")


def test_a_proof_holds_for_its_shape_and_its_weights():
    layer = nn.BatchNorm1d(3).eval()
    site, again = site_of(layer), site_of(layer)
    assert not site.has_met((1,))
    site.meet((1,))
    assert site.has_met((1,))
    assert again.has_met((1,)), "known by the block, not by who hooked it"
    assert not site.has_met((2,))
    assert not site_of(nn.BatchNorm1d(3).eval()).has_met((1,))


@pytest.mark.parametrize(
    "change",
    [
        lambda layer: layer.weight.add_(1),
        lambda layer: layer.load_state_dict(nn.BatchNorm1d(3).state_dict()),
        lambda layer: layer.running_mean.add_(1),
        lambda layer: setattr(layer, "weight", nn.Parameter(torch.ones(3))),
        lambda layer: layer.double(),
    ],
    ids=["written", "loaded", "buffer", "replaced", "cast"],
)
def test_other_weights_are_proved_anew(change):
    layer = nn.BatchNorm1d(3).eval()
    site = site_of(layer)
    site.meet((1,))
    with torch.no_grad():
        change(layer)
    assert not site.has_met((1,))


def test_weights_made_in_inference_mode_or_without_one_place_are_no_fault():
    with torch.inference_mode():
        layer = nn.Linear(2, 2)
    layer.register_buffer("sparse", torch.eye(2).to_sparse())
    site = site_of(layer)
    site.meet((1,))
    assert site.has_met((1,))
