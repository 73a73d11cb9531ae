"""The exported graphs, run by onnxruntime, against the tables that torch leaves behind on the same pixels."""

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest

from nonlocal_core.ancestors.filters import is_filter
from nonlocal_core.capture import log_normaliser
from nonlocal_core.capture.rows import many_row_weights
from nonlocal_core.media.network_input import network_pixels
from nonlocal_core.models import Lite0Network
from nonlocal_core.models.lite0_networks import INPUT
from nonlocal_core.running.prepared import prepare_model
from nonlocal_core.session import Session
from nonlocal_core.site.lite0 import blocks_graph, normaliser_graph, trunk_graph
from nonlocal_core.site.networks import page_networks
from nonlocal_core.vocabulary import SOFTMAX

TABLE_TOLERANCE = 5e-5
"""Of a table's largest value; 6e-6 was seen."""
ROW_TOLERANCE = 1e-3
"""Of a row's largest weight."""
NORMALISER_TOLERANCE = 1e-4
ON_TRUNK = [model for model in page_networks() if not is_filter(model)]
FRAMES, SIDE = 3, 96
"""Three frames of 96 x 160: no two sides of a grid agree."""


def runner(graph):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda **inputs: dict(zip(names, session.run(None, inputs), strict=True))


def opened(model):
    clip = np.random.default_rng(19).integers(0, 256, (FRAMES, 12, 20, 3), dtype=np.uint8)
    clip = clip.repeat(8, axis=1).repeat(8, axis=2)
    return Session.open(clip, model, short_side=SIDE, device="cpu")


def pixels_of(session):
    """The bytes that the network was fed, (T, h, w, 3)."""
    fed = network_pixels(session.frames, INPUT, session.view)
    bytes_fed = (fed[0] * INPUT.std[0] + INPUT.mean[0]) * 255
    return np.rint(bytes_fed).astype(np.uint8).transpose(1, 2, 3, 0)


@pytest.fixture(scope="module")
def trunk():
    network = prepare_model("lite0-gaussian", "cpu").network
    assert isinstance(network, Lite0Network)
    return runner(trunk_graph(network.trunk))


@pytest.mark.parametrize("model", ON_TRUNK)
def test_every_table_and_row_of_a_graph_is_that_of_torch(model, trunk):
    session = opened(model)
    network = prepare_model(model, "cpu").network
    assert isinstance(network, Lite0Network)
    features = [trunk(frame=frame[None]) for frame in pixels_of(session)]
    joined = {name: np.concatenate([each[name] for each in features]) for name in ("stride8", "stride16")}
    made = runner(blocks_graph(network))(**joined)
    assert {name.partition(":")[2] for name in made} == {block.name for block in session.capture.blocks}
    for block in session.capture.blocks:
        theta = made[f"theta:{block.name}"]
        phi = made.get(f"phi:{block.name}", theta)
        for ours, theirs in ((theta, block.theta), (phi, block.phi)):
            assert np.abs(ours - theirs).max() <= TABLE_TOLERANCE * np.abs(theirs).max()
        asked = np.linspace(0, len(theta) - 1, 40).astype(int)
        true, seen = (many_row_weights(each, asked) for each in (block, replace(block, theta=theta, phi=phi)))
        assert (np.abs(seen - true).max(axis=1) <= ROW_TOLERANCE * np.abs(true).max(axis=1)).all()
        if block.effect is None:
            assert f"effect:{block.name}" not in made
        else:
            np.testing.assert_allclose(made[f"effect:{block.name}"], block.effect, rtol=1e-3, atol=1e-6)


def test_the_normaliser_is_that_of_the_columns():
    session = opened("lite0-parameter-free")
    block = session.block("stride16")
    assert block.pairwise in SOFTMAX
    run = runner(normaliser_graph())
    some = slice(3, 17)
    found = run(theta=block.theta[some], phi=block.phi, scale=np.array(block.scale, np.float32))["log_normaliser"]
    np.testing.assert_allclose(found, log_normaliser(block)[some], atol=NORMALISER_TOLERANCE)
