"""The filters' rows: against scikit-image, against loops in float64, and at their edges."""

import math

import numpy as np
import pytest
import torch
from skimage.restoration import denoise_nl_means

from nonlocal_core.ancestors.filters import Bilateral, DenseCrf, NlMeans
from nonlocal_core.ancestors.network import PixelAffinity, vectors_of
from nonlocal_core.ancestors.vectors import embedded_gaussian, patch_vectors, place_vectors

ROW_TOLERANCE = 1e-5
"""Of a row's largest weight in float32; worst seen 2e-6."""
OUTPUT_TOLERANCE = 1e-4
"""Of pixels from 0 to 1, against scikit-image, whose exponential is an approximation."""


def rows_of(vectors):
    theta, phi = embedded_gaussian(vectors)
    return (theta @ phi.mT).softmax(-1)[0].double().numpy()


def assert_rows(found, expected):
    largest = expected.max(axis=1, keepdims=True)
    np.testing.assert_allclose(found / largest, expected / largest, atol=ROW_TOLERANCE, rtol=0)


def clip(frames, rows, cols, *, contrast=1.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return contrast * torch.rand(1, 3, frames, rows, cols, generator=generator)


def nl_means_by_loops(pixels, *, patch, h, exp=math.exp):
    """Weights before they are normalised, one pair of patches at a time."""
    channels, frames, rows, cols = pixels.shape
    half, deviation = patch // 2, (patch - 1) / 4
    padded = np.pad(pixels, ((0, 0), (0, 0), (half, half), (half, half)), mode="reflect")
    offsets = range(-half, half + 1)
    weights = np.array([[math.exp(-(y * y + x * x) / (2 * deviation**2)) for x in offsets] for y in offsets])
    weights /= weights.sum() * channels * h * h
    places = [(t, y, x) for t in range(frames) for y in range(rows) for x in range(cols)]
    patches = [padded[:, t, y : y + patch, x : x + patch] for t, y, x in places]
    return np.array([[exp(-float((weights * (one - other) ** 2).sum())) for other in patches] for one in patches])


@pytest.mark.parametrize("patch", [3, 5])
def test_rows_of_non_local_means_are_those_of_loops_over_space_and_time(patch):
    pixels = clip(2, 6, 7)
    loops = nl_means_by_loops(pixels[0].double().numpy(), patch=patch, h=0.3)
    assert_rows(rows_of(patch_vectors(pixels, patch=patch, h=0.3)), loops / loops.sum(axis=1, keepdims=True))


def exponential_of_scikit_image(value):
    """exp as N. Schraudolph approximates it (Neural Computation 11, 1999), by the bits of a double."""
    high = int(1048576 / math.log(2) * value + (1072693248 - 60801))
    return float(np.array([high << 32], np.int64).view(np.float64)[0])


def test_the_output_is_that_of_scikit_image():
    """Its slow form, whose window is the whole picture here, and whose cut-off no pair reaches."""
    pixels, patch, h = clip(1, 9, 11, contrast=0.1), 5, 0.12
    picture = pixels[0, :, 0].permute(1, 2, 0).double().numpy()
    theirs = denoise_nl_means(picture, patch_size=patch, patch_distance=30, h=h, fast_mode=False, channel_axis=-1)
    ours = PixelAffinity(vectors_of(NlMeans(h=h, patch=patch))["patches"])(pixels)[0, :, 0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(ours, theirs, atol=OUTPUT_TOLERANCE, rtol=0)
    assert np.abs(theirs - picture).max() > 100 * OUTPUT_TOLERANCE, "it changed something"
    # What is left between the two is their exponential: with it, the same weights give their very numbers.
    weights = nl_means_by_loops(pixels[0].double().numpy(), patch=patch, h=h, exp=exponential_of_scikit_image)
    rebuilt = (weights / weights.sum(axis=1, keepdims=True)) @ picture.reshape(-1, 3)
    np.testing.assert_allclose(rebuilt.reshape(picture.shape), theirs, atol=1e-9, rtol=0)


def places_by_loops(pixels, *, space, steps, colour):
    """Rows of the bilateral filter, and of the CRF's appearance kernel; without colour of its smoothness kernel."""
    _, frames, rows, cols = pixels.shape
    short = min(rows, cols)
    cells = [(t, y, x) for t in range(frames) for y in range(rows) for x in range(cols)]
    found = np.empty((len(cells), len(cells)))
    for i, (t, y, x) in enumerate(cells):
        for j, (u, v, w) in enumerate(cells):
            exponent = -((y - v) ** 2 + (x - w) ** 2) / (2 * (space * short) ** 2) - (t - u) ** 2 / (2 * steps**2)
            if colour is not None:
                difference = pixels[:, t, y, x] - pixels[:, u, v, w]
                exponent -= float(difference @ difference) / (2 * colour**2)
            found[i, j] = math.exp(exponent)
    return found / found.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("chosen", "block", "kernel"),
    [
        (Bilateral(space=0.3, colour=0.2, steps=1.5), "near-alike", {"space": 0.3, "steps": 1.5, "colour": 0.2}),
        (DenseCrf(space=0.4, colour=0.1, steps=2), "appearance", {"space": 0.4, "steps": 2, "colour": 0.1}),
        (DenseCrf(near=0.2, steps=2), "smoothness", {"space": 0.2, "steps": 2, "colour": None}),
    ],
)
def test_rows_of_the_bilateral_filter_and_of_both_kernels_are_those_of_loops(chosen, block, kernel):
    pixels = clip(3, 4, 6)
    found = rows_of(vectors_of(chosen)[block](pixels))
    assert_rows(found, places_by_loops(pixels[0].double().numpy(), **kernel))


def test_small_settings_lose_no_digits():
    """Squares in the thousands cancel; a common offset of the pixels changes no row."""
    pixels = clip(1, 5, 8)
    near = rows_of(patch_vectors(pixels, patch=3, h=0.02))
    loops = nl_means_by_loops(pixels[0].double().numpy(), patch=3, h=0.02)
    assert_rows(near, loops / loops.sum(axis=1, keepdims=True))
    far = rows_of(place_vectors(pixels + 3, space=0.5, steps=1, colour=0.02))
    np.testing.assert_allclose(far, rows_of(place_vectors(pixels, space=0.5, steps=1, colour=0.02)), atol=2e-3)


@pytest.mark.parametrize("rows_cols", [(1, 1), (1, 4), (2, 3)])
def test_a_picture_smaller_than_a_patch_is_mirrored_as_often_as_it_takes(rows_cols):
    pixels = clip(1, *rows_cols)
    loops = nl_means_by_loops(pixels[0].double().numpy(), patch=7, h=0.4)
    assert_rows(rows_of(patch_vectors(pixels, patch=7, h=0.4)), loops / loops.sum(axis=1, keepdims=True))
