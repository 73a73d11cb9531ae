"""Attention rollout, against products of whole matrices over all tokens in float64."""

from dataclasses import replace

import numpy as np
import pytest

from nonlocal_core.capture.record import BlockCapture
from nonlocal_core.capture.rollout import rolled_out
from nonlocal_core.errors import SelectionError
from nonlocal_core.geometry import QueryGrid

STEPS, ROWS, COLS, CHANNELS = 3, 2, 4, 5
TOKENS = ("class token", "register")
GRID = QueryGrid.over_clip(clip_frames=STEPS, steps=STEPS, rows=ROWS, cols=COLS)
CLOSE = 1e-6  # of weights that sum to 1, from float32 tables; worst seen 2e-8


def head(seed=0, *, scope="spacetime", **facts):
    rng = np.random.default_rng(seed)
    others = len(TOKENS) * (STEPS if scope == "space" else 1)
    positions, asking = (rng.standard_normal((rows, CHANNELS)).astype(np.float32) for rows in (GRID.size, others))
    known = {
        "name": f"layer{seed}",
        "title": f"Layer {seed}",
        "pairwise": "embedded_gaussian",
        "scale": 0.8,
        "theta": positions,
        "phi": rng.standard_normal((GRID.size + others, CHANNELS)).astype(np.float32),
        "query_grid": GRID,
        "key_grid": GRID.pooled((1, 1, 1)),
        "scope": scope,
        "off_grid_keys": TOKENS,
        "askers": TOKENS,
        "asker_theta": asking,
    }
    return BlockCapture(**known | facts)


def matrix(block):
    """The weights of all tokens on all tokens, the positions first: a softmax over those of the own step, or of all."""
    asking = np.concatenate([block.theta, block.asker_theta]).astype(np.float64)
    step = np.zeros(len(asking), int)
    if block.scope == "space":
        step = np.append(np.repeat(range(STEPS), ROWS * COLS), np.repeat(range(STEPS), len(TOKENS)))
    made = np.exp(block.scale * asking @ block.phi.astype(np.float64).T) * (step[:, None] == step)
    return made / made.sum(axis=1, keepdims=True)


def mixed(layer, residual):
    gathered = sum(matrix(block) for block in layer) / len(layer)
    return (1 - residual) * gathered + residual * np.eye(len(gathered))


@pytest.mark.parametrize("residual", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("scope", ["spacetime", "space"])
def test_a_row_goes_back_through_the_layers_as_through_the_product_of_their_matrices(scope, residual):
    layers = [[head(1, scope=scope), head(2, scope=scope)], [head(3, scope=scope)], [head(4, scope=scope)]]
    first, second, third = (mixed(layer, residual) for layer in layers)
    product = third @ second @ first
    for token in range(len(product)):
        start = np.zeros(len(product))
        start[token] = 1
        before = start.copy()
        found = rolled_out(layers, start, residual=residual)
        np.testing.assert_allclose(found, product[token], atol=CLOSE)
        assert found.sum() == pytest.approx(1)
        np.testing.assert_array_equal(start, before)


@pytest.mark.parametrize("residual", [-0.01, 1.01, float("nan")])
def test_a_residual_part_beyond_all_or_nothing_is_refused(residual):
    start = np.eye(GRID.size + len(TOKENS))[0]
    with pytest.raises(SelectionError, match=f"from 0 to 1; got {residual}"):
        rolled_out([[head()]], start, residual=residual)


@pytest.mark.parametrize(
    "facts",
    [
        {
            "subsample": (1, 2, 2),
            "key_grid": GRID.pooled((1, 2, 2)),
            "phi": np.zeros((STEPS * 2 + len(TOKENS), CHANNELS), np.float32),
        },
        {"askers": TOKENS[::-1]},
        {"pairwise": "dot_product"},
    ],
    ids=["pooled keys", "others ask", "no softmax"],
)
def test_a_layer_whose_tokens_do_not_attend_to_each_other_is_refused(facts):
    start = np.eye(GRID.size + len(TOKENS))[0]
    for layers in ([[head(1, **facts)]], [[head(2), head(1, **facts)]], [[head(2)], [head(1, **facts)]]):
        with pytest.raises(SelectionError, match="attend to each other; 'Layer 1' has other queries than keys"):
            rolled_out(layers, start, residual=0.5)


def test_layers_of_different_tokens_are_refused():
    wide = QueryGrid.over_clip(clip_frames=STEPS, steps=STEPS, rows=COLS, cols=ROWS)
    fewer = {"askers": TOKENS[:1], "off_grid_keys": TOKENS[:1], "asker_theta": np.zeros((1, CHANNELS), np.float32)}
    others = (
        head(1, query_grid=wide, key_grid=wide.pooled((1, 1, 1))),
        replace(head(1), **fewer, phi=head(1).phi[:-1]),
        head(1, scope="space"),
    )
    start = np.eye(GRID.size + len(TOKENS))[0]
    for other in others:
        with pytest.raises(SelectionError, match="one set of tokens; 'Layer 1' has others than 'Layer 2'"):
            rolled_out([[head(2)], [other]], start, residual=0.5)
