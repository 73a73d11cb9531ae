"""Reading of blocks on maps: the order of positions, pooled keys, parted concatenations, and what is refused."""

from dataclasses import replace

import pytest
import torch
from foreign_blocks import (
    INNER,
    AlexHexBlock,
    C,
    MmcvBlock,
    SaganBlock,
    SlowFastBlock,
    TimmBlock,
    conv,
    pool,
    randomise,
)
from torch import nn

from nonlocal_core.capture.adapters.maps.mmcv import read_mmcv
from nonlocal_core.capture.adapters.maps.pyslowfast import read_pyslowfast
from nonlocal_core.capture.adapters.maps.query_conv import read_query_conv
from nonlocal_core.capture.adapters.maps.reader import convolution, pools_in, says_nonlocal
from nonlocal_core.capture.adapters.maps.theta_phi_g import read_theta_phi_g
from nonlocal_core.capture.adapters.maps.timm_nonlocal import read_timm_nonlocal
from nonlocal_core.errors import CaptureError

T, H, W = 4, 3, 5
CLOSE = {"atol": 1e-5, "rtol": 0}  # worst seen 9e-7


def maps(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def rows_of(made, thw, groups=1):
    """The positions of maps one after the other, by a loop over frames, rows and columns."""
    t, h, w = thw
    each = t // groups
    at = {
        5: lambda i, y, x: made[i // each, :, i % each, y, x],
        4: lambda i, y, x: made[i, :, y, x],
        3: lambda i, y, x: made[0, :, i],
    }[made.ndim]
    return torch.stack([at(i, y, x) for i in range(t) for y in range(h) for x in range(w)])


@pytest.mark.parametrize(
    ("block", "shape", "thw", "scope"),
    [
        (MmcvBlock(sub_sample=False), (1, C, T, H, W), (T, H, W), "spacetime"),
        (MmcvBlock(sub_sample=False, axes=2), (T, C, H, W), (T, H, W), "space"),
        (MmcvBlock(sub_sample=False, axes=1), (1, C, T), (T, 1, 1), "spacetime"),
    ],
)
def test_positions_run_frame_after_frame_and_row_after_row(block, shape, thw, scope):
    randomise(block)
    x = maps(*shape)
    reading = read_mmcv(block)[0].read(x)
    assert (reading.query_thw, reading.scope, reading.subsample) == (thw, scope, (1, 1, 1))
    for table, part in ((reading.theta, block.theta), (reading.phi, block.phi), (reading.g, block.g)):
        torch.testing.assert_close(table[0], rows_of(part(x), thw), **CLOSE)


def test_groups_in_the_batch_follow_each_other_in_time():
    block = randomise(SlowFastBlock(kernel=None))
    (reader,) = read_pyslowfast(block, temporal_groups=2)
    x = maps(2, C, T // 2, H, W)
    reading = reader.read(x)
    assert (reading.query_thw, reading.temporal_groups) == ((T, H, W), 2)
    torch.testing.assert_close(reading.theta[0], rows_of(block.conv_theta(x), (T, H, W), groups=2), **CLOSE)
    with pytest.raises(CaptureError, match="saw a batch of 1, expected 2"):
        reader.read(maps(1, C, T, H, W))


def test_keys_are_pooled_before_their_projection_or_behind_it():
    x = maps(1, C, T, H + 1, W + 1)
    before = randomise(SlowFastBlock(kernel=(2, 2, 3)))
    reading = read_pyslowfast(before)[0].read(x)
    assert reading.subsample == (2, 2, 3)
    torch.testing.assert_close(reading.phi[0], rows_of(before.conv_phi(before.pool(x)), (2, 2, 2)), **CLOSE)
    behind = randomise(AlexHexBlock())
    reading = read_theta_phi_g(behind)[0].read(x)
    assert reading.subsample == (1, 2, 2)
    torch.testing.assert_close(reading.phi[0], rows_of(behind.phi[1](behind.phi[0](x)), (T, 2, 3)), **CLOSE)
    flat = randomise(AlexHexBlock(axes=2))
    assert read_theta_phi_g(flat)[0].read(maps(T, C, H, W)).subsample == (1, 2, 2)
    line = randomise(AlexHexBlock(axes=1))
    assert read_theta_phi_g(line)[0].read(maps(1, C, T)).subsample == (2, 1, 1)


def test_a_gaussian_compares_the_features_themselves():
    block = randomise(MmcvBlock("gaussian", sub_sample=False))
    x = maps(1, C, T, H, W)
    reading = read_mmcv(block)[0].read(x)
    torch.testing.assert_close(reading.theta[0], rows_of(x, (T, H, W)))
    torch.testing.assert_close(reading.phi[0], rows_of(x, (T, H, W)))


@pytest.mark.parametrize("bias", [False, True])
def test_a_concatenation_is_two_numbers_for_each_position(bias):
    block = randomise(MmcvBlock("concatenation", sub_sample=False))
    block.concat_project.conv = randomise(nn.Conv2d(2 * INNER, 1, 1, bias=bias))
    x = maps(1, C, T, H, W)
    reading = read_mmcv(block)[0].read(x)
    theta, phi = (rows_of(part(x), (T, H, W)) for part in (block.theta, block.phi))
    for i, j in ((0, 0), (7, 3), (59, 31)):
        pair = torch.cat([theta[i], phi[j]]).reshape(1, -1, 1, 1)
        whole = block.concat_project.conv(pair).reshape(())
        assert float(reading.theta[0, i, 0] + reading.phi[0, j, 0]) == pytest.approx(float(whole), abs=1e-5)


def test_what_is_added_goes_through_the_last_layers():
    block = randomise(TimmBlock())
    (reader,) = read_timm_nonlocal(block)
    y = maps(1, 6, INNER)
    expected = torch.stack([block.norm(block.z(row.reshape(1, INNER, 1, 1)))[0, :, 0, 0] for row in y[0]])
    torch.testing.assert_close(reader.project(y)[0], expected, **CLOSE)


def test_a_block_that_makes_its_map_itself_is_asked_for_it():
    block = randomise(SaganBlock(stem=True))
    reader = read_query_conv(block)[0]
    picture = maps(2, 3, 12, 20)
    assert torch.equal(reader.inputs((picture,), {}), block.stem(picture))
    plain = read_query_conv(randomise(SaganBlock()))[0]
    x = maps(T, C, H, W)
    assert plain.inputs((x,), {}) is x


@pytest.mark.parametrize(
    "layer",
    [
        nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
        nn.MaxPool3d((1, 2, 2), padding=(0, 1, 1)),
        nn.MaxPool3d((1, 2, 2), dilation=(1, 2, 2)),
        nn.MaxPool3d((1, 2, 2), ceil_mode=True),
    ],
    ids=["overlaps", "pads", "leaves gaps", "rounds up"],
)
def test_pooled_cells_have_to_tile_the_grid(layer):
    block = randomise(SlowFastBlock())
    reader = replace(read_pyslowfast(block)[0], pool_first=layer)
    with pytest.raises(CaptureError, match=r"cells that tile the grid; .* overlaps, pads or leaves gaps"):
        reader.read(maps(1, C, T, H + 1, W + 1))


def test_training_mode_and_a_batch_of_clips_are_refused():
    block = randomise(AlexHexBlock())
    reader = read_theta_phi_g(block)[0]
    with pytest.raises(CaptureError, match="saw a batch of 3, expected 1"):
        reader.read(maps(3, C, T, H, W))
    block.train()
    with pytest.raises(CaptureError, match=r"Call model.eval\(\) first"):
        reader.read(maps(1, C, T, H, W))


def test_a_projection_is_the_one_convolution_in_a_part():
    one = conv(3, C, INNER)
    assert convolution(nn.Sequential(one, nn.ReLU(), pool(3, 2))) is one
    for part in (nn.ReLU(), nn.Sequential(one, conv(3, INNER, C))):
        with pytest.raises(CaptureError, match=f"is one convolution; got {2 * isinstance(part, nn.Sequential)}"):
            convolution(part)
    pools = [pool(3, 2), pool(2, 3)]
    assert list(pools_in(nn.Sequential(pools[0], one, pools[1]))) == pools


def test_a_class_says_that_it_is_nonlocal():
    for name in ("NonLocalBlock", "Non_Local", "MyNONLOCAL2d"):
        assert says_nonlocal(type(name, (nn.Module,), {})())
    assert not says_nonlocal(type("Local", (nn.Module,), {})())
