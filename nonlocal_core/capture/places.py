"""Proof of place: a small change of the clip must move the positions stated to stand for it, and no others.

Rebuilding an output cannot show the order of the positions. So the network runs a few more times on clips that were
changed at some points, while every block that can be read repeats what it added in the first run. Changes then travel
between positions only through the layers that are not read, and the tables show where each change arrived.

One run that changes all points shows it where positions are tokens, of which each change moves its own and no other.
Elsewhere the runs in which a point is changed (`points`) show which movement belongs to it.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64
from torch import Tensor

from nonlocal_core.capture.gate import Proof
from nonlocal_core.capture.points import RUNS, Point, cells_of, run_count, runs_of, shows_order
from nonlocal_core.capture.reading import BlockReading, BlockSite, Call, NotReadable, map_rows, part_of, with_part
from nonlocal_core.geometry import Grid, QueryGrid

MOVED = 1e-3
"""Fraction of the largest movement below which a point counts as not seen."""

FAINT = 0.25
"""Fraction of the largest movement of a point below which positions do not count for its centre."""

MIXED = 3
"""Minimum movement of a position that counts, as a multiple of the median: if positions are mixed, all of them move."""

NEAR_CELLS, NEAR_CELLS_WIDE = 0.65, 1.5
"""Maximum distance in cells from the centre of a movement to its point: for a few tokens, and for overlapping fields,
which respond unevenly and whose positions lie up to half a cell off the middle of the cells that they are shown as.
For wide fields cut by the rim, as in a U-Net: the spread of the movement around its centre."""

ONE_STEP = 0.1
"""Spread of a movement over time, in temporal cells, below which it lies in one, which must then be its own."""

FEW = 4
"""Number of tokens that one change may move if it falls on the border of patches."""

RESTS = (
    "has tokens that are the same on every clip, those of a text or a list that the network brings, or that reach it "
    "through another layer that attends alone, which is held still in the proof: their places cannot be told"
)
"""Reason for a block whose positions move with no change of the clip."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FirstCall:
    """Copies of a block's call for the further runs, since a network may overwrite its own tensors."""

    site: BlockSite
    """The block, with the reader whose reading was proved."""
    reading: BlockReading
    grid: QueryGrid
    """Grid on which its queries are stated to lie."""
    added: Tensor
    """The output, without the input that a residual block's output holds."""
    output: Any
    """All that the block returned."""

    @classmethod
    def of(cls, site: BlockSite, call: Call, proof: Proof) -> "FirstCall":
        """Return the copies for one call of a block that was read and proved, with the positions' own channels.

        Tables that the record holds are not copied once more.
        """
        reading, block = proof.reading, proof.blocks[0]
        own, asking = slice(reading.features), None
        if reading.asker_theta is not None:
            asking = _kept(reading.asker_theta[..., own], block.asker_theta)
        kept = replace(
            reading,
            theta=_kept(reading.theta[..., own], block.theta),
            phi=_kept(reading.phi[..., own], block.phi),
            g=reading.g.new_empty((*reading.g.shape[:2], 0)),
            asker_theta=asking,
            project=_nothing,
            project_at=None,
            rows=map_rows,
            asker_rows=map_rows,
        )
        z = part_of(call.output, reading.output_at)
        added = z - site.inputs(call.args, call.kwargs) if reading.residual else z.clone()
        output = with_part(call.output, reading.output_at, added)
        return cls(site=site, reading=kept, grid=block.query_grid, added=added, output=output)


@dataclass(slots=True)
class PlaceTrial:
    """The further runs: the output of each block in the first run, and the movement of its positions in these."""

    first: Mapping[str, FirstCall]
    """The first call of each readable block by its name."""
    points: tuple[Point, ...]
    carries: bool = False
    """True if what a block adds changes with its queries, each alone: a second proof, for blocks behind another one
    that passes nothing else of its input on."""
    calls: Counter[str] = field(default_factory=Counter)
    """Number of runs of each block in the present run of the network."""
    theta: dict[str, list[Float64[np.ndarray, " N"]]] = field(default_factory=dict)
    phi: dict[str, list[Float64[np.ndarray, " N"]]] = field(default_factory=dict)
    asking: dict[str, list[Float64[np.ndarray, " Na"]]] = field(default_factory=dict)
    """Movement of the askers."""

    def see(self, _site: BlockSite, call: Call, name: str) -> Any:
        """Record one call and return the output to use in its place: what the block added in the first run."""
        if name not in self.first:
            return None
        first = self.first[name]
        x = first.site.inputs(call.args, call.kwargs)
        before, after = first.reading, first.site.reader.read(x)
        if isinstance(after, NotReadable) or before.theta.shape[:2] != after.theta.shape[:2]:
            return None
        own = slice(before.features)
        self.theta.setdefault(name, []).append(_movement(before.theta[..., own], after.theta[..., own]))
        self.phi.setdefault(name, []).append(_movement(before.phi[..., own], after.phi[..., own]))
        if before.asker_theta is not None and after.asker_theta is not None:
            moved = _movement(before.asker_theta[..., own], after.asker_theta[..., own])
            self.asking.setdefault(name, []).append(moved)
        del after  # with all that the layer computed for it, before the layer runs once more
        if before.resting is not None:
            sizes = torch.from_numpy(self.theta[name][-1])
            is_carried = self.carries and len(sizes) > 0 and bool(sizes.max() > 0)
            made = before.resting(x, sizes / sizes.max() if is_carried else None)
            is_part = isinstance(made, Tensor) and not isinstance(first.output, Tensor)
            return with_part(first.output, before.output_at, made) if is_part else made
        z = first.added + x if before.residual else first.added.clone()  # which the network may write into
        return with_part(first.output, before.output_at, z)

    @property
    def may_be_one_run(self) -> bool:
        """True if the positions of all blocks are tokens, and enough points drawn to show every other order of them."""
        return (
            len(self.points) >= math.comb(RUNS, 2)
            and all(
                not (each.reading.residual or each.reading.overlaps)
                and each.reading.square == 1
                and each.grid.pooled(each.reading.subsample).shape == each.grid.shape
                for each in self.first.values()
            )
            and all(shows_order(grid, self.points) for grid in {each.grid for each in self.first.values()})
        )

    def is_proved_by_one(self) -> bool:
        """Return whether the only run, which changed all points, moved their cells and no others in every block."""
        return all(name in self.phi and self._moved_its_own(name, first) for name, first in self.first.items())

    def _moved_its_own(self, name: str, first: FirstCall) -> bool:
        own, theta, phi = first.reading, self.theta[name][0], self.phi[name][0]
        on_grid = [theta] if len(theta) else []
        if own.has_key_grid:
            on_grid.append(phi[: first.grid.size])
        elif self._list_moved(name) is not None:
            return False
        return not self._asks_itself(name) and all(are_moved(each, first.grid, self.points) for each in on_grid)

    def _asks_itself(self, name: str) -> bool:
        """Return whether queries that the block made itself move with the clip."""
        moved = self.asking.get(name, []) if self.first[name].reading.are_inner else []
        most = max((float(each.max()) for each in moved), default=0.0)
        return most > MOVED * max(float(each.max()) for each in self.phi[name])

    def undecided(self, reasons: Mapping[str, str]) -> set[str]:
        """Return those of the misplaced blocks that a second trial, which carries the queries, may place.

        They are blocks that no change reaches, since another one passes nothing else of its input on to them, and
        those that may take every second row and column.
        """
        return {layer for layer, reason in reasons.items() if reason == RESTS or self.first[layer].reading.square > 1}

    def misplaced(self) -> dict[str, str]:
        """Return the blocks whose places are not proved, each with the reason."""
        found = {name: self._reason(name, first) for name, first in self.first.items()}
        return {name: reason for name, reason in found.items() if reason is not None}

    def _reason(self, name: str, first: FirstCall) -> str | None:
        if len(self.theta.get(name, [])) != run_count(self.points):
            return "cannot be placed: it did not run again as it did the first time"
        own, keys = first.reading, first.grid.pooled(first.reading.subsample)
        are_tokens = not (own.residual or own.overlaps)
        positions_ask = own.theta.shape[1] > 0
        reason = (
            misplacement(
                self.theta[name],
                first.grid,
                self.points,
                are_tokens=are_tokens and own.square == 1,
                may_miss=own.square > 1,
                square=own.square,
            )
            if positions_ask
            else None
        )
        if self._asks_itself(name):
            return "is asked by queries that change with the clip, but are no grid of it: it may pool its positions"
        if reason is None and not own.has_key_grid:
            return self._list_moved(name)
        if reason is None and (not own.residual or keys.shape == first.grid.shape):
            on_grid = [moved[: keys.size] for moved in self.phi[name]]
            is_pooled = keys.shape != first.grid.shape
            reason = misplacement(on_grid, keys, self.points, are_tokens=are_tokens, may_miss=is_pooled)
        return reason

    def behind(self, name: str) -> int:
        """Return the number of a block's other tokens that come after its positions, judged by the movements.

        It serves blocks whose places are not proved if all other tokens are taken to come before the positions.
        """
        first, asking = self.first[name], self.asking.get(name, [])
        own, grid = first.reading, first.grid
        if len(asking) != run_count(self.points) or not own.theta.shape[1] or own.residual:
            return 0
        sequences = grid.steps if own.scope == "space" else 1
        moved = [
            np.concatenate([each.reshape(sequences, -1) for each in both], axis=1)
            for both in zip(asking, self.theta[name], strict=True)
        ]
        others, cells = asking[0].size // sequences, grid.size // sequences
        for count in range(1, others + 1):
            start = others - count
            cut = [each[:, start : start + cells].ravel() for each in moved]
            if misplacement(cut, grid, self.points, are_tokens=not own.overlaps) is None:
                return count
        return 0

    def _list_moved(self, name: str) -> str | None:
        """Return the reason if keys that are stated not to be positions move with the clip, or None if they rest."""
        positions, keys = (max(float(each.max()) for each in moved[name]) for moved in (self.theta, self.phi))
        if keys <= MOVED * positions:
            return None
        return "has keys that change with the clip, but are no grid of it: they may be cells in an unknown order"


def misplacement(
    moved: Sequence[Float64[np.ndarray, " N"]],
    grid: Grid,
    points: Sequence[Point],
    *,
    are_tokens: bool,
    may_miss: bool = False,
    square: int = 1,
) -> str | None:
    """Return a sentence on the point that moved positions other than those that stand for it, or None if none did.

    ``moved``: the movement of each position of the grid in each run. ``are_tokens``: whether they are patches, of which
    one moves. The positions of a map have overlapping fields: the movement must have its centre near the point.
    ``may_miss``: pooled keys and queries need not see every change, since a maximum may hide it, but must see most.
    ``square``: rows and columns of the squares of positions that move together.
    """
    places = np.indices(grid.shape).reshape(3, -1).T.astype(np.float64)
    peak, missed = max(float(each.max()) for each in moved), 0
    if peak == 0:
        return RESTS
    for number, point in enumerate(points):
        own = _own_movement(moved, number)
        said = cells_of(grid, point, square)
        if not said:
            continue
        if own.max() <= MOVED * peak and may_miss:
            missed += 1
            if missed <= len(points) // 2:
                continue
        if own.max() <= MOVED * peak:
            at = _words(grid, said[0])
            if min(float(moved[run][said].max()) for run in runs_of(number, len(moved))) > MOVED * peak:
                return f"cannot be placed: a change of the clip at {at} moved many cells. {_REMEDY}"
            return f"cannot be placed: it does not see a change of the clip at {at}. {_REMEDY}"
        own[own < max(FAINT * own.max(), MIXED * float(np.median(own)))] = 0
        hit = np.flatnonzero(own)
        if not len(hit):
            return f"cannot be placed: a change of the clip at {_words(grid, said[0])} moved many cells. {_REMEDY}"
        energy = own**2
        centre = (energy[:, None] * places).sum(axis=0) / energy.sum()
        spread = np.sqrt((energy[hit, None] * (places[hit] - centre) ** 2).sum(axis=0) / energy.sum())
        off = centre - (places[said, 0].mean(), point.y * grid.rows - 0.5, point.x * grid.cols - 0.5)
        are_few = are_tokens and len(hit) <= FEW * len(said)
        # A point that spans several cells in time may move some of them too little to count.
        is_another = are_tokens and len(hit) <= len(said) and not set(hit.tolist()) <= set(said)
        is_another |= square > 1 and not set(hit.tolist()) & set(said)
        near = np.full(3, NEAR_CELLS) if are_few else np.fmax(NEAR_CELLS_WIDE * square, spread)
        if spread[0] < ONE_STEP:
            near[0] = NEAR_CELLS
        if is_another or bool((np.abs(off) > near).any()):
            most = int(own.argmax())
            moved_to = "many cells" if most in said else _words(grid, most)
            return f"cannot be placed: a change of the clip at {_words(grid, said[0])} moved {moved_to}. {_REMEDY}"
    return None


def are_moved(moved: Float64[np.ndarray, " N"], grid: Grid, points: Sequence[Point]) -> bool:
    """Return whether a change at all points moved a cell of each, and no cell of another place."""
    cells = [set(cells_of(grid, point, 1)) for point in points]
    hit = set(np.flatnonzero(moved > MOVED * moved.max()).tolist())
    return hit <= set().union(*cells) and all(hit & each for each in cells)


_REMEDY = (
    "The network may order its tokens in another way, bring others beside them, shuffle, drop or mix them before, as a "
    "mean over frames does, or pad its input inside. token_grid=(T, H, W) and class_tokens say where a grid lies"
)


def _nothing(_y: Tensor) -> None:
    """Replace a block's addition in copies that rebuild nothing, and all that the block computed on the way."""


def _own_movement(moved: Sequence[Float64[np.ndarray, " N"]], number: int) -> Float64[np.ndarray, " N"]:
    """Return each position's movement due to one point: its least in that point's runs less its most in the others."""
    own = runs_of(number, len(moved))
    others = np.max([each for run, each in enumerate(moved) if run not in own], axis=0)
    return np.asarray(np.maximum(np.minimum(moved[own[0]], moved[own[1]]) - others, 0))


def _kept(table: Float[Tensor, "heads N C"], held: Float32[np.ndarray, "N_all Ci"] | None) -> Tensor:
    """Return a table itself if its first head is the one that a record holds, else a copy."""
    is_held = held is not None and table.numel() > 0 and table.data_ptr() == held.ctypes.data
    return table if is_held else table.clone()


def _movement(before: Float[Tensor, "heads N C"], after: Float[Tensor, "heads N C"]) -> Float64[np.ndarray, " N"]:
    wide = torch.promote_types(after.dtype, torch.float32)
    moved: np.ndarray = torch.linalg.vector_norm(after.to(wide) - before.to(wide), dim=(0, 2)).double().cpu().numpy()
    return moved


def _words(grid: Grid, index: int) -> str:
    t, y, x = grid.cell(index)
    return f"cell {t}, {y}, {x} (T, H, W) of {'x'.join(map(str, grid.shape))}"
