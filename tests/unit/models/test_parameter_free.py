"""The parameter-free Gaussian: against slow float64 loops, at its edges, and on objects whose place is known."""

import math

import pytest
import torch

from nonlocal_core.models.parameter_free import TEMPERATURE, ParameterFreeGaussian, standardised

TABLE_TOLERANCE = 1e-6
"""Worst measured 1.2e-7, on entries of at most 1."""


def rows_by_loops(x: torch.Tensor) -> torch.Tensor:
    """Standardise each channel over all positions, scale each position to length 1; one number at a time."""
    channels, *_ = x.shape
    values = x.double().reshape(channels, -1)
    out = torch.zeros(values.shape[1], channels, dtype=torch.float64)
    for c in range(channels):
        mean = sum(v.item() for v in values[c]) / len(values[c])
        variance = sum((v.item() - mean) ** 2 for v in values[c]) / len(values[c])
        for i, v in enumerate(values[c]):
            out[i, c] = (v.item() - mean) / math.sqrt(variance)
    for i in range(len(out)):
        out[i] /= math.sqrt(sum(v.item() ** 2 for v in out[i]))
    return out


def affinity(probe: ParameterFreeGaussian, x: torch.Tensor) -> torch.Tensor:
    pieces = probe.embed(x)
    return (probe.scale_value * pieces.theta @ pieces.phi.mT).softmax(-1)


def test_tables_equal_slow_loops_for_each_clip_of_a_batch():
    torch.manual_seed(1)
    x = torch.randn(2, 14, 5, 6, 8) * torch.linspace(0.1, 30, 14)[:, None, None, None] + 4
    pieces = ParameterFreeGaussian().embed(x)
    assert pieces.query_thw == pieces.key_thw == (5, 6, 8)
    assert pieces.theta is pieces.phi
    for clip, table in zip(x, pieces.theta, strict=True):
        torch.testing.assert_close(table.double(), rows_by_loops(clip), rtol=0, atol=TABLE_TOLERANCE)


def test_rows_are_the_softmax_of_cosines():
    torch.manual_seed(2)
    x = torch.randn(1, 14, 2, 3, 4)
    u = rows_by_loops(x[0])
    expected = torch.stack(
        [torch.tensor([math.exp((u[i] @ u[j]).item() / 0.07) for j in range(24)]) for i in range(24)]
    )
    expected /= expected.sum(-1, keepdim=True)
    torch.testing.assert_close(affinity(ParameterFreeGaussian(), x)[0], expected, rtol=1e-4, atol=1e-7)
    assert pytest.approx(0.07) == TEMPERATURE


def test_the_affinity_does_not_depend_on_the_scale_or_offset_of_a_channel():
    torch.manual_seed(3)
    x = torch.randn(1, 14, 5, 6, 8)
    gain, offset = torch.rand(14) * 50 + 1, torch.randn(14) * 9
    moved = x * gain[:, None, None, None] + offset[:, None, None, None]
    probe = ParameterFreeGaussian()
    torch.testing.assert_close(affinity(probe, moved), affinity(probe, x), rtol=1e-3, atol=1e-6)


def test_x_passes_unchanged():
    x = torch.randn(2, 14, 5, 6, 8)
    assert ParameterFreeGaussian()(x) is x


@pytest.mark.parametrize("level", [0.0, 0.1, -300.0])
def test_features_without_variation_look_everywhere_alike(level):
    rows = affinity(ParameterFreeGaussian(), torch.full((1, 14, 5, 6, 8), level))
    torch.testing.assert_close(rows, torch.full_like(rows, 1 / 240))


def test_one_constant_channel_says_nothing():
    torch.manual_seed(5)
    x = torch.randn(1, 14, 5, 6, 8)
    x[:, 3] = 0.1
    probe = ParameterFreeGaussian()
    others = torch.cat([x[:, :3], x[:, 4:]], dim=1)
    torch.testing.assert_close(affinity(probe, x), affinity(probe, others), rtol=1e-4, atol=1e-7)


def test_half_precision_features_are_compared_in_single_precision():
    torch.manual_seed(6)
    x = (torch.randn(1, 14, 5, 6, 8) * 40).half()
    tables = ParameterFreeGaussian().embed(x).theta
    assert tables.dtype == torch.float32
    assert torch.equal(tables, ParameterFreeGaussian().embed(x.float()).theta)


def test_each_channel_is_brought_to_mean_0_and_deviation_1_over_all_positions():
    rows = torch.tensor([[[3.0, -10.0], [7.0, 20.0], [3.0, 5.0], [7.0, 5.0]]])
    root = math.sqrt((15**2 + 15**2) / 4)  # of the second channel, around 5
    expected = torch.tensor([[[-1, -15 / root], [1, 15 / root], [-1, 0], [1, 0]]])
    torch.testing.assert_close(standardised(rows), expected, rtol=0, atol=TABLE_TOLERANCE)


@pytest.mark.parametrize(("deviation", "level"), [(2**-6, 1.0), (2**-7, 0.0)])
def test_a_deviation_below_a_hundred_thousandth_of_the_mean_is_rounding(deviation, level):
    rows = torch.tensor([1024 - deviation, 1024 + deviation])[None, :, None].repeat(1, 3, 1)  # 1.5e-5 and 0.8e-5
    assert standardised(rows).abs().squeeze().tolist() == pytest.approx([level] * 6)
    assert standardised(-rows).abs().squeeze().tolist() == pytest.approx([level] * 6)
