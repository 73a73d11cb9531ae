"""Factors of a product that a layer asks torch for, as two matrices."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

_MATRIX_PRODUCTS = (torch.matmul, Tensor.matmul, Tensor.__matmul__, torch.bmm, Tensor.bmm)
PRODUCTS = (*_MATRIX_PRODUCTS, torch.einsum, torch.baddbmm)
"""Functions of torch that multiply queries and keys, or weights and values."""


class Product(NamedTuple):
    """A product of two matrices with leading axes."""

    left: Tensor
    right: Tensor
    lay: Callable[[Tensor], Tensor]
    """Lays the matrix ``left @ right`` out as the function returns it."""
    is_plain: bool
    """Whether the function returns that matrix as it is, perhaps with something added."""


def product_of(func: Any, args: tuple[Any, ...]) -> Product | None:
    """Return the factors of a product, None where it is none of two matrices.

    >>> q, k = torch.rand(2, 5, 3, 4), torch.rand(2, 7, 3, 4)
    >>> product = product_of(torch.einsum, ("bihd,bjhd->bhij", q, k))
    >>> torch.allclose(product.left @ product.right, torch.einsum("bihd,bjhd->bhij", q, k))
    True
    """
    if func is torch.einsum:
        return _of_einsum(args)
    pair = args[-2:]
    if len(pair) < 2 or not all(isinstance(part, Tensor) and part.ndim > 1 for part in pair):
        return None
    return Product(pair[0], pair[1], lay=lambda y: y, is_plain=True)


def _of_einsum(args: tuple[Any, ...]) -> Product | None:
    if not args or not isinstance(args[0], str):
        return None
    operands = args[1] if isinstance(args[1], tuple | list) else args[1:]
    into, arrow, out = args[0].replace(" ", "").partition("->")
    names = into.split(",")
    if not arrow or len(operands) != 2 or len(names) != 2 or "." in args[0]:
        return None
    first, second = names
    batch = "".join(letter for letter in out if letter in first and letter in second)
    summed = "".join(letter for letter in first if letter in second and letter not in out)
    rows = "".join(letter for letter in first if letter not in second)
    cols = "".join(letter for letter in second if letter not in first)
    if not len(summed) == len(rows) == len(cols) == 1 or {*out} != {*batch, *rows, *cols}:
        return None
    left, right = (
        operand.permute([each.index(letter) for letter in order])
        for operand, each, order in zip(operands, names, (batch + rows + summed, batch + summed + cols), strict=True)
    )
    order = [(batch + rows + cols).index(letter) for letter in out]
    return Product(left, right, lay=lambda y: y.permute(order), is_plain=order == sorted(order))
