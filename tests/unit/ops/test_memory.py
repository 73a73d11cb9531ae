"""`lean`, `panels` and the block never hold a table of Nq x Nk, forward or backward, not even by a silent fallback."""

from pathlib import Path

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from nonlocal_core.models.block import NonlocalBlock, NonlocalConfig
from nonlocal_core.ops import affinity, panels, respond
from nonlocal_core.vocabulary import PAIRWISE

STATUS, CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")
QUERIES, KEYS, CHANNELS = 6000, 5000, 8
MATRIX_MB = QUERIES * KEYS * 4 / 2**20  # 114; above the 32 MB from which an allocation always takes fresh pages
ALLOWED_MB = MATRIX_MB / 3  # worst seen 20, of which most is what the math library sets up on first use

pytestmark = pytest.mark.skipif(
    not CLEAR_REFS.exists(), reason="the peak of the resident set is read from Linux's /proc"
)


@pytest.fixture(autouse=True)
def small_panels(monkeypatch):
    monkeypatch.setattr(panels, "SCORES_AT_ONCE", 1 << 20)  # so that a panel of 24 MB does not blur the bound


def peak_growth_mb(run):
    """By how much the peak resident set rises above what is resident now."""

    def resident(field):
        (line,) = (line for line in STATUS.read_text().splitlines() if line.startswith(field))
        return int(line.split()[1]) / 1024

    CLEAR_REFS.write_text("5")  # sets the recorded peak back to what is resident
    before = resident("VmRSS")
    run()
    return resident("VmHWM") - before


def tables(pairwise, *, summed=CHANNELS):
    compared = 1 if pairwise == "concatenation" else CHANNELS
    generator = torch.Generator().manual_seed(7)
    shapes = ((1, QUERIES, compared), (1, KEYS, compared), (1, KEYS, summed))
    return [torch.randn(shape, generator=generator) for shape in shapes]


@pytest.mark.parametrize("summed", [CHANNELS, CHANNELS // 2], ids=["one width", "two widths"])
@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_forward(pairwise, summed):
    theta, phi, g = tables(pairwise, summed=summed)
    assert peak_growth_mb(lambda: respond(theta, phi, g, pairwise=pairwise)) < ALLOWED_MB


@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_backward(pairwise):
    leaves = [table.requires_grad_() for table in tables(pairwise, summed=CHANNELS // 2)]
    assert peak_growth_mb(lambda: respond(*leaves, pairwise=pairwise).sum().backward()) < ALLOWED_MB


@pytest.mark.parametrize("subsample", [None, (1, 1, 2)])
@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_block(pairwise, subsample):
    block = NonlocalBlock(CHANNELS, pairwise, NonlocalConfig(subsample=subsample)).eval()
    x = torch.randn(1, CHANNELS, 5, 30, 40, generator=torch.Generator().manual_seed(8))
    with torch.no_grad():
        assert peak_growth_mb(lambda: block(x)) < ALLOWED_MB


def test_the_block_writes_through_no_view():
    """Autograd keeps three copies of a map that is written through a view of it."""
    x = torch.randn(1, CHANNELS, 2, 3, 4, requires_grad=True)
    steps, seen = [NonlocalBlock(CHANNELS, "dot_product").eval()(x).grad_fn], set()
    while steps:
        step = steps.pop()
        seen.add(type(step).__name__)
        steps += [before for before, _ in step.next_functions if before is not None]
    assert "BmmBackward0" in seen
    assert "CopySlices" not in seen


def test_the_measure_sees_a_matrix():
    theta, phi, _ = tables("gaussian")
    assert peak_growth_mb(lambda: affinity(theta, phi, pairwise="gaussian")) > 0.9 * MATRIX_MB


def test_the_measure_sees_the_silent_fallback():
    """A strided last axis makes the fused function build the matrix; ``respond`` packs such tables first."""
    strided = [table.mT.contiguous().mT for table in tables("gaussian")]
    heads = [table.unsqueeze(1) for table in strided]
    assert peak_growth_mb(lambda: scaled_dot_product_attention(*heads)) > 0.9 * MATRIX_MB
    assert peak_growth_mb(lambda: respond(*strided, pairwise="gaussian")) < ALLOWED_MB
