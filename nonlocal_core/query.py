"""Answers of a captured block for one cell: its row and its column."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float32, Float64

from nonlocal_core.answers import AffinityColumn, AffinityRow, AnyAnswer, mass_of
from nonlocal_core.capture.hops import STAYS, Heads, Looked, follow
from nonlocal_core.capture.record import BlockCapture, asker_words, mean_of_heads
from nonlocal_core.capture.rows import at_temperature, column_weights, row_weights
from nonlocal_core.errors import SelectionError
from nonlocal_core.geometry import Cell, Grid
from nonlocal_core.pin import FrameBox, Pin, Point

Cells = Sequence[Cell]


def points_of(frame: int | None, x: float | None, y: float | None, points: Sequence[Point]) -> list[Point]:
    """Return the single point and the others. Raises SelectionError for an incomplete point."""
    if frame is None and x is None and y is None:
        return list(points)
    if frame is None or x is None or y is None:
        raise SelectionError(f"A point has frame, x and y; got frame={frame}, x={x}, y={y}.")
    return [(frame, x, y), *points]


def point_of_asker(grid: Grid, frame: int | None) -> Point:
    """Return a point that asks an asker: of that frame if each has its own, of the first if none is given."""
    return grid.frame_spans[0][0] if frame is None else frame, *grid.center(grid.cell(0))


def asked_cells(
    grid: Grid, points: Sequence[Point], boxes: Sequence[FrameBox], minus: Sequence[Point]
) -> tuple[Cell, tuple[Cell, ...], tuple[Cell, ...]]:
    """Return the first asked cell, the further ones, and those that are subtracted.

    Raises SelectionError if nothing is asked or numbers are missing, GeometryError for an invalid box, and
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
    """Return the mean of the rows of the query cells, less the mean of the rows of ``minus``.

    A difference compares the positive parts of the two means.
    ``temperature``: scores are divided by it before the softmax; the answer's note says so.
    Raises GeometryError if a cell is not on the query grid, SelectionError for a temperature without a softmax, and
    for a block whose keys are not positions.
    """
    _refuse_a_list(block)
    asked = at_temperature(block, temperature)
    plus = _mean([row_weights(asked, cell) for cell in (query, *also)])
    weights = _less(plus, [row_weights(asked, cell) for cell in minus])
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
        is_walled=block.is_walled,
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
    normaliser: Float64[np.ndarray, "*heads Nq"] | None = None,
    *,
    also: Cells = (),
    minus: Cells = (),
) -> AffinityColumn:
    """Return the mean of the columns of the key cells, less the mean of the columns of ``minus``.

    ``normaliser``: the result of ``log_normaliser(block)``, to avoid computing it again if rows are divided by their
    sum. Raises GeometryError if a cell is not on the key grid.
    """
    _refuse_a_list(block)
    if block.asker is not None:
        raise SelectionError(
            f"Who looks at a position can be asked where positions look; in {block.title!r} {asker_words(block.asker)} "
            "does. Ask where it looks."
        )
    return _looked_at(block, key, lambda cell: column_weights(block, cell, normaliser), also, minus)


def key_column(block: BlockCapture, at: Cell, *, also: Cells = (), minus: Cells = ()) -> AffinityColumn:
    """Return the mean column of an off-grid key of a block (`BlockCapture.asker`), in the steps of some cells.

    The values are the layer's own weights: those of one position on all keys sum to 1.
    Raises GeometryError if a cell is not on the query grid.
    """
    looked_at = _looked_at(block, at, lambda cell: row_weights(block, cell), also, minus)
    return replace(looked_at, asker=block.asker, asks_by_step=block.asker_copies > 1, looker_count=block.key_count)


def _looked_at(
    block: BlockCapture, key: Cell, lookers: Callable[[Cell], Float64[np.ndarray, " Nq"]], also: Cells, minus: Cells
) -> AffinityColumn:
    """Return the mean of columns, less the mean of others. ``lookers``: a function for the column of a cell."""
    plus = _mean([lookers(cell) for cell in (key, *also)])
    return AffinityColumn(
        block=block.name,
        pairwise=block.pairwise,
        values=_less(plus, [lookers(cell) for cell in minus]),
        off_grid={},
        note=block.warning,
        key=key,
        query_grid=block.query_grid,
        key_grid=block.key_grid,
        subsample=block.subsample,
        is_walled=block.is_walled,
        also=tuple(also),
        minus=tuple(minus),
        plus_mass=mass_of(plus) if minus else None,
    )


def looked(block: BlockCapture, pin: Pin) -> AffinityRow | AffinityColumn:
    """Return the answer of a block to a pin: a row, or the column of an asker."""
    first, also, less = asked_cells(block.query_grid, pin.points, (), pin.minus)
    if block.askers_are_keys:
        return key_column(at_temperature(block, pin.temperature), first, also=also, minus=less)
    return row(block, first, also=also, minus=less, temperature=pin.temperature)


def pin_of(answer: AffinityRow | AffinityColumn) -> Pin:
    """Return a pin that asks the cells of an answer, each at its centre, in its first frame."""
    (frame, x, y), *also = (_middle(answer.asked_grid, cell) for cell in answer.asked_cells)
    return Pin(
        frame=frame,
        x=x,
        y=y,
        also=tuple(also),
        minus=tuple(_middle(answer.asked_grid, cell) for cell in answer.minus),
        block=answer.block,
        asker=answer.asker,
        direction="row" if answer.asker else answer.direction,
    )


def _middle(grid: Grid, cell: Cell) -> Point:
    return grid.span(cell.t)[0], *grid.center(cell)


def _refuse_a_list(block: BlockCapture) -> None:
    """Raise SelectionError for a block whose keys are not positions."""
    if block.askers_are_keys:
        raise SelectionError(
            f"The keys of {block.title!r} are no positions, so no place in the picture is looked at. Ask who looks at "
            f"one of them: session.looking_at({block.asker!r}, block={block.name!r})."
        )


def followed(answer: AnyAnswer, route: Sequence[Heads], *, stays: float = STAYS) -> AnyAnswer:
    """Return a row after one further hop for each layer of a route (``Capture.route``), on its own grid; notes say so.

    ``stays``: the fraction of the weight that each further hop leaves in place.
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
    """Return the caution on an answer of several hops.

    It names the layers and the fraction of the weight that stays, and says if a layer is followed by itself.
    """
    layers = [heads[0] for heads in route]
    before = [
        route[0][0].layer if block in {head.name for head in (*route[0], mean_of_heads(route[0]))} else "",
        *(each.layer for each in layers),
    ]
    names = [layer.layer_title + " again" * (layer.layer == last) for last, layer in zip(before, layers, strict=False)]
    return (
        f"{1 + len(layers)} hops, the further ones through {', then '.join(names)}: of the weight {100 * stays:g} % "
        "stays where it is each time, the rest goes on along the rows there."
    )


def temperature_words(temperature: float) -> str:
    """Return the caution on a temperature that is not the network's, empty for 1.

    >>> temperature_words(0.5)
    "Temperature 0.5, not the network's: its scores were divided by 0.5 before the softmax."
    """
    if temperature == 1:
        return ""
    said = f"{temperature:g}"
    return f"Temperature {said}, not the network's: its scores were divided by {said} before the softmax."


def _less(plus: Float64[np.ndarray, " N"], minus: Sequence[Float64[np.ndarray, " N"]]) -> Float32[np.ndarray, " N"]:
    """Return the weights, less those of others; negative weights, of a dot product, count on neither side."""
    if minus:
        plus = np.maximum(plus, 0) - np.maximum(_mean(minus), 0)
    return np.asarray(plus, np.float32)


def _mean(weights: Sequence[Float64[np.ndarray, " N"]]) -> Float64[np.ndarray, " N"]:
    return np.asarray(np.mean(weights, axis=0))
