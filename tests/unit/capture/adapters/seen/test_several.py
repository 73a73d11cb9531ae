"""Several attentions of one call as one, against a softmax over each."""

import pytest
import torch

from nonlocal_core.capture.adapters.seen.products import Attended
from nonlocal_core.capture.adapters.seen.several import are_mixed, as_one

B, HEADS, N, D, DV = 2, 3, 5, 4, 6
RNG = torch.Generator().manual_seed(0)


def drawn(*shape):
    return torch.randn(shape, generator=RNG)


def attended(number, *, q=None, k=None, v=None, bias=None, lead=(B,), factor=0.5):
    """One attention whose place in the layer lays y out with its number in front."""
    q = drawn(*lead, N, D) if q is None else q
    k = drawn(*lead, N, D) if k is None else k
    v = drawn(*lead, N, DV) if v is None else v
    y = (factor * q @ k.mT + (0 if bias is None else bias)).softmax(-1) @ v
    return Attended(
        q=q, k=k, v=v, factor=factor, bias=bias, noise=0.1 * number, y=y, put={number: lambda made: (number, made)}
    )


def assert_rows(made, each):
    """The rows of the whole are those of the parts; what the parts are given back is their own."""
    bias = 0 if made.bias is None else made.bias
    torch.testing.assert_close((made.factor * made.q @ made.k.mT + bias).softmax(-1) @ made.v, made.y)
    for number, one in enumerate(each):
        at, laid = made.put[number](made.y)
        assert at == number
        torch.testing.assert_close(laid, one.y)


@pytest.mark.parametrize("biased", [False, True])
def test_a_loop_over_heads_is_one_attention_with_so_many_heads(biased):
    each = [attended(n, bias=drawn(N, N) if biased else None, factor=0.5 + n) for n in range(HEADS)]
    made = as_one(each, sequences=1, tokens=N)
    assert made.q.shape == (B, HEADS, N, D)
    assert made.noise == pytest.approx(0.2)
    assert_rows(made, each)


def test_a_loop_over_groups_of_heads_joins_their_axis():
    each = [attended(n, lead=(B, 2)) for n in range(HEADS)]
    made = as_one(each, sequences=1, tokens=N)
    assert made.q.shape == (B, 2 * HEADS, N, D)
    assert_rows(made, each)


@pytest.mark.parametrize("lead", [(), (1,)])
def test_a_loop_over_sequences_is_their_batch(lead):
    each = [attended(n, lead=lead) for n in range(B * HEADS)]
    made = as_one(each, sequences=B, tokens=N)
    assert made.q.shape == (B, HEADS, N, D)
    assert_rows(made, each)


@pytest.mark.parametrize("biased", [False, True])
def test_parts_of_the_queries_follow_each_other(biased):
    k, v = drawn(B, N, D), drawn(B, N, DV)
    each = [
        attended(0, q=drawn(B, 2, D), k=k, v=v, bias=drawn(2, N) if biased else None),
        attended(1, q=drawn(B, 3, D), k=k, v=v, factor=2.0),
    ]
    made = as_one(each, sequences=1, tokens=N)
    assert made.q.shape == (B, N, D)
    assert (made.bias is None) == (not biased)
    assert_rows(made, each)


def test_heads_of_which_only_some_have_a_bias_are_one_attention():
    each = [attended(0), attended(1, bias=drawn(N, N)), attended(2)]
    made = as_one(each, sequences=1, tokens=N)
    assert made.bias.shape == (B, HEADS, N, N)
    assert_rows(made, each)


def test_attentions_of_other_sizes_are_none():
    k, v = drawn(B, N, D), drawn(B, N, DV)
    parts = [attended(0, q=drawn(B, 2, D), k=k, v=v), attended(1, q=drawn(B, 2, D), k=k + 1, v=v)]
    assert as_one([attended(0), attended(1, q=drawn(B, N - 1, D))], sequences=1, tokens=N) is None
    assert as_one([*parts, attended(2, q=drawn(B, 1, D))], sequences=1, tokens=N) is None
    assert as_one([attended(n, lead=()) for n in range(3)], sequences=2, tokens=N) is None


def test_attentions_that_share_out_the_tokens_of_a_sequence_are_a_batch():
    """As where the lengths of several pictures cut it (Qwen2-VL); as many as the tokens have heads do not."""
    each = [attended(n, lead=(1, HEADS)) for n in range(B)]
    made = as_one(each, sequences=1, tokens=B * N, steps=(B,))
    assert made.q.shape == (B, HEADS, N, D)
    assert_rows(made, each)
    assert as_one(each, sequences=1, tokens=N).q.shape == (1, B * HEADS, N, D)


@pytest.mark.parametrize("biased", [False, True])
def test_other_parts_of_a_sequence_see_themselves_alone(biased):
    """As the windows of Qwen2.5-VL, of which the last may be smaller."""
    sizes = (N, 3)
    each = [
        attended(
            n,
            q=drawn(1, HEADS, size, D),
            k=drawn(1, HEADS, size, D),
            v=drawn(1, HEADS, size, DV),
            bias=drawn(1, HEADS, size, size) if biased and n else None,
            factor=0.5 + n,
        )
        for n, size in enumerate(sizes)
    ]
    made = as_one(each, sequences=1, tokens=sum(sizes), steps=(4,))
    assert made.q.shape == (1, HEADS, sum(sizes), D)
    assert_rows(made, each)
    others = [attended(0, lead=(1, HEADS)), attended(1, q=drawn(1, HEADS, 3, D), lead=(1, HEADS))]
    assert as_one(others, sequences=1, tokens=N + 3) is None


def test_softmaxes_that_weigh_the_same_values_by_other_keys_are_mixed():
    v = drawn(B, N, DV)
    shared = attended(0, v=v)
    assert are_mixed([shared, attended(1, v=v)])
    assert are_mixed([attended(0), shared, attended(2)]) is False
    assert are_mixed([shared, attended(1, v=v, k=shared.k)]) is False, "heads that share keys and values"
    assert are_mixed([shared]) is False
