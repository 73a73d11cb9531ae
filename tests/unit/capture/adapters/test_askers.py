"""Whatever asks and is no position: class token, registers, queries of a decoder. Each row is the layer's own."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from nonlocal_core import CaptureError, InputSpec, ModelSpec, Pin, SelectionError, Session, UnknownNameError
from nonlocal_core.bundle import decode_bundle
from nonlocal_core.look import Look, answer_words, arrow_cells, heat_of

CLIP = np.random.default_rng(0).integers(0, 256, (3, 64, 96, 3), np.uint8)
SEEN = InputSpec(short_side=64, multiple_of=16, mean=(0.5,) * 3, std=(0.25,) * 3)
SPEC = ModelSpec(status="untrained", input_spec=SEEN)
C, HEADS, T, H, W = 24, 3, 3, 4, 6
CLOSE = 1e-5  # of weights that sum to 1; measured 3e-7
ANSWERS, NODE = Path(__file__).parents[2] / "viewer" / "answers.mjs", shutil.which("node")
SAW = []  # queries and keys of each run
STORED = 5e-3  # of the same from tables in float16


class Registers(nn.Module):
    """A transformer of images with a class token and two registers."""

    def __init__(self):
        super().__init__()
        self.patches, self.attention = nn.Conv2d(3, C, 16, 16), nn.MultiheadAttention(C, HEADS, batch_first=True)
        self.first = nn.Parameter(torch.zeros(1, 3, C))

    def forward(self, x):
        tokens = self.patches(x).flatten(2).mT
        tokens = torch.cat([self.first.expand(len(x), -1, -1), tokens], dim=1)
        SAW.append((tokens, tokens))
        return self.attention(tokens, tokens, tokens)[0]


class Clips(nn.Module):
    """A transformer of clips with one class token for all frames."""

    def __init__(self):
        super().__init__()
        self.patches, self.attention = nn.Conv3d(3, C, (1, 16, 16), (1, 16, 16)), Attention()
        self.first = nn.Parameter(torch.zeros(1, 1, C))

    def forward(self, x):
        return self.attention(torch.cat([self.first, self.patches(x).flatten(2).mT], dim=1))


class Attention(nn.Module):
    """Attention of a token on all, or of queries on others."""

    def __init__(self):
        super().__init__()
        self.to_q, self.to_k, self.to_v, self.to_out = (nn.Linear(C, C) for _ in range(4))
        self.heads = HEADS

    def forward(self, tokens, memory=None):
        q, k, v = (
            layer(each).unflatten(-1, (HEADS, -1)).transpose(1, 2)
            for layer, each in zip(
                (self.to_q, self.to_k, self.to_v), (tokens, *[tokens if memory is None else memory] * 2), strict=True
            )
        )
        SAW.append((q, k))
        return self.to_out(functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class Decoder(nn.Module):
    """Seven object queries that look at the image, as in DETR; ``layer`` attends."""

    def __init__(self, layer, count=7):
        super().__init__()
        self.patches, self.cross, self.objects = nn.Conv2d(3, C, 16, 16), layer, nn.Parameter(torch.zeros(1, count, C))

    def forward(self, x):
        memory, asked = self.patches(x).flatten(2).mT, self.objects.expand(len(x), -1, -1)
        if isinstance(self.cross, nn.MultiheadAttention):
            SAW.append((asked, memory))
            return self.cross(query=asked, key=memory, value=memory)[0]
        return self.cross(asked, memory)


def randomised(network):
    SAW.clear()
    torch.manual_seed(6)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=parameter[0].numel() ** -0.5 if parameter.ndim == 2 else 0.7)
    return network.eval()


def weights_of(layer):
    """Return the weights (B, heads, queries, keys) that a layer had in the run that is shown, the first of them all."""
    queries, keys = SAW[0]
    if isinstance(layer, nn.MultiheadAttention):
        return layer(queries, keys, keys, average_attn_weights=False)[1].detach().numpy()
    return (queries @ keys.mT * queries.shape[-1] ** -0.5).softmax(-1).detach().numpy()


def test_class_token_and_registers_of_each_frame_ask():
    network = randomised(Registers())
    session = Session.from_model(network, CLIP, spec=SPEC)
    own = weights_of(network.attention)
    block = session.capture.blocks[1]
    assert block.askers == ("token 1", "token 2", "token 3")
    for number, name in enumerate(block.askers):
        for frame in range(T):
            row = session.asked_by(name, frame=frame, block=block.name)
            np.testing.assert_allclose(row.heat[frame].reshape(-1), own[frame, 1, number, 3:], atol=CLOSE)
            np.testing.assert_allclose([*row.off_grid.values()], own[frame, 1, number, :3], atol=CLOSE)
            assert np.delete(row.heat, frame, axis=0).max() == 0
    assert not row.own_cells.any()
    assert row.asker_words == "token 3 of frame 3"
    assert "Asked by token 3, not by a position: the answer is the same within a frame." in row.note


def test_the_class_token_of_a_clip_asks_all_frames():
    network = randomised(Clips())
    session = Session.from_model(network, CLIP, spec=replace(SPEC, token_grid=(T, H, W), class_tokens=1))
    own = weights_of(network.attention)
    for head, block in enumerate(session.capture.blocks):
        row = session.asked_by("class token", block=block.name)
        np.testing.assert_allclose(row.values, own[0, head, 0, 1:], atol=CLOSE)
    assert row.asker_words == "the class token"
    assert "Where the class token looks" in row._repr_svg_()


@pytest.mark.parametrize("layer", [Attention, lambda: nn.MultiheadAttention(C, HEADS, batch_first=True)])
def test_queries_of_a_decoder_ask_the_image(layer):
    network = randomised(Decoder(layer()))
    session = Session.from_model(network, CLIP, spec=SPEC)
    assert session.unreadable == ()
    own = weights_of(network.cross)
    for head, block in enumerate(session.capture.blocks):
        assert block.askers == tuple(f"query {number}" for number in range(1, 8))
        assert block.asker == "query 1"
        assert block.rebuild_error < 1e-4
        for number in range(7):
            row = session.asked_by(f"query {number + 1}", frame=2, block=block.name)
            np.testing.assert_allclose(row.heat[2].reshape(-1), own[2, head, number], atol=CLOSE)
    with pytest.raises(SelectionError, match=r"query 1 does\. Ask where it looks"):
        session.column(frame=0, x=0.5, y=0.5)
    with pytest.raises(UnknownNameError, match="query 7"):
        session.asked_by("class token")


class Pool(Attention):
    """Attention of one query, whose axis the output goes without."""

    def forward(self, tokens, memory=None):
        return super().forward(tokens, memory)[:, 0]


@pytest.mark.parametrize("layer", [Attention, Pool])
def test_one_query_that_gathers_the_image_is_read(layer):
    session = Session.from_model(randomised(Decoder(layer(), count=1)), CLIP, spec=SPEC)
    assert session.capture.blocks[0].askers == ("query 1",)


def test_a_layer_that_positions_ask_is_shown_before_others():
    class Both(Decoder):
        def __init__(self):
            super().__init__(Attention())
            self.own = Attention()

        def forward(self, x):
            memory = self.patches(x).flatten(2).mT
            return self.cross(self.objects.expand(len(x), -1, -1), memory + self.own(memory))

    session = Session.from_model(randomised(Both()), CLIP, spec=SPEC)
    assert {(block.layer, block.asker) for block in session.capture.blocks} == {("own", None), ("cross", "query 1")}
    assert session.capture.block().name == "own.head2"


class Latents(nn.Module):
    """A layer that asks by queries of its own, or by every fifth of its tokens."""

    def __init__(self, *, own):
        super().__init__()
        self.patches, self.attention = nn.Conv2d(3, C, 16, 16), Attention()
        self.latents = nn.Parameter(torch.zeros(1, 5, C)) if own else None
        self.attention.forward = self.ask

    def ask(self, tokens):
        asking = tokens[:, ::5] if self.latents is None else self.latents.expand(len(tokens), -1, -1)
        return Attention.forward(self.attention, asking, tokens)

    def forward(self, x):
        return self.attention(self.patches(x).flatten(2).mT)


def test_queries_that_a_layer_makes_inside_are_a_list_where_they_rest():
    assert Session.from_model(randomised(Latents(own=True)), CLIP, spec=SPEC).block().asker == "query 1"
    with pytest.raises(CaptureError, match="asked by queries that change with the clip, but are no grid of it"):
        Session.from_model(randomised(Latents(own=False)), CLIP, spec=SPEC)


def test_a_decoder_with_a_gate_behind_is_read_by_its_products():
    class Gated(Attention):
        def forward(self, tokens, memory=None):
            return super().forward(tokens, memory) * (1 + tokens)

    session = Session.from_model(randomised(Decoder(Gated())), CLIP, spec=SPEC)
    assert session.unreadable == ()
    assert all(block.rebuild_error < 1e-4 for block in session.capture.blocks if block.layer == "cross")


def test_keys_of_a_decoder_in_another_order_are_refused():
    class Reversed(Decoder):
        def forward(self, x):
            memory = self.patches(x).flatten(2).mT.flip(1)
            return self.cross(self.objects.expand(len(x), -1, -1), memory)

    with pytest.raises(CaptureError, match="cannot be placed"):
        Session.from_model(randomised(Reversed(Attention())), CLIP, spec=SPEC)


@pytest.mark.skipif(NODE is None, reason="node is not installed; it runs the viewer's modules")
@pytest.mark.parametrize(
    ("network", "spec", "asker"),
    [
        (Registers, SPEC, "token 2"),
        (Clips, replace(SPEC, token_grid=(T, H, W), class_tokens=1), "class token"),
        (lambda: Decoder(Attention()), SPEC, "query 3"),
    ],
    ids=["each frame", "whole clip", "decoder"],
)
def test_the_viewer_answers_as_python_does(network, spec, asker, tmp_path):
    session = Session.from_model(randomised(network()), CLIP, spec=spec)
    block = session.capture.blocks[2]
    (tmp_path / "bundle").write_bytes(session.bundle())
    asked = {"block": block.name, "direction": "row", "cell": {"t": 1, "y": 2, "x": 3}, "asker": asker, "look": ""}
    (tmp_path / "questions").write_text(json.dumps([asked]))
    done = subprocess.run(
        [NODE, ANSWERS, tmp_path / "bundle", tmp_path / "questions"], capture_output=True, text=True, check=True
    )
    (drawn,) = json.loads(done.stdout)["answers"]
    x, y = block.query_grid.center(block.query_grid.cell(T * H))
    row = session.shown(Pin(frame=1, x=x, y=y, asker=asker, block=block.name))
    np.testing.assert_allclose(drawn["values"], row.values, atol=CLOSE)
    exact = session.asked_by(asker, frame=1, block=block.name)
    np.testing.assert_allclose(drawn["values"], exact.values, atol=STORED)
    assert drawn["sentence"] == answer_words(row)
    assert arrow_cells(row, heat_of(row, Look()), 9) == ()


def test_bundle_and_files_carry_who_asks(tmp_path):
    session = Session.from_model(randomised(Registers()), CLIP, spec=SPEC)
    pin = Pin(frame=1, x=0.5, y=0.5, asker="token 2")
    bundle = decode_bundle(session.bundle(pin))
    assert bundle.view.asker == "token 2"
    for stored, block in zip(bundle.blocks, session.capture.blocks, strict=True):
        assert stored.capture.askers == block.askers
        np.testing.assert_allclose(stored.capture.asker_theta, block.asker_theta, rtol=1e-3, atol=1e-5)
    page = session.save(tmp_path / "asked.json", frame=1, x=0.5, y=0.5, asker="token 2").read_text()
    assert '"asker": "token 2"' in page
    table = session.save(tmp_path / "asked.npz", frame=1, x=0.5, y=0.5, asker="token 2")
    exact = session.asked_by("token 2", frame=1).values
    np.testing.assert_allclose(np.load(table)["heat"].reshape(-1), exact, atol=STORED)
    assert session.save(tmp_path / "asked.png", frame=1, x=0.5, y=0.5, asker="token 2").stat().st_size
    with pytest.raises(SelectionError, match="Only where 'token 2' looks can be asked"):
        Pin(frame=1, x=0.5, y=0.5, asker="token 2", direction="column")
