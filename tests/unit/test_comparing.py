"""Two epochs of a network of one's own, side by side: one question, two answers, their difference, one page."""

import base64
import json
import re

import numpy as np
import pytest
import torch
from torch import nn

from nonlocal_core import BundleError, InputSpec, ModelSpec, SelectionError, Session, UnknownNameError, compare
from nonlocal_core.bundle import decode_bundle
from nonlocal_core.vocabulary import MOST_SIDES

CLIP = np.random.default_rng(5).integers(0, 256, (3, 64, 96, 3), np.uint8)
SEEN = InputSpec(short_side=64, multiple_of=16, mean=(0.5,) * 3, std=(0.25,) * 3)
SPEC = ModelSpec(status="untrained", input_spec=SEEN)
ASKED = {"frame": 1, "x": 0.6, "y": 0.4}
CLOSE = 0.02  # of times an even share, up to 24: tables in a page are float16; measured 0.005


class Learner(nn.Module):
    def __init__(self, patch=16):
        super().__init__()
        self.patches, self.attend = nn.Conv2d(3, 24, patch, patch), nn.MultiheadAttention(24, 2, batch_first=True)

    def forward(self, x):
        tokens = self.patches(x).flatten(2).mT
        return self.attend(tokens, tokens, tokens)[0]


def epoch(seed, **facts):
    network = Learner(**facts)
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=2 * parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.1)
    return Session.from_model(network.eval(), CLIP, spec=SPEC)


def looked_at(session, block):
    """Times an even share at the asked point, from whole matrices in float64."""
    captured = session.block(block)
    theta, phi = (table.astype(np.float64) for table in (captured.theta, captured.phi))
    index = captured.query_grid.index(captured.query_grid.cell_at(**ASKED))
    t, h, w = captured.key_grid.shape
    scores = (theta[index] @ phi.T * captured.scale).reshape(t, h * w)[1]  # a frame attends to itself
    weights = np.exp(scores - scores.max())
    times = np.zeros((t, h, w))
    times[1] = (weights / weights.sum()).reshape(h, w) * h * w
    return times


def test_two_epochs_answer_one_question_and_are_subtracted(tmp_path):
    early, late = epoch(1), epoch(2)
    both = compare({"epoch 1": early, "epoch 90": late}, block="attend.head1")
    expected = looked_at(early, "attend.head1") - looked_at(late, "attend.head1")
    np.testing.assert_allclose(both.difference(**ASKED), expected, atol=1e-4)
    answers = both.answers(**ASKED)
    assert list(answers) == ["epoch 1", "epoch 90"]
    np.testing.assert_array_equal(answers["epoch 90"].heat, late.query(**ASKED, block="attend.head1").heat)
    page = early.save(tmp_path / "early.html", **ASKED)
    saved = compare({"then": page, "now": late}, block="attend.head1")
    np.testing.assert_allclose(saved.difference(**ASKED), expected, atol=CLOSE)
    assert repr(saved) == "SideBySide('then': attend.head1, 'now': attend.head1)"


@pytest.mark.parametrize(("block", "kept"), [("attend.head0", 1), ("attend.mean", 2)])
def test_the_page_holds_what_is_compared_of_a_session_and_one_clip(tmp_path, block, kept):
    both = compare({"one": epoch(1), "two": epoch(2)}, block=block)
    text = both.save(tmp_path / "both.html", **ASKED, direction="column").read_text()
    shown = json.loads(re.search(r'id="panes">(.*?)</script>', text)[1])
    assert [pane["block"] for pane in shown["panes"]] == [block] * 2
    assert shown["panes"][0]["clip"] == shown["panes"][1]["clip"]
    assert (shown["asked"]["x"], shown["asked"]["direction"]) == (ASKED["x"], "column")
    for index in range(2):
        packed = re.search(rf'id="bundle-{index}">([^<]*)<', text)[1]
        bundle = decode_bundle(base64.b64decode(packed))
        assert len(bundle.blocks) == kept
    assert 'sandbox="allow-scripts"' in both._repr_html_()


def test_what_cannot_be_compared_is_refused_with_what_can(tmp_path):
    early = epoch(1)
    with pytest.raises(SelectionError, match=f"Two to {MOST_SIDES} sides are compared; got 1"):
        compare({"alone": early})
    with pytest.raises(UnknownNameError, match=r"attend\.head0"):
        compare({"one": early, "two": early}, block="no such block")
    with pytest.raises(BundleError, match="no live page of the viewer"):
        compare({"one": early, "two": b"<html>a page of somebody's own</html>"})
    finer = compare({"one": early, "two": epoch(2, patch=8)})
    with pytest.raises(SelectionError, match=r"\(3, 4, 6\) and \(3, 8, 12\) cells"):
        finer.difference(**ASKED)
    with pytest.raises(SelectionError, match=r"saved as \.html"):
        finer.save(tmp_path / "both.png", **ASKED)
