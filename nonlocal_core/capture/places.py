"""Proof of place: a small change of the clip must move the positions that are said to stand for it, and no others.

Rebuilding an output cannot see in which order the positions lie. So the network runs a second time on a clip that was
changed at a few points, while every block that can be read gives back what it added in the first run. Nothing then
travels between positions but through the layers that are not attention, and the tables show where the change arrived.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from nonlocal_core.capture.reading import BlockReading, BlockSite, Call, NotReadable
from nonlocal_core.geometry import Grid, QueryGrid

MOVED = 1e-3
"""The part of the largest movement below which a position counts as unmoved: normalisation over the whole map."""

MIXED = 0.2
"""The same for the median: above it, every position has seen every other before this block."""

NEAR_CELLS = 0.75
"""How far the centre of a movement may lie from the change that a few positions share."""

NEAR_CELLS_WIDE = 1.25
"""The same for wider receptive fields, whose response is uneven; a strided convolution's positions lie up to half a
cell beside the middle of the cells that they are shown as."""

FEW = 4
"""Positions that one change may move, where it falls on the border of cells."""

_SEED = 11


class Point(NamedTuple):
    """A place of the clip: frames [start, stop), and the height and width in [0, 1] of what the network was fed."""

    start: int
    stop: int
    y: float
    x: float


def points_for(grids: Sequence[QueryGrid]) -> tuple[Point, ...]:
    """Return points well inside cells of every grid, whose pattern no flip, turn, shift or other order repeats."""
    coarse = min(grids, key=lambda grid: grid.rows * grid.cols)
    spans = min(grids, key=lambda grid: grid.frames).frame_spans
    # Not at the rim, where receptive fields are cut.
    (first, last), (top, bottom), (left, right) = (
        (1, count - 2) if count >= 4 else (0, count - 1) for count in (len(spans), coarse.rows, coarse.cols)
    )
    spots = {
        (top, left): (0.2, 0.2),
        (top, right): (0.3, 0.8),
        (bottom, right): (0.8, 0.8),
        (int(0.6 * coarse.rows), int(0.25 * coarse.cols)): (0.2, 0.8),
    }
    times = np.linspace(first, last, len(spots)).round().astype(int)
    return tuple(
        Point(start=spans[t][0], stop=spans[t][1], y=(row + dy) / coarse.rows, x=(col + dx) / coarse.cols)
        for ((row, col), (dy, dx)), t in zip(spots.items(), times, strict=True)
    )


def nudged(
    clip: Float[Tensor, "1 3 T H W"], points: Sequence[Point], grids: Sequence[QueryGrid]
) -> Float[Tensor, "1 3 T H W"]:
    """Return the clip with noise in a small square at each point, a quarter of the finest cell wide."""
    height, width = clip.shape[-2:]
    side = max(1, int(min(min(height / grid.rows, width / grid.cols) for grid in grids) / 4))
    changed, generator = clip.clone(), torch.Generator().manual_seed(_SEED)
    for point in points:
        top, left = (
            min(max(round(at * size - side / 2), 0), size - side) for at, size in ((point.y, height), (point.x, width))
        )
        square = changed[0, :, point.start : point.stop, top : top + side, left : left + side]
        square += torch.randn(square.shape, generator=generator).to(square)
    return changed


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FirstCall:
    """What a second run needs of a block's call in the first: copies, since a network may overwrite its own tensors."""

    reading: BlockReading
    grid: QueryGrid
    """Where its queries are said to lie."""
    added: Tensor
    """The output, without the input that a residual block's output holds."""
    rest: tuple[Any, ...]
    """What the block returned beside its output."""

    @classmethod
    def of(cls, site: BlockSite, call: Call, grid: QueryGrid) -> "FirstCall":
        """Return the copies for one call of a block that was read and proved."""
        x = site.inputs(call.args, call.kwargs)
        reading = site.reader.read(x)
        assert isinstance(reading, BlockReading)
        own = replace(reading, theta=reading.theta.clone(), phi=reading.phi.clone())
        rest = call.output[1:] if isinstance(call.output, tuple) else ()
        return cls(reading=own, grid=grid, added=call.z - x if reading.residual else call.z.clone(), rest=rest)


@dataclass(slots=True)
class PlaceTrial:
    """The second run: what each block gave in the first, and what was found out about its places."""

    first: Mapping[str, FirstCall]
    """The first call of each readable block by its name."""
    points: tuple[Point, ...]
    calls: Counter[str] = field(default_factory=Counter)
    wrong: dict[str, str] = field(default_factory=dict)
    """Block and reason, for positions that are elsewhere than said."""
    seen: set[str] = field(default_factory=set)

    def see(self, site: BlockSite, call: Call, name: str) -> Any:
        """Look at one call and return what its output shall be instead: what the block added in the first run."""
        if name not in self.first:
            return None
        self.seen.add(name)
        first, x = self.first[name], site.inputs(call.args, call.kwargs)
        before, after = first.reading, site.reader.read(x)
        if isinstance(after, NotReadable) or before.theta.shape != after.theta.shape:
            self.wrong[name] = "did not run again as it did the first time"
            return None
        found = misplacement(_movement(before.theta, after.theta), first.grid, self.points)
        keys = first.grid.pooled(before.subsample)
        if found is None and keys.shape == first.grid.shape:
            found = misplacement(_movement(before.phi, after.phi)[: keys.size], keys, self.points)
        if found is not None:
            self.wrong[name] = found
        z = first.added + x if before.residual else first.added
        return (z, *first.rest) if isinstance(call.output, tuple) else z

    def misplaced(self) -> dict[str, str]:
        """Return the blocks whose places are not proved, each with the reason."""
        unseen = {name: "did not run a second time" for name in self.first if name not in self.seen}
        return unseen | self.wrong


def misplacement(moved: Float64[np.ndarray, " N"], grid: Grid, points: Sequence[Point]) -> str | None:
    """Return in words how the positions that moved differ from those that stand for the points, None where they agree.

    ``moved``: how far each position of the grid moved. Where a change moves single positions, these must be the ones
    that are said; where it spreads over neighbours, its centre must lie near; where everything moves, more than half.
    """
    claimed = _claimed(grid, points)
    peak = float(moved.max())
    if peak == 0:
        return f"does not see a change of the clip at {_words(grid, claimed[0][0])}. It may drop or reorder positions"
    everywhere = np.median(moved) > MIXED * peak
    hit = np.flatnonzero(moved > MOVED * peak)
    said = {index for cells in claimed for index in cells}
    if everywhere:
        lost = next((index for index in sorted(said) if moved[index] < np.quantile(moved, 0.75)), None)
        return None if lost is None else _sentence(grid, lost, int(moved.argmax()))
    if len(hit) <= len(said):
        lost = next((index for index in sorted(said) if index not in hit), None)
        stray = next((int(index) for index in hit if int(index) not in said), None)
        if lost is None and stray is None:
            return None
        return _sentence(grid, min(said) if lost is None else lost, int(moved.argmax()) if stray is None else stray)
    near = NEAR_CELLS if len(hit) <= FEW * len(said) else NEAR_CELLS_WIDE
    return _off_centre(moved, grid, points, claimed, near)


def _claimed(grid: Grid, points: Sequence[Point]) -> list[list[int]]:
    """Return the indices of the cells that each point changes."""
    cells = []
    for point in points:
        times = range(grid.t_of_frame(point.start), grid.t_of_frame(point.stop - 1) + 1)
        row, col = int(point.y * grid.rows), int(point.x * grid.cols)
        cells.append([(t * grid.rows + row) * grid.cols + col for t in times])
    return cells


def _off_centre(
    moved: Float64[np.ndarray, " N"], grid: Grid, points: Sequence[Point], claimed: list[list[int]], near: float
) -> str | None:
    """Return in words where a spread movement has its centre too far from the change, None where it has not."""
    places = np.indices(grid.shape).reshape(3, -1).T.astype(np.float64)
    centres = np.array(
        [
            (places[cells, 0].mean(), point.y * grid.rows - 0.5, point.x * grid.cols - 0.5)
            for cells, point in zip(claimed, points, strict=True)
        ]
    )
    nearest = ((places[:, None] - centres[None]) ** 2).sum(axis=-1).argmin(axis=1)
    for number, centre in enumerate(centres):
        energy = np.where(nearest == number, moved**2, 0)
        total = energy.sum()
        found = (energy[:, None] * places).sum(axis=0) / total if total > 0 else np.full(3, np.inf)
        if np.abs(found - centre).max() > near:
            stray = int(energy.argmax()) if total > 0 else int(moved.argmax())
            return _sentence(grid, claimed[number][0], stray)
    return None


def _movement(before: Float[Tensor, "heads N C"], after: Float[Tensor, "heads N C"]) -> Float64[np.ndarray, " N"]:
    moved: np.ndarray = (after.double() - before.double()).pow(2).sum(dim=(0, 2)).sqrt().cpu().numpy()
    return moved


def _sentence(grid: Grid, said: int, found: int) -> str:
    return (
        f"has its cells elsewhere than said: a change of the clip at {_words(grid, said)} moved {_words(grid, found)}. "
        "The network may order its tokens in another way, shuffle or drop them, or pad its input inside"
    )


def _words(grid: Grid, index: int) -> str:
    t, y, x = grid.cell(index)
    return f"cell {t}, {y}, {x} (T, H, W) of {'x'.join(map(str, grid.shape))}"
