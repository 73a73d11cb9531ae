"""Keys that are no positions, as the words of a text: which positions look at one of them, as the layer weighs it."""

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

from nonlocal_core import InputSpec, ModelSpec, Pin, SelectionError, Session, UnknownNameError
from nonlocal_core.bundle import decode_bundle
from nonlocal_core.capture import asked_by
from nonlocal_core.capture.rows import row_weights
from nonlocal_core.look import answer_words, question_words

CLIP = np.random.default_rng(0).integers(0, 256, (3, 64, 96, 3), np.uint8)
SEEN = InputSpec(short_side=64, multiple_of=16, mean=(0.5,) * 3, std=(0.25,) * 3)
WORDS = ("a", "dog", "and", "a", "cat")
SPEC = ModelSpec(status="untrained", input_spec=SEEN, token_names=WORDS)
C, TEXT, HEADS, T, H, W = 24, 14, 3, 3, 4, 6
CLOSE = 5e-5  # of weights up to 1, with scores up to 60 in float32; measured 1.1e-5
STORED = 5e-3  # of the same from tables in float16
SAW = []  # weights (B, heads, positions, words) of each run
ANSWERS, NODE = Path(__file__).parents[1] / "viewer" / "answers.mjs", shutil.which("node")


class Attention(nn.Module):
    """Attention on the tokens themselves or on others, laid out as in diffusers."""

    def __init__(self, context=C):
        super().__init__()
        self.to_q, self.to_k, self.to_v = (nn.Linear(size, C, bias=False) for size in (C, context, context))
        self.to_out, self.heads = nn.ModuleList([nn.Linear(C, C), nn.Dropout(0.1)]), HEADS

    def forward(self, hidden_states, encoder_hidden_states=None):
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        q, k, v = (
            layer(each).unflatten(-1, (HEADS, -1)).transpose(1, 2)
            for layer, each in ((self.to_q, hidden_states), (self.to_k, context), (self.to_v, context))
        )
        if encoder_hidden_states is not None:
            SAW.append((q.double() @ k.double().mT * (C // HEADS) ** -0.5).softmax(-1).detach().numpy())
        y = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        return self.to_out[1](self.to_out[0](y))


class Block(nn.Module):
    """A transformer block as in a diffusion model: positions look at each other, then at the words."""

    def __init__(self, context=TEXT):
        super().__init__()
        self.patches, self.attn1, self.attn2 = nn.Conv2d(3, C, 16, 16), Attention(), Attention(context)
        self.words = nn.Parameter(torch.zeros(1, len(WORDS), context))

    def text(self, x, tokens):
        return self.words.expand(len(x), -1, -1)

    def forward(self, x):
        tokens = self.patches(x).flatten(2).mT
        tokens = tokens + self.attn1(tokens)
        return tokens + self.attn2(tokens, encoder_hidden_states=self.text(x, tokens))


def opened(network, spec=SPEC, clip=CLIP):
    SAW.clear()
    torch.manual_seed(6)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=parameter[0].numel() ** -0.5 if parameter.ndim == 2 else 0.7)
    return Session.from_model(network.eval(), clip, spec=spec)


def words_of(session, layer="attn2"):
    return [block for block in session.capture.blocks if block.layer == layer]


@pytest.mark.parametrize("context", [TEXT, C], ids=["narrower", "as wide"])
def test_who_looks_at_a_word_is_the_column_of_the_layer(context):
    network = Block(context)
    session = opened(network)
    assert session.unreadable == ()
    own = SAW[0]
    for head, block in enumerate(words_of(session)):
        assert block.askers == ("a (token 1)", "dog", "and", "a (token 4)", "cat")
        assert block.rebuild_error < 1e-5
        assert block.rebuilt_queries == T * H * W
        for number, name in enumerate(block.askers):
            for frame in range(T):
                column = session.looking_at(name, frame=frame, block=block.name)
                np.testing.assert_allclose(column.heat[frame].reshape(-1), own[frame, head, :, number], atol=CLOSE)
                assert np.delete(column.heat, frame, axis=0).max() == 0
                assert column.times_uniform_per_unit == pytest.approx(H * W / column.values.sum())


@pytest.mark.parametrize("padding", [None, torch.tensor([[False, False, False, False, True]])])
def test_torch_s_own_layer_looks_at_words(padding):
    class Torch(Block):
        def __init__(self):
            super().__init__()
            self.attn2 = nn.MultiheadAttention(C, HEADS, batch_first=True, kdim=TEXT, vdim=TEXT)

        def forward(self, x):
            tokens, words = self.patches(x).flatten(2).mT, self.text(x, None)
            masks = None if padding is None else padding.expand(len(x), -1)
            y, weights = self.attn2(tokens, words, words, key_padding_mask=masks, average_attn_weights=False)
            SAW.append(weights.detach().numpy())
            return y

    session = opened(Torch())
    assert session.unreadable == ()
    for head, block in enumerate(words_of(session)):
        for number, name in enumerate(block.askers):
            column = session.looking_at(name, frame=2, block=block.name)
            np.testing.assert_allclose(column.heat[2].reshape(-1), SAW[0][2, head, :, number], atol=CLOSE)
    assert (column.values.max() == 0) == (padding is not None)


def test_a_word_of_a_whole_clip_is_looked_at_from_all_frames():
    class Clip(Block):
        def __init__(self):
            super().__init__()
            self.patches = nn.Conv3d(3, C, (1, 16, 16), (1, 16, 16))

    network = Clip()
    session = opened(network, replace(SPEC, token_grid=(T, H, W)))
    column = session.looking_at("dog", block="attn2.head1")
    np.testing.assert_allclose(column.values, SAW[0][0, 1, :, 1], atol=CLOSE)
    assert (column.direction, column.asker_words) == ("column", '"dog"')


def test_words_name_what_is_shown():
    session = opened(Block())
    assert session.block().name == "attn1.head2"  # asked by positions
    column = session.looking_at("dog", frame=1)
    assert column.block == "attn2.head2"
    assert question_words(column, frames=T, seconds=0.0) == 'Who looks at "dog" of frame 2'
    assert "comes from row" in answer_words(column)
    assert '"dog" is one of 5 keys that are not positions' in column.note
    assert 'Who looks at "dog" of frame 2' in column._repr_svg_()
    assert "keys a list of 5" in repr(session.block("attn2.head2"))
    with pytest.raises(SelectionError, match=r"looking_at\('a \(token 1\)', block='attn2.head0'\)"):
        session.query(frame=0, x=0.5, y=0.5, block="attn2.head0")
    with pytest.raises(SelectionError, match="no place in the picture is looked at"):
        session.column(frame=0, x=0.5, y=0.5, block="attn2.head0")
    with pytest.raises(SelectionError, match="A temperature changes what each position spends"):
        session.answer(Pin(frame=0, x=0.5, y=0.5, asker="dog", block="attn2.head0", temperature=2.0))
    with pytest.raises(UnknownNameError, match="cat"):
        session.looking_at("mouse")


def test_words_without_names_are_numbered():
    block = words_of(opened(Block(), replace(SPEC, token_names=("too", "few"))))[0]
    assert block.askers == tuple(f"token {number}" for number in range(1, 6))


def test_as_many_words_as_cells_are_words_where_they_have_names():
    network = Block()
    network.words = nn.Parameter(torch.zeros(1, H * W, TEXT))
    names = tuple(f"word{letter}" for letter in "abcdefghijklmnopqrstuvwx")
    session = opened(network, replace(SPEC, token_names=names))
    assert words_of(session)[0].askers == names
    assert session.unreadable == ()


def test_keys_that_change_with_the_clip_are_no_list():
    class Pooled(Block):
        def __init__(self):
            super().__init__(C)

        def text(self, x, tokens):
            return tokens[:, [0, 7, 9, 15, 23]]

    session = opened(Pooled())
    assert session.unreadable == (
        ("attn2", "has keys that change with the clip, but are no grid of it: they may be cells in an unknown order"),
    )


class Gated(Attention):
    def forward(self, hidden_states, encoder_hidden_states=None):
        return super().forward(hidden_states, encoder_hidden_states) * (1 + hidden_states)


@pytest.mark.parametrize("kind", [Attention, Gated])
def test_words_that_are_a_grid_behind_another_token_are_words(kind):
    network = Block()
    network.attn2, network.words = kind(TEXT), nn.Parameter(torch.zeros(1, 1 + 2 * 3, TEXT))
    session = opened(network, replace(SPEC, token_names=()))
    assert session.unreadable == ()
    assert words_of(session)[0].askers == tuple(f"token {number + 1}" for number in range(7))


def test_a_layer_with_a_gate_behind_is_read_by_its_products():
    network = Block()
    network.attn2 = Gated(TEXT)
    session = opened(network)
    assert session.unreadable == ()
    for head, block in enumerate(words_of(session)):
        assert block.rebuild_error < CLOSE
        column = session.looking_at("dog", frame=2, block=block.name)
        np.testing.assert_allclose(column.heat[2].reshape(-1), SAW[0][2, head, :, 1], atol=CLOSE)


def test_bundle_and_files_carry_the_word(tmp_path):
    session = opened(Block())
    pin = {"frame": 1, "x": 0.5, "y": 0.5, "asker": "dog", "block": "attn2.head1"}
    bundled = decode_bundle(session.bundle(Pin(**pin))).blocks[4]
    assert bundled.capture.askers_are_keys
    for word in bundled.capture.askers:  # the error that the file states holds for every one of them
        kept, true = (asked_by(each, word) for each in (bundled.capture, session.block("attn2.head1")))
        kept, true = (row_weights(each, each.query_grid.cell(0)) for each in (kept, true))
        assert np.abs(kept - true).max() <= bundled.row_error * true.max() * (1 + CLOSE)
    exact = session.looking_at("dog", frame=1, block="attn2.head1")
    told = json.loads(session.save(tmp_path / "asked.json", **pin).read_text())
    assert (told["asker"], told["direction"]) == ("dog", "column")
    kept = np.load(session.save(tmp_path / "asked.npz", **pin))["heat"]
    np.testing.assert_allclose(kept.reshape(-1), exact.values, atol=STORED)
    assert session.save(tmp_path / "asked.png", **pin).stat().st_size


@pytest.mark.skipif(NODE is None, reason="node is not installed; it runs the viewer's modules")
def test_the_viewer_answers_as_python_does(tmp_path):
    session = opened(Block())
    block = words_of(session)[1]
    (tmp_path / "bundle").write_bytes(session.bundle())
    asked = {"block": block.name, "direction": "row", "cell": {"t": 1, "y": 2, "x": 3}, "asker": "dog", "look": ""}
    (tmp_path / "questions").write_text(json.dumps([asked]))
    done = subprocess.run(
        [NODE, ANSWERS, tmp_path / "bundle", tmp_path / "questions"], capture_output=True, text=True, check=True
    )
    (drawn,) = json.loads(done.stdout)["answers"]
    column = session.shown(Pin(frame=1, x=0.55, y=0.6, asker="dog", block=block.name))
    np.testing.assert_allclose(drawn["values"], column.values, atol=CLOSE)
    assert drawn["sentence"] == answer_words(column)
