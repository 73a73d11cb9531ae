"""Grid of the tokens of a layer that is read by its products: the stated one, else one that fits the call."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from nonlocal_core.capture.adapters.seen.pooled import Squares, squares_of
from nonlocal_core.capture.adapters.seen.windows import Around, GivenMap, Windows, windows_of
from nonlocal_core.capture.adapters.tokens.nesting import BY_ROWS, Nesting
from nonlocal_core.capture.adapters.tokens.places import Fed, TokenLayout, TokenPlacement, list_names, outer
from nonlocal_core.capture.adapters.tokens.shapes import ShapeLayout, nowhere
from nonlocal_core.capture.reading import NotReadable
from nonlocal_core.vocabulary import Scope


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Placed:
    """Places of the queries and the keys of one call."""

    rows: Callable[[Float[Tensor, "B n C"]], Float[Tensor, "Nq C"]]
    keys: Callable[[Float[Tensor, "B N C"]], Float[Tensor, "Nk_all C"]]
    thw: tuple[int, int, int]
    scope: Scope
    extra: tuple[str, ...] = ()
    subsample: tuple[int, int, int] = (1, 1, 1)
    padding: Bool[Tensor, "B n"] | None = None
    """Mask of the tokens that are padding, if windows contain any."""
    walls: tuple[Int[Tensor, " Nk_all"], ...] = ()
    """Group of every key, for each axis that windows divide."""
    askers: tuple[str, ...] = ()
    """Names of the queries of every sequence that are not positions, before or after those that are; of all queries, if
    only the keys are positions."""
    behind: int = 0
    """Number of the last of the askers that come after the positions."""
    are_inner: bool = False
    """True if the layer made the askers itself, since no call brought them."""
    has_key_grid: bool = True
    """False if no key is a position; ``extra`` then names all of them."""
    squares: Squares | None = None
    """The squares of cells that share a query, if the layer pools its queries."""

    def others(self, tokens: Float[Tensor, "B n C"]) -> Float[Tensor, "Na C"]:
        """Return the queries that are not positions."""
        return outer(tokens, len(self.askers), self.behind)

    def each(self, table: Float[Tensor, "B heads n D"]) -> Float[Tensor, "heads Nq D"]:
        """Return the rows of every head."""
        return torch.stack([self.rows(head) for head in table.unbind(1)])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeenPlaces:
    """Everything that may tell the places of one layer's tokens."""

    layout: TokenLayout | None
    """Layout that the network or its user states."""
    is_given: bool
    """True if the user states the layout."""
    fed: Fed | None
    around: Around
    token_names: tuple[str, ...] = ()
    """Names of a list of queries or keys of that length."""
    behind: int = 0
    """Number of tokens after those of the grid, if nothing states a layout."""
    nesting: Nesting = BY_ROWS
    """Order of the cells of a frame."""
    learned: dict[tuple[int, ...], Windows | NotReadable] = field(default_factory=dict)
    """Windows that were found, by the sizes of a call."""

    @property
    def is_possible(self) -> bool:
        """True if there is anything from which to infer the places."""
        return self.layout is not None or self.fed is not None

    def placed(
        self, layer: nn.Module, tokens: Any, sizes: tuple[int, int, int], sinks: tuple[str, ...] = ()
    ) -> Placed | NotReadable:
        """Return the places of a call. ``sizes``: sequences, queries and keys of each, the ``sinks`` not counted."""
        batch, queries, keys = sizes
        found = self._stated(batch, queries) or self._solved(batch, queries)
        if found is not None:
            return _with_keys(found, keys, sinks)
        if sinks:
            return NotReadable("has sinks beside keys that are no grid, which this viewer cannot show together")
        if queries == keys and not self.is_given:
            windows = self._windows(layer, tokens, (batch, keys))
            return windows if isinstance(windows, NotReadable) else inside(windows)
        if queries < keys:
            cut = None if self.is_given else self._windows(layer, tokens, (batch, keys))
            if isinstance(cut, Windows) and bool((cut.cells < 0).any()):
                return NotReadable(
                    f"has {queries} queries for {keys} keys in each window: it pools its queries where windows hold "
                    "padding, which this viewer cannot place. Feed the network a size that its windows divide, with "
                    "input_spec"
                )
            return _pools_queries(f"{batch} sequences of {queries} queries for {keys} keys each")
        return nowhere(self.fed, batch, queries)

    def pooled(self, layer: nn.Module, tokens: Any, sizes: tuple[int, int, int]) -> Placed | None:
        """Return the places of a call whose queries stand for squares of its keys, or None if there are no squares.

        ``sizes``: sequences, queries and keys of each.
        """
        batch, queries, keys = sizes
        found = self._stated(batch, keys) or self._solved(batch, keys)
        if found is None:
            windows = None if self.is_given else self._windows(layer, tokens, (batch, keys))
            asked = windows.asked_by(queries) if isinstance(windows, Windows) else None
            return None if asked is None else inside(asked)
        if found.scope == "time":
            return None
        others, behind = len(found.extra), found.behind
        number = _numbers(batch, keys)
        cells = found.rows(number)[:, 0].long().argsort().reshape(batch, keys - others)
        squares = squares_of(cells, found.thw, queries - others)
        if squares is None:
            return None
        asked_by = squares.query + queries * torch.arange(batch)[:, None] + others - behind
        of_cell = torch.empty_like(asked_by.flatten())
        of_cell[cells.flatten()] = asked_by.flatten()
        return Placed(
            rows=lambda tokens: tokens.flatten(0, 1)[of_cell.to(tokens.device)],
            keys=found.keys,
            thw=found.thw,
            scope=found.scope,
            extra=found.extra,
            askers=found.extra,
            behind=behind,
            squares=squares,
        )

    def _windows(self, layer: nn.Module, tokens: Any, sizes: tuple[int, int]) -> Windows | NotReadable:
        """Return the windows that the modules around a layer cut, learned once for each size."""
        if sizes not in self.learned:
            self.learned[sizes] = windows_of(self.around, layer, tokens, sizes, self.fed.hw if self.fed else None)
        return self.learned[sizes]

    def joined(self, batch: int, tokens: int, inner: tuple[tuple[str, ...], tuple[str, ...]]) -> Placed | NotReadable:
        """Return the places of a call whose queries and keys have others before the tokens of its input.

        ``inner``: names of those queries and of those keys, which are not positions.
        """
        found = self._stated(batch, tokens) or self._solved(batch, tokens)
        if found is None or found.scope == "time":
            return nowhere(self.fed, batch, tokens)
        asking, asked = ((*names, *found.extra) for names in inner)
        return Placed(
            rows=replace(found, extra=asking).rows,
            keys=replace(found, extra=asked).keys,
            thw=found.thw,
            scope=found.scope,
            extra=asked,
            askers=asking,
            behind=found.behind,
        )

    def map_of(self, x: Tensor) -> GivenMap | None:
        """Return the map that a layer is given, or None if its input is none."""
        if x.ndim == 4:
            return GivenMap((len(x), *x.shape[2:]), within_frames=True)
        if x.ndim == 5:
            return GivenMap((x.shape[2], *x.shape[3:]), within_frames=False)
        found = self._stated(*x.shape[:2]) or self._solved(*x.shape[:2])
        if found is None or found.extra or found.scope == "time" or found.order != "thw":
            return None
        tokens = found.rows(_numbers(*x.shape[:2]))[:, 0].long() if found.nesting else None
        return GivenMap(found.thw, found.scope == "space", tokens)

    def are_grid(self, batch: int, queries: int) -> bool:
        """Return whether ``batch`` sequences of ``queries`` queries may be the cells of a grid."""
        return (self._stated(batch, queries) or self._solved(batch, queries)) is not None

    def one_side(self, batch: int, queries: int, keys: int) -> Placed | NotReadable:
        """Return the places of the keys or of the queries if the others are a list: of a decoder, or of a text.

        If both may be a grid, the list is the side that has names, else the side that is a grid only after more other
        tokens, else the queries.
        """
        are_list = keys == len(self.token_names) or self._others(batch, queries) < self._others(batch, keys)
        first, then = (self._queries_alone, self._keys_alone) if are_list else (self._keys_alone, self._queries_alone)
        placed = first(batch, queries, keys)
        if not isinstance(placed, NotReadable):
            return placed
        other = then(batch, queries, keys)
        return placed if isinstance(other, NotReadable) else other

    def _others(self, batch: int, count: int) -> int:
        """Return the number of the ``count`` tokens that come before the grid, or ``count`` if there is no grid."""
        found = self._stated(batch, count) or self._solved(batch, count)
        return count if found is None else len(found.extra)

    def _queries_alone(self, batch: int, queries: int, keys: int) -> Placed | NotReadable:
        """Return the places of queries that look at a list of keys, such as the words of a text."""
        found = self._stated(batch, queries) or self._solved(batch, queries)
        if found is None or found.scope == "time":
            return nowhere(self.fed, batch, queries)
        return Placed(
            rows=found.rows,
            keys=lambda tokens: tokens.flatten(0, 1),
            thw=found.thw,
            scope=found.scope,
            extra=list_names("token", keys, self.token_names),
            has_key_grid=False,
        )

    def _keys_alone(self, batch: int, queries: int, keys: int) -> Placed | NotReadable:
        """Return the places of keys that are asked by a list of queries, such as those of a decoder."""
        found = self._stated(batch, keys) or self._solved(batch, keys)
        if found is None or found.scope == "time":
            return nowhere(self.fed, batch, keys)
        return Placed(
            rows=lambda tokens: tokens[:, queries:].flatten(0, 1),
            keys=found.keys,
            thw=found.thw,
            scope=found.scope,
            extra=found.extra,
            askers=list_names("query", queries, self.token_names),
        )

    def _stated(self, batch: int, queries: int) -> TokenPlacement | None:
        if self.layout is None:
            return None
        made = self.layout.placed(batch, queries)
        is_clip = self.is_given or self.fed is None or isinstance(made, NotReadable) or made.thw[0] <= self.fed.frames
        return made if isinstance(made, TokenPlacement) and is_clip else None

    def _solved(self, batch: int, queries: int) -> TokenPlacement | None:
        if self.fed is None or self.is_given:
            return None
        extra = self.layout.extra if self.layout else ()
        made = ShapeLayout(fed=self.fed, extra=extra, behind=self.behind, nesting=self.nesting).placed(batch, queries)
        return made if isinstance(made, TokenPlacement) else None


def _numbers(batch: int, tokens: int) -> Float[Tensor, "B N 1"]:
    """Return the number of every token of a call, over all sequences."""
    return torch.arange(batch * tokens, dtype=torch.float64).reshape(batch, tokens, 1)


def _pools_queries(sizes: str) -> NotReadable:
    """Return the reason for fewer queries than keys, with their numbers."""
    return NotReadable(
        f"has {sizes}: it pools its queries otherwise than by squares of its cells, or puts further keys beside those "
        "of its cells, such as pooled ones, and no grid holds both. Layers whose keys are their tokens can be shown"
    )


def _with_keys(found: TokenPlacement, keys: int, sinks: tuple[str, ...]) -> Placed | NotReadable:
    """Return places with keys that may be pooled, with sinks and the same other tokens before them or none."""
    t, h, w = found.thw
    steps, cells = {"spacetime": (t, h * w), "space": (1, h * w), "time": (t, 1)}[found.scope]
    is_along_time = found.scope == "time" and keys == t + len(found.extra)  # where no keys are pooled
    placements = [(found, (1, 1, 1))] if is_along_time else []
    for extra in (found.extra, ()):
        for pool in _pools(found, keys - len(extra)):
            thw = (t // pool[0], h // pool[1], w // pool[2])
            placements.append((replace(found, thw=thw, extra=extra, behind=found.behind if extra else 0), pool))
    if sinks and found.scope == "time":
        return NotReadable("has sinks beside keys along time, which this viewer cannot show together")
    if placements:
        asked, pool = placements[0]
        made = replace(asked, extra=(*sinks, *asked.extra))
        return Placed(
            rows=found.rows,
            keys=made.keys,
            thw=found.thw,
            scope=found.scope,
            extra=made.extra,
            subsample=pool,
            askers=found.extra,
            behind=found.behind,
        )
    queries = steps * cells + len(found.extra)
    if found.scope == "space" and t > 1 and keys > queries and keys % queries == 0:
        return NotReadable(
            f"has {queries} queries for {keys} keys in each frame: the keys are those of several frames or of maps of "
            "several sizes, or the queries are pooled, and no grid holds them all. Layers whose frames ask themselves, "
            "or all frames at once, can be shown"
        )
    if keys > queries:
        return _pools_queries(f"{queries} queries for {keys} keys")
    return NotReadable(
        f"has {keys} keys for {steps * cells} queries on a grid of {t}x{h}x{w} cells, which are no cells of it pooled "
        "by a whole number"
    )


def _pools(found: TokenPlacement, keys: int) -> Iterator[tuple[int, int, int]]:
    t, h, w = found.thw
    if found.scope == "time":
        return
    for frames in range(1, t + 1) if found.scope == "spacetime" else (1,):
        for side in range(1, min(h, w) + 1):
            steps = t // frames if found.scope == "spacetime" else 1
            if steps * (h // side) * (w // side) == keys:
                yield frames, side, side


def inside(windows: Windows) -> Placed:
    """Return the places of windows; the keys of other windows lie behind their walls."""
    t = windows.thw[0]
    cells, order, squares = windows.cells, windows.order, windows.squares
    asking = order
    if squares is not None:
        first = squares.first.shape[1] * torch.arange(len(cells))[:, None]
        asking = (first + squares.query).flatten()[order]

    def rows(tokens: Float[Tensor, "B n C"]) -> Float[Tensor, "Nq C"]:
        return tokens.flatten(0, 1)[asking.to(tokens.device)]

    def keys(tokens: Float[Tensor, "B n C"]) -> Float[Tensor, "Nk C"]:
        return tokens.flatten(0, 1)[order.to(tokens.device)]

    is_padding = cells < 0
    return Placed(
        rows=rows,
        keys=keys,
        squares=squares,
        thw=windows.thw,
        scope="space" if windows.within_frames or t == 1 else "spacetime",
        walls=windows.walls,
        extra=("padding",) if is_padding.any() else (),
        padding=is_padding if is_padding.any() else None,
    )
