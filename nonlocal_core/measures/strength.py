"""Answer of a network while a block adds more or less than it learned to: z = x + s W_z y.

At s = 0 the block passes its input on (paper, section 3.3), at 1 it is unchanged.

session = Session.open("sample:blurred")
answer_at_strength(session, "mend", 0.5)
"""

from collections.abc import Callable
from math import isfinite

import numpy as np
from torch import Tensor

from nonlocal_core.errors import CaptureError, SelectionError
from nonlocal_core.measures.ablation import Answer, OpenRun, run_edited
from nonlocal_core.models import MarkNetwork, NonlocalBlock, clip_probabilities
from nonlocal_core.running.prepared import class_names


def answer_at_strength(
    session: OpenRun, block: str, strength: float, *, progress: Callable[[int, int], None] | None = None
) -> Answer:
    """Run the session's network once more with one block's addition multiplied by ``strength``, and return its answer.

    At 0 and at 1 the numbers are those of a network without the block, and of the unchanged network, bit for bit.
    Raises SelectionError for a strength that is not finite, UnknownNameError for a block that is missing or adds
    nothing by design, CaptureError for a network that classifies no clips, DeviceMemoryError.
    """
    if not isfinite(strength):
        raise SelectionError(f"A block adds a finite number of times what it learned; got {strength}.")
    if isinstance(session.model.network, MarkNetwork):
        raise CaptureError(f"{session.model.card.title} answers at each position, not for the clip.")

    def scaled(module: NonlocalBlock, x: Tensor) -> Tensor:
        if strength == 0:
            return x
        whole: Tensor = module.forward(x)
        return whole if strength == 1 else x + strength * (whole - x)

    logits = run_edited(session, {block: scaled}, progress)
    if logits.shape[-1] == 0:
        raise CaptureError(f"{session.model.card.title} classifies nothing, so its answer cannot be compared.")
    probabilities: np.ndarray = clip_probabilities(logits)[0].numpy()
    return Answer(classes=class_names(session.model.network, logits.shape[-1]), probabilities=probabilities)
