"""Records of a ResNet: what they refuse, the names of their blocks, and what follows from their stages."""

from dataclasses import replace

import pytest

from nonlocal_core.errors import ShapeError
from nonlocal_core.models import presets
from nonlocal_core.models.resnet_config import Stage


def test_a_block_cannot_follow_what_is_not_there():
    with pytest.raises(ShapeError, match=r"no block \[4\]"):
        Stage(temporal_kernels=(1, 1, 1, 1), spatial_stride=2, nonlocal_after=(1, 4))


def stage(blocks, *after, groups=1):
    return Stage(temporal_kernels=(1,) * blocks, spatial_stride=2, nonlocal_after=after, temporal_groups=groups)


def test_blocks_are_counted_and_named_by_stage_and_place():
    stages = (stage(2, 1), stage(3), stage(5, 0, 4), stage(1, 0))
    config = replace(presets.paper_resnet(), stages=stages)
    assert config.block_names == ("res2.1", "res4.0", "res4.4", "res5.0")
    assert config.block_count == 11


def test_only_groups_that_a_block_attends_in_count():
    plain = replace(presets.paper_resnet(), stages=(stage(2), stage(3, groups=4), stage(5, 0), stage(1)))
    assert not plain.attends_in_groups
    res2, _, res4, res5 = plain.stages
    assert replace(plain, stages=(res2, stage(3, 2, groups=4), res4, res5)).attends_in_groups


@pytest.mark.parametrize(("every", "shifted"), [(None, []), (1, [0, 1, 2, 3, 4, 5]), (2, [0, 2, 4]), (3, [0, 3])])
def test_every_nth_block_shifts_from_the_first_on(every, shifted):
    config = replace(presets.paper_resnet(), shift_every=every)
    assert [index for index in range(6) if config.shifts(index)] == shifted
