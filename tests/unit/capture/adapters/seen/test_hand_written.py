"""Ninety forms of attention as strangers write it: every row is the form's own, or the reason why not is true."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from foreign_attention import randomise
from hand_written import READ, REFUSED, formulas, layers, maps
from hand_written.network import CLIP, FRAMES, ROW_PRECISION, SEEN, SPEC, expected, opened, own_rows
from hand_written.parts import COLS, NOTHING_SEEN, ROWS, TOKENS, C, merge, split
from torch import nn

from nonlocal_core import CaptureError, Session
from nonlocal_core.capture import many_row_weights
from nonlocal_core.media import network_input


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
