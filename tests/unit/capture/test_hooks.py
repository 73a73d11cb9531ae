"""Recording: what is captured, what cannot leak, and that the self-check notices a wrong reading."""

import threading

import numpy as np
import pytest
import torch
from torch import nn

from nonlocal_core.capture import BlockReading, BlockSite, attach, recording
from nonlocal_core.capture.hooks import _better
from nonlocal_core.capture.reading import DoesMore, NotReadable
from nonlocal_core.errors import CaptureError
from nonlocal_core.geometry import ViewTransform

T, H, W, C, INNER = 3, 4, 5, 6, 2
VIEW = ViewTransform(shown_hw=(40, 50), input_hw=(40, 50))
WORKING_PRECISION = 1e-5  # float32 sums over 60 keys; worst seen 6e-7


class Block(nn.Module):
    """A block written without the product's operation, by the explicit formula."""

    def __init__(self, gain=1.0):
        super().__init__()
        torch.manual_seed(0)
        self.theta, self.phi, self.g = (nn.Linear(C, INNER) for _ in range(3))
        self.out = nn.Linear(INNER, C, bias=False)
        self.out.weight.data.mul_(gain)

    def forward(self, x):
        rows = x.flatten(2).mT
        affinity = (self.theta(rows) @ self.phi(rows).mT * 0.5).softmax(-1)
        return x + self.out(affinity @ self.g(rows)).mT.reshape(x.shape)


class BlockReader:
    def __init__(self, block, scale=0.5):
        self.block, self.scale = block, scale

    def read(self, x):
        rows = x.flatten(2).mT
        return BlockReading(
            theta=self.block.theta(rows),
            phi=self.block.phi(rows),
            g=self.block.g(rows),
            query_thw=(T, H, W),
            pairwise="embedded_gaussian",
            scale=self.scale,
            project=self.block.out,
        )


def site(block, name="block", scale=0.5):
    return BlockSite(name=name, title="Block", module=block, reader=BlockReader(block, scale), status="trained")


def clip(seed=0, batch=1):
    return torch.randn(batch, C, T, H, W, generator=torch.Generator().manual_seed(seed))


def record(block, x):
    with recording(view=VIEW, clip_frames=T) as record:
        block(x)
    return record.blocks


def test_the_tables_are_those_of_the_block_and_the_output_is_rebuilt():
    block = Block()
    attach((site(block),))
    (captured,) = record(block, clip())
    rows = clip()[0].flatten(1).T
    np.testing.assert_allclose(captured.theta, block.theta(rows).detach(), atol=1e-6)
    np.testing.assert_allclose(captured.phi, block.phi(rows).detach(), atol=1e-6)
    assert captured.query_grid.shape == captured.key_grid.shape == (T, H, W)
    assert captured.rebuild_error < WORKING_PRECISION
    added = (block(clip()) - clip())[0].flatten(1).norm(dim=0) / clip()[0].flatten(1).norm(dim=0)
    np.testing.assert_allclose(captured.effect, added.detach(), rtol=1e-4)


@pytest.mark.parametrize("wrong_scale", [1.0, 0.45])
def test_a_wrong_reading_is_no_answer(wrong_scale):
    block = Block()
    attach((site(block, scale=wrong_scale),))
    with recording(view=VIEW, clip_frames=T) as found:
        block(clip())
    assert found.blocks == []
    ((name, reason),) = found.unreadable
    assert name == "block"
    assert reason.startswith("cannot be proved: its output, rebuilt from theta, phi and g, is off by")


def test_a_block_that_changes_nothing_has_no_effect_and_no_error():
    block = Block(gain=0.0)
    attach((site(block),))
    (captured,) = record(block, clip())
    assert not captured.effect.any()
    assert captured.rebuild_error == 0.0


def test_a_wrong_reading_of_a_block_that_changes_nothing_is_refused_by_a_random_copy():
    block = Block(gain=0.0)
    attach((site(block, scale=0.45),))
    with recording(view=VIEW, clip_frames=T) as found:
        block(clip())
    assert found.blocks == []
    assert "cannot be proved" in found.unreadable[0][1]


def test_nothing_is_recorded_or_changed_when_nobody_records():
    block = Block()
    before = block(clip())
    attach((site(block),))
    assert torch.equal(block(clip()), before)
    assert record(block, clip())
    assert torch.equal(block(clip()), before)


def test_two_threads_on_one_network_never_mix():
    block = Block()
    attach((site(block),))
    start = threading.Barrier(4)
    seen = {}

    def visit(seed):
        start.wait()
        seen[seed] = [record(block, clip(seed)) for _ in range(10)]

    threads = [threading.Thread(target=visit, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed, visits in seen.items():
        expected = block.theta(clip(seed)[0].flatten(1).T).detach()
        for blocks in visits:
            assert len(blocks) == 1
            np.testing.assert_allclose(blocks[0].theta, expected, atol=1e-6)


def test_an_exception_leaves_nothing_behind():
    block = Block()
    attach((site(block),))
    kept = []

    def interrupted():
        with recording(view=VIEW, clip_frames=T) as first:
            kept.append(first)
            block(clip())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        interrupted()
    block(clip())
    assert len(kept[0].blocks) == 1
    assert len(record(block, clip())) == 1


def test_an_inner_recording_does_not_write_into_the_outer_one():
    block = Block()
    attach((site(block),))
    with recording(view=VIEW, clip_frames=T) as outer:
        record(block, clip())
        assert not outer.blocks
        block(clip())
    assert len(outer.blocks) == 1


def test_detaching_takes_the_hooks_off():
    block = Block()
    attach((site(block),))()
    assert record(block, clip()) == []


def test_blocks_need_different_names_and_one_clip():
    block = Block()
    with pytest.raises(CaptureError, match="different names"):
        attach((site(block), site(Block())))
    attach((site(block),))
    with pytest.raises(CaptureError, match="batch of 2"):
        record(block, clip(batch=2))


def test_the_products_of_a_layer_that_does_more_than_its_parts_tell_why_it_is_refused():
    """Of Z-Image's layers that is the text beside the image, not a rotation that the products hold."""
    block = site(Block())
    rotated, beside = DoesMore("was called with a rotary position embedding"), NotReadable("has 96 queries")
    assert _better(block, rotated, beside) == (block, beside)
    telling = NotReadable("was called with keys from elsewhere")
    assert _better(block, telling, beside) == (block, telling)
