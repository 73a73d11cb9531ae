"""timm's block: which modules are one, and the reading that its attributes state."""

from foreign_blocks import C, MmcvBlock, TimmBlock
from named_parts import module_of
from torch import nn

from nonlocal_core.capture.adapters.maps.timm_nonlocal import is_timm_nonlocal, read_timm_nonlocal


def test_a_block_is_one_by_its_letters_and_its_scale():
    assert is_timm_nonlocal(TimmBlock())
    assert not is_timm_nonlocal(MmcvBlock())
    letters = {name: nn.Conv2d(2, 2, 1) for name in ("t", "p", "g", "z", "norm")}
    assert is_timm_nonlocal(module_of(**letters, scale=1.0))
    assert not is_timm_nonlocal(module_of(**letters))
    assert not is_timm_nonlocal(module_of(**{name: letters[name] for name in "tpgz"}, scale=1.0))


def test_the_scale_is_what_the_block_holds():
    for use_scale, scale in ((True, C**-0.5), (False, 1.0)):
        block = TimmBlock(use_scale=use_scale)
        (reading,) = read_timm_nonlocal(block)
        assert (reading.pairwise, reading.scale) == ("embedded_gaussian", scale)
        assert (reading.theta, reading.phi, reading.g) == (block.t, block.p, block.g)
        assert reading.out == (block.z, block.norm)
