"""The network of the paper: where its blocks sit, and how it pools (arXiv 1711.07971v3, table 1, section 4.1)."""

import pytest
from preset_facts import AFTER, pooling

from nonlocal_core.models import presets


@pytest.mark.parametrize(("depth", "blocks", "names"), [(50, 1, ("res4.4",)), (101, 1, ("res4.21",)), (50, 0, ())])
def test_one_block_comes_right_before_the_last_of_res4(depth, blocks, names):
    assert presets.paper_resnet(depth=depth, blocks=blocks).block_names == names


def test_the_paper_pools_differently_from_all_released_code():
    config = presets.paper_resnet()
    assert pooling(config.pool1) == ((3, 3, 3), (2, 2, 2), (1, 1, 1))
    assert pooling(config.pool2) == ((3, 1, 1), (2, 1, 1), (1, 0, 0))
    assert (config.nonlocal_config.scale, config.nonlocal_config.order) == ("none", AFTER)
