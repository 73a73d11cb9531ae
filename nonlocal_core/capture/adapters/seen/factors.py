"""Factors of a product that a layer computes with torch, as two matrices."""

import string
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

_ADDS = (torch.baddbmm, Tensor.baddbmm, torch.addmm, Tensor.addmm)
_OF_TORCH = (torch.matmul, torch.linalg.matmul, torch.bmm, torch.mm)
_MATRIX_PRODUCTS = (*_OF_TORCH, Tensor.matmul, Tensor.__matmul__, Tensor.bmm, Tensor.mm)
PRODUCTS = (*_MATRIX_PRODUCTS, torch.einsum, *_ADDS)
"""Functions of torch that multiply queries and keys, or weights and values."""

_NAMES = dict.fromkeys((torch.matmul, torch.linalg.matmul), ("input", "other")) | dict.fromkeys(
    (torch.bmm, torch.mm), ("input", "mat2")
)
_OWN_NAMES = {Tensor.matmul: "other", Tensor.bmm: "mat2", Tensor.mm: "mat2"}

Side = Literal["rows", "cols"]


def _as_it_is(values: Tensor) -> Tensor:
    return values


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product of two matrices with leading axes."""

    left: Float[Tensor, "*a n D"]
    right: Float[Tensor, "*b D N"]
    lay: Callable[[Tensor], Tensor] = _as_it_is
    """Function that shapes the matrix ``left @ right`` as the observed function returns it, with what that adds."""
    matrix: Callable[[Tensor], Tensor] = _as_it_is
    """Function that shapes a tensor of the order of the output as that matrix, and adds nothing."""
    adds: bool = False
    """True if the function adds something to the matrix, or multiplies it."""
    axes: tuple[int, int] = (-2, -1)
    """Axes of the function's output that run over the rows and the columns of that matrix, counted from the end."""

    def side(self, axis: int, ndim: int) -> Side | None:
        """Return whether an axis of a tensor derived from the output runs over rows or columns, or None for others."""
        behind = axis if axis < 0 else axis - ndim
        return "rows" if behind == self.axes[0] else "cols" if behind == self.axes[1] else None


def product_of(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Product | None:
    """Return the factors of a product, or None if it is not a product of two matrices.

    >>> q, k = torch.rand(2, 5, 3, 4), torch.rand(2, 7, 3, 4)
    >>> product = product_of(torch.einsum, ("bihd,bjhd->bhij", q, k), {})
    >>> torch.allclose(product.left @ product.right, torch.einsum("bihd,bjhd->bhij", q, k))
    True
    """
    if func is torch.einsum:
        return _of_einsum(args)
    if func in _ADDS:
        return _with_addition(args, kwargs)
    pair = args
    if func in _NAMES:
        pair = (*args, *(kwargs[name] for name in _NAMES[func][len(args) :] if name in kwargs))
    elif func in _OWN_NAMES and _OWN_NAMES[func] in kwargs:
        pair = (*args, kwargs[_OWN_NAMES[func]])
    if len(pair) != 2 or not _are_matrices(pair):
        return None
    return Product(left=pair[0], right=pair[1])


def _are_matrices(parts: tuple[Any, ...]) -> bool:
    return all(isinstance(part, Tensor) and part.ndim > 1 for part in parts)


def _with_addition(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Product | None:
    """Return the factors of ``beta * input + alpha * batch1 @ batch2``."""
    named = [kwargs[name] for name in ("input", "batch1", "batch2", "mat1", "mat2") if name in kwargs]
    parts = (*args, *named)
    if len(parts) != 3 or not _are_matrices(parts[1:]):
        return None
    beta, alpha = kwargs.get("beta", 1), kwargs.get("alpha", 1)

    def lay(matrix: Tensor) -> Tensor:
        scaled: Tensor = alpha * matrix
        return scaled if beta == 0 else scaled + beta * parts[0]

    return Product(left=parts[1], right=parts[2], lay=lay, adds=True)


def _of_einsum(args: tuple[Any, ...]) -> Product | None:
    if not args or not isinstance(args[0], str):
        return None
    operands = tuple(args[1]) if isinstance(args[1], tuple | list) else args[1:]
    into, arrow, out = args[0].replace(" ", "").partition("->")
    names = into.split(",")
    if len(operands) != 2 or len(names) != 2:
        return None
    if not arrow:  # then dots come first, and letters that stand once follow in the order of the alphabet
        once = [letter for letter in sorted({*into} - {*",."}) if into.count(letter) == 1]
        out = ("..." if "..." in into else "") + "".join(once)
    if "..." in args[0]:
        names, out = _spelt_out(names, out, operands)
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
    to, back = [(batch + rows + cols).index(letter) for letter in out], [out.index(x) for x in batch + rows + cols]
    return Product(
        left=left,
        right=right,
        lay=lambda y: y.permute(to),
        matrix=lambda made: made.permute(back),
        axes=(out.index(rows) - len(out), out.index(cols) - len(out)),
    )


def _spelt_out(names: list[str], out: str, operands: tuple[Tensor, ...]) -> tuple[list[str], str]:
    """Return the letters of an einsum with letters for its dots, which stand for the same axes everywhere."""
    free = [letter for letter in string.ascii_letters if letter not in "".join(names) + out]
    counts = {part.ndim - len(name) + 3 for name, part in zip(names, operands, strict=True) if "..." in name}
    dots = "".join(free[: max(counts)]) if len(counts) == 1 else ""
    return [name.replace("...", dots) for name in names], out.replace("...", dots)


def memory_of(part: Any) -> int | None:
    """Return the address of a tensor's storage, whatever its shape, or None for anything else, as inside torch.vmap."""
    if type(part) is not Tensor or part.layout is not torch.strided:
        return None
    try:
        return part.untyped_storage().data_ptr()
    except NotImplementedError:
        return None


def memory_of_weights(module: nn.Module) -> frozenset[int | None]:
    """Return the addresses of the parameters and buffers of a module."""
    return frozenset(memory_of(part.detach()) for part in chain(module.parameters(), module.buffers()))
