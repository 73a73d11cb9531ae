"""Windows: the cell of the map that each token of a sequence is, learned by feeding noise to the enclosing modules.

A window is cut out of a map by the modules around the attention. So the innermost of them that is given the map runs
again, up to the attention, on noise, in which no two cells are alike: the tokens are then found in the map by their
values, wherever rolling, padding and cutting have put them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor, nn

from nonlocal_core.capture.adapters.calls import Reached, rerun_up_to
from nonlocal_core.capture.adapters.seen.pooled import Squares, squares_of
from nonlocal_core.capture.reading import NotReadable

_SEED = 9


@dataclass(slots=True, eq=False)
class Around:
    """Modules around a layer, the nearest first, and the arguments of each call while it runs."""

    modules: tuple[nn.Module, ...]
    calls: dict[nn.Module, tuple[tuple[Any, ...], dict[str, Any]]] = field(default_factory=dict)

    def __deepcopy__(self, _memo: dict[int, Any]) -> "Around":
        """Return the same object: a copy of a layer refers to the network that it was copied from."""
        return self

    def watch(self) -> Callable[[], None]:
        """Record the calls of the modules until the returned function is called."""
        handles = []
        for module in self.modules:
            handles.append(module.register_forward_pre_hook(self._enter, with_kwargs=True))
            handles.append(module.register_forward_hook(self._leave, always_call=True))

        def stop() -> None:
            for handle in handles:
                handle.remove()
            self.calls.clear()

        return stop

    def _enter(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.calls[module] = args, kwargs

    def _leave(self, module: nn.Module, _args: tuple[Any, ...], _output: Any) -> None:
        self.calls.pop(module, None)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Windows:
    """Cells of a map in sequences."""

    thw: tuple[int, int, int]
    within_frames: bool
    """True if each map is one frame."""
    cells: Int[Tensor, "B n"]
    """Index of the cell of each token, -1 for padding."""
    order: Int[Tensor, " Nq"]
    """Numbers of the tokens, one for each cell."""
    walls: tuple[Int[Tensor, " Nq"], ...]
    """Group of every cell, for each axis that windows divide."""
    tokens: Int[Tensor, "B n"] | None = None
    """Number of each token in the layer's input, where that is not in the order of the cells."""
    squares: Squares | None = None
    """The squares of cells that share a query, if the layer pools its queries."""

    def asked_by(self, queries: int) -> "Windows | None":
        """Return the same windows if each of them has ``queries`` queries, or None if these cannot be placed."""
        if queries == self.cells.shape[1]:
            return self
        squares = None if bool((self.cells < 0).any()) else squares_of(self.cells, self.thw, queries)
        return None if squares is None else replace(self, squares=squares)


@dataclass(frozen=True, slots=True)
class GivenMap:
    """Map that a layer is given and cuts itself."""

    thw: tuple[int, int, int]
    within_frames: bool
    """True if each map is one frame."""
    tokens: Int[Tensor, " Nq"] | None = None
    """Number of the token of each cell, or None if the tokens are in the order of the cells."""


def windows_of(
    around: Around, layer: nn.Module, tokens: Any, sizes: tuple[int, int], input_hw: tuple[int, int] | None
) -> Windows | NotReadable:
    """Return the windows that cut a map into ``sizes`` (sequences, tokens each), or why they cannot be learned."""
    batch, count = sizes
    unknown = NotReadable(
        f"has {batch} sequences of {count} tokens, and no map around it that they are found in by their values. Give "
        "token_grid=(T, H, W) and class_tokens, where they are a grid"
    )
    for module in around.modules:
        if module not in around.calls or not isinstance(tokens, Tensor):
            continue
        args, kwargs = around.calls[module]
        reached = rerun_up_to(module, layer, args, kwargs, seed=_SEED)
        found = None if reached is None else _found(reached, sizes, tokens, (args, kwargs), input_hw)
        if found is not None:
            return found
    return unknown


def _found(
    reached: Reached, sizes: tuple[int, int], tokens: Tensor, call: Any, input_hw: tuple[int, int] | None
) -> Windows | NotReadable | None:
    """Return the windows of the last map whose cells are the tokens, all of them and no others but padding.

    Tokens that no map holds, since they were normalised after it was cut or come from an earlier layer, are looked for
    as the sequences that they were on the way: those keep their order, or the proof of place refuses them.
    """
    if reached.tokens.shape != tokens.shape or tokens.numel() != sizes[0] * sizes[1] * tokens.shape[-1]:
        return None
    made = (_cut(reached.maps, given, sizes, call, input_hw) for given in (reached.tokens, *reached.before))
    return next((found for found in made if found is not None), None)


def _cut(
    maps: tuple[Tensor, ...], given: Tensor, sizes: tuple[int, int], call: Any, input_hw: tuple[int, int] | None
) -> Windows | NotReadable | None:
    """Return the windows of the last map whose cells are the given tokens."""
    width = given.shape[-1]
    rows = given.reshape(-1, width)
    for seen in reversed(maps):
        if seen.shape == given.shape:
            continue  # the sequences themselves
        for table, thw, within in _as_maps(seen, width, call, input_hw):
            if table.shape[0] == sizes[0] and table.shape[1] == sizes[1]:
                continue  # no other sequences than before
            cells = _located(rows, table.reshape(-1, width))
            if cells is None:
                continue
            if len(torch.unique(cells[cells >= 0])) != table.shape[0] * table.shape[1]:
                continue  # some of the map is not there
            return divided(cells.reshape(sizes), thw, within)
    return None


def _as_maps(seen: Tensor, width: int, call: Any, input_hw: tuple[int, int] | None) -> list[Any]:
    """Return a tensor as maps (T, H*W, C), with T, H, W, in every way that its axes allow."""
    made: list[Any] = []
    if seen.ndim == 3 and seen.shape[-1] == width:
        hw = _stated_hw(call, seen.shape[1]) or _proportional(seen.shape[1], input_hw)
        if hw is not None:
            made.append((seen, (seen.shape[0], *hw), True))
    if seen.ndim == 4 and seen.shape[-1] == width:
        made.append((seen.flatten(1, 2), tuple(seen.shape[:3]), True))
    if seen.ndim == 4 and seen.shape[1] == width:
        made.append((seen.flatten(2).mT, (seen.shape[0], *seen.shape[2:]), True))
    if seen.ndim == 5 and seen.shape[0] == 1 and seen.shape[-1] == width:
        made.append((seen.flatten(1, 3), tuple(seen.shape[1:4]), False))
    if seen.ndim == 5 and seen.shape[0] == 1 and seen.shape[1] == width:
        made.append((seen.flatten(2).mT, tuple(seen.shape[2:]), False))
    return made


def _stated_hw(call: Any, cells: int) -> tuple[int, int] | None:
    """Return two whole numbers among the arguments of a call whose product is ``cells``."""
    args, kwargs = call
    values = [*args, *kwargs.values()]
    pairs = [tuple(value) for value in values if isinstance(value, tuple | list | torch.Size) and len(value) == 2]
    numbers = [value for value in values if isinstance(value, int) and not isinstance(value, bool)]
    pairs += list(pairwise(numbers))
    whole = [(h, w) for h, w in pairs if isinstance(h, int) and isinstance(w, int)]
    return next(((h, w) for h, w in whole if h * w == cells), None)


def _proportional(cells: int, input_hw: tuple[int, int] | None) -> tuple[int, int] | None:
    if input_hw is None:
        return None
    height, width = input_hw
    rows = round((cells * height / width) ** 0.5)
    return (rows, cells // rows) if rows and cells % rows == 0 and rows * width == cells // rows * height else None


def _located(rows: Tensor, cells: Tensor) -> Int[Tensor, " n"] | None:
    """Return the cell that each row equals, -1 for rows of zeros, or None if any other row matches no cell."""
    keys = _keys(cells)
    values, order = keys.sort()
    if len(values) > 1 and bool((values[1:] == values[:-1]).any()):
        return None
    asked = _keys(rows)
    at = torch.searchsorted(values, asked).clamp_max(len(values) - 1)
    found = order[at]
    is_padding = (rows == 0).all(-1)
    if not bool(((values[at] == asked) | is_padding).all()):
        return None
    if not torch.equal(rows[~is_padding], cells[found[~is_padding]]):
        return None
    return torch.where(is_padding, -1, found)


def _keys(rows: Tensor) -> Int[Tensor, " n"]:
    """Return a hash of each row's bits."""
    bits = rows.detach().float().contiguous().view(torch.int32).long()
    weights = torch.randint(1, 2**31, (bits.shape[1],), generator=torch.Generator().manual_seed(_SEED))
    return (bits * weights.to(bits.device)).sum(-1)


def divided(cells: Int[Tensor, "B n"], thw: tuple[int, int, int], within: bool) -> Windows | NotReadable:
    """Return cells in sequences as windows with walls along the axes."""
    flat = cells.reshape(-1)
    total = thw[0] * thw[1] * thw[2]
    if int((flat >= 0).sum()) != total or len(torch.unique(flat[flat >= 0])) != total:
        return NotReadable("has sequences that hold some cells of their map twice or not at all")
    order = torch.where(flat < 0, total, flat).argsort()[:total]
    owner = torch.arange(len(cells), device=cells.device).repeat_interleave(cells.shape[1])[order].reshape(thw)
    groups = [_groups(owner, axis) for axis in range(3)]
    counts = [int(group.max()) + 1 for group in groups]
    steps = thw[0] if within else counts[0]
    if steps * counts[1] * counts[2] != len(cells):
        return NotReadable("has windows whose walls do not run along rows and columns")
    grid = torch.meshgrid(*groups, indexing="ij")
    walls = tuple(grid[axis].reshape(-1) for axis in range(3) if counts[axis] > 1 and not (within and axis == 0))
    return Windows(thw=thw, within_frames=within, cells=cells, order=order, walls=walls)


def _groups(owner: Int[Tensor, "T H W"], axis: int) -> Int[Tensor, " n"]:
    """Return the group of each position along an axis: positions of one group are in the same sequences."""
    lines = owner.movedim(axis, 0).flatten(1)
    _, inverse = torch.unique(lines, dim=0, return_inverse=True)
    return torch.as_tensor(inverse)
