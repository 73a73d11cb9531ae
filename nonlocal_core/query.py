"""From a captured block and one cell to what a person asked: where does this position look, who looks at it?"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

import numpy as np
from jaxtyping import Bool, Float32, Float64

from nonlocal_core.capture.hops import STAYS, Heads, Looked, follow
from nonlocal_core.capture.record import BlockCapture, asker_words
from nonlocal_core.capture.rows import at_temperature, column_weights, row_weights
from nonlocal_core.errors import SelectionError
from nonlocal_core.geometry import Cell, Grid, KeyGrid, QueryGrid
from nonlocal_core.look.sentence import frame_words
from nonlocal_core.pin import FrameBox, Point
from nonlocal_core.vocabulary import Direction, Rule

Cells = Sequence[Cell]
Followed = TypeVar("Followed", bound="_Weights")


class RankedCell(NamedTuple):
    """A cell with its weight, and how many times an even share of the positive weight that is."""

    cell: Cell
    value: float
    times_uniform: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class _Weights(ABC):
    """Weights of one direction on the grid they are drawn on.

    What an answer looks at is its positive weight: shares and ranks count that alone. A negative weight, which only
    the dot product has, takes away from y what lies there.
    """

    block: str
    pairwise: Rule
    values: Float32[np.ndarray, " N"]
    """In affinity units, one for each position of ``grid``; signed for the dot product."""
    off_grid: dict[str, float]
    """Weight on what is no position, such as a class token."""
    query_grid: QueryGrid
    key_grid: KeyGrid
    subsample: tuple[int, int, int]
    note: str = ""
    """Warning of the block (``BlockCapture.warning``), empty when there is none."""
    also: tuple[Cell, ...] = ()
    """Further cells that were asked: ``values`` are the mean over all of them."""
    minus: tuple[Cell, ...] = ()
    """Cells whose mean was taken away; ``values`` may then be negative."""
    plus_mass: float | None = None
    """What was shared out before anything was taken away (`mass_of`); None where nothing was."""
    asker: str | None = None
    """Name of who asked in the place of the position, such as "class token", or of a column's key that is no position,
    such as a word; None for positions."""
    asks_by_step: bool = False
    """Whether the asker asks in each step by itself."""
    hops: int = 1
    """1 for what is looked at; more for what that looked at in the layers before (`capture.hops`)."""
    draw: Callable[[], str] | None = None
    """Returns the figure of this answer as SVG; None for an answer that knows no clip. `Session` sets it."""

    def __repr__(self) -> str:
        kind, grid = type(self).__name__, "x".join(map(str, self.grid.shape))
        asked = f"{'query' if self.direction == 'row' else 'key'} {tuple(self.asked)}"
        asked += f" and {len(self.also)} more" * bool(self.also) + f" less {len(self.minus)}" * bool(self.minus)
        return f"{kind}({self.block!r}, {self.pairwise}, {asked}, float32 weights on {grid} cells)"

    def _repr_svg_(self) -> str | None:
        """Return the figure for the cell of a notebook."""
        return self.draw() if self.draw else None

    @property
    @abstractmethod
    def grid(self) -> Grid:
        """The grid that ``values`` lie on."""

    @property
    @abstractmethod
    def asked(self) -> Cell:
        """The cell that was asked."""

    @property
    def asked_cells(self) -> tuple[Cell, ...]:
        """Every cell that was asked, those that were taken away apart."""
        return (self.asked, *self.also)

    @property
    def asker_words(self) -> str | None:
        """Name in a sentence of what asked and is no position, "the class token of frame 2"; None for positions."""
        if self.asker is None:
            return None
        steps = sorted({cell.t for cell in self.asked_cells})
        frames = frame_words(self.asked_grid, steps[0]) if len(steps) == 1 else f"{len(steps)} frames"
        of = f" of {frames}" if self.asks_by_step else ""
        return asker_words(self.asker, is_key=self.direction == "column") + of

    @property
    def marked_cells(self) -> tuple[Cell, ...]:
        """The asked cells as pictures mark them: none where no position asked."""
        return self.asked_cells if self.asker is None else ()

    @property
    def is_signed(self) -> bool:
        """True where weights can be negative: those of a dot product, or where something was taken away."""
        return self.pairwise == "dot_product" or bool(self.minus)

    def mask(self, times_uniform: float = 1.0) -> Bool[np.ndarray, "T H W"]:
        """Return which cells have at least so many times an even share of the weight.

        Raises SelectionError for less than none.
        """
        if not times_uniform >= 0:
            raise SelectionError(f"times_uniform is 0 or more; got {times_uniform}.")
        return np.asarray(self.heat * self.times_uniform_per_unit >= times_uniform)

    @property
    @abstractmethod
    def asked_grid(self) -> Grid:
        """Grid of the asked cell."""

    @property
    @abstractmethod
    def direction(self) -> Direction:
        """Direction of the question: the asked cell looks, or is looked at."""

    @abstractmethod
    def _over(self, cell: Cell, reach: int) -> Bool[np.ndarray, "T H W"]:
        """Return the cells of ``grid`` over an asked one and ``reach`` around it, in its step."""

    @property
    def own_cells(self) -> Bool[np.ndarray, "T H W"]:
        """The cells of ``grid`` that lie over the asked ones."""
        return np.asarray(np.logical_or.reduce([self._over(cell, 0) for cell in self.asked_cells]))

    @property
    def own_place(self) -> Bool[np.ndarray, "T H W"]:
        """The cells over the asked ones and their neighbours, in the same step."""
        return np.asarray(np.logical_or.reduce([self._over(cell, 1) for cell in self.asked_cells]))

    @property
    @abstractmethod
    def _count(self) -> int:
        """The number of weights that a uniform answer would share the mass over."""

    @property
    def heat(self) -> Float32[np.ndarray, "T H W"]:
        """The values on their grid."""
        return self.values.reshape(self.grid.shape)

    @property
    def times_uniform_per_unit(self) -> float:
        """Factor from affinity units to times an even share: the positive weight shared out over all cells alike.

        Of what was asked, where something was taken away; of the weights' sizes where none is positive; 0 if all are 0.
        """
        mass = mass_of(self._all) if self.plus_mass is None else self.plus_mass
        return self._count / mass if mass > 0 else 0.0

    @property
    def positive_part(self) -> float:
        """Part in [0, 1] of the positive weight in the sum of all sizes; 0 if all are zero."""
        return float(np.maximum(self._all, 0).sum() / max(np.abs(self._all).sum(), np.finfo(float).tiny))

    @property
    def cell_share(self) -> Float64[np.ndarray, "T H W"]:
        """Each cell's share in [0, 1] of the positive weight; zeros if there is none."""
        return self._shares[: self.values.size].reshape(self.grid.shape)

    @property
    def per_step_share(self) -> Float64[np.ndarray, " T"]:
        """Each step's share in [0, 1] of the positive weight; zeros if there is none."""
        return np.asarray(self.cell_share.sum(axis=(1, 2)))

    @property
    def cumulative_share(self) -> Float64[np.ndarray, " N"]:
        """The share in [0, 1] of the positive weight that the 1, 2, ... N strongest cells hold together."""
        return np.asarray(np.sort(self.cell_share.reshape(-1))[::-1].cumsum())

    @property
    def entropy(self) -> float:
        """Entropy in nats of the positive weight taken as a distribution; log(N) when uniform."""
        p = self._shares[self._shares > 0]
        return float(-(p * np.log(p)).sum())

    def top(self, k: int = 20) -> tuple[RankedCell, ...]:
        """Return the k cells with the largest positive weights, largest first, ties in index order.

        Fewer than k where fewer cells have a positive weight.
        """
        order = np.argsort(-self.values, kind="stable")[:k]
        per_unit = self.times_uniform_per_unit
        return tuple(
            RankedCell(self.grid.cell(int(j)), float(self.values[j]), float(self.values[j]) * per_unit)
            for j in order
            if self.values[j] > 0
        )

    @property
    def _all(self) -> Float64[np.ndarray, " N_all"]:
        return np.append(self.values.astype(np.float64), list(self.off_grid.values()))

    @property
    def _shares(self) -> Float64[np.ndarray, " N_all"]:
        positive = np.maximum(self._all, 0)
        mass = positive.sum()
        return np.asarray(positive / mass if mass > 0 else positive)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class AffinityRow(_Weights):
    """Row of the affinity: the weight of one query on every key.

    ``values`` sum to 1 for the two Gaussians and a matching; for the dot product and the concatenation they are f / Nk,
    the very numbers that multiply g in the network.
    """

    query: Cell
    key_count: int
    """Nk, the keys that this query may attend to."""

    @property
    def grid(self) -> KeyGrid:
        """The key grid: a row lies on what is looked at."""
        return self.key_grid

    @property
    def asked(self) -> Cell:
        """The query."""
        return self.query

    @property
    def asked_grid(self) -> QueryGrid:
        """The query grid."""
        return self.query_grid

    @property
    def direction(self) -> Direction:
        """The asked cell looks."""
        return "row"

    def _over(self, cell: Cell, reach: int) -> Bool[np.ndarray, "T H W"]:
        t, y, x = self.query_grid.own_key(cell, self.subsample)
        inside = np.zeros(self.grid.shape, bool)
        if self.asker is not None:
            return inside
        inside[t, max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1] = True
        return inside

    @property
    def _count(self) -> int:
        return self.key_count

    @property
    def uniform(self) -> float:
        """1 / Nk: the weight of each key if the query did not care."""
        return 1.0 / self.key_count

    @property
    def own_key(self) -> Cell:
        """The key cell over the query."""
        return self.query_grid.own_key(self.query, self.subsample)

    @property
    def own_step_share(self) -> float:
        """Share in [0, 1] of the weight that stays in the query's own step."""
        return float(self.per_step_share[self.own_key.t])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class AffinityColumn(_Weights):
    """Column of the affinity: the weight of every query on one key. Columns do not sum to 1."""

    key: Cell
    looker_count: int | None = None
    """The number of queries that may look at the key, where that is not all."""

    @property
    def grid(self) -> QueryGrid:
        """The query grid: a column lies on what looks."""
        return self.query_grid

    @property
    def asked(self) -> Cell:
        """The key."""
        return self.key

    @property
    def asked_grid(self) -> KeyGrid:
        """The key grid."""
        return self.key_grid

    @property
    def direction(self) -> Direction:
        """The asked cell is looked at."""
        return "column"

    def _over(self, cell: Cell, reach: int) -> Bool[np.ndarray, "T H W"]:
        if self.asker is not None:
            return np.zeros(self.grid.shape, bool)
        # Queries of an odd edge that pooling dropped lie over the last key.
        t, y, x = (
            np.abs(keys - at) <= away
            for keys, at, away in zip(self.query_grid.own_keys(self.subsample), cell, (0, reach, reach), strict=True)
        )
        return np.asarray(t[:, None, None] & y[:, None] & x)

    @property
    def _count(self) -> int:
        return self.query_grid.size if self.looker_count is None else self.looker_count


def points_of(frame: int | None, x: float | None, y: float | None, points: Sequence[Point]) -> list[Point]:
    """Return the single point and the others. Raises SelectionError for a point without all its numbers."""
    if frame is None and x is None and y is None:
        return list(points)
    if frame is None or x is None or y is None:
        raise SelectionError(f"A point has frame, x and y; got frame={frame}, x={x}, y={y}.")
    return [(frame, x, y), *points]


def point_of_asker(grid: Grid, frame: int | None) -> Point:
    """Return a point that asks an asker: of that frame where each has its own, of the first where none is given."""
    return grid.frame_spans[0][0] if frame is None else frame, *grid.center(grid.cell(0))


def asked_cells(
    grid: Grid, points: Sequence[Point], boxes: Sequence[FrameBox], minus: Sequence[Point]
) -> tuple[Cell, tuple[Cell, ...], tuple[Cell, ...]]:
    """Return the first asked cell, the further ones, and those that are taken away.

    Raises SelectionError where nothing is asked or numbers are missing, GeometryError for a box that is none, and
    OutsideGridError for a point that the network did not see.
    """
    for asked, names in ((points, "frame, x, y"), (boxes, "frame, x0, y0, x1, y1"), (minus, "frame, x, y")):
        wrong = next((numbers for numbers in asked if len(numbers) != names.count(",") + 1), None)
        if wrong is not None:
            raise SelectionError(f"Each is ({names}); got {tuple(wrong)}.")
    cells = [grid.cell_at(frame=frame, x=x, y=y) for frame, x, y in points]
    inside = (
        cell for frame, *box in boxes for cell in grid.cells_in(frame=frame, box=(box[0], box[1], box[2], box[3]))
    )
    cells += dict.fromkeys(inside)
    if not cells:
        raise SelectionError("Nothing is asked: give frame, x and y, or points, or boxes.")
    return cells[0], tuple(cells[1:]), tuple(grid.cell_at(frame=frame, x=x, y=y) for frame, x, y in minus)


def row(
    block: BlockCapture, query: Cell, *, also: Cells = (), minus: Cells = (), temperature: float = 1.0
) -> AffinityRow:
    """Return where query cells look: the mean of their rows, less the mean of the rows of ``minus``.

    ``temperature``: scores are divided by it before the softmax; the answer's note says so.
    Raises GeometryError when a cell is not on the query grid, SelectionError for a temperature without a softmax, and
    for a block whose keys are no positions.
    """
    _refuse_a_list(block)
    asked = at_temperature(block, temperature)
    plus = _mean([row_weights(asked, cell) for cell in (query, *also)])
    less = _mean([row_weights(asked, cell) for cell in minus]) if minus else 0.0
    weights = np.asarray(plus - less, np.float32)
    on_grid = block.key_grid.size
    # Of the copies of an off-grid key only the query's own has a weight.
    off_grid = weights[on_grid:].reshape(block.off_grid_copies, -1).sum(axis=0)
    return AffinityRow(
        block=block.name,
        pairwise=block.pairwise,
        values=weights[:on_grid],
        off_grid=dict(zip(block.off_grid_keys, off_grid.tolist(), strict=True)),
        note=" ".join(filter(None, (temperature_words(temperature), block.warning))),
        query=query,
        query_grid=block.query_grid,
        key_grid=block.key_grid,
        subsample=block.subsample,
        key_count=block.key_count,
        also=tuple(also),
        minus=tuple(minus),
        plus_mass=mass_of(plus) if minus else None,
        asker=block.asker,
        asks_by_step=block.asker_copies > 1,
    )


def column(
    block: BlockCapture,
    key: Cell,
    normaliser: Float64[np.ndarray, " Nq"] | None = None,
    *,
    also: Cells = (),
    minus: Cells = (),
) -> AffinityColumn:
    """Return who looks at key cells: the mean of their columns, less the mean of the columns of ``minus``.

    ``normaliser``: what ``log_normaliser(block)`` returned, to spare its computation where rows are divided by
    their sum.
    Raises GeometryError when a cell is not on the key grid.
    """
    _refuse_a_list(block)
    if block.asker is not None:
        raise SelectionError(
            f"Who looks at a position can be asked where positions look; in {block.title!r} {asker_words(block.asker)} "
            "does. Ask where it looks."
        )
    return _looked_at(block, key, lambda cell: column_weights(block, cell, normaliser), also, minus)


def key_column(block: BlockCapture, at: Cell, *, also: Cells = (), minus: Cells = ()) -> AffinityColumn:
    """Return who looks at the key of a block that is no position (`BlockCapture.asker`), in the steps of some cells.

    The values are the layer's own weights: those of one position on all keys sum to 1.
    Raises GeometryError when a cell is not on the query grid.
    """
    looked_at = _looked_at(block, at, lambda cell: row_weights(block, cell), also, minus)
    return replace(looked_at, asker=block.asker, asks_by_step=block.asker_copies > 1, looker_count=block.key_count)


def _looked_at(
    block: BlockCapture, key: Cell, lookers: Callable[[Cell], Float64[np.ndarray, " Nq"]], also: Cells, minus: Cells
) -> AffinityColumn:
    """Return the mean of columns, less the mean of others. ``lookers``: the weights that positions give to a cell."""
    plus = _mean([lookers(cell) for cell in (key, *also)])
    less = _mean([lookers(cell) for cell in minus]) if minus else 0.0
    return AffinityColumn(
        block=block.name,
        pairwise=block.pairwise,
        values=np.asarray(plus - less, np.float32),
        off_grid={},
        note=block.warning,
        key=key,
        query_grid=block.query_grid,
        key_grid=block.key_grid,
        subsample=block.subsample,
        also=tuple(also),
        minus=tuple(minus),
        plus_mass=mass_of(plus) if minus else None,
    )


def _refuse_a_list(block: BlockCapture) -> None:
    """Raise SelectionError for a block whose keys are no positions."""
    if block.askers_are_keys:
        raise SelectionError(
            f"The keys of {block.title!r} are no positions, so no place in the picture is looked at. Ask who looks at "
            f"one of them: session.looking_at({block.asker!r}, block={block.name!r})."
        )


def followed(answer: Followed, route: Sequence[Heads], *, stays: float = STAYS) -> Followed:
    """Return a row after one further hop for each layer of a route (``Capture.route``), on its own grid; notes say so.

    ``stays``: the part of the weight that each further hop leaves where it is.
    """
    if not route:
        return answer
    looked = follow(Looked(answer.values.astype(np.float64), answer.off_grid), answer.grid, route, stays=stays)
    return replace(
        answer,
        values=looked.values.astype(np.float32),
        off_grid=dict(looked.off_grid),
        note=" ".join(filter(None, (hop_words(answer.block, route, stays=stays), answer.note))),
        hops=1 + len(route),
    )


def hop_words(block: str, route: Sequence[Heads], *, stays: float = STAYS) -> str:
    """Return the caution of an answer of several hops.

    It names the layers, and which part of the weight stays; a layer that is gone through again is said to be the same.
    """
    layers = [heads[0] for heads in route]
    before = [route[0][0].layer if block in {head.name for head in route[0]} else "", *(each.layer for each in layers)]
    names = [layer.layer_title + " again" * (layer.layer == last) for last, layer in zip(before, layers, strict=False)]
    return (
        f"{1 + len(layers)} hops, the further ones through {', then '.join(names)}: of the weight {100 * stays:g} % "
        "stays where it is each time, the rest goes on along the rows there."
    )


def temperature_words(temperature: float) -> str:
    """Return the caution of a temperature that is not the network's, empty for 1.

    >>> temperature_words(0.5)
    "Temperature 0.5, not the network's: its scores were divided by 0.5 before the softmax."
    """
    if temperature == 1:
        return ""
    said = f"{temperature:g}"
    return f"Temperature {said}, not the network's: its scores were divided by {said} before the softmax."


def mass_of(weights: Float64[np.ndarray, " N"]) -> float:
    """Return what is shared out: the sum of the positive weights, or of all sizes where none is positive."""
    return float(np.maximum(weights, 0).sum()) or float(np.abs(weights).sum())


def _mean(weights: Sequence[Float64[np.ndarray, " N"]]) -> Float64[np.ndarray, " N"]:
    return np.asarray(np.mean(weights, axis=0))
