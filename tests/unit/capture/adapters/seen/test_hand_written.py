"""Sixty forms of attention as strangers write it: every row is the form's own, or the reason why not is true."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from foreign_attention import randomise
from hand_written import READ, REFUSED, formulas, kernels, layers, maps
from hand_written.parts import COLS, NOTHING_SEEN, ROWS, TOKENS, WEIGHTS, C, merge, split
from torch import nn
from torch.nn import functional
from unchecked_shapes import unchecked  # noqa: F401, a fixture

from nonlocal_core import CaptureError, InputSpec, ModelSpec, Session, Tables, UnknownNameError
from nonlocal_core.capture import many_row_weights
from nonlocal_core.capture.adapters import find_sites
from nonlocal_core.media import network_input

FRAMES = 2
CLIP = np.random.default_rng(0).integers(0, 256, (FRAMES, 8 * ROWS, 8 * COLS, 3), np.uint8)
SEEN = InputSpec(short_side=8 * ROWS, multiple_of=8, mean=(0.5,) * 3, std=(0.25,) * 3)
SPEC = ModelSpec(status="untrained", input_spec=SEEN)
ROW_PRECISION = 1e-4  # what a row may differ by from the form's own; worst seen 3e-7


class Around(nn.Module):
    """A stem that makes 4 x 6 cells of each frame, as tokens, as maps or as a clip, and forms beside each other."""

    def __init__(self, fed, *forms):
        super().__init__()
        self.fed = fed
        self.stem = nn.Conv3d(3, C, (1, 8, 8), (1, 8, 8)) if fed == "clip" else nn.Conv2d(3, C, 8, 8)
        for form in forms:
            self.add_module(form.__name__, form())

    def forward(self, x):
        made = self.stem(x)
        made = made.flatten(2).mT if self.fed == "tokens" else made
        return [part(made) for name, part in self.named_children() if name != "stem"]


def opened(fed, *forms, **more):
    model = randomise(Around(fed, *forms)).eval()
    return model, Session.from_model(model, CLIP, spec=replace(SPEC, **more))


def own_rows(model, session, name):
    """Return what a form weighs its values with on the clip of a session, (B, heads, queries, keys)."""
    clip = torch.from_numpy(network_input(session.frames, SEEN)[0])
    with torch.no_grad():
        made = model.stem(clip if model.fed == "clip" else clip[0].transpose(0, 1))
        WEIGHTS.clear()
        getattr(model, name)(made.flatten(2).mT if model.fed == "tokens" else made)
    return WEIGHTS[0].double().numpy()


def expected(block, own):
    """Return the rows (Nq, Nk) of one head over the clip, from the form's weights (B, queries, keys)."""
    if block.scope == "spacetime":
        return own[0]
    steps, each = block.query_grid.steps, block.key_grid.rows * block.key_grid.cols
    rows = np.zeros((block.query_grid.size, block.key_grid.size))
    for t in range(steps):
        for cell in range(TOKENS):
            if block.scope == "time":
                rows[t * TOKENS + cell, cell::TOKENS] = own[cell, t]
            else:
                rows[t * TOKENS + cell, t * each : (t + 1) * each] = own[t, -TOKENS + cell, -each:]
    return rows


@pytest.fixture(scope="module", params=READ)
def together(request):
    """All forms that are fed alike in one network, which is run once."""
    return opened(request.param, *READ[request.param], *REFUSED[request.param])


def test_every_row_of_a_form_is_its_own(together):
    model, session = together
    for form in READ[model.fed]:
        blocks = [block for block in session.capture.blocks if block.name.split(".")[0] == form.__name__]
        own = own_rows(model, session, form.__name__)
        assert len(blocks) == own.shape[1], form
        for head, block in enumerate(blocks):
            assert block.query_grid.shape == (FRAMES, ROWS, COLS)
            rows = many_row_weights(block, np.arange(block.query_grid.size))[:, : block.key_grid.size]
            np.testing.assert_allclose(
                rows, expected(block, own[:, head]), atol=ROW_PRECISION, err_msg=form.__name__, strict=True
            )


def test_a_form_without_such_rows_is_listed_with_the_reason(together):
    model, session = together
    listed = dict(session.unreadable)
    assert set(listed) == {form.__name__ for form in REFUSED[model.fed]}
    for form, why in REFUSED[model.fed].items():
        assert why in listed[form.__name__]


def test_torchs_flex_attention_is_named_without_a_run():
    said = dict(find_sites(nn.ModuleDict({"flex": kernels.Flex()})).unreadable)
    assert said["flex"].startswith("attends by torch's FlexAttention, which runs as one compiled piece")


class Joint(nn.Module):
    """Image and text in one sequence, each with its own projections, as in SD3 and FLUX; what is first comes first."""

    def __init__(self, is_text_first):
        super().__init__()
        self.stem, self.is_text_first = nn.Conv2d(3, C, 8, 8), is_text_first
        self.text = nn.Parameter(torch.zeros(5, C))
        self.layer = JointAttention(is_text_first)

    def forward(self, x):
        image = self.stem(x).flatten(2).mT
        return self.layer(image, self.text.expand(len(x), -1, -1))


class JointAttention(nn.Module):
    def __init__(self, is_text_first):
        super().__init__()
        self.image, self.text = nn.Linear(C, 3 * C), nn.Linear(C, 3 * C)
        self.outs, self.is_text_first = nn.ModuleList([nn.Linear(C, C), nn.Linear(C, C)]), is_text_first

    def forward(self, image, text):
        order = slice(None, None, -1 if self.is_text_first else 1)
        parts = [self.image(image), self.text(text)][order]
        q, k, v = map(split, torch.cat(parts, dim=1).chunk(3, dim=-1))
        weights = (q @ k.mT * 0.5).softmax(-1)
        at = text.shape[1] if self.is_text_first else 0
        self.own = weights[:, :, at : at + TOKENS]
        y = merge(weights @ v)
        return tuple(out(part) for out, part in zip(self.outs, [y[:, at : at + TOKENS], y], strict=True))


@pytest.mark.parametrize("is_text_first", [False, True])
def test_image_and_text_in_one_sequence_are_told_apart(is_text_first):
    model = randomise(Joint(is_text_first)).eval()
    session = Session.from_model(model, CLIP, spec=replace(SPEC, token_names=tuple("abcde")))
    with torch.no_grad():
        model(torch.from_numpy(network_input(session.frames, SEEN)[0])[0].transpose(0, 1))
    own = model.layer.own.double().numpy()
    at = 0 if is_text_first else TOKENS
    for head, block in enumerate(session.capture.blocks):
        assert block.off_grid_keys == tuple("abcde")
        rows = many_row_weights(block, np.arange(block.query_grid.size))
        for t in range(FRAMES):
            image = rows[t * TOKENS : (t + 1) * TOKENS, t * TOKENS : (t + 1) * TOKENS]
            text = rows[t * TOKENS : (t + 1) * TOKENS, FRAMES * TOKENS + 5 * t : FRAMES * TOKENS + 5 * t + 5]
            expected_text = own[t, head, :, at : at + 5]
            expected_image = np.delete(own[t, head], np.s_[at : at + 5], axis=-1)
            np.testing.assert_allclose(image, expected_image, atol=ROW_PRECISION)
            np.testing.assert_allclose(text, expected_text, atol=ROW_PRECISION)


def test_layers_that_add_their_input_themselves_let_changes_through_to_the_next():
    class Stacked(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.one, self.two = nn.Conv2d(3, C, 8, 8), layers.NormedSum(), layers.NormedSum()

        def forward(self, x):
            return self.two(self.one(self.stem(x).flatten(2).mT))

    session = Session.from_model(randomise(Stacked()).eval(), CLIP, spec=SPEC)
    assert session.unreadable == ()
    assert {block.layer for block in session.capture.blocks} == {"one", "two"}


def test_a_list_of_queries_in_a_sum_with_a_norm_is_read():
    model, session = opened("tokens", layers.OwnQueries)
    own = own_rows(model, session, "OwnQueries")
    for head, block in enumerate(session.capture.blocks):
        assert block.rebuild_error < 1e-4
        for number in range(5):
            row = session.asked_by(f"query {number + 1}", frame=1, block=block.name)
            np.testing.assert_allclose(row.heat[1].reshape(-1), own[1, head, number], atol=ROW_PRECISION)


@pytest.mark.parametrize(("fed", "form"), [("tokens", formulas.BroadcastProduct), ("maps", maps.Neighbours)])
def test_one_without_any_product_is_listed_where_nothing_else_is_found_with_what_to_pass(fed, form):
    with pytest.raises(CaptureError) as refused:
        opened(fed, form)
    assert f"{form.__name__} is a {form.__name__}, {NOTHING_SEEN}" in str(refused.value)
    assert "ModelSpec(by_hand={'its name': function})" in str(refused.value)


def softmax_by_hand(layer, x):
    q, k, v = layer.parts(x)
    return Tables(theta=q, phi=k, g=v, out=lambda y: layer.d(merge(y)), scale=0.5)


def linear(layer, x):
    """Weights of kernels are plain products, the sum below divided into the queries."""
    q, k, v = layer.parts(x)
    q, k = functional.elu(q) + 1, functional.elu(k) + 1
    q = TOKENS * q / (q * k.sum(2, keepdim=True)).sum(-1, keepdim=True)
    return Tables(theta=q, phi=k, g=v, out=lambda y: layer.d(merge(y)), pairwise="dot_product")


def divided(layer, x):
    a, b, content = (part(x).flatten(2).mT[:, None] for part in (layer.embed_a, layer.embed_b, layer.content))

    def out(y):
        return x + layer.restore(y[:, 0].mT.reshape(len(x), -1, *x.shape[2:]))

    return Tables(theta=a, phi=b, g=content, out=out, pairwise="dot_product")


BY_HAND = {
    "softmax": (formulas.SoftmaxByHand, "tokens", softmax_by_hand),
    "divided afterwards": (formulas.DividedAfterwards, "tokens", softmax_by_hand),
    "dot product": (maps.DividedNonlocal, "clip", divided),
}


@pytest.mark.parametrize("kind", BY_HAND)
def test_tables_that_are_handed_over_are_proved_and_give_the_forms_rows(kind):
    form, fed, say = BY_HAND[kind]
    model, session = opened(fed, form, by_hand={form.__name__: say})
    own = own_rows(model, session, form.__name__)
    for head, block in enumerate(session.capture.blocks):
        assert block.rebuild_error < 1e-4
        rows = many_row_weights(block, np.arange(block.query_grid.size))
        np.testing.assert_allclose(rows, expected(block, own[:, head]), atol=ROW_PRECISION)


def test_weights_of_kernels_are_handed_over_as_products():
    _, session = opened("tokens", formulas.Linear, by_hand={"Linear": linear})
    block = session.capture.blocks[0]
    rows = many_row_weights(block, np.arange(block.query_grid.size))
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=ROW_PRECISION)
    assert block.pairwise == "dot_product"
    assert block.rebuild_error < 1e-4


def test_wrong_tables_are_refused_and_right_ones_of_the_same_network_are_not():
    def turned(layer, x):
        right = softmax_by_hand(layer, x)
        return replace(right, theta=right.phi, phi=right.theta)

    model = randomise(Around("tokens", formulas.SoftmaxByHand)).eval()
    with pytest.raises(CaptureError, match=r"SoftmaxByHand cannot be proved: its output, rebuilt .* is off by"):
        Session.from_model(model, CLIP, spec=replace(SPEC, by_hand={"SoftmaxByHand": turned}))
    assert (
        Session.from_model(model, CLIP, spec=replace(SPEC, by_hand={"SoftmaxByHand": softmax_by_hand})).unreadable == ()
    )


def test_what_is_handed_over_wrongly_is_said():
    model = randomise(Around("tokens", formulas.SoftmaxByHand)).eval()
    with pytest.raises(CaptureError, match="by_hand names a layer 'blok', which Around has not"):
        Session.from_model(model, CLIP, spec=replace(SPEC, by_hand={"blok": softmax_by_hand}))
    with pytest.raises(CaptureError, match="what by_hand names for it returned a tuple, where Tables are expected"):
        Session.from_model(model, CLIP, spec=replace(SPEC, by_hand={"SoftmaxByHand": lambda layer, x: layer.parts(x)}))


@pytest.mark.usefixtures("unchecked")
def test_tables_that_do_not_belong_together_are_said():
    some = torch.rand(1, 2, 3, 4)
    with pytest.raises(CaptureError, match=r"got \(1, 2, 3, 4\), \(1, 2, 3, 4\), \(1, 2, 2, 4\)"):
        Tables(theta=some, phi=some, g=some[:, :, :2], out=torch.relu)
    with pytest.raises(CaptureError, match=r"theta \(B, heads, n, Ci\)"):
        Tables(theta=some[0], phi=some[0], g=some[0], out=torch.relu)
    with pytest.raises(UnknownNameError, match="embedded_gaussian"):
        Tables(theta=some, phi=some, g=some, out=torch.relu, pairwise="cosine")
    with pytest.raises(CaptureError, match=r"multiply theta by 0\.5"):
        Tables(theta=some, phi=some, g=some, out=torch.relu, pairwise="dot_product", scale=0.5)


def test_tables_that_hang_on_a_failure_are_refused_in_a_sentence():
    def broken(layer, x):
        raise IndexError("too far")

    model = randomise(Around("tokens", formulas.SoftmaxByHand)).eval()
    with pytest.raises(CaptureError, match="SoftmaxByHand could not be read: too far"):
        Session.from_model(model, CLIP, spec=replace(SPEC, by_hand={"SoftmaxByHand": broken}))
