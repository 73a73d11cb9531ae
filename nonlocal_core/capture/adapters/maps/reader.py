"""Reader of any non-local block on feature maps, with the block's own layers, in the order in which it uses them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from nonlocal_core.capture.adapters.calls import input_of_part
from nonlocal_core.capture.reading import BlockReading, first_input
from nonlocal_core.errors import CaptureError
from nonlocal_core.vocabulary import Pairwise

Pool = nn.MaxPool1d | nn.MaxPool2d | nn.MaxPool3d
Conv = nn.Conv1d | nn.Conv2d | nn.Conv3d


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MapReader:
    """Reader of a block on maps (1, C, T), frames (T, C, H, W) or a clip (1, C, T, H, W); keys may be pooled.

    A block on two-dimensional maps runs on the frames of the clip as a batch: its attention stays within frames.
    A block on one axis is assumed to run along time.
    """

    block: nn.Module
    theta: nn.Module | None
    """Projection of the queries; None if they are the features themselves (Gaussian)."""
    phi: nn.Module | None
    g: nn.Module
    out: tuple[Callable[[Tensor], Tensor], ...]
    """Layers that y goes through, in turn, before it is added to the block's input."""
    pairwise: Pairwise
    scale: float = 1.0
    pool_first: nn.Module | None = None
    """Pooling of the block's input before phi and g see it; pooling after them is part of phi and g."""
    concat: nn.Module | None = None
    """The projection of [theta, phi] to one number (concatenation)."""
    temporal_groups: int = 1
    """Consecutive parts of the clip that the network feeds as a batch, so that attention stays within each."""

    def inputs(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return the map that the block compares: its input, or the block's own preprocessing of it."""
        x, entry = first_input(args, kwargs), self.theta or self.g
        if isinstance(x, Tensor) and x.ndim > 2 and x.shape[1] == convolution(entry).in_channels:
            return x
        made = input_of_part(self.block, entry, args, kwargs)
        return x if made is None else made

    def read(self, x: Float[Tensor, "B C *thw"]) -> BlockReading:
        """Return theta, phi and g for the block's input.

        Raises CaptureError in training mode, for a batch of clips, and for pooling that overlaps or pads.
        """
        if self.block.training:
            raise CaptureError(
                "it is in training mode, where its norms change with every clip. Call model.eval() first."
            )
        self._check_batch(x)
        keys = x if self.pool_first is None else self.pool_first(x)
        theta = _rows(x if self.theta is None else self._applied(self.theta, x))
        phi = _rows(keys if self.phi is None else self._applied(self.phi, keys))
        if self.concat is not None:
            theta, phi = _split(self.concat, theta, phi)
        thw = (*x.shape[2:], 1, 1) if x.ndim == 3 else (x.shape[0], *x.shape[2:])
        if x.ndim == 5:
            thw = (x.shape[0] * x.shape[2], *x.shape[3:])
        return BlockReading(
            theta=theta[None],
            phi=phi[None],
            g=_rows(self._applied(self.g, keys))[None],
            query_thw=thw,
            pairwise=self.pairwise,
            scale=self.scale,
            project=self.project,
            subsample=self._subsample(),
            scope="space" if x.ndim == 4 else "spacetime",
            temporal_groups=self.temporal_groups,
            rows=_rows,
        )

    def project(self, y: Float[Tensor, "1 n Cg"]) -> Float[Tensor, "1 n C"]:
        """Return W_z y by the block's own last layers."""
        axes = convolution(self.g).weight.ndim - 3
        added = y.mT.reshape(1, y.shape[2], y.shape[1], *[1] * axes)
        for layer in self.out:
            added = layer(added)
        return added.flatten(2).mT

    def _applied(self, part: nn.Module, x: Tensor) -> Tensor:
        """Return the output of a part of the block for a map, flat if the block works on one axis of positions."""
        flat = convolution(self.g).weight.ndim == 3 and x.ndim > 3
        made: Tensor = part(x.flatten(2) if flat else x)
        return made

    def _check_batch(self, x: Tensor) -> None:
        if x.ndim != 4 and x.shape[0] != self.temporal_groups:
            raise CaptureError(
                f"Record one clip at a time: the block saw a batch of {x.shape[0]}, expected {self.temporal_groups}."
            )

    def _subsample(self) -> tuple[int, int, int]:
        """Return the pooling of the keys over (T, H, W)."""
        parts = [part for part in (self.pool_first, self.phi) if part is not None]
        pools = [pool for part in parts for pool in pools_in(part)]
        kt, kh, kw = 1, 1, 1
        for pool in pools:
            t, h, w = _kernel(pool)
            kt, kh, kw = kt * t, kh * h, kw * w
        return kt, kh, kw


def says_nonlocal(block: nn.Module) -> bool:
    """Return whether the name of a module's class contains the word."""
    return "nonlocal" in type(block).__name__.lower().replace("_", "")


def pools_in(part: nn.Module) -> Iterator[Pool]:
    """Yield the max pooling layers of a module, in order."""
    return (layer for layer in part.modules() if isinstance(layer, Pool))


def convolution(part: nn.Module) -> Conv:
    """Return the one convolution in a module. Raises CaptureError if there is none, or more than one."""
    found = [layer for layer in part.modules() if isinstance(layer, Conv)]
    if len(found) != 1:
        raise CaptureError(f"a projection of a non-local block is one convolution; got {len(found)} in {part}.")
    return found[0]


def _rows(maps: Float[Tensor, "B C *thw"]) -> Float[Tensor, "N C"]:
    """Return the positions in row-major order; frames or groups in the batch follow each other in time."""
    return maps.flatten(2).mT.flatten(0, 1)


def _split(
    concat: nn.Module, theta: Float[Tensor, "Nq Ci"], phi: Float[Tensor, "Nk Ci"]
) -> tuple[Float[Tensor, "Nq 1"], Float[Tensor, "Nk 1"]]:
    """Return the two halves of w . [theta, phi] + bias, one number for each position."""
    layer = convolution(concat)
    weight = layer.weight.flatten(1)
    inner = theta.shape[1]
    first, second = theta @ weight[:, :inner].mT, phi @ weight[:, inner:].mT
    return (first if layer.bias is None else first + layer.bias), second


def _kernel(pool: Pool) -> tuple[int, int, int]:
    """Return the kernel of a pooling layer over (T, H, W).

    Raises CaptureError if cells overlap or are padded: such keys are not a division of the query grid.
    """
    axes = 1 if isinstance(pool, nn.MaxPool1d) else 2 if isinstance(pool, nn.MaxPool2d) else 3
    kernel, stride, padding, dilation = (
        tuple(value) if isinstance(value, tuple | list) else (value,) * axes
        for value in (pool.kernel_size, pool.stride, pool.padding, pool.dilation)
    )
    if kernel != stride or any(padding) or pool.ceil_mode or set(dilation) != {1}:
        raise CaptureError(
            f"its keys should be pooled in cells that tile the grid; {pool} overlaps, pads or leaves gaps."
        )
    t, h, w = {1: (*kernel, 1, 1), 2: (1, *kernel), 3: kernel}[axes]
    return t, h, w
