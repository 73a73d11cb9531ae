"""What the rows of a filter make of a frame: the output of its network."""

import numpy as np
import pytest
import torch

from nonlocal_core import Session
from nonlocal_core.ancestors.filters import NlMeans
from nonlocal_core.ancestors.network import PixelNetwork, with_noise
from nonlocal_core.errors import CaptureError
from nonlocal_core.measures.filtered import filtered

RGB = np.random.default_rng(2).integers(0, 256, (3, 20, 28, 3), np.uint8)


def test_the_filtered_frame_is_the_output_of_the_network():
    session = Session.open(RGB, NlMeans(noise=0.05), short_side=20)
    clip = torch.from_numpy(RGB).permute(3, 0, 1, 2)[None].float() / 255
    noisy = with_noise(clip, 0.05)
    whole = PixelNetwork(NlMeans(noise=0.05)).affinities[0](noisy)
    for frame in range(3):
        found = filtered(session, frame=frame)
        np.testing.assert_allclose(found.after, whole[0, :, frame].permute(1, 2, 0), atol=2e-5)
        np.testing.assert_allclose(found.before, noisy[0, :, frame].permute(1, 2, 0), atol=1e-6)
        np.testing.assert_allclose(found.clean, RGB[frame] / 255, atol=1e-6)


def test_features_are_not_filtered():
    with pytest.raises(CaptureError, match="only a filter makes pixels of pixels"):
        filtered(Session.open("sample:chelsea", short_side=32), frame=0)
