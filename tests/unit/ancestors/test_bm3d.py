"""BM3D's first step: its stack against brute force, its transform, its votes, and its gain over non-local means."""

import numpy as np
import pytest
import torch
from PIL import Image
from unchecked_shapes import unchecked  # noqa: F401, a fixture

from nonlocal_core import Cell, ShapeError, read_frames
from nonlocal_core.ancestors import bm3d as room
from nonlocal_core.ancestors.bm3d import SIDE, denoised, haar, stack
from nonlocal_core.ancestors.network import PixelAffinity
from nonlocal_core.ancestors.vectors import patch_vectors
from nonlocal_core.measures.filtered import psnr

NOISE = 0.1
LEAST_GAIN_DB = 0.7
"""Over the best of several h of non-local means; seen 0.91 and more."""


def clip(frames, height, width, seed=0):
    return np.random.default_rng(seed).random((frames, height, width, 3))


def stack_by_loops(pixels, block, most):
    frames, height, width, _ = pixels.shape
    own = pixels[block.t, block.y : block.y + SIDE, block.x : block.x + SIDE]
    found = [
        (float(((pixels[t, y : y + SIDE, x : x + SIDE] - own) ** 2).mean()), Cell(t, y, x))
        for t in range(frames)
        for y in range(height - SIDE + 1)
        for x in range(width - SIDE + 1)
    ]
    return sorted(found)[:most]


@pytest.mark.parametrize("at_once", [128, 1])
def test_the_stack_is_that_of_brute_force_over_all_frames(monkeypatch, at_once):
    monkeypatch.setattr(room, "_AT_ONCE", at_once)
    pixels = clip(3, 12, 14)
    pixels[2, 3:11, 4:12] = pixels[0, 1:9, 2:10] + 0.01  # its like in another frame
    block = Cell(0, 1, 2)
    found, loops = stack(pixels, block, most=8), stack_by_loops(pixels, block, 8)
    assert found.cells == tuple(cell for _, cell in loops)
    np.testing.assert_allclose(found.distances, [distance for distance, _ in loops], atol=1e-12)
    assert found.cells[:2] == (block, Cell(2, 3, 4))


def test_haar_keeps_lengths_and_is_undone_by_its_inverse():
    volumes = np.random.default_rng(1).normal(size=(5, 16, 3, 2))
    seen = haar(volumes)
    np.testing.assert_allclose((seen**2).sum(), (volumes**2).sum())
    np.testing.assert_allclose(haar(seen, inverse=True), volumes, atol=1e-12)
    np.testing.assert_allclose(seen[:, 0], volumes.sum(axis=1) / 4, atol=1e-12)  # 16 ** -1/2
    flat = haar(np.ones((1, 8)))
    np.testing.assert_allclose(flat, [[8**0.5, *[0] * 7]], atol=1e-12)


def test_where_nothing_is_thresholded_every_pixel_is_voted_to_be_itself():
    pixels = clip(2, 11, 17)
    np.testing.assert_allclose(denoised(pixels, noise=NOISE, threshold=0), pixels, atol=1e-12)


def test_where_everything_is_thresholded_nothing_is_left():
    assert not denoised(clip(1, 9, 10), noise=1.0, threshold=1e6).any()


@pytest.mark.parametrize("sample", ["coffee", "chelsea", "coins"])
def test_it_gains_over_non_local_means_at_its_best(sample):
    picture = Image.fromarray(read_frames(f"sample:{sample}").rgb[0])
    truth = np.asarray(picture.resize((72, 60), Image.Resampling.BOX))[None].astype(np.float32) / 255
    noisy = truth + NOISE * np.random.default_rng(0).normal(size=truth.shape).astype(np.float32)
    pixels = torch.from_numpy(noisy).permute(3, 0, 1, 2)[None]
    means = [
        PixelAffinity(lambda x, h=h: patch_vectors(x, patch=5, h=h))(pixels)[0].permute(1, 2, 3, 0).numpy()
        for h in (0.05, 0.07, 0.09, 0.12)
    ]
    ours = psnr(denoised(noisy, noise=NOISE).astype(np.float32), truth)
    assert ours > max(psnr(mean, truth) for mean in means) + LEAST_GAIN_DB


@pytest.mark.usefixtures("unchecked")
def test_what_has_no_blocks_is_refused(monkeypatch):
    with pytest.raises(ShapeError, match="1 x 7 x 20 pixels have 0"):
        denoised(clip(1, 7, 20), noise=NOISE)
    with pytest.raises(ShapeError, match=r"begin at cells of \(1, 2, 3\); got Cell\(t=0, y=2, x=0\)"):
        stack(clip(1, 9, 10), Cell(0, 2, 0))
    monkeypatch.setattr(room, "MOST_BLOCKS", 5)
    with pytest.raises(ShapeError, match=r"have 6\. Scale it"):
        denoised(clip(1, 9, 10), noise=NOISE)
