"""Blocks named after the paper's letters: which modules are one, and which readings their parts leave."""

import pytest
from foreign_blocks import INNER, TEA_MODES, AlexHexBlock, C, NONLocalBlock3D, TeaBlock, TusharBlock, conv, pool
from named_parts import module_of
from torch import nn

from nonlocal_core.capture.adapters.maps.theta_phi_g import is_theta_phi_g, read_theta_phi_g

UNSAID = [("embedded_gaussian", 1.0), ("embedded_gaussian", INNER**-0.5), ("dot_product", 1.0)]


def maths(block):
    return [(reading.pairwise, pytest.approx(reading.scale)) for reading in read_theta_phi_g(block)]


def test_a_block_is_one_by_its_letters_or_by_a_name_that_says_so():
    for block in (AlexHexBlock(), TusharBlock(), NONLocalBlock3D("gaussian"), *map(TeaBlock, TEA_MODES)):
        assert is_theta_phi_g(block)
    letters = {name: conv(3, C, INNER) for name in ("theta", "phi", "g")}
    for out in ("W_z", "W", "out", "conv_out"):
        assert is_theta_phi_g(module_of(**letters, **{out: conv(3, INNER, C)}))
    assert not is_theta_phi_g(module_of(**letters)), "no output"
    assert not is_theta_phi_g(module_of(theta=letters["theta"], g=letters["g"], W=conv(3, INNER, C)))
    assert not is_theta_phi_g(module_of(theta=letters["theta"], phi=letters["phi"], W=conv(3, INNER, C)))
    assert not is_theta_phi_g(module_of(g=letters["g"], W=conv(3, INNER, C), mode="mean"))
    assert not is_theta_phi_g(AlexHexBlock("gaussian")), "a Gaussian under a name that does not say so"


def test_a_mode_says_the_function_and_the_rest_is_left_to_the_proof():
    for mode, pairwise in TEA_MODES.items():
        assert maths(TeaBlock(mode)) == [(pairwise, 1.0)]
    assert maths(AlexHexBlock()) == UNSAID
    assert maths(AlexHexBlock("dot_product")) == UNSAID
    assert maths(AlexHexBlock("concatenation")) == [("concatenation", 1.0)]
    assert maths(NONLocalBlock3D("gaussian")) == [("gaussian", 1.0)]


def test_a_pool_beside_the_projections_may_come_before_them():
    block = TusharBlock()
    readings = read_theta_phi_g(block)
    assert [reading.pool_first for reading in readings] == [block.maxpool] * 3 + [None] * 3
    assert maths(block) == UNSAID * 2
    assert [reading.pool_first for reading in read_theta_phi_g(NONLocalBlock3D("gaussian"))] == [None], "that is phi"


def test_parts_of_a_reading_are_the_blocks_own():
    tushar, tea, alex = TusharBlock(), TeaBlock("concatenate"), AlexHexBlock("concatenation")
    assert read_theta_phi_g(tushar)[0].out == (tushar.out, tushar.bn)
    assert read_theta_phi_g(tea)[0].concat is tea.W_f
    assert read_theta_phi_g(alex)[0].concat is alex.concat_project
    first = read_theta_phi_g(alex)[0]
    assert (first.theta, first.phi, first.g, first.out) == (alex.theta, alex.phi, alex.g, (alex.W,))
    pooled = module_of(
        g=conv(3, C, INNER), phi=pool(3, 2), W=conv(3, INNER, C), norm=nn.BatchNorm3d(C), mode="gaussian"
    )
    (reading,) = read_theta_phi_g(pooled)
    assert (reading.theta, reading.phi, reading.out) == (None, pooled.phi, (pooled.W, pooled.norm))
