"""Blocks of this library, read while they run: every row is the row of the explicit matrix, every output is rebuilt."""

import numpy as np
import pytest
import torch

from nonlocal_core.capture import BlockSite, attach, recording
from nonlocal_core.capture.own import NonlocalBlockReader, ProbeReader
from nonlocal_core.geometry import ViewTransform
from nonlocal_core.models import NonlocalBlock, NonlocalConfig, ParameterFreeGaussian
from nonlocal_core.ops import Reach, affinity
from nonlocal_core.query import row
from nonlocal_core.vocabulary import PAIRWISE, SCOPES

C, T, H, W = 14, 4, 5, 8
VIEW = ViewTransform(shown_hw=(50, 80), input_hw=(50, 80))
WORKING_PRECISION = 2e-5  # of the largest change that the block makes; worst seen 3e-6


def trained_block(pairwise, **settings):
    """A block whose every parameter and statistic is non-trivial."""
    torch.manual_seed(1)
    block = NonlocalBlock(C, pairwise, NonlocalConfig(**settings))
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    block.norm.running_mean.normal_()
    block.norm.running_var.uniform_(0.5, 2)
    return block.eval().requires_grad_(requires_grad=False)


def record(module, reader, x):
    attach((BlockSite(name="block", title="Block", module=module, reader=reader, status="trained"),))
    with recording(view=VIEW, clip_frames=T) as found:
        module(x)
    return found.blocks[0]


@pytest.mark.parametrize("pairwise", PAIRWISE)
@pytest.mark.parametrize(
    ("scope", "groups", "subsample", "order"),
    [(scope, 1, (1, 2, 2), "pool_then_embed") for scope in SCOPES]
    + [("spacetime", 2, (2, 2, 2), "embed_then_pool"), ("spacetime", 1, None, "pool_then_embed")],
)
def test_rows_are_those_of_the_explicit_matrix_and_the_output_is_rebuilt(pairwise, scope, groups, subsample, order):
    block = trained_block(pairwise, scope=scope, temporal_groups=groups, subsample=subsample, order=order)
    x = torch.randn(1, C, T, H, W)
    captured = record(block, NonlocalBlockReader(block), x)
    pieces = block.embed(x)
    reach = Reach(query_thw=(T, H, W), kernel=subsample or (1, 1, 1), scope=scope, temporal_groups=groups)
    matrix = affinity(pieces.theta, pieces.phi, pairwise=pairwise, scale=block.scale_value, reach=reach)[0]
    sample = range(0, captured.query_grid.size, 13)
    rows = np.stack([row(captured, captured.query_grid.cell(i)).values for i in sample])
    np.testing.assert_allclose(rows, matrix[list(sample)], atol=1e-5 * float(matrix.abs().max()))
    assert captured.rebuild_error < WORKING_PRECISION
    assert captured.mean_effect > 0.01


def test_a_new_block_changes_nothing_and_says_so():
    block = NonlocalBlock(C).eval()
    captured = record(block, NonlocalBlockReader(block), torch.randn(1, C, T, H, W))
    assert captured.mean_effect == 0
    assert captured.rebuild_error == 0


def test_the_parameter_free_gaussian_has_rows_but_no_effect():
    probe = ParameterFreeGaussian()
    x = torch.randn(1, C, T, H, W)
    captured = record(probe, ProbeReader(probe), x)
    assert captured.effect is None
    assert captured.rebuild_error is None
    u = x[0].flatten(1).T.double()
    u = (u - u.mean(0)) / u.std(0, correction=0)
    u = u / u.norm(dim=1, keepdim=True)
    expected = (u[37] @ u.T / 0.07).softmax(0)
    np.testing.assert_allclose(row(captured, captured.query_grid.cell(37)).values, expected, rtol=2e-4, atol=1e-9)
