"""The trunk: its shapes, its padding, its cuts and its chunks, against slow computations written here."""

import pytest
import torch
from torch.nn.functional import pad

from nonlocal_core.models import lite0
from nonlocal_core.models.imagenet import imagenet_classes
from nonlocal_core.models.lite0 import InvertedResidual, Lite0, SameConv2d


@pytest.fixture
def trunk() -> Lite0:
    """Random weights that keep the signal alive through all 16 blocks, so that differences show in the logits."""
    torch.manual_seed(3)
    network = Lite0()
    for module in network.modules():
        if isinstance(module, SameConv2d):
            torch.nn.init.kaiming_normal_(module.weight)
    return network.eval().requires_grad_(requires_grad=False)


def same_convolution_by_loops(x: torch.Tensor, conv: SameConv2d) -> torch.Tensor:
    """TensorFlow's SAME: ceil(n / stride) windows; of the zeros needed, the larger half lies after the image."""
    batch, channels, height, width = x.shape
    kernel, stride, groups = conv.kernel_size[0], conv.stride[0], conv.groups
    rows, cols = -(-height // stride), -(-width // stride)
    zeros_y = max((rows - 1) * stride + kernel - height, 0) // 2
    zeros_x = max((cols - 1) * stride + kernel - width, 0) // 2
    out = torch.zeros(batch, conv.out_channels, rows, cols, dtype=torch.float64)
    per_group, out_per_group = channels // groups, conv.out_channels // groups
    for n in range(batch):
        for k in range(conv.out_channels):
            first = k // out_per_group * per_group
            for i in range(rows):
                for j in range(cols):
                    total = 0.0 if conv.bias is None else conv.bias[k].item()
                    for c in range(per_group):
                        for a in range(kernel):
                            for b in range(kernel):
                                y, z = i * stride + a - zeros_y, j * stride + b - zeros_x
                                if 0 <= y < height and 0 <= z < width:
                                    total += (conv.weight[k, c, a, b] * x[n, first + c, y, z]).item()
                    out[n, k, i, j] = total
    return out


@pytest.mark.parametrize(("height", "width"), [(6, 8), (7, 9), (6, 5)])
@pytest.mark.parametrize(("kernel", "stride", "groups"), [(3, 2, 1), (5, 2, 2), (5, 1, 2), (3, 1, 1)])
def test_padding_is_tensorflows_for_even_and_odd_sizes(height, width, kernel, stride, groups):
    torch.manual_seed(kernel * stride)
    conv = SameConv2d(2, 4, kernel=kernel, stride=stride, groups=groups).double().requires_grad_(requires_grad=False)
    x = torch.randn(1, 2, height, width, dtype=torch.float64)
    torch.testing.assert_close(conv(x), same_convolution_by_loops(x, conv), rtol=0, atol=1e-12)


def test_symmetric_padding_would_be_noticed():
    conv = SameConv2d(2, 4, kernel=3, stride=2).double().requires_grad_(requires_grad=False)
    x = torch.randn(1, 2, 6, 8, dtype=torch.float64)
    symmetric = torch.nn.functional.conv2d(pad(x, (1, 1, 1, 1)), conv.weight, conv.bias, stride=2)
    assert symmetric.shape == conv(x).shape
    assert (symmetric - same_convolution_by_loops(x, conv)).abs().max() > 0.01


def test_an_inverted_residual_adds_its_input_only_where_shapes_allow():
    keeps = InvertedResidual(6, 6, kernel=3, stride=1, expand=2)
    strides = InvertedResidual(6, 6, kernel=3, stride=2, expand=2)
    widens = InvertedResidual(6, 8, kernel=3, stride=1, expand=2)
    for block in (keeps, strides, widens):
        torch.nn.init.zeros_(block.project.weight)
        torch.nn.init.zeros_(block.project.bias)
    x = torch.randn(2, 6, 10, 14)
    assert torch.equal(keeps(x), x)
    assert torch.equal(strides(x), torch.zeros(2, 6, 5, 7))
    assert torch.equal(widens(x), torch.zeros(2, 8, 10, 14))


def test_the_cuts_are_at_stride_8_and_16(trunk):
    features8 = trunk.to_stride8(torch.randn(3, 3, 96, 160))
    features16 = trunk.to_stride16(features8)
    assert features8.shape == (3, lite0.CHANNELS_STRIDE8, 12, 20)
    assert features16.shape == (3, lite0.CHANNELS_STRIDE16, 6, 10)
    assert trunk.to_logits(features16).shape == (3, len(imagenet_classes()))


def test_sizes_that_are_no_multiple_of_32_leave_cells_over_the_edge(trunk):
    features8 = trunk.to_stride8(torch.randn(2, 3, 97, 150))
    assert features8.shape[-2:] == (13, 19)
    assert trunk.to_stride16(features8).shape[-2:] == (7, 10)


def test_one_pixel_frames_do_not_crash(trunk):
    assert trunk(torch.randn(1, 3, 1, 1)).shape == (1, 1000)


def test_frames_do_not_see_each_other(trunk):
    frames = torch.randn(3, 3, 64, 96)
    changed = frames.clone()
    changed[1] += 1
    before, after = trunk(frames), trunk(changed)
    assert torch.equal(before[[0, 2]], after[[0, 2]])
    assert not torch.equal(before[1], after[1])


@pytest.mark.parametrize(("height", "width", "at_once"), [(224, 224, [2, 2, 1]), (96, 160, [5]), (256, 448, [1, 1])])
def test_long_clips_pass_through_a_few_frames_at_a_time(trunk, height, width, at_once):
    seen = []
    trunk.stem.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0]))
    frames = torch.randn(sum(at_once), 3, height, width)
    logits = trunk(frames)
    assert [chunk.shape[0] for chunk in seen] == at_once
    assert all(chunk.is_contiguous(memory_format=torch.channels_last) for chunk in seen)
    alone = torch.cat([trunk(frame[None]) for frame in frames])
    assert logits.std() > 0.01
    torch.testing.assert_close(logits, alone, rtol=0, atol=1e-5 * logits.std().item())


@pytest.mark.parametrize(("count", "stride"), [(lite0.STRIDE8_BLOCKS, 8), (lite0.STRIDE16_BLOCKS, 16)])
def test_the_trunk_is_cut_behind_the_last_block_of_a_stride(trunk, count, stride):
    features = trunk.blocks[:count](trunk.stem(torch.randn(1, 3, 64, 96)).clamp(0, 6))
    assert features.shape[2:] == (64 // stride, 96 // stride)
    assert trunk.blocks[count](features).shape[2:] == (32 // stride, 48 // stride)
