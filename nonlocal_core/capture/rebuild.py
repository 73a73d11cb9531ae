"""The output of a block, rebuilt from its captured tables by the explicit formula and compared with the real one."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from torch import Tensor

from nonlocal_core.capture.assemble import table_of
from nonlocal_core.capture.reading import BlockReading
from nonlocal_core.capture.record import BlockCapture
from nonlocal_core.capture.rows import many_row_weights, weighted_sums
from nonlocal_core.capture.trial import Trial
from nonlocal_core.vocabulary import Progress

ROUNDING_STEPS = 64
"""Rounding errors of float32, at the largest value of a channel, that its error may hold. They count if the output
hardly varies, as when a block gathers nearly the same everywhere."""

HALF_ROUNDING_STEPS = 16
"""Rounding errors of half precision that an error may hold in the same way."""

SHOWN_QUERIES = 64
"""Number of queries at which the proof tests whether the output would show another row."""

PROGRESS_SECONDS = 1.0
"""Duration above which a check is shown as a step of its own."""

_Heads = Float32[np.ndarray, "heads m Cg"]
"""Rows of y, or of what stands for them, in each head."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuild:
    """Comparison of a block's real output with the rebuilt one.

    ``error``: the largest difference over the queries and channels, each channel measured by how far the block's own
    contribution varies over the queries, so that neither a large channel nor a constant part hides an error.
    ``sensitivity``: how far, in the same measure, other rows of the least visible head would have moved the output, and
    how far its rows differ there from the mean one, whichever is less. A reading whose rows the output does not show is
    not proved by it, however small the error. None if it was not measured.
    """

    error: float
    sensitivity: float | None


def rebuild(trial: Trial, queries: Int[np.ndarray, " n"], *, tolerance: float, is_new: bool = True) -> Rebuild:
    """Return the comparison of a block's output with the one rebuilt from its heads, at some queries.

    ``tolerance``: the error that will be accepted; rounding noise counts as an error of at most that.
    ``is_new``: whether to measure the sensitivity too.
    """
    blocks, reading = trial.blocks, trial.reading
    tell = _after_a_while(trial.tell, f"Checking every row of {trial.site.title}", len(queries))
    positions_ask = reading.theta.shape[1] > 0
    after = reading.rows(trial.z) if positions_ask else reading.asker_rows(trial.z)
    before = reading.rows(trial.x) if reading.residual else None
    computed_in = (after.dtype, reading.theta.dtype, reading.g.dtype, torch.float32)  # the last for the tables
    precision = max(torch.finfo(dtype).eps for dtype in computed_in)
    steps = ROUNDING_STEPS if precision == torch.finfo(torch.float32).eps else HALF_ROUNDING_STEPS
    scale = _channel_scale(after, before, steps * precision / tolerance)
    values = table_of(reading.g)
    worst, done = torch.zeros_like(scale), 0
    shown: list[tuple[_Heads, _Heads, Int[np.ndarray, " m"]]] = []
    for numbers, sums, masses in weighted_sums(blocks, values, queries):
        some = queries[numbers]
        # What y would be if each of those that see the same keys looked at what they look at on average; in windows,
        # where few see the same keys, or all of them ask with one query, what those of several look at.
        alike = 2 if blocks[0].windows is None else (1, 2)
        average = np.broadcast_to(sums.mean(axis=alike, keepdims=True), sums.shape)
        if reading.contrasts:
            own = masses[..., None] * values[:, some]
            sums, average = sums - own, average - own
        y, who = sums.reshape(len(values), some.size, -1), some.reshape(-1)
        index = torch.from_numpy(who).to(after.device)
        real = after[index].double() - (0 if before is None else before[index].double())
        worst = torch.maximum(worst, (real - _added(reading, y, who)).abs().amax(dim=0).to(scale))
        if is_new:
            step = -(-len(queries) // SHOWN_QUERIES)
            shown.append((y[:, ::step].copy(), average.reshape(y.shape)[:, ::step].copy(), who[::step]))
        done += some.size
        tell(done)
    for real, y, asking in _asked_by_askers(blocks, reading, values, trial.z):
        worst = torch.maximum(worst, (real - _added(reading, y, asking)).abs().amax(dim=0).to(scale))
        if is_new and not positions_ask:
            shown.append((y, np.broadcast_to(values.mean(axis=1, keepdims=True), y.shape), asking))
    error = float((worst / scale).max())
    if not is_new:
        return Rebuild(error=error, sensitivity=None)
    other = _sensitivity(blocks, reading, values, scale)
    # Queries that nearly look at their average anyway would hide a scale or a rotation that is wrong.
    looked, averages, asked = zip(*shown, strict=True)
    both = np.concatenate(looked, axis=1), np.concatenate(averages, axis=1)
    return Rebuild(error=error, sensitivity=min(other, _least_effect(reading, both, np.concatenate(asked), scale)))


def _after_a_while(tell: Progress, stage: str, total: int) -> Callable[[int], None]:
    """Return a progress reporter that stays silent until the steps have taken long."""
    started = time.monotonic()

    def step(done: int) -> None:
        if time.monotonic() - started > PROGRESS_SECONDS:
            tell(stage, done, total)

    return step


def _channel_scale(
    after: Float[Tensor, "Nq C"], before: Float[Tensor, "Nq C"] | None, noise: float
) -> Float[Tensor, " C"]:
    """Return the unit of each channel's errors: its variation plus ``noise`` times its largest absolute value."""
    change = after if before is None else after - before
    variation = (change.amax(dim=0).double() - change.amin(dim=0).double()) / 2
    largest = after.abs().amax(dim=0).double()
    if before is not None:
        largest = torch.maximum(largest, before.abs().amax(dim=0).double())
    # A channel that is small because large parts of it cancel has the rounding errors of those parts.
    largest = torch.maximum(largest, largest.median())
    return (variation + noise * largest).clamp_min(torch.finfo(torch.float32).tiny)


def _asked_by_askers(
    blocks: tuple[BlockCapture, ...],
    reading: BlockReading,
    values: Float32[np.ndarray, "heads Nk_all Cg"],
    z: Tensor,
) -> Iterator[tuple[Float[Tensor, "m C"], _Heads, Int[np.ndarray, " m"]]]:
    """Yield the real output of askers, their y in each head, and who they are, counted behind the positions."""
    tables = [block.asker_theta for block in blocks if block.asker_theta is not None]
    if not tables:
        return
    first = blocks[0]
    steps = np.arange(first.asker_copies) * (first.query_grid.size // first.asker_copies)
    real = reading.asker_rows(z)
    for numbers, y, _ in weighted_sums(blocks, values, np.repeat(steps, len(first.askers)), np.stack(tables)):
        some = numbers.reshape(-1)
        index = torch.from_numpy(some).to(real.device)
        yield real[index].double(), y.reshape(len(y), some.size, -1), reading.theta.shape[1] + some


def _added(reading: BlockReading, y: _Heads, who: Int[np.ndarray, " m"]) -> Float[Tensor, "m C"]:
    """Return the block's output, without the residual, for the rows of y of these queries."""
    rows = torch.from_numpy(y).transpose(0, 1).flatten(1).to(reading.g)[None]
    added = reading.project(rows) if reading.project_at is None else reading.project_at(rows, torch.from_numpy(who))
    assert added is not None
    return added[0].double()


def _sensitivity(
    blocks: tuple[BlockCapture, ...],
    reading: BlockReading,
    values: Float32[np.ndarray, "heads Nk_all Cg"],
    scale: Float[Tensor, " C"],
) -> float:
    """Return the output's movement if the queries of one head look at single keys, for the head that moves it least.

    Two such rows, of the same total weight as the real ones, are compared. No row of the reading itself is trusted.
    """
    rng = np.random.default_rng(0)
    asking = 0 if reading.asker_theta is None else reading.asker_theta.shape[1]
    count = min(SHOWN_QUERIES, reading.theta.shape[1] + asking)
    masses = [np.float32(_mass(block)) for block in blocks]
    first, second = (
        np.stack([mass * g[rng.integers(len(g), size=count)] for g, mass in zip(values, masses, strict=True)])
        for _ in range(2)
    )
    return _least_effect(reading, (first, second), np.arange(count), scale)


def _least_effect(
    reading: BlockReading, both: tuple[_Heads, _Heads], who: Int[np.ndarray, " m"], scale: Float[Tensor, " C"]
) -> float:
    """Return the output's movement if one head's y is exchanged, for the head that moves it least."""
    first, second = both
    plain, least = _added(reading, first, who), np.inf
    for head in range(len(first)):
        mixed = first.copy()
        mixed[head] = second[head]
        moved = (_added(reading, mixed, who) - plain).abs().amax(dim=0).to(scale)
        least = min(least, float((moved / scale).max()))
    return least


def _mass(block: BlockCapture) -> float:
    """Return the sum of a row's absolute weights: 1 for a softmax, the mean of some rows for the other functions."""
    if block.is_softmax:
        return 1.0
    some = np.linspace(0, block.query_grid.size - 1, min(8, block.query_grid.size)).astype(int)
    return float(np.abs(many_row_weights(block, some)).sum(axis=1).mean())
