"""torch's function for several heads, taken apart: what it returns, and what a mode inside it sees."""

import pytest
import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from nonlocal_core.capture.adapters.seen.function_heads import whole_heads

HEADS, D, N, KEYS, B = 3, 4, 5, 7, 2
C = HEADS * D
RNG = torch.Generator().manual_seed(0)
CLOSE = {"atol": 1e-10, "rtol": 0}


def drawn(*shape):
    return torch.randn(shape, generator=RNG, dtype=torch.float64)


class Seen(TorchFunctionMode):
    def __init__(self):
        super().__init__()
        self.products = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.products += func is functional.scaled_dot_product_attention
        return func(*args, **(kwargs or {}))


def call(*, separate=False, bias=True, **more):
    x, keys = drawn(N, B, C), drawn(KEYS, B, C)
    weights = {"q_proj_weight": drawn(C, C), "k_proj_weight": drawn(C, C), "v_proj_weight": drawn(C, C)}
    given = {
        **{"query": x, "key": keys, "value": drawn(KEYS, B, C), "embed_dim_to_check": C, "num_heads": HEADS},
        **{"in_proj_weight": None if separate else drawn(3 * C, C), "in_proj_bias": drawn(3 * C) if bias else None},
        **{"bias_k": None, "bias_v": None, "add_zero_attn": False, "dropout_p": 0.0},
        **{"out_proj_weight": drawn(C, C), "out_proj_bias": drawn(C) if bias else None, "training": False},
    }
    return given | ({"use_separate_proj_weight": True} | weights if separate else {}) | more


@pytest.mark.parametrize("separate", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(
    "masks",
    [
        {},
        {"attn_mask": drawn(N, KEYS)},
        {"attn_mask": drawn(N, KEYS) > 1},
        {"attn_mask": drawn(B * HEADS, N, KEYS)},
        {"key_padding_mask": torch.arange(KEYS).expand(B, KEYS) > 4},
        {"attn_mask": drawn(N, KEYS), "key_padding_mask": drawn(B, KEYS)},
    ],
    ids=["none", "added", "forbidden", "by head", "padding", "both"],
)
def test_the_result_is_that_of_the_function_and_the_product_is_seen(separate, bias, masks):
    given, watch = call(separate=separate, bias=bias, **masks), Seen()
    made, weights = whole_heads(watch, (), given)
    expected, own = functional.multi_head_attention_forward(**given)
    torch.testing.assert_close(made, expected, **CLOSE)
    torch.testing.assert_close(weights, own)
    assert watch.products == 1
    assert whole_heads(Seen(), (), given | {"need_weights": False})[1] is None


def test_tokens_without_a_batch_come_back_without_one():
    given = call()
    given |= {name: given[name][:, 0] for name in ("query", "key", "value")}
    made, _ = whole_heads(Seen(), (), given)
    torch.testing.assert_close(made, functional.multi_head_attention_forward(**given)[0], **CLOSE)


@pytest.mark.parametrize("more", [{"add_zero_attn": True}, {"bias_k": drawn(1, 1, C), "bias_v": drawn(1, 1, C)}])
def test_keys_that_the_function_adds_leave_its_product_unseen(more):
    given, watch = call(**more), Seen()
    made, _ = whole_heads(watch, (), given)
    torch.testing.assert_close(made, functional.multi_head_attention_forward(**given)[0], **CLOSE)
    assert watch.products == 0
