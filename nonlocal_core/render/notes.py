"""The words of a figure: its heading, and the sentences about its colours, cells, bars and arrows."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from nonlocal_core.render.affinity import AffinityLike, is_signed, times_uniform_per_unit, top_times_uniform
from nonlocal_core.render.scale import Scale
from nonlocal_core.render.text import number
from nonlocal_core.vocabulary import PAIRWISE_TITLES

NEARLY_EVEN = 2.0  # times uniform, below which the strongest keys of a row mean nothing
OWN = "outside the query's own frame"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """The words of a figure. ``warning`` is about the clip; the row carries the note about the block."""

    clip: str
    model: str
    block: str
    warning: str = ""


def cautions(caption: Caption, row: AffinityLike) -> str:
    """Return the cautions: the note of the row, then the warning of the clip."""
    return f"{row.note} {caption.warning}".strip()


def network_words(caption: Caption, row: AffinityLike) -> str:
    """Return the names of network, block and pairwise function."""
    return " · ".join((caption.model, caption.block, PAIRWISE_TITLES[row.pairwise]))


def query_words(row: AffinityLike, pts_seconds: Float[np.ndarray, " T"]) -> str:
    """Return the place of the query in words, with frames, rows and columns counted from 1."""
    cell, grid = row.query, row.query_grid
    start, stop = grid.span(cell.t)
    when = "Query:"
    if len(pts_seconds) > 1:
        which = f"frame {start + 1}" if stop - start == 1 else f"frames {start + 1} to {stop}"
        when = f"Query in {which} of {len(pts_seconds)} at {pts_seconds[start]:.2f} s,"
    return f"{when} row {cell.y + 1} of {grid.rows}, column {cell.x + 1} of {grid.cols}"


def notes(row: AffinityLike, scale: Scale, *, arrows: int) -> list[str]:
    """Return the sentences of a figure with heat and so many arrows."""
    grid = row.key_grid
    sentences = [_colours(scale), f"Cells as they are: {grid.steps}x{grid.rows}x{grid.cols} keys (TxHxW)."]
    sentences += _bars_and_arrows(row, arrows)
    if not np.isfinite(row.heat).all():
        sentences.append("Grey cells: the network gave no finite number there.")
    return sentences


def arrow_notes(row: AffinityLike, strongest: float, *, arrows: int) -> list[str]:
    """Return the sentences of a figure without heat. ``strongest``: the largest weight that an arrow leads to."""
    sentences = _bars_and_arrows(row, arrows)
    if arrows:
        times = number(abs(strongest) * times_uniform_per_unit(row))
        signs = "; blue ones are negative" if is_signed(row) else ""
        sentences.append(
            f"Wider and brighter is more{signs}; the strongest leads to a weight of {number(strongest)}, "
            f"{times} times an even share."
        )
    return sentences


def _bars_and_arrows(row: AffinityLike, arrows: int) -> list[str]:
    sentences, grid = [], row.key_grid
    if grid.end_frame > 1:
        sentences.append(f"Bars: each frame's part of the sum of all {'absolute ' * is_signed(row)}weights.")
    if arrows:
        where = f" {OWN}" if grid.steps > 1 else " outside the query's own place"
        which = f"Arrows: the {arrows} strongest keys" if arrows > 1 else "Arrow: the strongest key"
        sentences.append(f"{which}{where}.")
    top = top_times_uniform(row)
    if 0 < top < NEARLY_EVEN:
        sentences.append(f"Nearly even, so no arrows: no key gets more than {top:.2f} times an even share.")
    return sentences


def _colours(scale: Scale) -> str:
    if scale.limit == 0:
        return "No key has any weight, so no frame has colour."
    which = f"the largest of the {'absolute ' * scale.signed}weights"
    if scale.clipped:
        which += f" {OWN}; larger ones keep the last colour"
    return f"One colour scale for all frames, full at {number(scale.limit)}, {which}."
