"""Parts that the published networks share: temporal kernels of a family, titles, and inputs."""

import pytest
from preset_facts import CONFIGS

from nonlocal_core.models import presets
from nonlocal_core.weights.published import published_networks


@pytest.mark.parametrize(
    ("family", "kernels"),
    [
        ("c2d", ((1, 1, 1), (1, 1, 1, 1), (1,) * 6, (1, 1, 1))),
        ("i3d", ((3, 3, 3), (3, 1, 3, 1), (3, 1, 3, 1, 3, 1), (1, 3, 1))),
        ("slow", ((1, 1, 1), (1, 1, 1, 1), (3,) * 6, (3, 3, 3))),
    ],
)
def test_temporal_kernels(family, kernels):
    assert tuple(stage.temporal_kernels for stage in presets.pyslowfast_8x8(family=family).stages) == kernels


def test_temporal_kernels_of_the_deep_i3d_start_with_three():
    res4 = CONFIGS["lfb-i3d-r101-nl5-kinetics"].stages[2].temporal_kernels
    assert res4 == (3, 1) * 11 + (3,)


def test_every_published_network_has_a_name_and_a_title_of_its_own():
    titles = [network.config.title for network in published_networks()]
    assert len(set(CONFIGS)) == len(published_networks())
    assert all("ResNet-" in title for title in titles)
    depths = {(3, 4, 6, 3): 50, (3, 4, 23, 3): 101}
    for network in published_networks():
        stages = tuple(len(stage.temporal_kernels) for stage in network.config.stages)
        assert f" ResNet-{depths[stages]}," in network.config.title
        count = len(network.config.block_names)
        assert f", {count or 'no'} non-local block{'' if count == 1 else 's'}" in network.config.title
    mmaction2 = [title for title in titles if title.startswith("mmaction2")]
    assert len(set(mmaction2)) == len(mmaction2)  # their pairwise functions are all that tells some apart


@pytest.mark.parametrize("name", ["ONE_GREY", "IMAGENET", "IMAGENET_BYTES"])
def test_inputs_fill_whole_cells_of_the_last_stage(name):
    assert getattr(presets.common, name).multiple_of == 4 * 2 * 2 * 2, "stem and pooling, then three halvings"
