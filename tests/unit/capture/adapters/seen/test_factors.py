"""Products that a layer may ask of torch, against what torch makes of them."""

import pytest
import torch
from torch import Tensor

from nonlocal_core.capture.adapters.seen.factors import product_of

RNG = torch.Generator().manual_seed(0)
B, HEADS, N, KEYS, D = 2, 3, 4, 5, 6
Q, K = torch.randn(B, HEADS, N, D, generator=RNG), torch.randn(B, HEADS, KEYS, D, generator=RNG)
FLAT, FLAT_K = Q.flatten(0, 1), K.flatten(0, 1)
BIAS = torch.randn(B * HEADS, N, KEYS, generator=RNG)

CALLS = {
    "matmul": (torch.matmul, (Q, K.mT), {}),
    "matmul by name": (torch.matmul, (), {"input": Q, "other": K.mT}),
    "matmul half by name": (torch.matmul, (Q,), {"other": K.mT}),
    "own matmul": (Tensor.matmul, (Q,), {"other": K.mT}),
    "at": (Tensor.__matmul__, (Q, K.mT), {}),
    "bmm": (torch.bmm, (FLAT,), {"mat2": FLAT_K.mT}),
    "own bmm": (Tensor.bmm, (FLAT,), {"mat2": FLAT_K.mT}),
    "mm": (torch.mm, (), {"input": FLAT[0], "mat2": FLAT_K[0].mT}),
    "own mm": (Tensor.mm, (FLAT[0],), {"mat2": FLAT_K[0].mT}),
    "einsum": (torch.einsum, ("bhid,bhjd->bhij", Q, K), {}),
    "einsum of a list": (torch.einsum, ("bhid, bhjd -> bhij", [Q, K]), {}),
    "einsum with dots": (torch.einsum, ("...id,...jd->...ij", Q, K), {}),
    "einsum with dots and without an arrow": (torch.einsum, ("...id,...jd", Q, K), {}),
    "einsum without an arrow": (torch.einsum, ("jd,id", K[0, 0], Q[0, 0]), {}),
    "einsum in another order": (torch.einsum, ("bhid,bhjd->bjih", Q, K), {}),
    "einsum turned": (torch.einsum, ("bhjd,bhid->bhij", K, Q), {}),
    "baddbmm": (torch.baddbmm, (BIAS, FLAT, FLAT_K.mT), {"beta": 0.5, "alpha": 2.0}),
    "baddbmm by name": (torch.baddbmm, (BIAS,), {"batch1": FLAT, "batch2": FLAT_K.mT}),
    "own baddbmm": (Tensor.baddbmm, (BIAS, FLAT, FLAT_K.mT), {"beta": 0, "alpha": 3.0}),
    "addmm": (torch.addmm, (BIAS[0], FLAT[0], FLAT_K[0].mT), {"alpha": 0.3}),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_factors_multiply_to_what_the_function_returns(name):
    func, args, kwargs = CALLS[name]
    product, made = product_of(func, args, kwargs), func(*args, **kwargs)
    matrix = product.left @ product.right
    torch.testing.assert_close(product.lay(matrix), made)
    assert product.adds == ("add" in name)
    if not product.adds:
        torch.testing.assert_close(product.matrix(made), matrix)


@pytest.mark.parametrize(
    ("name", "sides"),
    [
        ("matmul", [None, None, "rows", "cols"]),
        ("einsum", [None, None, "rows", "cols"]),
        ("einsum in another order", [None, "cols", "rows", None]),
        ("einsum turned", [None, None, "cols", "rows"]),
    ],
)
def test_an_axis_of_the_output_runs_over_rows_or_columns(name, sides):
    product = product_of(*CALLS[name])
    assert [product.side(axis, 4) for axis in range(4)] == sides
    assert [product.side(axis - 4, 4) for axis in range(4)] == sides


@pytest.mark.parametrize(
    ("func", "args"),
    [
        (torch.matmul, (Q, K[0, 0, 0])),
        (torch.matmul, (Q,)),
        (torch.einsum, ("bhid,bhjd", Q, K)),
        (torch.einsum, ("bhid->bhdi", Q)),
        (torch.einsum, ("bhid,bhjd,bhjd->bhij", Q, K, K)),
        (torch.einsum, ("bhid,bhjd->bij", Q, K)),  # heads are summed as well
        (torch.einsum, ("bhid,bhid->bhi", Q, Q)),
        (torch.einsum, (Q, [0, 1, 2, 3], K, [0, 1, 4, 3])),
        (torch.einsum, ()),
        (torch.baddbmm, (BIAS, FLAT)),
    ],
)
def test_what_is_no_product_of_two_matrices_is_none(func, args):
    assert product_of(func, args, {}) is None
