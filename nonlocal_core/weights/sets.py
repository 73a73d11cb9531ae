"""Sets of weights in one file: the trained ones, and a running average of them (EMA)."""

from collections.abc import Mapping

from nonlocal_core.errors import WeightsError
from nonlocal_core.weights.kept_beside import RECORDS
from nonlocal_core.weights.unpickle import Call, shown

CONTAINERS = ("blobs", "model_state", "model_state_dict", "state_dict", "model", "module")
"""Keys under which files keep their tensors: Caffe2, SlowFast, torch's tutorials, open-mmlab, DeepSpeed and others.

A dictionary of any other name is one too if it holds tensors of parts of modules, and read if none of these is there.
"""

MOST_LISTED = 6
"""Number of sets that a message lists; their names come from the file."""

AVERAGE = "ema"
"""Value that selects the running average, whatever its key is."""


def chosen_set(content: Mapping[object, object], weights: str | None) -> tuple[str | None, str]:
    """Return the key of the set of weights to read, or None if the file itself is the set, and a sentence on others.

    ``weights``: a key, or ``AVERAGE``; None: the only set, or the one that a program would load.
    Raises WeightsError, listing the sets, if the choice is not among them, or if several are equal and none was chosen.
    """
    holds_sets = not _names_parts(content)  # a file of tensors holds sets under the usual names alone
    found = [
        name
        for name, value in content.items()
        if isinstance(name, str)
        and isinstance(value, dict)
        and (name in CONTAINERS or _is_average(name) or (holds_sets and _names_parts(value)))
    ]
    trained = [name for name in found if name in CONTAINERS] or [name for name in found if not _is_average(name)]
    listed = _listed(found) or "no set of weights under a name of its own"
    if weights is not None:
        average = _average(content, found) if weights == AVERAGE else None
        key: str | None = average or weights
        if key not in found:
            raise WeightsError(f"it holds {listed}, and not {shown(weights)}")
    else:
        equal = trained or found
        if len(equal) > 1:
            raise WeightsError(
                f"it holds more than one set of weights: {listed}; name one of them as the set of weights (--set in "
                "the shell, weights= in Python)"
            )
        key = equal[0] if equal else None
    others = [name for name in found if name != key]
    if key is None or not others:
        return key, ""
    kind = ", the running average" if key == _average(content, found) else ""
    return key, f"The weights are those of {shown(key)}{kind}; the file also holds {_listed(others)}."


def holds_tensor(value: object) -> bool:
    """Return whether a value of a file is a tensor or an array, and not a record of what lies beside the weights."""
    return isinstance(value, Call) and value.function not in RECORDS


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return ", ".join(map(shown, names[:MOST_LISTED])) + more


def _names_parts(value: object) -> bool:
    """Return whether a value is a dictionary with a tensor of a part of a module, such as "conv.weight"."""
    return isinstance(value, Mapping) and any(
        isinstance(name, str) and "." in name and holds_tensor(tensor) for name, tensor in value.items()
    )


def _is_average(name: str) -> bool:
    """Return whether a key is one of a running average, such as "ema", "model_ema" or "ema_state_dict"."""
    return AVERAGE in name.lower().split("_")


def _average(content: Mapping[object, object], found: list[str]) -> str | None:
    """Return the key of the only running average.

    mmengine stores it in place of the trained weights, and those under the other key
    (open-mmlab/mmengine@02f1880, mmengine/hooks/ema_hook.py, before_save_checkpoint).
    """
    if "message_hub" in content and {"state_dict", "ema_state_dict"} <= set(found):
        return "state_dict"
    averages = [name for name in found if _is_average(name)]
    return averages[0] if len(averages) == 1 else None
