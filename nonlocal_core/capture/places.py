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
from jaxtyping import Float, Float64, Int
from torch import Tensor

from nonlocal_core.capture.reading import BlockReading, BlockSite, Call, NotReadable
from nonlocal_core.geometry import Grid, QueryGrid

MOVED = 1e-3
"""The part of the largest movement below which a position counts as unmoved: normalisation over the whole map."""

MIXED = 0.2
"""The same for the median: above it, every position has seen every other before this block."""

NEAR_CELLS, NEAR_CELLS_WIDE = 0.75, 1.25
"""How far the centre of a movement may lie from the change: of a few tokens, and of fields that overlap, which answer
unevenly and whose positions lie up to half a cell beside the middle of the cells that they are shown as."""

STRETCH_CELLS = 0.5
"""How far that may differ from one side of the frame to the other for tokens: more, and their patches are of another
size than said."""

FAINT = 0.25
"""The part of the largest movement around a point below which others do not count for the centre."""

FEW = 4
"""Tokens that one change may move, where it falls on the border of patches."""

_SEED = 11


class Point(NamedTuple):
    """A place of the clip: frames [start, stop), and the height and width in [0, 1] of what the network was fed."""

    start: int
    stop: int
    y: float
    x: float


def points_for(grids: Sequence[QueryGrid]) -> tuple[Point, ...]:
    """Return points well inside cells of every grid, whose pattern no flip, turn, shift or other order repeats.

    Two lie at the top and two at the bottom, two left and two right, of each pair one before and one behind the middle
    of its cell. There are fewer on grids of very few cells.
    """
    coarse = min(grids, key=lambda grid: grid.rows * grid.cols)
    spans = min(grids, key=lambda grid: grid.frames).frame_spans
    # Not at the rim, where receptive fields are cut.
    (first, last), (top, bottom), (left, right) = (
        (1, count - 2) if count >= least else (0, count - 1)
        for count, least in ((len(spans), 8), (coarse.rows, 4), (coarse.cols, 4))
    )
    quarter = max(left, int(0.25 * coarse.cols))
    spots = [
        (top + 0.2, left + 0.2),
        (top + 0.8, right + 0.2),
        (bottom + 0.2, right + 0.8),
        (bottom + 0.8, quarter + 0.8),
    ]
    times = np.linspace(first, last, len(spots)).round().astype(int)
    cells = {(int(t), int(row), int(col)): (row, col) for (row, col), t in zip(spots, times, strict=True)}
    return tuple(
        Point(start=spans[t][0], stop=spans[t][1], y=row / coarse.rows, x=col / coarse.cols)
        for (t, _, _), (row, col) in cells.items()
    )


def nudged(
    clip: Float[Tensor, "1 3 T H W"], points: Sequence[Point], grids: Sequence[QueryGrid]
) -> Float[Tensor, "1 3 T H W"]:
    """Return the clip with noise in a small square at each point, two fifths of the finest cell wide."""
    height, width = clip.shape[-2:]
    finest = min(min(height / grid.rows, width / grid.cols) for grid in grids)
    side = max(1, min(max(2, int(0.4 * finest)), int(finest)))
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
    """Copies of a block's call that a second run needs, since a network may overwrite its own tensors."""

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
        found = misplacement(
            _movement(before.theta, after.theta), first.grid, self.points, are_tokens=not before.residual
        )
        keys = first.grid.pooled(before.subsample)
        if found is None and keys.shape == first.grid.shape:
            found = misplacement(
                _movement(before.phi, after.phi)[: keys.size], keys, self.points, are_tokens=not before.residual
            )
        if found is not None:
            self.wrong[name] = found
        z = first.added + x if before.residual else first.added
        return (z, *first.rest) if isinstance(call.output, tuple) else z

    def misplaced(self) -> dict[str, str]:
        """Return the blocks whose places are not proved, each with the reason."""
        unseen = {name: "did not run a second time" for name in self.first if name not in self.seen}
        return unseen | self.wrong


def misplacement(
    moved: Float64[np.ndarray, " N"], grid: Grid, points: Sequence[Point], *, are_tokens: bool
) -> str | None:
    """Return in words how the positions that moved differ from those that stand for the points, None where they agree.

    ``moved``: how far each position of the grid moved. ``are_tokens``: whether they are taken for patches, of which one
    moves for each point. The positions of a map have fields that overlap: what moved must have its centre near.
    Where everything moves, since positions were mixed before, the cells of the points must move more than most.
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
    if are_tokens and len(hit) <= len(said) and said != set(hit.tolist()):
        stray = next((int(index) for index in hit if int(index) not in said), int(moved.argmax()))
        return _sentence(grid, min(said - set(hit.tolist())), stray)
    off = _off_centre(moved, grid, points, claimed)
    worst, are_few = int(np.abs(off).max(axis=1).argmax()), are_tokens and len(hit) <= FEW * len(said)
    is_stretched = are_few and _stretch(off, grid) > STRETCH_CELLS
    if is_stretched or np.abs(off[worst]).max() > (NEAR_CELLS if are_few else NEAR_CELLS_WIDE):
        return _sentence(grid, claimed[worst][0], int(np.where(_nearest(grid, points) == worst, moved, 0).argmax()))
    return None


def _claimed(grid: Grid, points: Sequence[Point]) -> list[list[int]]:
    """Return the indices of the cells that each point changes."""
    cells = []
    for point in points:
        times = range(grid.t_of_frame(point.start), grid.t_of_frame(point.stop - 1) + 1)
        row, col = int(point.y * grid.rows), int(point.x * grid.cols)
        cells.append([(t * grid.rows + row) * grid.cols + col for t in times])
    return cells


def _off_centre(
    moved: Float64[np.ndarray, " N"], grid: Grid, points: Sequence[Point], claimed: list[list[int]]
) -> Float64[np.ndarray, "points 3"]:
    """Return how many cells the centre of what moved around each point lies beside it; infinite where nothing moved."""
    nearest, places = _nearest(grid, points), _places(grid)
    off = np.full((len(points), 3), np.inf)
    for number, (point, cells) in enumerate(zip(points, claimed, strict=True)):
        local = np.where(nearest == number, moved, 0)
        energy = np.where(local < FAINT * local.max(), 0, local**2)
        if energy.any():
            centre = (energy[:, None] * places).sum(axis=0) / energy.sum()
            off[number] = centre - (places[cells, 0].mean(), point.y * grid.rows - 0.5, point.x * grid.cols - 0.5)
    return off


def _stretch(off: Float64[np.ndarray, "points 3"], grid: Grid) -> float:
    """Return how much farther the centres lie beside their points at the bottom than at the top, or right than left."""
    if len(off) < 4 or min(grid.rows, grid.cols) < 4:
        return 0.0
    (_, down_0, right_0), (_, down_1, right_1), (_, down_2, right_2), (_, down_3, right_3) = off
    return float(max(abs(down_2 + down_3 - down_0 - down_1), abs(right_1 + right_2 - right_0 - right_3)) / 2)


def _places(grid: Grid) -> Float64[np.ndarray, "N 3"]:
    """Return the cells of a grid, in the order of their indices."""
    return np.indices(grid.shape).reshape(3, -1).T.astype(np.float64)


def _nearest(grid: Grid, points: Sequence[Point]) -> Int[np.ndarray, " N"]:
    """Return the number of the point that each cell is nearest to."""
    centres = np.array(
        [
            ((grid.t_of_frame(p.start) + grid.t_of_frame(p.stop - 1)) / 2, p.y * grid.rows - 0.5, p.x * grid.cols - 0.5)
            for p in points
        ]
    )
    nearest: np.ndarray = ((_places(grid)[:, None] - centres[None]) ** 2).sum(axis=-1).argmin(axis=1)
    return nearest


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
