"""The gate: a reading that is wrong anywhere, in any precision, is no answer; a true one is, with its figure."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from faulty_readings import VIEW, WIDTH, Attention, D, N, Reader, T, record, site_of, tokens
from refusals import off_by
from torch import nn

from nonlocal_core.capture import BlockSite, attach, gate, rebuild, recording, trial
from nonlocal_core.capture.rebuild import Rebuild
from nonlocal_core.capture.twin import twin_of

TRUE_ERROR = 1e-4  # of a true reading; worst seen 8e-6
PLANTED_ERROR = 1e-2  # of the least visible fault; least seen 0.03
PRECISIONS = (torch.float32, torch.bfloat16, torch.float16)

FAULTS = {
    "no rotation": {"rotates": True},
    "wrong rotation": {"rotates": True},
    "dropped bias of q": {},
    "dropped bias of v": {},
    "dropped mask": {"masks": True},
    "swapped heads": {},
    "wrong scale": {},
}


@pytest.mark.parametrize("dtype", PRECISIONS, ids=str)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_refused_in_every_precision(fault, dtype):
    found = record(Attention(**FAULTS[fault]).eval().to(dtype), tokens(dtype), fault)
    assert found.blocks == []
    assert off_by(found.unreadable[0][1]) > PLANTED_ERROR


@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize("dtype", PRECISIONS, ids=str)
@pytest.mark.parametrize("rotates", [False, True])
def test_a_true_reading_passes_in_every_precision(rotates, dtype, autocast):
    layer = Attention(rotates=rotates).eval().to(torch.float32 if autocast else dtype)
    x = tokens(torch.float32 if autocast else dtype)
    with torch.autocast("cpu", dtype, enabled=autocast and dtype != torch.float32):
        found = record(layer, x)
    assert found.unreadable == []
    assert [block.head for block in found.blocks] == [0, 1, 2]
    assert max(block.rebuild_error for block in found.blocks) < TRUE_ERROR
    assert {block.rebuilt_queries for block in found.blocks} == {N}
    assert {block.is_half for block in found.blocks} == {dtype != torch.float32}


def test_one_large_channel_does_not_hide_the_others():
    """The fault is seen in one of 30 channels, and another one is a thousand times as large as all the rest."""

    class HalfRead(Reader):
        def project(self, y):
            z = self.layer.out(y).clone()
            z[..., 7] *= 1.02
            return z

    layer = Attention(width_out=30).eval()
    with torch.no_grad():
        layer.out.weight[3] *= 1000
    site = BlockSite(name="a", title="a", module=layer, reader=HalfRead(layer), status="trained")
    detach = attach((site,))
    with recording(view=VIEW, clip_frames=T) as found:
        layer(tokens())
    detach()
    assert found.blocks == []
    assert off_by(found.unreadable[0][1]) > PLANTED_ERROR


def test_a_constant_does_not_hide_an_error():
    """A bias of the output a thousand times as large as what varies: the share that rows can explain is judged."""
    layer = Attention().eval()
    with torch.no_grad():
        layer.out.bias.fill_(1000.0)
    assert record(layer, tokens()).unreadable == []
    assert record(Attention().eval(), tokens(), "wrong scale").blocks == []
    assert record(layer, tokens(), "wrong scale").blocks == []


@pytest.mark.parametrize("fault", [None, "swapped heads", "wrong scale"])
def test_an_output_that_does_not_show_its_rows_is_proved_by_a_random_copy(fault):
    layer = Attention().eval()
    nn.init.zeros_(layer.out.weight)
    found = record(layer, tokens(), fault)
    assert (found.blocks == []) == (fault is not None)


def test_a_head_that_the_output_leaves_out_is_proved_by_a_random_copy():
    layer = Attention().eval()
    with torch.no_grad():
        layer.out.weight[:, D:] = 0  # of two heads of three nothing is seen
    assert record(layer, tokens()).unreadable == []
    assert record(layer, tokens(), "swapped heads").blocks == []


@pytest.mark.parametrize(("heads", "fault"), [(slice(0, D), "wrong scale of a head"), (slice(None), "wrong scale")])
def test_rows_that_are_nearly_the_same_do_not_hide_a_wrong_scale(heads, fault):
    """The output of such a head hardly varies, of one beside others not at all in comparison."""
    layer = Attention().eval()
    with torch.no_grad():
        layer.q.weight[heads] *= 1e-6
        layer.q.bias[heads] = 0
    assert record(layer, tokens()).unreadable == []
    assert record(Attention().eval(), tokens(), fault).blocks == []
    hidden = Attention().eval()
    hidden.load_state_dict(layer.state_dict())
    assert record(hidden, tokens(), fault).blocks == []


def test_frames_that_differ_do_not_hide_that_rows_within_them_are_nearly_the_same():
    for fault in (None, "wrong scale"):
        layer = Attention(within=True).eval()
        with torch.no_grad():
            layer.q.weight *= 1e-6
            layer.q.bias[:] = 0
        assert (record(layer, tokens(), fault).blocks == []) == (fault is not None)


def test_weights_without_one_place_are_no_reason_to_refuse():
    layer = Attention().eval()
    layer.register_buffer("kept", torch.eye(3).to_sparse())
    assert record(layer, tokens()).unreadable == []


def test_keys_that_are_all_alike_prove_nothing_and_a_random_input_does():
    layer = Attention().eval()
    x = tokens()[:, :1].expand(1, N, WIDTH)
    assert record(layer, x).unreadable == []
    assert record(layer, x, "wrong scale").blocks == []


@pytest.mark.parametrize("where", ["q", "v", "out"])
def test_numbers_that_are_not_finite_are_refused_and_not_mended(where):
    layer = Attention().eval()
    with torch.no_grad():
        getattr(layer, where).weight[0, 0] = torch.nan
    found = record(layer, tokens())
    assert found.blocks == []
    assert "not finite" in found.unreadable[0][1]


def test_an_overflow_in_half_precision_is_refused():
    layer = Attention().eval()
    with torch.no_grad():
        layer.q.weight *= 300
        layer.k.weight *= 300
    assert record(layer, tokens()).unreadable == []  # float32 holds these numbers
    found = record(layer.half(), tokens(torch.float16))
    assert found.blocks == []
    assert "not finite" in found.unreadable[0][1]


def test_later_runs_of_a_large_shape_check_some_queries_that_depend_on_the_clip(monkeypatch):
    monkeypatch.setattr(trial, "CHEAP_PRODUCTS", 0)
    monkeypatch.setattr(trial, "DRAWN_QUERIES", 10)
    layer, asked = Attention().eval(), []
    drawn = trial.Trial.queries

    def ask(self, *, everywhere):
        asked.append(drawn(self, everywhere=everywhere))
        return asked[-1]

    monkeypatch.setattr(trial.Trial, "queries", ask)
    site = site_of(layer)
    found = [record(layer, tokens(seed=seed), site=site) for seed in (0, 1, 2, 1)]
    assert [each.blocks[0].rebuilt_queries for each in found] == [N, 10, 10, 10]
    np.testing.assert_array_equal(asked[0], np.arange(N))
    assert not np.array_equal(asked[1], asked[2])
    np.testing.assert_array_equal(asked[1], asked[3])  # the same clip, the same figure


def test_a_block_is_checked_everywhere_once_for_its_weights_however_often_it_is_hooked(monkeypatch):
    monkeypatch.setattr(trial, "CHEAP_PRODUCTS", 0)
    monkeypatch.setattr(trial, "DRAWN_QUERIES", 10)
    layer = Attention().eval()

    def checked():
        return record(layer, tokens(), site=site_of(layer)).blocks[0].rebuilt_queries

    assert [checked(), checked()] == [N, 10]
    with torch.no_grad():
        layer.q.weight.add_(0.1)  # as a step of training does
    assert [checked(), checked()] == [N, 10]
    layer.load_state_dict(Attention().state_dict())
    assert [checked(), checked()] == [N, 10]


def test_a_fault_at_two_queries_is_found_at_the_first_run_of_a_shape_however_large(monkeypatch):
    monkeypatch.setattr(trial, "CHEAP_PRODUCTS", 0)
    monkeypatch.setattr(trial, "DRAWN_QUERIES", 2)
    assert record(Attention(masks=True).eval(), tokens()).blocks == []


def test_a_long_check_is_shown_as_progress(monkeypatch):
    monkeypatch.setattr(rebuild, "PROGRESS_SECONDS", -1.0)
    layer, told = Attention().eval(), []
    detach = attach((site_of(layer),))
    with recording(view=VIEW, clip_frames=T, progress=lambda *step: told.append(step)):
        layer(tokens())
    detach()
    assert told == [("Checking every row of Layer a", N, N)]


def test_a_layer_that_cannot_be_read_is_listed_beside_the_others():
    class Broken(Reader):
        def read(self, x):
            raise RuntimeError("no such part")

    good, bad = Attention().eval(), Attention().eval()
    sites = (
        BlockSite(name="good", title="good", module=good, reader=Reader(good), status="trained"),
        BlockSite(name="bad", title="bad", module=bad, reader=Broken(bad), status="trained"),
    )
    detach = attach(sites)
    with recording(view=VIEW, clip_frames=T) as found:
        bad(good(tokens()))
    detach()
    assert {block.layer for block in found.blocks} == {"good"}
    assert found.unreadable == [("bad", "could not be read: no such part")]


def test_the_proof_leaves_the_layer_alone():
    layer = Attention().eval().to(torch.bfloat16)
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    state = torch.get_rng_state()
    record(layer, tokens(torch.bfloat16))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())
    assert not layer._forward_hooks


def test_the_copy_of_a_reader_is_bound_to_the_copy_of_its_block():
    layer = Attention()
    twin = twin_of(site_of(layer))
    assert twin.reader.layer is twin.module is not layer
    assert replace(twin, module=layer).reader.layer is twin.module


@pytest.mark.parametrize(
    ("error", "sensitivity", "is_shown"),
    [
        (0.0, 0.01, True),
        (0.0, 0.0099, False),
        (1e-3, 1.0, True),
        (1e-3, 30.0, True),
        (1.01e-3, 30.0, False),
        (1e-4, 0.1, True),
        (1.01e-4, 0.1, False),
    ],
)
def test_rows_are_shown_where_others_move_the_output_ten_tolerances_and_a_thousand_errors(error, sensitivity, is_shown):
    assert gate._is_shown(Rebuild(error=error, sensitivity=sensitivity)) == is_shown


def test_an_error_of_ten_times_the_range_or_more_is_not_told_in_figures():
    assert "is off by 9.9e+02 %, where 0.1 % may be rounding" in gate._refusal(9.9, 1e-3).reason
    assert "is off by more than 1000 %, where 50 % may be rounding" in gate._refusal(10.0, 0.5).reason


@pytest.mark.parametrize(("error", "is_refused"), [(0.4, False), (0.6, True)])
def test_half_precision_may_be_off_by_half_where_a_copy_in_float32_is_exact(monkeypatch, error, is_refused):
    def found(_trial, _queries, *, tolerance, is_new=True):
        return Rebuild(error=error if tolerance > 0.01 else 1e-6, sensitivity=1.0)

    monkeypatch.setattr(gate, "rebuild", found)
    record_of = record(Attention().eval().to(torch.bfloat16), tokens(torch.bfloat16))
    assert (record_of.blocks == []) == is_refused
    assert all(off_by(reason) == pytest.approx(error) for _, reason in record_of.unreadable)
