"""Masks as channels: the product of the two tables is the mask, and what cannot be one is refused."""

import pytest
import torch

from nonlocal_core.capture.adapters.calls import LayerCall
from nonlocal_core.capture.adapters.tokens.masks import BLOCKED, MAX_MASK_KINDS, folded, given_bias, walled
from nonlocal_core.capture.reading import NotReadable

BATCH, HEADS, QUERIES, KEYS, D = 2, 3, 5, 7, 4
SCALE = 0.37
EXACT = 1e-5  # of the largest addition that forbids nothing; worst seen 6e-7
RNG = torch.Generator().manual_seed(0)


def bias_of(mask, *, name="attn_mask", batch=BATCH, causal=False, true_blocks=False, keys=KEYS, **more):
    call = LayerCall(None, None, None, {name: mask} | more if mask is not None else more)
    q = torch.zeros(batch, HEADS, QUERIES, D)
    return given_bias(call, q, keys, causal=causal, true_blocks=true_blocks)


def full(bias, batch=BATCH, keys=KEYS):
    return bias.expand(batch, HEADS, QUERIES, keys)


def test_a_mask_lies_where_its_shape_says():
    plain = torch.randn(BATCH, HEADS, QUERIES, KEYS, generator=RNG)
    assert (bias_of(plain) == plain).all()
    assert (full(bias_of(plain[0, 0])) == plain[0, 0]).all(), "queries and keys"
    assert (full(bias_of(plain[:, 0, 0])) == plain[:, :1, :1]).all(), "one for each sequence"
    assert (full(bias_of(plain.flatten(0, 1))) == plain).all(), "sequences and heads in one axis"
    assert (full(bias_of(plain[:, 0])) == plain[:, :1]).all(), "one for all heads"
    assert (full(bias_of(plain[0])) == plain[:1]).all(), "one for all sequences"
    assert (full(bias_of(plain[:, 0, 0], name="key_padding_mask")) == plain[:, :1, :1]).all()
    assert (full(bias_of(plain[0, 0, 0], name="key_padding_mask")) == plain[:1, :1, :1]).all()


@pytest.mark.parametrize(
    ("mask", "more"),
    [
        (torch.zeros(KEYS), {}),
        (torch.zeros(QUERIES, KEYS - 1), {}),
        (torch.zeros(4, QUERIES, KEYS), {}),
        (torch.zeros(HEADS, QUERIES, KEYS), {"batch": HEADS}),  # heads or sequences, nobody knows
        (torch.zeros(BATCH, 2, QUERIES, KEYS), {}),
        (torch.zeros(QUERIES, KEYS), {"name": "key_padding_mask"}),
    ],
)
def test_a_mask_of_several_meanings_or_none_is_refused_with_its_shape(mask, more):
    said = bias_of(mask, **more)
    assert isinstance(said, NotReadable)
    assert f"of shape {tuple(mask.shape)}, which does not say on which of" in said.reason
    assert f"{HEADS} heads, {QUERIES} queries and {KEYS} keys" in said.reason


def test_true_forbids_or_admits_as_the_layer_has_it():
    mask = torch.rand(QUERIES, KEYS, generator=RNG) > 0.4
    for true_blocks in (True, False):
        bias = bias_of(mask, true_blocks=true_blocks)[0, 0]
        assert ((bias == BLOCKED) == (mask == true_blocks)).all()
        assert set(bias.unique().tolist()) == {BLOCKED, 0.0}


def test_causal_forbids_later_keys_and_padding_adds_to_it():
    bias = bias_of(torch.ones(QUERIES, KEYS), causal=True)[0, 0]
    assert [[bool(value) for value in row] for row in bias] == [
        [key > query for key in range(KEYS)] for query in range(QUERIES)
    ], "and no other mask is looked at"
    padding = torch.zeros(BATCH, KEYS)
    padding[1, 2] = -torch.inf
    both = full(bias_of(torch.full((QUERIES, KEYS), 0.5), key_padding_mask=padding))
    assert (both[0] == 0.5).all()
    assert (both[1, :, :, 2] < 0.99 * BLOCKED).all()
    assert (both[1, :, :, 3] == 0.5).all()


def test_masks_of_nothing_are_none_and_broken_ones_are_refused():
    assert bias_of(None) is None
    assert bias_of(torch.zeros(QUERIES, KEYS)) is None
    assert "holds NaN or infinity" in bias_of(torch.full((QUERIES, KEYS), torch.nan)).reason
    for mask in (torch.zeros(QUERIES, KEYS, dtype=torch.long), "causal"):
        assert "attn_mask, which is neither boolean nor of floating-point numbers" in bias_of(mask).reason


def added(mask):
    """What the channels add to scores, over those that scale times them gives."""
    return SCALE * mask.theta.double() @ mask.phi.double().mT


@pytest.mark.parametrize("shape", [(1, 1), (BATCH, 1), (1, HEADS), (BATCH, HEADS)])
def test_the_product_of_the_channels_is_the_mask(shape):
    rows = torch.randn(*shape, 3, KEYS, generator=RNG)
    bias = rows[:, :, torch.tensor([0, 1, 0, 2, 1])]  # five queries of three kinds
    made = folded(bias, scale=SCALE)
    assert made.theta.shape[-1] == 3
    torch.testing.assert_close(added(made), bias.double(), atol=EXACT, rtol=0)


def test_heads_may_have_other_numbers_of_kinds():
    bias = torch.randn(1, 2, QUERIES, KEYS, generator=RNG)
    bias[0, 1] = bias[0, 1, 0]
    made = folded(bias, scale=SCALE)
    assert made.theta.shape == (1, 2, QUERIES, QUERIES)
    torch.testing.assert_close(added(made), bias.double(), atol=EXACT, rtol=0)


def test_a_large_bias_that_factors_takes_as_many_channels_as_its_rank():
    rows, columns = torch.randn(30, 2, generator=RNG), torch.randn(40, 2, generator=RNG)
    bias = (rows @ columns.mT)[None, None]
    made = folded(bias, scale=SCALE)
    assert made.theta.shape == (1, 1, 30, 2)
    torch.testing.assert_close(added(made), bias.double(), atol=EXACT, rtol=0)
    full_rank = torch.randn(1, 1, 30, 40, generator=RNG)
    assert folded(full_rank, scale=SCALE).theta.shape[-1] == 30


@pytest.mark.parametrize(("queries", "rows", "cols"), [(48, 6, 8), (30, 5, 9), (40, 9, 5)])
def test_a_bias_by_rows_and_by_columns_of_a_map_takes_a_channel_for_each(queries, rows, cols):
    """SAM and ViTDet add q . r_h and q . r_w, a number of the query's own for every row and every column."""
    down = torch.randn(2, HEADS, queries, rows, 1, generator=RNG)
    across = torch.randn(2, HEADS, queries, 1, cols, generator=RNG)
    down[0, 0], across[0, 0] = 0, 0  # a head without a bias fits a map of any sizes
    bias = (down + across).flatten(-2)
    made = folded(bias, scale=SCALE)
    assert made.theta.shape == (2, HEADS, queries, rows + cols)
    torch.testing.assert_close(added(made), bias.double(), atol=EXACT, rtol=0)
    bias[1, 1, 7, 11] += 1e-3
    torch.testing.assert_close(added(folded(bias, scale=SCALE)), bias.double(), atol=EXACT, rtol=0)


def test_many_tables_are_taken_row_by_row():
    bias = torch.randn(13, 5, QUERIES, KEYS, generator=RNG)
    made = folded(bias, scale=SCALE)
    assert made.theta.shape == (13, 5, QUERIES, QUERIES)
    torch.testing.assert_close(added(made), bias.double(), atol=EXACT, rtol=0)


def test_rows_that_differ_by_rounding_are_of_one_kind():
    bias = torch.randn(1, 1, 1, KEYS, generator=RNG).repeat(2, 1, QUERIES, 1)
    bias += 1e-6 * torch.rand(bias.shape, generator=RNG)
    assert folded(bias, scale=SCALE, noise=2e-6).theta.shape == (1, 1, QUERIES, 1)
    assert folded(bias, scale=SCALE).theta.shape == (2, 1, QUERIES, QUERIES)


def test_a_forbidden_key_fits_into_half_precision_and_has_no_weight():
    bias = torch.zeros(1, 1, QUERIES, KEYS)
    bias[0, 0, 2, 3] = BLOCKED
    made = folded(bias, scale=SCALE)
    halves = SCALE * made.theta.half().double() @ made.phi.half().double().mT
    assert torch.isfinite(halves).all()
    assert halves[0, 0].softmax(-1)[2, 3] == 0
    assert halves[0, 0].softmax(-1)[1, 3] == pytest.approx(1 / KEYS)


def test_a_query_without_keys_and_too_many_kinds_are_refused():
    bias = torch.zeros(1, 1, QUERIES, KEYS)
    bias[0, 0, 1] = BLOCKED
    assert "leaves some queries no key at all" in folded(bias, scale=SCALE).reason
    many = torch.randn(1, 1, MAX_MASK_KINDS + 1, MAX_MASK_KINDS + 3, generator=RNG)
    assert f"more than {MAX_MASK_KINDS} different rows" in folded(many, scale=SCALE).reason
    assert folded(many[:, :, 1:], scale=SCALE).theta.shape[-1] == MAX_MASK_KINDS


def test_walls_forbid_keys_that_are_in_another_window_along_any_axis():
    rows, columns = torch.tensor([0, 0, 1, 1, 1]), torch.tensor([0, 1, 0, 1, 1])
    made = walled((rows, columns), scale=SCALE)
    walls = SCALE * made.theta.double() @ made.phi.double().mT
    for query in range(5):
        for key in range(5):
            apart = int(rows[query] != rows[key]) + int(columns[query] != columns[key])
            assert float(walls[query, key]) == pytest.approx(apart * BLOCKED, rel=1e-5, abs=1e-3)


@pytest.mark.parametrize(("tokens", "keys", "channels"), [(24, 25, 1), (23, 25, 23), (25, 23, 25)])
def test_a_bias_is_large_from_24_queries_and_keys_on(tokens, keys, channels):
    bias = torch.randn(1, 1, tokens, 1, generator=RNG) * torch.randn(keys, generator=RNG)
    assert folded(bias, scale=SCALE).theta.shape == (1, 1, tokens, channels)


@pytest.mark.parametrize(("batch", "channels"), [(64, 2), (65, QUERIES)])
def test_up_to_64_tables_are_searched_for_rows_of_one_kind(batch, channels):
    bias = torch.randn(batch, 1, 2, KEYS, generator=RNG)[:, :, torch.tensor([0, 1, 0, 1, 1])[:QUERIES]]
    assert folded(bias, scale=SCALE).theta.shape == (batch, 1, QUERIES, channels)


@pytest.mark.parametrize(("batch", "channels"), [(64, 1), (65, 30)])
def test_up_to_64_large_tables_are_searched_for_factors(batch, channels):
    bias = torch.randn(batch, 1, 30, 1, generator=RNG) * torch.randn(40, generator=RNG)
    assert folded(bias, scale=SCALE).theta.shape == (batch, 1, 30, channels)


@pytest.mark.parametrize(("noise", "made_for"), [(0.25, 1), (0.125, BATCH), (0.0, BATCH)])
def test_sequences_whose_masks_differ_by_rounding_alone_have_one(noise, made_for):
    bias = torch.randint(-4, 4, (1, 1, QUERIES, KEYS), generator=RNG).float().repeat(BATCH, 1, 1, 1)
    assert len(folded(bias, scale=SCALE).theta) == 1
    bias[1, 0, 2, 3] += 0.25
    assert len(folded(bias, scale=SCALE, noise=noise).theta) == made_for
