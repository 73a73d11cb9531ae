"""Softmaxes traced back to queries, keys, a bias and sinks: the tables give the weights again, in float64."""

import pytest
import torch

from nonlocal_core.capture.adapters.seen.products import Unclear, Watch
from nonlocal_core.capture.adapters.seen.scores import _signs
from nonlocal_core.capture.adapters.tokens.masks import BLOCKED

RNG = torch.Generator().manual_seed(7)
B, HEADS, N, KEYS, D, DV = 2, 3, 5, 6, 4, 7
Q, K, V = (torch.randn(B, HEADS, *size, generator=RNG) for size in ((N, D), (KEYS, D), (KEYS, DV)))
Q2, K2 = (torch.randn(B, HEADS, *size, generator=RNG) for size in ((N, 2), (KEYS, 2)))
BIAS = torch.randn(1, HEADS, N, KEYS, generator=RNG)
ROWS = torch.rand(B, 1, N, 1, generator=RNG) + 0.5
HIDDEN = torch.rand(N, KEYS, generator=RNG) < 0.4
HIDDEN[:, 2] = False
SINKS = torch.randn(HEADS, 3, generator=RNG)[:, None]
CLOSE = {"atol": 2e-6, "rtol": 0}  # of weights up to 1, worst seen 3e-7


def plain(scores):
    return scores.softmax(dim=-1) @ V


def with_sinks(scores, count, *, at_front):
    sinks = SINKS[..., :count].expand(B, HEADS, N, count)
    weights = torch.cat([sinks, scores] if at_front else [scores, sinks], dim=-1).softmax(dim=-1)
    return (weights[..., count:] if at_front else weights[..., :-count]) @ V


LAYERS = {
    "plain": lambda: plain(Q @ K.mT),
    "scaled": lambda: plain(0.5 * (Q @ K.mT)),
    "scaled by row": lambda: plain(ROWS * (Q @ K.mT)),
    "less its largest": lambda: plain(Q @ K.mT - (Q @ K.mT).amax(dim=-1, keepdim=True)),
    "less a number of the row": lambda: plain(Q @ K.mT - 3 * ROWS),
    "biased": lambda: plain(Q @ K.mT / 2 + BIAS),
    "biased before it is scaled": lambda: plain((Q @ K.mT + BIAS) / 2),
    "masked": lambda: plain((Q @ K.mT).masked_fill(HIDDEN, -torch.inf)),
    "masked by a number": lambda: plain(Q @ K.mT + -1e9 * HIDDEN),
    "masked and biased": lambda: plain((Q @ K.mT + BIAS).masked_fill(HIDDEN, -torch.inf)),
    "less its largest, then masked": lambda: plain(
        (Q @ K.mT - (Q @ K.mT).amax(dim=-1, keepdim=True)).masked_fill(HIDDEN, -torch.inf)
    ),
    "less its mean, then masked": lambda: plain(
        (Q @ K.mT - (Q @ K.mT).mean(dim=-1, keepdim=True)).masked_fill(HIDDEN, -torch.inf)
    ),
    "all masked by a number": lambda: plain((Q @ K.mT).masked_fill(HIDDEN | (torch.arange(N) == 3)[:, None], -1e9)),
    "two products": lambda: plain(Q @ K.mT + 0.3 * (Q2 @ K2.mT)),
    "two products and a bias": lambda: plain(Q @ K.mT - Q2 @ K2.mT + BIAS),
    "turned": lambda: (K @ Q.mT).softmax(dim=-2).mT @ V,
    "turned and biased": lambda: (K @ Q.mT + BIAS.mT).softmax(dim=-2).mT @ V,
    "by einsum": lambda: torch.einsum("bnhm,bhmd->bhnd", torch.einsum("bhnd,bhmd->bnhm", Q, K).softmax(-1), V),
    "a logarithm": lambda: (Q @ K.mT).log_softmax(dim=-1).exp() @ V,
    "one sink behind": lambda: with_sinks(Q @ K.mT, 1, at_front=False),
    "three sinks behind": lambda: with_sinks(Q @ K.mT, 3, at_front=False),
    "one sink in front": lambda: with_sinks(Q @ K.mT, 1, at_front=True),
    "three sinks in front": lambda: with_sinks(Q @ K.mT, 3, at_front=True),
    "sinks and a bias": lambda: with_sinks(Q @ K.mT + BIAS, 3, at_front=True),
}


def seen(layer):
    with Watch() as watch:
        y = layer()
    (attended,) = watch.found
    assert watch.softmaxes == 1
    assert not watch.is_otherwise
    return attended, y


def scores_of(attended):
    made = attended.q.double() @ attended.k.double().mT
    return made if attended.bias is None else made + attended.bias.double()


@pytest.mark.parametrize("name", LAYERS)
def test_the_tables_give_the_weights_again(name):
    attended, y = seen(LAYERS[name])
    weights = scores_of(attended).softmax(dim=-1)
    torch.testing.assert_close((weights @ attended.v.double()).float(), y, **CLOSE)
    torch.testing.assert_close(attended.y, y, **CLOSE)
    assert (attended.factor, attended.sinks) == (1.0, {"one": 1, "three": 3, "sinks": 3}.get(name.split()[0], 0))
    assert not attended.k[..., : attended.sinks, :].any()
    assert not attended.v[..., : attended.sinks, :].any()


@pytest.mark.parametrize(
    "name",
    ["plain", "scaled", "scaled by row", "less its largest", "less a number of the row", "two products", "turned"],
)
def test_what_adds_the_same_to_a_whole_row_is_no_bias(name):
    assert seen(LAYERS[name])[0].bias is None


@pytest.mark.parametrize(
    ("name", "share"), [("biased", 1), ("biased before it is scaled", 0.5), ("turned and biased", 1)]
)
def test_a_bias_is_what_was_added(name, share):
    torch.testing.assert_close(seen(LAYERS[name])[0].bias, share * BIAS.expand(B, -1, -1, -1), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["masked", "masked by a number"])
def test_a_forbidden_key_has_the_score_that_forbids_and_the_others_none(name):
    bias = seen(LAYERS[name])[0].bias
    assert (bias[..., HIDDEN] <= BLOCKED).all()
    assert not bias[..., ~HIDDEN].any()


@pytest.mark.parametrize("at_front", [True, False])
def test_the_scores_of_sinks_come_first_in_their_order(at_front):
    attended, _ = seen(lambda: with_sinks(Q @ K.mT, 3, at_front=at_front))
    real = torch.cat([SINKS.expand(B, HEADS, N, 3), Q @ K.mT], dim=-1)
    found = scores_of(attended)
    torch.testing.assert_close((found - found[..., -1:]).float(), real - real[..., -1:], atol=1e-5, rtol=0)


def test_the_rounding_of_a_bias_is_that_of_sixteen_steps_at_the_largest_score():
    attended, _ = seen(LAYERS["masked"])
    largest = (Q @ K.mT).masked_fill(HIDDEN, 0).abs().max()
    assert attended.noise == pytest.approx(16 * 2.0**-23 * float(largest), rel=1e-3)


@pytest.mark.parametrize("bend", [torch.tanh, torch.square, lambda scores: 20 * torch.tanh(scores / 20)])
def test_scores_that_do_not_follow_their_product_are_no_attention_of_it(bend):
    with Watch() as watch:
        plain(bend(Q @ K.mT))
    assert (watch.found, watch.softmaxes, watch.is_otherwise) == ([], 0, True)


def test_a_softmax_over_the_queries_is_refused():
    with pytest.raises(Unclear, match="another axis than that of its keys"), Watch():
        (Q @ K.mT).softmax(dim=1)


@pytest.mark.parametrize("count", [*range(2, 40), 197, 1000])
def test_signs_add_up_to_nothing_and_none_is_zero(count):
    made = _signs(count)
    assert len(made) == count
    assert float(made.abs().min()) > 0.05
    assert float(made.sum().abs()) < 1e-4 * count
    for sinks in (1, 2, 3):
        ratios = made[: count - sinks] / made[sinks:]
        assert count - sinks < 2 or float(ratios.max() - ratios.min()) > 1e-3, "no two runs are alike"


def test_the_score_of_one_key_says_nothing():
    assert _signs(1).tolist() == [0.0]
