"""The gate: a reading becomes an answer only if it rebuilds the block's output; otherwise it is refused.

Every call is checked three times. Its numbers are finite. The output rebuilt from the tables equals the real one: at
every query if that is cheap or the block meets this shape for the first time, else at queries drawn anew for each
clip. The output depends on its rows: if it does not (a last layer that is still zero), a copy with random weights is
used. A call in half precision is repeated by a copy in float32, since rounding would hide a wrong row.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Int

from nonlocal_core.capture.copies import cast
from nonlocal_core.capture.reading import BlockReading, BlockSite, Call, NotReadable, first_line
from nonlocal_core.capture.rebuild import Rebuild, rebuild
from nonlocal_core.capture.record import BlockCapture
from nonlocal_core.capture.trial import Setting, read_call
from nonlocal_core.capture.turning import turned
from nonlocal_core.capture.twin import randomise, run_twin, twin_of, with_noise
from nonlocal_core.errors import CaptureError

REBUILD_TOLERANCE = 1e-3
"""Largest rebuild error of a true reading in float32; ``test_gate.py`` measures both sides of it."""

HALF_TOLERANCE = 0.5
"""Largest error of an output in half precision, whose maths a copy in float32 has proved already."""

MOST_TOLD = 10.0
"""Rebuild error above which its size says nothing more."""

SENSITIVITY = 10 * REBUILD_TOLERANCE
"""Minimum change of the output under other rows for the output to prove the rows."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Proof:
    """Captures of one call that were proved on it, one for each head, and the reading that they were made of."""

    blocks: tuple[BlockCapture, ...]
    reading: BlockReading


def proved(site: BlockSite, call: Call, name: str, setting: Setting) -> Proof | NotReadable:
    """Return the captures of one call, proved on that call, or the reason why there are none.

    Raises CaptureError for a fault of the caller that every block would share, such as training mode.
    """
    try:
        return _proved(site, call, name, setting)
    except (CaptureError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as fault:  # whatever a foreign layer raises when its parts are called one by one
        return NotReadable(f"could not be read: {first_line(fault)}")


def _proved(site: BlockSite, call: Call, name: str, setting: Setting) -> Proof | NotReadable:
    trial = read_call(site, call, name, setting)
    if isinstance(trial, NotReadable):
        return trial
    shape = trial.shape
    if trial.adds_nothing:
        return Proof(blocks=trial.blocks, reading=trial.reading)
    is_new = not site.has_met(shape)
    queries = trial.queries(everywhere=is_new)
    tolerance = HALF_TOLERANCE if trial.is_half else REBUILD_TOLERANCE
    found = rebuild(trial, queries, tolerance=tolerance, is_new=is_new)
    if found.error > tolerance:
        return _refusal(found.error, tolerance)
    if trial.is_half:
        repeated = _rebuild_in_float32(site, call, setting, queries)
        if isinstance(repeated, NotReadable):
            return repeated
        found = repeated
        if found.error > REBUILD_TOLERANCE:
            return _refusal(found.error, REBUILD_TOLERANCE)
    if is_new and not _is_shown(found):
        doubt = _doubt_of_random_copy(site, call, setting)
        if doubt is not None:
            return doubt
    if is_new:
        site.meet(shape)
    effect = trial.effect
    blocks = (
        replace(
            block, effect=effect, rebuild_error=found.error, rebuilt_queries=len(queries) or None, is_half=trial.is_half
        )
        for block in trial.blocks
    )
    made = tuple(blocks if trial.reading.has_key_grid else map(turned, blocks))
    return Proof(blocks=made, reading=trial.reading)


def _is_shown(found: Rebuild) -> bool:
    """Return whether the output depends on the rows of every head by clearly more than the rebuild error."""
    assert found.sensitivity is not None
    return found.sensitivity >= SENSITIVITY and found.error <= REBUILD_TOLERANCE * min(1.0, found.sensitivity)


def _rebuild_in_float32(
    site: BlockSite, call: Call, setting: Setting, queries: Int[np.ndarray, " n"]
) -> Rebuild | NotReadable:
    """Return the comparison for the same call in float32 by a copy of the block, or why that is impossible."""
    try:
        twin = twin_of(site)
        cast(twin.module, call.device, torch.float32)
        return rebuild_of(twin, run_twin(twin, call, torch.float32), setting, queries)
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as fault:  # whatever a foreign module raises when it is copied or run
        return NotReadable(
            f"ran in half precision, where rounding hides a wrong row, and a copy of it does not run in float32: "
            f"{first_line(fault)}. Run the network in float32"
        )


def _doubt_of_random_copy(site: BlockSite, call: Call, setting: Setting) -> NotReadable | None:
    """Return the reason why a copy with random weights and input does not prove a reading, or None if it does."""
    hidden = "does not show its rows in its output, as where its last layer is zero"
    try:
        twin = twin_of(site)
        randomise(twin.module)
        noisy = run_twin(twin, with_noise(call, site.inputs(call.args, call.kwargs)), torch.float64)
        found = rebuild_of(twin, noisy, setting)
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as fault:  # whatever a foreign module raises when it is copied or run
        return NotReadable(f"{hidden}, and a copy with random weights cannot be run: {first_line(fault)}")
    if isinstance(found, NotReadable):
        return NotReadable(f"{hidden}, and a copy with random weights {found.reason}")
    if found.error > REBUILD_TOLERANCE:
        return _refusal(found.error, REBUILD_TOLERANCE)
    if found.sensitivity is None or found.sensitivity < SENSITIVITY:
        return NotReadable(f"{hidden}, nor does a copy with random weights")
    return None


def rebuild_of(
    site: BlockSite, call: Call, setting: Setting, queries: Int[np.ndarray, " n"] | None = None
) -> Rebuild | NotReadable:
    """Return the comparison of a call's output in full precision with the rebuilt one, at some queries or at all."""
    with torch.autocast(call.device, enabled=False):
        trial = read_call(site, call, site.name, setting)
        if isinstance(trial, NotReadable):
            return trial
        if trial.is_half:
            return NotReadable(
                "computes in half precision inside, whatever it is given, and rounding hides a wrong row there. Take "
                "the autocast or the cast out of it"
            )
        asked = trial.queries(everywhere=True) if queries is None else queries
        return rebuild(trial, asked, tolerance=REBUILD_TOLERANCE)


def _refusal(error: float, tolerance: float) -> NotReadable:
    off = f"{100 * error:.2g} %" if error < MOST_TOLD else f"more than {100 * MOST_TOLD:.0f} %"
    return NotReadable(
        f"cannot be proved: its output, rebuilt from theta, phi and g, is off by {off}, where {100 * tolerance:.2g} % "
        "may be rounding. It may use a mask, windows, a bias on positions, a rotation or a gate, write into its own "
        "input, compute in half precision inside, hold a hook that changes its output, or have numbers too large for "
        "its precision"
    )
