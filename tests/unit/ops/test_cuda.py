"""`lean` and the block on a GPU: against float64 on the CPU, in float32 and under half-precision autocast."""

import pytest
import torch

from nonlocal_core.models.block import NonlocalBlock, NonlocalConfig
from nonlocal_core.vocabulary import PAIRWISE, SCOPES

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")

TOLERANCES = {torch.float32: 1e-3, torch.float16: 3e-2}  # of the largest value that the block adds; TF32 is left as set


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_block(pairwise, scope, dtype):
    generator = torch.Generator().manual_seed(13)
    block = NonlocalBlock(48, pairwise, NonlocalConfig(subsample=(1, 2, 2), scope=scope)).eval()
    for parameter in block.parameters():
        parameter.data.normal_(std=0.1, generator=generator)
    x = torch.randn(2, 48, 4, 15, 21, generator=generator)
    with torch.no_grad():
        on_gpu = block.cuda()
        with torch.autocast("cuda", dtype=torch.float16, enabled=dtype == torch.float16):
            y = on_gpu(x.cuda()).cpu().double()
        expected = block.cpu().double()(x.double())
    assert (y - expected).abs().max() < TOLERANCES[dtype] * (expected - x).abs().max()
