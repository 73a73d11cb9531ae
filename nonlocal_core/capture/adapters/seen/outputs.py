"""Outputs of a layer: the one that holds its tokens, and their order."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from nonlocal_core.capture.adapters.seen.laid import Laid, tensors_in
from nonlocal_core.capture.adapters.seen.places import Placed
from nonlocal_core.capture.adapters.seen.products import Unclear
from nonlocal_core.capture.adapters.seen.sources import Arranged
from nonlocal_core.capture.adapters.seen.windows import Windows
from nonlocal_core.capture.reading import NotReadable, part_of


def layer_order(
    made_of: Arranged | Windows | NotReadable | None, placed: Placed, sizes: tuple[int, ...], *, are_maps: bool = False
) -> Callable[[Tensor], Laid]:
    """Return the function that lays out a layer's output in the order of its queries. ``are_maps``: as for ``Laid``."""
    batch, queries = sizes
    if isinstance(made_of, Windows):
        cells = made_of.cells if made_of.tokens is None else made_of.tokens
        if made_of.squares is not None:  # the layer returns one for each square
            corners = cells.gather(1, made_of.squares.first)
            cells = corners.flatten().argsort().argsort().reshape(corners.shape)
        return lambda part: Laid.of_cells(part, cells)
    if isinstance(made_of, Arranged):
        inner, order = made_of.inner_queries, made_of.queries
        return lambda part: Laid(part, (batch, queries), placed.scope, inner, order, are_maps=are_maps)
    first = 0 if placed.behind else len(placed.askers)
    return lambda part: Laid(part, (batch, queries), placed.scope, first, are_maps=are_maps)


def main_output(output: Any, without: Callable[[], Any], lay: Callable[[Tensor], Laid]) -> tuple[Any, Laid]:
    """Return the index or key of the first of a layer's outputs that holds tokens and depends on y, and its layout.

    ``without``: a function that returns the outputs for y = 0. Raises Unclear if no tensor is laid out as tokens.
    """
    found, reasons = list[tuple[Any, Laid]](), list[Unclear]()
    for at, part in tensors_in(output):
        try:
            found.append((at, lay(part)))
        except Unclear as reason:
            reasons.append(reason)
    if len(found) > 1:
        bare = without()
        found = [each for each in found if not torch.equal(part_of(bare, each[0]), part_of(output, each[0]))] or found
    if found:
        return found[0]
    raise reasons[0] if reasons else Unclear(f"returns a {type(output).__name__}, which holds no tensor of tokens")
