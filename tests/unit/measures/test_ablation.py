"""Blocks changed for one run: switched off, or with keys cut out, against networks and matrices written out."""

import threading
from dataclasses import replace

import loop_oracle
import numpy as np
import pytest
import torch
from loud_networks import OPEN, clip, loud_session

from nonlocal_core import Session
from nonlocal_core.errors import CaptureError, ShapeError, UnknownNameError
from nonlocal_core.geometry import QueryGrid, cells_in_box
from nonlocal_core.measures import ablation
from nonlocal_core.measures.ablation import answer, changeable_blocks, class_changes, moved
from nonlocal_core.models import Lite0Network
from nonlocal_core.vocabulary import PAIRWISE

WORKING_PRECISION = 2e-5  # of a probability; worst seen 2e-6


def without(session, *names):
    """The answer of the same trunk, built without some of the blocks."""
    network = session.model.network
    blocks = [
        replace(block, module=torch.nn.Identity()) if block.name in names else block for block in network.inserted
    ]
    smaller = Lite0Network(network.trunk, stride8=blocks[0], stride16=blocks[1], block_bytes_per_pixel=20.0).eval()
    opened = Session.open(clip(), replace(session.model, network=smaller), **OPEN)
    assert opened.capture.blocks == () or names != ("stride8", "stride16")
    return answer(opened).probabilities


@pytest.fixture(scope="module")
def session():
    return loud_session()


@pytest.fixture(scope="module")
def plain(session):
    return answer(session)


def test_without_a_change_the_answer_is_the_sessions_own(session, plain):
    found = plain
    assert found.probabilities.sum() == pytest.approx(1, abs=1e-5)
    best = np.argsort(-found.probabilities)[:5]
    assert [(found.classes[k], float(found.probabilities[k])) for k in best] == [
        (score.name, score.score) for score in session.capture.classes
    ]


@pytest.mark.parametrize("names", [("stride8",), ("stride16",), ("stride8", "stride16")])
def test_a_block_that_is_switched_off_is_as_if_it_was_not_there_bit_for_bit(session, plain, names):
    found = answer(session, switched_off=names)
    assert moved(plain, found) > 0.01
    np.testing.assert_array_equal(found.probabilities, without(session, *names))


POOLED = {"subsample": (1, 2, 2)}


@pytest.mark.parametrize(
    ("pairwise", "settings"),
    [(pairwise, POOLED) for pairwise in PAIRWISE]
    + [
        (pairwise, settings)
        for pairwise in ("embedded_gaussian", "dot_product")
        for settings in (POOLED | {"scope": "space"}, {"scope": "time"}, POOLED | {"temporal_groups": 3})
    ],
)
def test_cut_keys_leave_the_rest_to_share_the_row(pairwise, settings):
    if pairwise == "gaussian":
        settings = settings | {"scale": "inner"}  # products of raw features would leave one key in each row
    session = loud_session(pairwise, **settings)
    keys = session.block("stride8").key_grid
    cut = cells_in_box(keys, (0.2, 0.1, 0.7, 0.8), (0, 2))
    if settings.get("scope") == "space":
        cut |= cells_in_box(keys, (0.0, 0.0, 1.0, 1.0), (2, 3))  # nothing is left to the queries of the last frame
    assert 0 < cut.sum() < keys.size
    found = answer(session, cut_keys={"stride8": cut})
    np.testing.assert_allclose(found.probabilities, expected_without_keys(session, cut), rtol=0, atol=WORKING_PRECISION)
    best = session.capture.classes[0]
    assert abs(found.probabilities[found.classes.index(best.name)] - best.score) > 1e-3


def expected_without_keys(session, cut):
    """The network written out, with the first block's rows from loops over positions, cut and shared anew."""
    network, block = session.model.network, session.model.network.stride8
    pixels = torch.from_numpy(ablation.network_pixels(session.frames, network.input_spec, session.view))
    with torch.inference_mode():
        fine = network.trunk.to_stride8(pixels[0].transpose(0, 1)).transpose(0, 1)[None]
        pieces = block.embed(fine)
        rows = cut_rows(block, pieces, cut)
        y = torch.from_numpy(rows @ pieces.g[0].double().numpy())[None]
        z = fine.double() + block.double().project(y).mT.reshape(fine.shape)
        block.float()
        coarse = network.trunk.to_stride16(z.float()[0].transpose(0, 1)).transpose(0, 1)[None]
        logits = network.trunk.to_logits(network.stride16(coarse)[0].transpose(0, 1))
        return logits.softmax(dim=-1).mean(dim=0).numpy()


def cut_rows(block, pieces, cut):
    layout = {
        "query_thw": pieces.query_thw,
        "kernel": block.subsample or (1, 1, 1),
        "scope": block.scope,
        "groups": block.temporal_groups,
    }
    theta, phi = (table[0].double().numpy() for table in (pieces.theta, pieces.phi))
    # Equal scores everywhere leave 1 / Nk on the allowed keys.
    allowed = loop_oracle.affinity(0 * theta, 0 * phi, pairwise="gaussian", scale=1.0, **layout) > 0
    rows = np.zeros(allowed.shape)
    for i, left in enumerate(allowed & ~cut):
        if not left.any():
            continue
        if block.pairwise == "concatenation":
            rows[i, left] = np.maximum(theta[i, 0] + phi[left, 0], 0) / left.sum()
        elif block.pairwise == "dot_product":
            rows[i, left] = phi[left] @ theta[i] / left.sum()
        else:
            scores = phi[left] @ theta[i] * block.scale_value
            rows[i, left] = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
    return rows


def test_cutting_nothing_changes_nothing_but_rounding(session, plain):
    nothing = np.zeros(session.block("stride16").key_grid.size, bool)
    found = answer(session, cut_keys={"stride16": nothing})
    np.testing.assert_allclose(found.probabilities, plain.probabilities, rtol=0, atol=WORKING_PRECISION)


def test_cutting_every_key_leaves_only_what_does_not_depend_on_them(session):
    block = session.model.network.stride16
    everything = np.ones(session.block("stride16").key_grid.size, bool)
    found = answer(session, cut_keys={"stride16": everything})
    constant = block.project(torch.zeros(1, 1, block.g.out_features))[0, 0][:, None, None, None]
    handle = block.register_forward_hook(lambda _module, inputs, _output: inputs[0] + constant)
    expected = answer(session).probabilities
    handle.remove()
    np.testing.assert_allclose(found.probabilities, expected, rtol=0, atol=WORKING_PRECISION)


def test_two_threads_never_mix(session, plain):
    silenced = answer(session, switched_off=["stride8"])
    assert moved(plain, silenced) > 0.01
    found = {"plain": [], "silenced": []}

    def ask(name, switched_off):
        for _ in range(3):
            found[name].append(answer(session, switched_off=switched_off).probabilities)

    threads = [threading.Thread(target=ask, args=job) for job in (("plain", []), ("silenced", ["stride8"]))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(answers) for answers in found.values()] == [3, 3]
    for name, expected in (("plain", plain), ("silenced", silenced)):
        for probabilities in found[name]:
            np.testing.assert_array_equal(probabilities, expected.probabilities)


def test_an_error_in_the_middle_leaves_nothing_behind(session, plain):
    def give_up(done, _total):
        if done == 2:
            raise RuntimeError("cancelled")

    with pytest.raises(RuntimeError, match="cancelled"):
        answer(session, switched_off=["stride8", "stride16"], progress=give_up)
    with pytest.raises(ShapeError, match="a mask of its"):
        answer(session, switched_off=["stride8"], cut_keys={"stride16": np.zeros(7, bool)})
    np.testing.assert_array_equal(answer(session).probabilities, plain.probabilities)
    again = Session.open(clip(), session.model, **OPEN)
    assert [block.name for block in again.capture.blocks] == ["stride8", "stride16"]


def test_blocks_that_add_nothing_cannot_be_changed():
    probes = Session.open(clip(), "lite0-parameter-free", **OPEN)
    assert changeable_blocks(probes) == {}
    with pytest.raises(UnknownNameError, match="no block that can be changed called 'stride16'"):
        answer(probes, switched_off=["stride16"])


def test_a_network_without_a_classifier_is_refused(session):
    class Silent(Lite0Network):
        def forward(self, clip):
            super().forward(clip)
            return torch.zeros(1, 1, 0)

    network = session.model.network
    stride8, stride16 = network.inserted
    silent = Silent(network.trunk, stride8=stride8, stride16=stride16, block_bytes_per_pixel=20.0)
    with pytest.raises(CaptureError, match="classifies nothing"):
        answer(replace(session, model=replace(session.model, network=silent.eval())))


def test_the_best_classes_of_both_answers_are_compared():
    before = ablation.Answer(classes=tuple("abcd"), probabilities=np.array([0.1, 0.6, 0.25, 0.05], np.float32))
    after = ablation.Answer(classes=tuple("abcd"), probabilities=np.array([0.1, 0.2, 0.3, 0.4], np.float32))
    found = class_changes(before, after, count=1)
    assert [change.name for change in found] == ["b", "d"]
    assert (found[1].before, found[1].after) == pytest.approx((0.05, 0.4))
    assert moved(before, after) == pytest.approx(0.4)
    assert moved(before, before) == 0


def test_a_box_holds_the_cells_whose_centres_lie_in_it():
    grid = QueryGrid.over_clip(clip_frames=6, steps=3, rows=4, cols=5, box=(0.0, 0.0, 1.0, 0.8))
    found = cells_in_box(grid, (0.25, 0.3, 0.75, 0.8), (1, 3)).reshape(grid.shape)
    expected = np.zeros((3, 4, 5), bool)
    expected[:2, 2:, 1:4] = True  # rows have their centres at 0.1, 0.3, 0.5, 0.7: the box starts just on the second
    expected[:2, 1, 1:4] = grid.center(grid.cell(5))[1] >= 0.3
    np.testing.assert_array_equal(found, expected)
    assert cells_in_box(grid, (0.0, 0.0, 1.0, 1.0)).all()
    assert not cells_in_box(grid, (0.41, 0.41, 0.42, 0.42)).any()
