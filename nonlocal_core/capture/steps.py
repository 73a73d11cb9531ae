"""Steps of a network that runs several times in one recording, such as a diffusion model at its timesteps."""

import inspect
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from nonlocal_core.capture.record import BlockCapture

_TOLD = ("timestep", "timesteps")
"""Arguments that mark a part of a network as run once for each step (diffusers, guided diffusion)."""
_TIMES = (*_TOLD, "sigma", "t")
"""Arguments that may hold the time of a step."""


def stepping_part(model: nn.Module) -> nn.Module:
    """Return the part whose calls are the steps: the only outermost one that takes a timestep, else the network."""
    found: list[tuple[str, nn.Module]] = []
    for name, part in model.named_modules():
        is_inside = any(not other or name.startswith(f"{other}.") for other, _ in found)
        if not is_inside and _parameters(part) & set(_TOLD):
            found.append((name, part))
    return found[0][1] if len(found) == 1 else model


def time_of(arguments: Mapping[str, Any]) -> str | None:
    """Return the time passed to a call, in words such as "timestep 900", or None if there is none or several."""
    name = next((name for name in _TIMES if name in arguments), None)
    value = arguments.get(name or "")
    if isinstance(value, Tensor) and value.numel() and bool((value == value.flatten()[0]).all()):
        value = value.flatten()[0].item()
    if name is None or isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return f"{name.removesuffix('s')} {value:g}"


def in_steps(
    blocks: Iterable[BlockCapture], steps: Sequence[str | None], step_of: Mapping[str, int]
) -> tuple[BlockCapture, ...]:
    """Return blocks with their step in their titles if there are several: its time, else its number.

    ``steps``: the time of each step in words. ``step_of``: the number of the step, from 0, of a layer by its name.
    """
    told = set(steps)
    are_times = None not in told and len(told) == len(steps)
    turns: Counter[tuple[str, int]] = Counter()
    found: list[BlockCapture] = []
    for block in blocks:
        layer, _, turn = block.layer.partition("@")
        step = step_of.get(block.layer, -1)
        if len(steps) < 2 or step < 0:
            found.append(block)
            continue
        if not found or found[-1].layer != block.layer:
            turns[layer, step] += 1
        words = str(steps[step]) if are_times else f"step {step + 1} of {len(steps)}"
        again = f" · run {turns[layer, step]}" if turns[layer, step] > 1 else ""
        before = block.layer_title.removesuffix(f" · run {turn}")
        head = block.title.removeprefix(block.layer_title)
        found.append(replace(block, title=f"{before}{again} · {words}{head}", step=words))
    return tuple(found)


def _parameters(part: nn.Module) -> set[str]:
    """Return the names of the arguments of a module's ``forward``, none if it is not Python's."""
    if isinstance(part, torch.jit.ScriptModule):  # whose class has no forward to look at
        return set()
    try:
        return set(inspect.signature(type(part).forward).parameters)
    except (TypeError, ValueError):
        return set()
