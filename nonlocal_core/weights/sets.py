"""Sets of weights in one file: the trained ones, and a running average of them (EMA)."""

from collections.abc import Mapping

from nonlocal_core.errors import WeightsError
from nonlocal_core.weights.unpickle import shown

CONTAINERS = ("blobs", "model_state", "state_dict", "model", "module")
"""Keys under which files keep their tensors: Caffe2, SlowFast, open-mmlab, torch's examples, DeepSpeed and others."""

AVERAGES = ("ema_state", "ema_state_dict", "state_dict_ema", "model_ema", "ema")
"""Keys under which files keep a running average of the weights beside them."""

AVERAGE = "ema"
"""Value that selects the running average, whatever its key is."""


def chosen_set(content: Mapping[object, object], weights: str | None) -> tuple[str | None, str]:
    """Return the key of the set of weights to read, or None if the file itself is the set, and a sentence on others.

    ``weights``: a key, or ``AVERAGE``; None: the only set, or the one that a program would load.
    Raises WeightsError, listing the sets, if the choice is not among them, or if several are equal and none was chosen.
    """
    found = [name for name in (*CONTAINERS, *AVERAGES) if isinstance(content.get(name), dict)]
    trained = [name for name in found if name in CONTAINERS]
    listed = ", ".join(found) or "no set of weights under a name of its own"
    if weights is not None:
        average = _average(content, found) if weights == AVERAGE else None
        key: str | None = average or weights
        if key not in found:
            raise WeightsError(f"it holds {listed}, and not {shown(weights)}")
    elif len(trained) > 1:
        raise WeightsError(f"it holds more than one set of weights: {listed}; say which")
    else:
        key = trained[0] if trained else found[0] if len(found) == 1 else None
        if key is None and found:
            raise WeightsError(f"it holds more than one set of weights: {listed}; say which")
    others = [name for name in found if name != key]
    if key is None or not others:
        return key, ""
    kind = ", the running average" if key == _average(content, found) else ""
    return key, f"The weights are those of {key!r}{kind}; the file also holds {', '.join(others)}."


def _average(content: Mapping[object, object], found: list[str]) -> str | None:
    """Return the key of the only running average.

    mmengine stores it in place of the trained weights, and those under the other key
    (open-mmlab/mmengine@02f1880, mmengine/hooks/ema_hook.py, before_save_checkpoint).
    """
    if "message_hub" in content and {"state_dict", "ema_state_dict"} <= set(found):
        return "state_dict"
    averages = [name for name in found if name in AVERAGES]
    return averages[0] if len(averages) == 1 else None
