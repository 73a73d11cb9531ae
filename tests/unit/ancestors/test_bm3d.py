"""BM3D's first step: its stack against brute force, its transform, its votes, and its gain over non-local means."""

import numpy as np
import pytest
import torch
from PIL import Image
from unchecked_shapes import unchecked  # noqa: F401, a fixture

from nonlocal_core import Cell, ShapeError, read_frames
from nonlocal_core.ancestors import bm3d as room
from nonlocal_core.ancestors.bm3d import denoised, haar, stack
from nonlocal_core.ancestors.network import PixelAffinity
from nonlocal_core.ancestors.vectors import patch_vectors
from nonlocal_core.measures.filtered import psnr

NOISE = 0.1
LEAST_GAIN_DB = 0.7
"""Over the best of several h of non-local means; seen 0.91 and more."""


def clip(frames, height, width, seed=0):
    return np.random.default_rng(seed).random((frames, height, width, 3))


def block_around(pixels, cell):
    """Its 8 x 8 pixels on 241 levels, four of them before the pixel and three behind, mirrored at the edges."""
    height, width = pixels.shape[1:3]

    def mirrored(at, size):
        at = abs(at)
        return at if at < size else 2 * (size - 1) - at

    return [
        [
            [round(240 * float(min(max(value, 0), 1))) for value in pixels[cell.t, y, x]]
            for x in (mirrored(cell.x + step, width) for step in range(-4, 4))
        ]
        for y in (mirrored(cell.y + step, height) for step in range(-4, 4))
    ]


def stack_by_loops(pixels, asked, most):
    frames, height, width, _ = pixels.shape
    cells = [Cell(t, y, x) for t in range(frames) for y in range(height) for x in range(width)]
    own = np.array(block_around(pixels, asked))
    found = [(int(((np.array(block_around(pixels, cell)) - own) ** 2).sum()), cell != asked, cell) for cell in cells]
    return [(square / (192 * 240**2), cell) for square, _, cell in sorted(found)[:most]]


@pytest.mark.parametrize("at_once", [128, 1])
def test_the_stack_is_that_of_brute_force_over_all_frames(monkeypatch, at_once):
    monkeypatch.setattr(room, "_AT_ONCE", at_once)
    pixels = clip(3, 9, 11).astype(np.float32)
    pixels[2, 1:9, 2:10] = pixels[0, 0:8, 1:9] + 0.02  # its like in another frame
    asked = Cell(0, 4, 5)
    found, loops = stack(pixels, asked, most=8), stack_by_loops(pixels, asked, 8)
    assert found.cells == tuple(cell for _, cell in loops)
    np.testing.assert_allclose(found.distances, [distance for distance, _ in loops], atol=1e-12)
    assert found.cells[:2] == (asked, Cell(2, 5, 6))


def test_of_equal_blocks_the_first_are_taken_and_itself_always():
    grey = np.full((1, 6, 9, 3), 0.4)
    assert stack(grey, Cell(0, 5, 8), most=4).cells == (Cell(0, 5, 8), Cell(0, 0, 0), Cell(0, 0, 1), Cell(0, 0, 2))


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
    np.testing.assert_allclose(denoised(pixels, noise=NOISE, threshold=0), pixels, atol=1e-6)


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
def test_what_is_not_in_the_clip_and_what_is_too_large_is_refused(monkeypatch):
    with pytest.raises(ShapeError, match=r"\(1, 9, 10\), counted from 0; got Cell\(t=0, y=9, x=0\)"):
        stack(clip(1, 9, 10), Cell(0, 9, 0))
    monkeypatch.setattr(room, "MOST_BLOCKS", 89)
    with pytest.raises(ShapeError, match=r"1 x 9 x 10 are 90\. Scale it"):
        denoised(clip(1, 9, 10), noise=NOISE)
