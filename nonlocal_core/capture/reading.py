"""Site of a block, its reader, and the reading of one call: tables, maths, layout of positions."""

import inspect
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol, runtime_checkable
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from nonlocal_core.errors import CaptureError
from nonlocal_core.vocabulary import Rule, Scope, WeightStatus


def map_rows(x: Float[Tensor, "B C *thw"]) -> Float[Tensor, "Nq C"]:
    """Return the positions of a map (1, C, T, H, W), row-major over (T, H, W).

    Raises CaptureError for a batch of several clips.
    """
    if x.shape[0] != 1:
        raise CaptureError(f"Record one clip at a time: the block saw a batch of {x.shape[0]}.")
    return x[0].flatten(1).mT


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockReading:
    """Tables that a reader computed from a block's input with the block's own weights, for one clip.

    Queries and keys are in the order of their grids; a block with one head has ``heads`` 1.
    """

    theta: Float[Tensor, "heads Nq Ci"]
    phi: Float[Tensor, "heads Nk_all Ci"]
    """Keys of the grid first, then the off-grid ones, in the order of ``BlockCapture.off_grid_keys``."""
    g: Float[Tensor, "heads Nk_all Cg"]
    query_thw: tuple[int, int, int]
    pairwise: Rule
    scale: float
    project: Callable[[Float[Tensor, "1 n heads_Cg"]], Float[Tensor, "1 n C"] | None]
    """Function from rows of y, the heads side by side, to what the block adds, or None if it adds nothing by design."""
    project_at: Callable[[Float[Tensor, "1 n heads_Cg"], Int[Tensor, " n"]], Float[Tensor, "1 n C"]] | None = None
    """As ``project``, if the result depends on the queries, which are given with the rows: positions, then askers."""
    resting: Callable[[Any, Float[Tensor, " Nq"] | None], Any] | None = None
    """Function from another input, in the form of ``BlockSite.inputs``, to the block's output with the weighted sums of
    this call, or None if its output depends on nothing else of its input, or on no more than ``residual`` tells. The
    weighted sums of the queries are changed by noise times the second argument, which may be None."""
    output_at: Any = 0
    """Key or index of the tensor to rebuild among several that the block returns."""
    subsample: tuple[int, int, int] = (1, 1, 1)
    scope: Scope = "spacetime"
    temporal_groups: int = 1
    off_grid_keys: tuple[str, ...] = ()
    has_key_grid: bool = True
    """False if no key is a position; all of them are then off-grid keys."""
    rows: Callable[[Tensor], Tensor] = map_rows
    """Function that shapes a tensor of the block's input or output as rows (Nq, C) in the order of the queries."""
    layout: Callable[[Tensor], Tensor] | None = None
    """The same function where ``rows`` also subtracts what the layer would return without its weighted sums."""
    contrasts: bool = False
    """True if a query's own g is subtracted from that of every key; both then lie on one grid."""
    features: int | None = None
    """Number of the first channels of theta and phi that are a position's own, if others were appended for a mask or a
    bias; None: all."""
    overlaps: bool = False
    """True if tokens see more of the clip than their own cell, as after a convolution whose fields overlap."""
    square: int = 1
    """Rows and columns of the squares of cells that ask with one query, if the layer pools its queries; 1 if not."""
    is_walled: bool = False
    """True if positions attend within windows, so that everything outside of them has weight 0."""
    windows: Int[Tensor, " Nk_all"] | None = None
    """``BlockCapture.windows``."""
    askers: tuple[str, ...] = ()
    """Names of askers that are not positions; if theta has no rows, nothing else asks."""
    asker_theta: Float[Tensor, "heads Na Ci"] | None = None
    """Theta of the askers, in the order of ``BlockCapture.asker_theta``."""
    asker_rows: Callable[[Tensor], Tensor] = map_rows
    """Function that shapes the askers' part of the block's output as rows, in that order."""
    are_inner: bool = False
    """True if the layer made the askers itself: such a list must not move when the clip changes, or its entries may be
    positions that the layer pooled."""
    residual: bool = True
    """True if the block adds its input to its output; attention layers leave that sum to others."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Call:
    """One call of a block: its arguments and its output."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    output: Any

    @property
    def device(self) -> str:
        """Kind of device of the first tensor that it returns."""
        parts = self.output.values() if isinstance(self.output, Mapping) else self.output
        parts = (self.output,) if isinstance(self.output, Tensor) else parts
        return next((part.device.type for part in parts if isinstance(part, Tensor)), "cpu")


def part_of(output: Any, at: Any) -> Any:
    """Return one of the tensors that a block returns, or the only one."""
    return output if isinstance(output, Tensor) else output[at]


def with_part(output: Any, at: Any, part: Tensor) -> Any:
    """Return a block's output with one tensor replaced."""
    if isinstance(output, Tensor):
        return part
    if isinstance(output, tuple) and type(output) is not tuple:  # one with names
        return type(output)(*(part if index == at else value for index, value in enumerate(output)))
    if isinstance(output, tuple | list):
        return type(output)(part if index == at else value for index, value in enumerate(output))
    changed = copy(output)
    changed[at] = part
    return changed


@dataclass(frozen=True, slots=True)
class NotReadable:
    """Reason why a call of a block cannot be shown, in words that follow "it": ``was called with other keys``."""

    reason: str


class DoesMore(NotReadable):
    """Reason why q, k and v alone do not fully describe a layer, which is then read by its products."""


@runtime_checkable
class Reader(Protocol):
    """Reader of one kind of block, from outside, without changing its forward pass."""

    def read(self, x: Any) -> BlockReading | NotReadable:
        """Return theta, phi and g for the block's input, as the site's ``inputs`` returns it.

        Raises CaptureError for a fault of the caller, such as training mode, that every block would share.
        """
        ...


def first_line(fault: Exception) -> str:
    """Return the first line of a foreign error's message, or the error's name if it has no message."""
    return (str(fault) or type(fault).__name__).splitlines()[0]


def first_input(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return the first argument of a call, whether it was given by position or by name; None if there is none."""
    return args[0] if args else next(iter(kwargs.values()), None)


def named_arguments(layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a call by name, including those that ``forward`` collects in ``**kwargs``."""
    named: dict[str, Any] = {}
    try:
        signature = inspect.signature(layer.forward)
        bound = signature.bind_partial(*args, **kwargs).arguments
    except (TypeError, ValueError):  # a forward that is not Python's, whose names nobody knows
        return {name: value for name, value in kwargs.items() if value is not None}
    for name, value in bound.items():
        collects = signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD
        named |= value if collects else {name: value}
    return {name: value for name, value in named.items() if value is not None}


Shape = tuple[object, ...]
"""Sizes, precisions and maths of one call."""

_met: WeakKeyDictionary[nn.Module, dict[Shape, object]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockSite:
    """Place of a block in its network, and its display name."""

    name: str
    title: str
    module: nn.Module
    reader: Reader
    status: WeightStatus
    note: str = ""
    inputs: Callable[[tuple[Any, ...], dict[str, Any]], Any] = first_input
    """Part of a call that the reader reads."""
    watch: Callable[[], Callable[[], None]] | None = None
    """Function that records what the reader needs beside the block's calls, until the returned function is called."""
    because: str = ""
    """Reason why the layer is read by its products and not by its parts; reported if the products fail too."""
    second: "BlockSite | None" = None
    """The same block with another reader, for calls of which this one's reading is refused."""

    def has_met(self, shape: Shape) -> bool:
        """Return whether the block with its present weights was proved at every query of that shape."""
        return _met.get(self.module, {}).get(shape) == self._weights()

    def meet(self, shape: Shape) -> None:
        """Remember that the block was proved at every query of that shape, as long as it lives."""
        _met.setdefault(self.module, {})[shape] = self._weights()

    def _weights(self) -> tuple[tuple[int, int], ...]:
        """Return the address and the version of each weight and buffer, which change with training or loading."""
        weights = chain(self.module.parameters(), self.module.buffers())
        return tuple((_address(part), 0 if part.is_inference() else part._version) for part in weights)


def _address(part: Tensor) -> int:
    """Return the address of a tensor's values, or the id of a sparse tensor or a subclass, which may have none."""
    is_plain = type(part) in (Tensor, nn.Parameter) and part.layout is torch.strided
    return part.data_ptr() if is_plain else id(part)
