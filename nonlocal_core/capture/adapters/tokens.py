"""How self-attention over tokens is read: each head is an embedded Gaussian (paper, section 3.2)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nonlocal_core.capture.reading import BlockReading, NotReadable
from nonlocal_core.errors import CaptureError
from nonlocal_core.vocabulary import Scope

_CHANGES_SCORES = {
    "relative_position_bias_table": "a bias on relative positions",
    "relative_position_bias": "a bias on relative positions",
    "rel_pos": "a bias on relative positions",
    "rel_pos_h": "a bias on relative positions",
    "rope": "a rotary position embedding",
    "rotate_half": "a rotary position embedding",
    "logit_scale": "a learned scale of cosines",
    "temperature": "a learned temperature",
    "gate": "a gate on its output",
    "proj_l": "a mixture of its heads",
    "sr": "a reduction of its keys",
}
"""Attributes of known layers (timm, Swin, BEiT, SAM, XCiT, CaiT, PVT) whose output takes more than q, k and v."""

TokenOrder = Literal["thw", "hwt"]
"""Which way a sequence over space and time runs: frame after frame, or each place through all frames."""


class Projected(NamedTuple):
    """What an attention layer made of its input."""

    q: Float[Tensor, "B heads N D"]
    k: Float[Tensor, "B heads N D"]
    v: Float[Tensor, "B heads N D"]


@runtime_checkable
class SelfAttention(Protocol):
    """What a family of attention layers has to say for its heads to be read."""

    @property
    def module(self) -> nn.Module:
        """The layer."""
        ...

    @property
    def scale(self) -> float:
        """What multiplies q . k before the softmax."""
        ...

    def embed(self, x: Any) -> Projected | NotReadable:
        """Return queries, keys and values of each head by the layer's own projections."""
        ...

    def batch_first(self, z: Tensor) -> Float[Tensor, "B N C"]:
        """Return the layer's output with the batch first."""
        ...

    def project(self, y: Float[Tensor, "1 n heads_D"]) -> Float[Tensor, "1 n C"]:
        """Return the layer's output for rows of y, the heads side by side."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLayout:
    """Which positions the tokens of a sequence are.

    ``scope`` spacetime: one sequence of all T*H*W cells. ``space``: a batch of T sequences of H*W cells. ``time``: a
    batch of H*W sequences of T cells. None: whichever of the three fits the call. ``frames`` None: as many as the
    batch has. ``extra``: names of the first tokens of every sequence, which are no positions.
    """

    frames: int | None
    rows: int
    cols: int
    scope: Scope | None
    extra: tuple[str, ...] = ()
    order: TokenOrder = "thw"

    def placed(self, batch: int, tokens: int) -> "Placed | NotReadable":
        """Return the place of every token of a call."""
        fits = [placed for placed in self._possible(batch) if placed.holds(batch, tokens)]
        if len({placed.scope for placed in fits}) > 1 and fits[0].thw[0] > 1:
            return NotReadable(
                f"has {batch} sequences of {tokens} tokens, which fit {' and '.join(placed.scope for placed in fits)} "
                "alike. Choose a clip whose number of frames is not H*W"
            )
        if fits:
            return fits[0]
        frames = "T" if self.frames is None else self.frames
        return NotReadable(
            f"saw {batch} sequences of {tokens} tokens, which are no grid of {frames}x{self.rows}x{self.cols} cells "
            f"with {len(self.extra)} tokens before it. Give token_grid=(T, H, W) and class_tokens"
        )

    def _possible(self, batch: int) -> "list[Placed]":
        scopes: tuple[Scope, ...] = ("spacetime", "space", "time") if self.scope is None else (self.scope,)
        thw = (batch if self.frames is None else self.frames, self.rows, self.cols)
        # Sequences along time have no class token: there is one for the clip or one for each frame.
        return [
            Placed(thw=thw, scope=scope, extra=() if scope == "time" else self.extra, order=self.order)
            for scope in scopes
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A layout of a known number of frames and a known scope."""

    thw: tuple[int, int, int]
    scope: Scope
    extra: tuple[str, ...]
    order: TokenOrder

    def holds(self, batch: int, tokens: int) -> bool:
        """Return whether a batch of sequences of that many tokens is this layout."""
        t, h, w = self.thw
        sequences, cells = {"spacetime": (1, t * h * w), "space": (t, h * w), "time": (h * w, t)}[self.scope]
        return (batch, tokens) == (sequences, cells + len(self.extra))

    def rows(self, tokens: Float[Tensor, "B N C"]) -> Float[Tensor, "Nq C"]:
        """Return the tokens that are positions, row-major over (T, H, W)."""
        t, h, w = self.thw
        cells = tokens[:, len(self.extra) :]
        if self.scope == "time":
            cells = cells.transpose(0, 1)
        elif self.scope == "spacetime" and self.order == "hwt":
            cells = cells.reshape(h * w, t, -1).transpose(0, 1)
        return cells.reshape(t * h * w, -1)

    def keys(self, tokens: Float[Tensor, "B N C"]) -> Float[Tensor, "Nk_all C"]:
        """Return the positions, then the extra tokens of each sequence."""
        extra = tokens[:, : len(self.extra)]
        return torch.cat([self.rows(tokens), extra.flatten(0, 1)])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TokenReader:
    """Read an attention layer whose tokens lie as ``layout`` says."""

    attention: SelfAttention
    layout: TokenLayout

    def read(self, x: Any) -> BlockReading | NotReadable:
        """Return queries, keys and values of every head as theta, phi and g.

        Raises CaptureError in training mode, where dropout changes the weights at random.
        """
        if self.attention.module.training:
            raise CaptureError("it is in training mode, where dropout changes its weights. Call model.eval() first.")
        first = x[0] if isinstance(x, tuple) else x
        if not isinstance(first, Tensor) or first.ndim not in (2, 3):
            return NotReadable(f"was not called with sequences of tokens (B, N, C), but with {_shape_of(first)}")
        made = self.attention.embed(x)
        if isinstance(made, NotReadable):
            return made
        batch, _, tokens, _ = made.q.shape
        placed = self.layout.placed(batch, tokens)
        if isinstance(placed, NotReadable):
            return placed
        return BlockReading(
            theta=_per_head(made.q, placed.rows),
            phi=_per_head(made.k, placed.keys),
            g=_per_head(made.v, placed.keys),
            query_thw=placed.thw,
            pairwise="embedded_gaussian",
            scale=self.attention.scale,
            scope=placed.scope,
            off_grid_keys=placed.extra,
            rows=lambda z: placed.rows(self.attention.batch_first(z)),
            residual=False,
        )

    def project(self, y: Float[Tensor, "1 n heads_D"]) -> Float[Tensor, "1 n C"]:
        """Return the layer's output for rows of y."""
        return self.attention.project(y)


def _shape_of(value: Any) -> str:
    return str(tuple(value.shape)) if isinstance(value, Tensor) else type(value).__name__


def _per_head(table: Float[Tensor, "B heads N D"], rows: Callable[[Tensor], Tensor]) -> Float[Tensor, "heads N_all D"]:
    return torch.stack([rows(head) for head in table.unbind(1)])


def split_heads(table: Float[Tensor, "B N heads_D"], heads: int) -> Float[Tensor, "B heads N D"]:
    """Return channels as heads, the first D of them the first head's."""
    batch, tokens, channels = table.shape
    return table.reshape(batch, tokens, heads, channels // heads).transpose(1, 2)


def padded(x: Tensor) -> Float[Tensor, "B N C"]:
    """Return tokens with a batch of one where they came without."""
    return x if x.ndim == 3 else x[None]


def why_not_plain(layer: nn.Module) -> NotReadable | None:
    """Return why q, k and v do not tell all of an attention layer, None when nothing speaks against it."""
    for name, what in _CHANGES_SCORES.items():
        if getattr(layer, name, None) is not None:
            return NotReadable(f"adds {what} ({name}), which theta and phi do not hold")
    return None
