"""Weights that a layer computes without torch's softmax: the tables give them again, or nothing is found."""

import pytest
import torch

from nonlocal_core.capture.adapters.seen.factors import memory_of
from nonlocal_core.capture.adapters.seen.products import Watch

RNG = torch.Generator().manual_seed(8)
B, HEADS, N, KEYS, D, DV = 2, 3, 5, 6, 4, 7
Q, K, V = (torch.randn(B, HEADS, *size, generator=RNG) for size in ((N, D), (KEYS, D), (KEYS, DV)))
OWN = torch.randn(B, HEADS, N, D, generator=RNG)
BIAS = torch.randn(1, HEADS, N, KEYS, generator=RNG)
CLOSE = {"atol": 2e-6, "rtol": 0}  # of weights up to 1, worst seen 4e-7


def over_sum(values, axis=-1):
    return values / values.sum(axis, keepdim=True)


def less_its_sum(scores):
    return (scores - scores.logsumexp(-1, keepdim=True)).exp()


def less_its_largest(scores):
    return over_sum((scores - scores.amax(-1, keepdim=True)).exp())


def over_one_more(values):
    return values / (1 + values.sum(-1, keepdim=True))


HIDDEN = torch.rand(N, KEYS, generator=RNG) < 0.5
HIDDEN[:, 1], HIDDEN[3] = False, torch.arange(KEYS) != 2

SOFTMAXES = {
    "exponentials": lambda: over_sum((Q @ K.mT).exp()),
    "less the largest": lambda: less_its_largest(Q @ K.mT),
    "powers of two": lambda: over_sum((0.7 * (Q @ K.mT)).exp2()),
    "biased": lambda: over_sum((Q @ K.mT / 2 + BIAS).exp()),
    "keys in rows": lambda: over_sum((K @ Q.mT).exp(), axis=-2).mT,
    "less the logarithm of their sum": lambda: less_its_sum(Q @ K.mT),
    "less the logarithm of a masked sum": lambda: less_its_sum((Q @ K.mT).masked_fill(HIDDEN, -torch.inf)),
    "masked by minus infinity": lambda: less_its_largest((Q @ K.mT).masked_fill(HIDDEN, -torch.inf)),
    "masked by a number": lambda: less_its_largest(Q @ K.mT + -1e9 * HIDDEN),
    "masked afterwards": lambda: over_sum((Q @ K.mT).exp() * ~HIDDEN),
    "masked afterwards and large": lambda: over_sum((9 * (Q @ K.mT)).exp() * ~HIDDEN),
    "masked after torch's softmax": lambda: over_sum((Q @ K.mT).softmax(-1) * ~HIDDEN),
    "masked and over torch's norm": lambda: torch.nn.functional.normalize((Q @ K.mT).exp() * ~HIDDEN, p=1, dim=-1),
    "by another name of torch": lambda: torch.nn.functional.softmin(-(Q @ K.mT), dim=-1),
}
WITH_SINK = {
    "one more": lambda: over_one_more((Q @ K.mT).exp()),
    "nothing at one query": lambda: over_sum((Q @ K.mT).exp() * (torch.arange(N) != 3)[:, None]).nan_to_num(0.0),
    "half of the weight": lambda: 0.5 * over_sum((Q @ K.mT + BIAS).exp()),
}
OTHERS = {
    "a sigmoid": lambda: (Q @ K.mT - 3).sigmoid(),
    "a relu": lambda: (Q @ K.mT).relu() / KEYS,
    "a tanh in the exponent": lambda: over_sum((Q @ K.mT).tanh().exp()),
    "over the sum of sizes": lambda: torch.nn.functional.normalize(Q @ K.mT, p=1, dim=-1),
    "not over their sum": lambda: 2 * over_sum((Q @ K.mT).exp()),
    "over the queries": lambda: over_sum((Q @ K.mT).exp(), axis=-2),
    "pooled scores over the keys": lambda: (Q @ K.mT) / KEYS,
}


def seen(weigh, values=V, own=frozenset()):
    with Watch(own=own) as watch:
        y = weigh() @ values
    return watch.found, y


@pytest.mark.parametrize("name", SOFTMAXES)
def test_a_softmax_written_out_is_one(name):
    (attended,), y = seen(SOFTMAXES[name])
    scores = attended.q.double() @ attended.k.double().mT
    weights = (scores if attended.bias is None else scores + attended.bias).softmax(-1)
    torch.testing.assert_close(weights.float(), SOFTMAXES[name](), **CLOSE)
    torch.testing.assert_close(attended.y, y, **CLOSE)
    assert (attended.pairwise, attended.sinks, y.requires_grad) == ("embedded_gaussian", 0, False)
    assert (attended.bias is None) == ("masked" not in name and name != "biased")


@pytest.mark.parametrize("name", WITH_SINK)
def test_what_rows_leave_goes_to_a_sink(name):
    (attended,), y = seen(WITH_SINK[name])
    weights = (attended.q.double() @ attended.k.double().mT + attended.bias).softmax(-1)
    torch.testing.assert_close(weights[..., 1:].float(), WITH_SINK[name](), **CLOSE)
    torch.testing.assert_close((weights @ attended.v.double()).float(), y, **CLOSE)
    assert attended.sinks == 1
    assert not attended.v[..., :1, :].any()


@pytest.mark.parametrize("weigh", [lambda: 0.3 * (Q @ OWN.mT) / N, lambda: (OWN @ Q.mT).div(N).mT])
def test_a_product_over_its_keys_is_a_dot_product(weigh):
    (attended,), y = seen(weigh, V[..., :N, :])
    weights = attended.q.double() @ attended.k.double().mT / N
    torch.testing.assert_close(weights.float(), weigh(), **CLOSE)
    torch.testing.assert_close(attended.y, y, **CLOSE)
    assert (attended.pairwise, attended.bias, attended.sinks) == ("dot_product", None, 0)


@pytest.mark.parametrize("name", OTHERS)
def test_other_weights_are_none(name):
    assert seen(OTHERS[name])[0] == []


def test_nothing_is_found_unless_it_is_asked_for():
    assert seen(SOFTMAXES["exponentials"], own=None)[0] == []


def test_a_product_with_a_parameter_is_no_score():
    projection = torch.randn(D, N, generator=RNG)
    assert seen(lambda: over_sum((Q @ projection).exp()), V[..., :N, :])[0] != []
    assert seen(lambda: over_sum((Q @ projection).exp()), V[..., :N, :], frozenset({memory_of(projection)}))[0] == []
