"""The sentences under a figure: what its colours, cells, bars and arrows mean."""

import numpy as np

from nonlocal_core.render.affinity import AffinityLike, own_times, top_times_uniform
from nonlocal_core.render.overlay import Smoothing
from nonlocal_core.render.scale import Scale
from nonlocal_core.render.text import number

NEARLY_EVEN = 2.0  # times uniform: below it, the strongest keys of a row are an accident
OWN = "outside the query's own frame"


def notes(row: AffinityLike, scale: Scale, *, fixed: bool, smoothing: Smoothing, arrows: int) -> list[str]:
    """Return the sentences. ``fixed``: the limit of the scale was given. ``arrows``: how many are drawn."""
    grid = row.key_grid
    shape = f"{grid.frames}x{grid.rows}x{grid.cols} keys (TxHxW)"
    sizes = "absolute weights" if scale.signed else "weights"
    sentences = [
        _colours(scale, fixed, sizes),
        f"Cells as they are: {shape}." if smoothing == "nearest" else f"Smoothed between the centres of {shape}.",
    ]
    if grid.frame_spans[-1][1] > 1:
        sentences.append(f"Bars: each frame's part of the sum of all {sizes}.")
    if arrows:
        where = f" {OWN}" if grid.frames > len(own_times(row)) else ""
        sentences.append(f"Arrows: the {arrows} strongest keys{where}.")
    top = top_times_uniform(row)
    if 0 < top < NEARLY_EVEN:
        sentences.append(f"Nearly even, so no arrows: no key gets more than {top:.2f} times an even share.")
    if not np.isfinite(row.heat).all():
        sentences.append("Grey cells: the network gave no finite number there.")
    return sentences


def _colours(scale: Scale, fixed: bool, sizes: str) -> str:
    if scale.limit == 0:
        return "No key has any weight, so no frame has colour."
    if fixed:
        return f"One colour scale for all frames, full at the given {number(scale.limit)}."
    which = f"the largest of the {sizes}"
    if scale.clipped:
        which += f" {OWN}; larger ones keep the last colour"
    return f"One colour scale for all frames, full at {number(scale.limit)}, {which}."
