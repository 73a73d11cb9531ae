"""Receptive fields against impulses: which pixels move a position, one by one; and ways against counted cells."""

import numpy as np
import pytest
import torch
from affinity_oracle import capture
from torch.nn.functional import relu6

from nonlocal_core import Session
from nonlocal_core.errors import CaptureError, OutsideGridError
from nonlocal_core.geometry import Cell
from nonlocal_core.measures.receptive_field import LAYERS, Journey, ReceptiveField, journey, receptive_fields
from nonlocal_core.media import network_pixels
from nonlocal_core.query import row

POINT = {"frame": 0, "x": 0.62, "y": 0.45}


@pytest.fixture(scope="module")
def session():
    return Session.open("sample:chelsea", "lite0-parameter-free", short_side=32)


@torch.no_grad()
def moved_by_impulses(session, layer):
    """For each pixel whether a change of its three colours changes the asked position of a layer."""
    trunk = session.model.network.trunk
    image = torch.from_numpy(network_pixels(session.frames, session.model.network.input_spec, session.view))[:, :, 0]
    height, width = image.shape[2:]
    images = image.repeat(1 + height * width, 1, 1, 1)
    for index in range(height * width):
        images[1 + index, :, index // width, index % width] += 3.0
    features = trunk.blocks[: layer + 1](relu6(trunk.stem(images)))
    rows, cols = features.shape[2:]
    cell = features[:, :, int(POINT["y"] * rows), int(POINT["x"] * cols)]
    return ((cell[1:] - cell[0]).abs().amax(dim=1) > 1e-6).reshape(height, width).numpy()


@pytest.mark.parametrize("layer", [0, 2, 4])
def test_a_field_lies_where_impulses_reach_the_position(session, layer):
    fields = dict(zip(LAYERS, receptive_fields(session, **POINT), strict=True))
    field, reached = fields[layer], moved_by_impulses(session, layer)
    assert field.title == LAYERS[layer]
    assert field.share.sum() == pytest.approx(1)
    assert not (field.share > 0)[~reached].any(), "no pixel counts whose change changes nothing"
    # A channel that is cut off by a ReLU here has no gradient, though a large change reaches it.
    assert (field.share > 0).sum() > 0.8 * reached.sum()
    ys, xs = np.flatnonzero(reached.any(axis=1)), np.flatnonzero(reached.any(axis=0))
    height, width = reached.shape
    assert field.box == (xs[0] / width, ys[0] / height, (xs[-1] + 1) / width, (ys[-1] + 1) / height)


def test_fields_grow_with_depth_and_half_of_one_is_its_strongest_pixels(session):
    fields = receptive_fields(session, **POINT)
    sizes = [(field.share > 0).sum() for field in fields]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]
    share = np.zeros((2, 5))
    share[0, 1:4] = (0.3, 0.25, 0.45)
    assert ReceptiveField(title="", share=share).half == 0.2


def test_what_has_no_such_trunk_or_was_not_seen_is_refused(session):
    with pytest.raises(CaptureError, match=r"EfficientNet-Lite0; .* has another trunk"):
        receptive_fields(Session.open("sample:chelsea", "pixels-nl-means", short_side=16), **POINT)
    with pytest.raises(OutsideGridError):
        receptive_fields(session, frame=3, x=0.5, y=0.5)


def test_a_way_counts_frames_and_cells_to_the_strongest_place_elsewhere():
    block = capture("embedded_gaussian", grid=(4, 7, 9), subsample=(1, 1, 1), seed=3)
    asked = Cell(2, 3, 4)
    answer = row(block, asked)
    ranked = [each.cell for each in answer.top(answer.values.size) if not answer.own_place[each.cell]]
    way = journey(answer)
    assert way == Journey(frames=2 - ranked[0].t, cells=max(abs(3 - ranked[0].y), abs(4 - ranked[0].x)))
    assert Journey(frames=-3, cells=2).convolutions == 3
    assert Journey(frames=1, cells=5).convolutions == 5
