"""Parts of `resnet` under several presets: head, temporal shift, groups, names, and the rows that its blocks give."""

from dataclasses import replace

import pytest
import torch
from network_oracle import shift
from small_resnets import HEIGHT, WIDTH, run, small

from nonlocal_core.capture import BlockSite, attach, recording
from nonlocal_core.capture.own import NonlocalBlockReader
from nonlocal_core.errors import ShapeError
from nonlocal_core.geometry import ViewTransform
from nonlocal_core.models import clip_probabilities, presets
from nonlocal_core.models.resnet import ResNet, temporal_shift


def test_temporal_shift_moves_an_eighth_each_way():
    x = torch.randn(2, 24, 5, 3, 4)
    before = x.clone()
    assert torch.equal(temporal_shift(x), shift(x))
    assert torch.equal(x, before)


def test_the_softmax_comes_before_the_mean_or_after_it():
    """The map is 4 x 2 x 2 and the window 3 x 1 x 2, so there are 2 x 2 x 1 positions."""
    config = presets.pyslowfast_8x8(family="c2d", blocks=0)
    first = small(config, window=(3, 1, 2))
    after = small(config, window=(3, 1, 2), softmax_first=False)
    after.load_state_dict(first.state_dict())
    for network in (first, after):
        torch.nn.init.normal_(network.head.weight, generator=torch.Generator().manual_seed(1))
    at_positions, averaged = run(first, 8), run(after, 8)
    assert at_positions.shape == (2, 4, 7)
    assert averaged.shape == (2, 1, 7)
    torch.testing.assert_close(at_positions.mean(dim=1), averaged[:, 0])
    assert (clip_probabilities(at_positions) - clip_probabilities(averaged)).abs().max() > 1e-3


def test_the_window_is_that_of_training_and_is_cut_to_small_maps():
    network = small(presets.caffe2_8x8(family="c2d", blocks=0))
    assert run(network, 2, 224, 288).shape == (2, 3, 7)  # 7 x 9 cells under a window of 7 x 7
    assert run(network, 8).shape == (2, 1, 7)


def test_pool1_without_padding_leaves_55_cells_and_28_all_the_same():
    """Nothing downstream tells whether pool1 was padded."""
    sizes = {}
    for name, config in (("unpadded", presets.caffe2_8x8), ("padded", presets.pyslowfast_8x8)):
        network = small(config(family="c2d", blocks=0))
        seen = []
        for stage in (network.res2, network.res3):
            stage[-1].register_forward_hook(lambda _module, _inputs, output, seen=seen: seen.append(output.shape[-1]))
        run(network, 2, 32, 224)
        sizes[name] = seen
    assert sizes == {"unpadded": [55, 28], "padded": [56, 28]}


def test_groups_in_time_need_the_length_of_training():
    network = small(presets.caffe2_32x4_affine())
    with pytest.raises(ShapeError, match="32 frames; got 16"):
        run(network, 16)
    assert run(small(presets.caffe2_32x4_affine(blocks=0)), 16).shape == (2, 1, 7)  # no block, no groups


@pytest.mark.parametrize(("preset", "least"), [(presets.caffe2_8x8, 2), (presets.caffe2_32x2, 7)])
def test_a_clip_of_which_nothing_is_left_is_refused(preset, least):
    """One halves time once, the other three times."""
    network = small(preset(family="c2d", blocks=0))
    with pytest.raises(ShapeError, match=rf"nothing is left of \({least - 1}, 40, 56\)"):
        run(network, least - 1)
    assert run(network, least).shape == (2, 1, 7)


def test_blocks_have_stable_names_and_say_where_they_are():
    inserted = small(presets.caffe2_32x4_affine()).inserted
    assert [block.name for block in inserted] == ["res3.1", "res3.3", "res4.1", "res4.3", "res4.5"]
    assert inserted[0].title == "stride 8 · res3, after block 2 of 4"
    assert inserted[4].title == "stride 16 · res4, after block 6 of 6"
    assert [bool(block.note) for block in inserted] == [True, True, False, False, False]
    stages = tuple(replace(stage, temporal_groups=2) for stage in presets.caffe2_32x4_affine().stages)
    halves = small(replace(presets.caffe2_32x4_affine(), stages=stages))
    assert {block.note for block in halves.inserted} == {
        "Time is cut in 2 equal parts; each position attends inside its own part."
    }
    assert {block.status for block in inserted} == {"untrained"}
    assert {block.temporal_groups for block in (inserted[0].module, inserted[1].module)} == {4}
    assert inserted[2].module.temporal_groups == 1


def test_blocks_are_recorded_as_they_computed():
    """The rows that the recording gives rebuild what the blocks of the running network put out."""
    network = small(presets.caffe2_8x8(family="i3d"))
    for block in network.inserted:
        for parameter in block.module.parameters():
            torch.nn.init.normal_(parameter, std=0.05)
    view = ViewTransform(shown_hw=(HEIGHT, WIDTH), input_hw=(HEIGHT, WIDTH))
    attach(
        tuple(
            BlockSite(
                name=block.name,
                title=block.title,
                module=block.module,
                reader=NonlocalBlockReader(block.module),
                status=block.status,
            )
            for block in network.inserted
        )
    )
    with recording(view=view, clip_frames=8) as record, torch.inference_mode():
        network(torch.randn(1, 3, 8, HEIGHT, WIDTH))
    assert [block.name for block in record.blocks] == ["res3.1", "res3.3", "res4.1", "res4.3", "res4.5"]
    assert [block.query_grid.shape for block in record.blocks] == [(4, 5, 7)] * 2 + [(4, 3, 4)] * 3
    assert [block.key_grid.shape for block in record.blocks] == [(4, 2, 3)] * 2 + [(4, 1, 2)] * 3
    assert max(block.rebuild_error for block in record.blocks) < 1e-4


def test_a_network_without_a_classifier_answers_nothing():
    network = ResNet(presets.mmaction2_slowonly_ava(clip="4x16")).eval()
    with torch.inference_mode():
        answer = network(torch.zeros(1, 3, 4, HEIGHT, WIDTH))
    assert answer.shape == (1, 1, 0)
    assert clip_probabilities(answer).shape == (1, 0)
