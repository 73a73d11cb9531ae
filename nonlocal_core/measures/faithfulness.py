"""Test of a map by removing keys, to see whether those with the most weight matter more than others.

For one query, its strongest keys are cut; or as many random ones; or those whose colour is nearest to its own; or the
strongest ones of another query. The block's output at the query is compared before and after, and so is the network's
answer, in a few runs in which no query may look at these keys.

found = Session.open("sample:marked").faithfulness(frame=3, x=0.77, y=0.56, runs=4)
found.words
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float, Float64, Int
from PIL import Image
from torch import Tensor

from nonlocal_core.capture import BlockCapture
from nonlocal_core.capture.rows import allowed_keys, row_weights
from nonlocal_core.errors import CaptureError, SelectionError
from nonlocal_core.geometry import Cell, KeyGrid
from nonlocal_core.look import percent
from nonlocal_core.measures.ablation import OpenRun, changeable_blocks, logits_of, run_edited
from nonlocal_core.models import MarkNetwork, NonlocalBlock

Cut = Literal["strongest", "random", "colour", "another row"]
CUTS: tuple[Cut, ...] = get_args(Cut)
DRAWS = 40
"""Number of draws of random keys, and of other rows, behind an interval."""
MIDDLE = (2.5, 97.5)
"""Percentiles of the draws between which an interval lies."""
_Sets = dict[Cut, list[Int[np.ndarray, " k"]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Mean over draws, and the bounds of the middle 95 % of them; all three are equal for a single draw."""

    mean: float
    low: float
    high: float

    @classmethod
    def over(cls, values: list[float]) -> "Interval":
        """Return the interval of some values."""
        low, high = np.percentile(values, MIDDLE)
        return cls(mean=float(np.mean(values)), low=float(low), high=float(high))


@dataclass(frozen=True, slots=True, kw_only=True)
class Faithfulness:
    """Effects of cutting keys, by the way they were chosen."""

    keys: int
    """Number of cells that were cut at once."""
    added: Mapping[Cut, Interval]
    """``|change of W_z y| / |W_z y|`` at the query; 0 if the block adds nothing."""
    answer: Mapping[Cut, Interval]
    """Probability that changed hands, in [0, 1], if no query may look at the keys; empty if nothing was run."""

    @property
    def stands_out(self) -> bool:
        """True if the strongest keys matter more to the block's addition than the middle of the random draws."""
        return self.added["strongest"].mean > self.added["random"].high

    @property
    def moves_answer(self) -> bool | None:
        """True if they matter more to the network's answer, or None if that was not measured."""
        return self.answer["strongest"].mean > self.answer["random"].high if self.answer else None

    @property
    def words(self) -> str:
        """The result in sentences."""
        said = [_sentence(self.keys, "what the block adds here", self.added, stands_out=self.stands_out)]
        if self.moves_answer is not None:
            said.append(_sentence(self.keys, "the answer", self.answer, stands_out=self.moves_answer))
        return " ".join(said)


def faithfulness(
    ran: OpenRun, block: BlockCapture, query: Cell, *, keys: int | None = None, draws: int = DRAWS, runs: int = 0
) -> Faithfulness:
    """Return the effect of cutting keys of one query; arguments and errors as for ``Session.faithfulness``."""
    _check(ran, block, draws, runs)
    weights = row_weights(block, query)
    allowed = np.flatnonzero(allowed_keys(block, query))
    if not (keys is None or 1 <= keys < len(allowed)):
        raise SelectionError(f"Cut from 1 to {len(allowed) - 1} of the {len(allowed)} keys of this query; got {keys}.")
    count = _above_even(weights, allowed) if keys is None else keys
    sets = _sets(ran, block, query, allowed, count, draws)
    (changes,) = _added(ran, block, query, allowed, [sets])
    tested = {cut: chosen[:runs] for cut, chosen in sets.items()}
    return Faithfulness(
        keys=count,
        added={cut: Interval.over(values) for cut, values in changes.items()},
        answer=_answers(ran, block, query, tested, _untold) if runs else {},
    )


def faithfulness_curve(
    ran: OpenRun,
    block: BlockCapture,
    query: Cell,
    *,
    draws: int = DRAWS,
    runs: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Faithfulness, ...]:
    """Return the effect of cutting 1, 2, 4, ... keys, up to all those above an even share.

    The change of the answer is measured for the last alone, which equals the result of ``faithfulness``. Arguments and
    errors are as for ``faithfulness``.
    """
    _check(ran, block, draws, runs)
    tell = progress or _untold
    allowed = np.flatnonzero(allowed_keys(block, query))
    last = _above_even(row_weights(block, query), allowed)
    counts = [count for count in (1 << power for power in range(31)) if count < last] + [last]
    every = [_sets(ran, block, query, allowed, count, draws) for count in counts]
    changes = _added(ran, block, query, allowed, every)
    tested = {cut: chosen[:runs] for cut, chosen in every[-1].items()}
    answer = _answers(ran, block, query, tested, tell) if runs else {}
    return tuple(
        Faithfulness(
            keys=count,
            added={cut: Interval.over(values) for cut, values in found.items()},
            answer=answer if count == last else {},
        )
        for count, found in zip(counts, changes, strict=True)
    )


def _check(ran: OpenRun, block: BlockCapture, draws: int, runs: int) -> None:
    known = changeable_blocks(ran)
    if block.name not in known:
        raise CaptureError(
            f"Keys can be cut in blocks that are built here and add to the features; {block.title!r} is none. "
            f"Ask one of: {', '.join(known) or 'none in this network'}."
        )
    if draws < 1 or runs < 0:
        raise SelectionError(f"Draw at least once, and run no less than 0 times; got {draws} and {runs}.")


def _untold(done: int, total: int) -> None:
    """Report nothing."""


def _above_even(weights: Float64[np.ndarray, " Nk"], allowed: Int[np.ndarray, " n"]) -> int:
    """Return the number of allowed keys with more than an even share of the positive weight: at least 1, not all."""
    positive = np.maximum(weights[allowed], 0)
    count = int((positive > positive.mean()).sum())
    return min(max(count, 1), len(allowed) - 1)


def _sets(
    ran: OpenRun, block: BlockCapture, query: Cell, allowed: Int[np.ndarray, " n"], count: int, draws: int
) -> _Sets:
    strongest: _Sets = {"strongest": [_most(row_weights(block, query), allowed, count)]}
    return strongest | _others(ran, block, query, allowed, count, draws)


def _others(
    ran: OpenRun, block: BlockCapture, query: Cell, allowed: Int[np.ndarray, " n"], count: int, draws: int
) -> _Sets:
    """Return the sets of keys to cut besides the strongest, one or several draws for each way of choosing them."""
    rng = np.random.default_rng(0)
    colours, own = colours_of(ran, block.key_grid), block.query_grid.own_key(query, block.subsample)
    far = np.linalg.norm(colours - colours[block.key_grid.index(own)], axis=1)
    others = rng.choice(block.query_grid.size, draws)
    return {
        "random": [rng.choice(allowed, count, replace=False) for _ in range(draws)],
        "colour": [_most(-far, allowed, count)],
        "another row": [
            _most(row_weights(block, block.query_grid.cell(int(other))), allowed, count) for other in others
        ],
    }


def _most(values: Float64[np.ndarray, " Nk"], allowed: Int[np.ndarray, " n"], count: int) -> Int[np.ndarray, " k"]:
    """Return the allowed keys with the largest values."""
    chosen: np.ndarray = allowed[np.argsort(-values[allowed], kind="stable")[:count]]
    return chosen


def colours_of(ran: OpenRun, grid: KeyGrid) -> Float64[np.ndarray, "Nk 3"]:
    """Return the mean colour of each key's cell, in its first frame."""
    height, width = ran.frames.rgb.shape[1:3]
    x0, y0, x1, y1 = grid.box
    box = (max(x0, 0) * width, max(y0, 0) * height, min(x1, 1) * width, min(y1, 1) * height)
    small = [
        np.asarray(Image.fromarray(ran.frames.rgb[start]).resize((grid.cols, grid.rows), Image.Resampling.BOX, box=box))
        for start, _ in grid.frame_spans
    ]
    return np.stack(small).reshape(-1, 3).astype(np.float64)


def _added(
    ran: OpenRun, block: BlockCapture, query: Cell, allowed: Int[np.ndarray, " n"], every: list[_Sets]
) -> list[dict[Cut, list[float]]]:
    """Return the relative change of the block's output at the query without each set of keys, in one run for all."""
    found: list[dict[Cut, list[float]]] = []
    asked = torch.tensor([block.query_grid.index(query)])

    def watch(module: NonlocalBlock, x: Tensor) -> Tensor:
        pieces = module.embed(x)

        def added(keys: Int[np.ndarray, " m"]) -> Float[Tensor, " C"]:
            chosen = torch.from_numpy(keys).to(x.device)
            return module.project(module.gather(pieces, asked.to(x.device), chosen))[0, 0].double()

        whole = added(allowed)
        size = float(whole.norm())

        def changes(chosen: list[Int[np.ndarray, " k"]]) -> list[float]:
            rest = [np.setdiff1d(allowed, some) for some in chosen]
            return [float((added(keys) - whole).norm()) / size if size else 0.0 for keys in rest]

        found.extend({cut: changes(chosen) for cut, chosen in sets.items()} for sets in every)
        output: Tensor = module.forward(x)
        return output

    run_edited(ran, {block.name: watch})
    return found


def _answers(
    ran: OpenRun, block: BlockCapture, query: Cell, sets: _Sets, tell: Callable[[int, int], None]
) -> dict[Cut, Interval]:
    """Return the total variation of the answer without each of the key sets, with one run for each."""
    total, done = 1 + sum(map(len, sets.values())), 1
    before = _probabilities(ran, block, query, logits_of(ran))
    tell(done, total)
    found = {}
    for cut, chosen in sets.items():
        moved = []
        for some in chosen:
            mask = np.isin(np.arange(len(block.phi)), some)
            after = _probabilities(ran, block, query, logits_of(ran, cut_keys={block.name: mask}))
            moved.append(float((after - before).abs().sum() / 2))
            done += 1
            tell(done, total)
        found[cut] = Interval.over(moved)
    return found


def _probabilities(ran: OpenRun, block: BlockCapture, query: Cell, logits: Float[Tensor, "1 P K"]) -> Tensor:
    """Return the probability of each class: at the query, for a network that answers there, else for the clip."""
    likely = logits[0].double().softmax(-1)
    if not isinstance(ran.model.network, MarkNetwork):
        return likely.mean(dim=0)
    names = [inserted.name for inserted in ran.model.network.inserted]
    return likely[names.index(block.name) * block.query_grid.size + block.query_grid.index(query)]


def _sentence(keys: int, what: str, effects: Mapping[Cut, Interval], *, stands_out: bool) -> str:
    strongest, chance = effects["strongest"], effects["random"]
    figures = (
        f"{percent(strongest.mean)}, {keys} random ones {percent(chance.mean)} "
        f"({percent(chance.low)} to {percent(chance.high)})"
    )
    if stands_out:
        return f"Cutting its {keys} strongest keys changes {what} by {figures}."
    return f"To {what} its {keys} strongest keys matter no more than random ones: cut, they change it by {figures}."
