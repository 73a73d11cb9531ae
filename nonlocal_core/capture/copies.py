"""Copies of modules that run beside the originals, without the traces of training or of a run."""

import copy
from collections import OrderedDict, deque
from typing import Any

import torch
from torch import Tensor, nn

from nonlocal_core.capture.untouched import ATOMS

_RECOMPUTES = "torch.nn.utils"
"""Package of the hooks without which a layer has no weight: old weight norm, old spectral norm, pruning."""

_POWER_STEPS = 15
"""Power iterations for a weight, as many as ``torch.nn.utils.parametrizations.spectral_norm`` takes for a new one."""


def copied_apart(parts: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return copies of modules, and of objects that refer to them, whose runs leave the modules unchanged.

    Tensors that a run or a training step left on a module, which Python's copy refuses, come without their history.
    Hooks are not copied, except those that compute a layer's weight. Objects that cannot be copied, such as locks, are
    shared.
    """
    memo: dict[int, Any] = {}
    for module in (module for part in parts if isinstance(part, nn.Module) for module in part.modules()):
        for name, value in vars(module).items():
            if name.endswith(("_hooks", "_hooks_with_kwargs", "_hooks_always_called")):
                memo[id(value)] = OrderedDict(_needed_hooks(value) if name == "_forward_pre_hooks" else ())
            else:
                _ease(value, memo)
    return copy.deepcopy(parts, memo)


def cast(module: nn.Module, device: str, dtype: torch.dtype) -> None:
    """Move a copy whole: its parameters and buffers, and the tensors that its modules hold as plain attributes."""
    module.to(device, dtype)
    for part in module.modules():
        for name, value in list(vars(part).items()):
            if isinstance(value, Tensor | dict | list | tuple) and not name.startswith("_"):
                vars(part)[name] = _cast(value, device, dtype)


def _cast(value: Any, device: str, dtype: torch.dtype) -> Any:
    if isinstance(value, Tensor) and not isinstance(value, nn.Parameter):
        return value.to(device, dtype) if value.is_floating_point() else value.to(device)
    if type(value) is dict:
        return {key: _cast(part, device, dtype) for key, part in value.items()}
    return type(value)(_cast(part, device, dtype) for part in value) if type(value) in (list, tuple) else value


def _needed_hooks(hooks: dict[int, Any]) -> dict[int, Any]:
    return {key: copy.deepcopy(hook) for key, hook in hooks.items() if type(hook).__module__.startswith(_RECOMPUTES)}


def _ease(value: Any, memo: dict[int, Any]) -> None:
    """Write replacements for the values that ``copy.deepcopy`` refuses into its memo."""
    if isinstance(value, (*ATOMS, nn.Module, nn.Parameter)) or id(value) in memo:
        return
    if isinstance(value, Tensor):
        memo[id(value)] = value.detach().clone()
    elif isinstance(value, torch.Generator):
        memo[id(value)] = torch.Generator(value.device).set_state(value.get_state())
    elif isinstance(value, dict | list | deque | set | tuple | frozenset):
        for part in value.values() if isinstance(value, dict) else value:
            _ease(part, memo)
    else:
        try:
            copy.deepcopy(value, dict(memo))
        except Exception:  # whatever it raises, it is not for copying
            memo[id(value)] = value


def settle_weight_norms(block: nn.Module) -> None:
    """Let every spectral norm of a block adapt to newly drawn weights by some of its own training steps."""
    for layer in block.modules():
        hooks: tuple[Any, ...] = tuple(layer._forward_pre_hooks.values())  # a copy has no others
        weights: tuple[str, ...] = tuple(getattr(layer, "parametrizations", ()))
        if not (hooks or weights):
            continue
        layer.train()
        for _ in range(_POWER_STEPS):
            for hook in hooks:
                hook(layer, ())
            for name in weights:
                getattr(layer, name)
        layer.eval()
