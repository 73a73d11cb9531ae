"""Search of a network for what attends: what is found, what is named with the reason, and what is passed over."""

import re
import warnings

import pytest
import torch
from foreign_attention import WIDTH, TimmVit, TorchLayer
from foreign_blocks import AlexHexBlock, C, ColumnBlock, MmcvBlock, SlowFastBlock, SlowFastStage, TimmBlock, pool
from hand_written import kernels
from named_parts import module_of
from torch import nn

from nonlocal_core.capture.adapters import attach as attach_model
from nonlocal_core.capture.adapters import find_sites
from nonlocal_core.errors import CaptureError
from nonlocal_core.models import NonlocalBlock

GRID = (4, 3, 5)


class Disentangled(MmcvBlock):
    """A descendant with the same parts that computes something else: scores without their mean."""

    def forward(self, x):
        theta, phi, g = self.theta(x), self.phi(x), self.g(x)
        centred = theta - theta.mean((2, 3, 4), keepdim=True)
        return x + self.conv_out(attend_centred(centred, phi, g))


def attend_centred(theta, phi, g):
    weights = torch.einsum("bci,bcj->bij", theta.flatten(2), phi.flatten(2)).softmax(-1)
    return torch.einsum("bij,bcj->bci", weights, g.flatten(2)).unflatten(2, theta.shape[2:])


class Breaks(AlexHexBlock):
    def forward(self, x):
        raise NotImplementedError("only for training")


class NonLocalMystery(nn.Module):
    def __init__(self):
        super().__init__()
        self.mix = nn.Linear(C, C)


class Letters(nn.Module):
    def __init__(self):
        super().__init__()
        self.theta, self.phi = nn.Linear(C, C), nn.Linear(C, C)


def overlapping():
    block = AlexHexBlock()
    block.phi[1] = block.g[1] = nn.MaxPool3d((1, 3, 3), (1, 2, 2))
    return block


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        (Disentangled(), r"does not compute what its parts suggest: embedded_gaussian with scale 0.378 is off by \d+"),
        (ColumnBlock(), r"does not compute what its parts suggest: embedded_gaussian with scale 1 is off by \d+"),
        (Breaks(), "could not be tried on a small random clip: only for training"),
        (overlapping(), "overlaps, pads or leaves gaps"),
        (NonLocalMystery(), "is a NonLocalMystery, of a kind that this viewer cannot read"),
        (Letters(), "is a Letters, of a kind"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_what_looks_like_a_block_and_cannot_be_proved_is_reported(block, reason):
    readable = AlexHexBlock()
    found = find_sites(nn.ModuleDict({"plain": nn.Conv3d(C, C, 1), "odd": block, "good": readable}))
    assert [site.name for site in found.sites] == ["good"]
    ((name, said),) = found.unreadable
    assert name == "odd"
    assert re.search(reason, said), said


def test_an_ordinary_network_has_nothing_to_report():
    found = find_sites(nn.Sequential(nn.Conv3d(3, C, 1), nn.BatchNorm3d(C), nn.ReLU(), pool(3, 2), nn.Linear(2, 2)))
    assert found.sites == found.unreadable == ()


def test_keys_that_are_no_tokens_are_refused():
    biased = nn.MultiheadAttention(WIDTH, 3, add_bias_kv=True)
    found = find_sites(nn.ModuleDict({"c": biased}), token_grid=GRID)
    assert not found.sites
    said = dict(found.unreadable)
    assert said["c"].startswith("adds keys that are no tokens")


class Crossing(nn.Module):
    def __init__(self):
        super().__init__()
        self.to_q, self.to_k = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)


class WindowAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.queries_keys_values = nn.Linear(WIDTH, WIDTH)


@pytest.mark.parametrize("odd", [Crossing(), WindowAttention()], ids=lambda odd: type(odd).__name__)
def test_an_attention_of_an_unknown_kind_is_reported(odd):
    found = find_sites(nn.ModuleDict({"odd": odd}))
    assert found.unreadable == (("odd", f"is a {type(odd).__name__}, of a kind that this viewer cannot read"),)


def test_without_a_grid_nothing_is_guessed():
    with pytest.raises(CaptureError, match=r"'self_attn' has tokens.*Give token_grid=\(T, H, W\)"):
        attach_model(TorchLayer())
    mixed = nn.ModuleDict({"image": TimmVit(), "text": TorchLayer()})
    found = find_sites(mixed)
    assert [site.name for site in found.sites] == ["image.blocks.0.attention", "image.blocks.1.attention"]
    ((name, reason),) = found.unreadable
    assert name == "text.self_attn"
    assert "token_grid" in reason


def test_torchs_flex_attention_is_named_without_a_run():
    said = dict(find_sites(nn.ModuleDict({"flex": kernels.Flex()})).unreadable)
    assert said["flex"].startswith("attends by torch's FlexAttention, which runs as one compiled piece")


def test_what_torch_jit_compiled_is_named_where_it_attends():
    table = torch.zeros(1, 5, WIDTH)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # which is still met
        attending = torch.jit.trace(Around(), (table, table))
        mixing = torch.jit.trace(nn.Linear(WIDTH, WIDTH), (table,))
    found = find_sites(nn.ModuleDict({"attends": attending, "mixes": mixing}), token_grid=(1, 1, 5))
    assert [name for name, reason in found.unreadable] == ["attends"]
    assert "attends by what torch.jit compiled" in found.unreadable[0][1]


class Around(nn.Module):
    def __init__(self):
        super().__init__()
        self.parts = nn.ModuleList([Softmaxes()])

    def forward(self, x, values):
        return self.parts[0](x, values)


class Softmaxes(nn.Module):
    def forward(self, x, values):
        return (x @ x.transpose(-1, -2)).softmax(-1) @ values


class Deformable(nn.Module):
    """The parts of Deformable DETR's attention, which has no scores of queries and keys."""

    def __init__(self):
        super().__init__()
        self.sampling_offsets, self.attention_weights = nn.Linear(12, 48), nn.Linear(12, 24)
        self.value_proj, self.output_proj = nn.Linear(12, 12), nn.Linear(12, 12)


def test_attention_at_computed_points_is_named_for_what_it_is():
    ((name, reason),) = find_sites(nn.ModuleDict({"self_attn": Deformable()})).unreadable
    assert name == "self_attn"
    assert reason.startswith("weighs a few points, whose places it computes between the cells of its maps")


def test_sites_come_in_the_order_of_the_network_each_under_its_own_reader():
    network = nn.ModuleDict({"b": AlexHexBlock(), "own": NonlocalBlock(C), "a": TimmBlock(), "s": SlowFastBlock()})
    found = find_sites(network, status="untrained")
    assert [site.name for site in found.sites] == ["b", "own", "a", "s"]
    assert {site.status for site in found.sites} == {"untrained"}
    assert all(site.module is network[site.name] for site in found.sites)
    assert find_sites(AlexHexBlock()).sites[0].name == "AlexHexBlock", "a network that is a block itself"


def test_a_stage_says_into_how_many_parts_it_cuts_time():
    for groups in (1, 3):
        (site,) = find_sites(nn.Sequential(SlowFastStage(SlowFastBlock(), groups))).sites
        assert site.reader.temporal_groups == groups


def test_a_module_that_raises_where_its_parts_are_looked_at_is_named_and_the_others_are_found():
    class Raising(nn.Module):
        @property
        def num_heads(self):
            raise RuntimeError("not now\nnor later")

    odd = Raising()
    odd.add_module("qkv", nn.Linear(C, 3 * C))
    found = find_sites(nn.ModuleDict({"odd": odd, "good": AlexHexBlock()}))
    assert [site.name for site in found.sites] == ["good"]
    assert found.unreadable == (("odd", "could not be looked at: not now"),)


def test_a_part_of_a_block_is_no_block_of_its_own():
    outer = module_of(theta=nn.Linear(C, C), phi=nn.Linear(C, C), inner=AlexHexBlock())
    assert [name for name, _ in find_sites(nn.ModuleDict({"outer": outer})).unreadable] == []
    alone = module_of(theta=nn.Linear(C, C), phi=nn.Linear(C, C))
    assert [name for name, _ in find_sites(nn.ModuleDict({"outer": alone})).unreadable] == ["outer"]


def test_a_layer_that_is_said_to_attend_is_named_whatever_its_name():
    network = nn.ModuleDict({"plain": nn.Linear(C, C), "block": AlexHexBlock()})
    assert find_sites(network).unreadable == ()
    found = find_sites(network, attending={"plain": None})
    assert found.unreadable == (("plain", "is a Linear, of a kind that this viewer cannot read"),)


def test_a_grid_that_is_none_is_refused_before_anything_is_hooked():
    layer = TorchLayer()
    with pytest.raises(CaptureError, match="three whole numbers"):
        attach_model(layer, token_grid=(0, 3, 5))
    attached = attach_model(layer, token_grid=GRID, class_tokens=1)
    assert [site.name for site in attached.found.sites] == ["self_attn"]
    assert attached.found.sites[0].reader.layout.extra == ("class token",)
    attached.detach()
    attach_model(layer, token_grid=GRID).detach()
