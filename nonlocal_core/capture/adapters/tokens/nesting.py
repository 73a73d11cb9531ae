"""Order of the cells of a frame by squares instead of rows, as it is stated by networks that merge squares of them."""

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn


@dataclass(frozen=True, slots=True, kw_only=True)
class Nesting:
    """Order of the cells of each frame; false for row after row."""

    unrolled: int = 0
    """Number of times that it was unrolled, as in Hiera: each time the four cells of every square of 2 x 2 were put
    apart, so that the first quarter of the sequence holds the first of each."""
    merged: int = 1
    """Side of squares whose cells follow each other, as in Qwen2-VL, square after square along the rows."""
    windows: int = 0
    """Side, in squares, of windows whose squares follow each other, as in Qwen2.5-VL; those at the end may be smaller.
    0: the squares come along the rows."""

    def __bool__(self) -> bool:
        return self.unrolled > 0 or self.merged > 1

    def fits(self, rows: int, cols: int) -> bool:
        """Return whether a grid consists of such squares."""
        side: int = self.merged * 2**self.unrolled
        return rows % side == 0 and cols % side == 0

    def by_rows(self, cells: Float[Tensor, "B N C"], thw: tuple[int, int, int]) -> Float[Tensor, "B N C"]:
        """Return cells row after row."""
        t, h, w = thw
        side, times = self.merged, self.unrolled
        if side > 1:
            if self.windows:
                squares = cells.reshape(len(cells), t, -1, side * side, cells.shape[-1])
                cells = squares[:, :, self._order(h // side, w // side).argsort().to(cells.device)]
            split = cells.reshape(len(cells), t, h // side, w // side, side, side, cells.shape[-1])
            return split.transpose(3, 4).reshape(len(cells), t * h * w, cells.shape[-1])
        split = cells.reshape(len(cells), *(2, 2) * times, t, h >> times, w >> times, cells.shape[-1])
        frame, rows, cols = 2 * times + 1, range(2 * times - 1, 0, -2), range(2 * times, 0, -2)
        return split.permute(0, frame, frame + 1, *rows, frame + 2, *cols, frame + 3).reshape(cells.shape)

    def _order(self, rows: int, cols: int) -> Int[Tensor, " n"]:
        """Return the number, along the rows, of each square in the order of the windows."""
        number, side = torch.arange(rows * cols).reshape(rows, cols), self.windows
        corners = product(range(0, rows, side), range(0, cols, side))
        return torch.cat([number[y : y + side, x : x + side].flatten() for y, x in corners])


BY_ROWS = Nesting()


def nesting_of(layer: nn.Module, around: Iterable[nn.Module]) -> Nesting:
    """Return the order that a layer or a module around it states.

    Sources: ``spatial_merge_size`` of a network that is told its grid by ``grid_thw`` (transformers 5.23.0,
    models/qwen2_vl, qwen2_5_vl, qwen3_vl and glm4v), with ``window_size`` in pixels; for Hiera as in ``unroll_count``.
    """
    for module in around:
        side = getattr(module, "spatial_merge_size", None)
        if isinstance(side, int) and side > 1 and "grid_thw" in inspect.signature(module.forward).parameters:
            across, patch = (getattr(module, name, None) for name in ("window_size", "patch_size"))
            if isinstance(across, int) and isinstance(patch, int) and patch > 0:
                return Nesting(merged=side, windows=across // side // patch)
            return Nesting(merged=side)
    return Nesting(unrolled=unroll_count(layer))


def unroll_count(layer: nn.Module) -> int:
    """Return the number of times that the tokens of a layer of Hiera were unrolled by squares of 2 x 2; 0 for others.

    A mask unit has 4 times as many tokens for each (timm 1.0.31, models/hiera.py; transformers 5.23.0, models/hiera);
    ``window_size`` counts those that are left after the layer has pooled its queries.
    """
    if not isinstance(getattr(layer, "use_mask_unit_attn", None), bool):
        return 0
    left = getattr(layer, "window_size", None)
    pooled = next((getattr(layer, name) for name in ("query_stride", "q_stride") if hasattr(layer, name)), 1)
    if not isinstance(left, int) or not isinstance(pooled, int) or left * pooled < 1:
        return 0
    size = left * pooled
    times = (size.bit_length() - 1) // 2
    return times if size == 4**times else 0
