"""Positions of the clip that the tokens of a sequence stand for, and the order of their rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from nonlocal_core.capture.adapters.tokens.nesting import BY_ROWS, Nesting
from nonlocal_core.capture.reading import NotReadable
from nonlocal_core.vocabulary import Scope

TokenOrder = Literal["thw", "hwt"]
"""Order of a sequence over space and time: frame after frame, or each place through all frames."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fed:
    """Sizes of a network's input."""

    frames: int
    hw: tuple[int, int]
    """Height and width of the input in pixels."""
    tubelet: int = 1
    """Number of frames that its first convolution takes together."""
    overlaps: bool = False
    """True if the fields of its first convolution overlap, so that a change of the clip moves several tokens."""
    behind: Mapping[str, int] = field(default_factory=dict)
    """Number of the tokens after those of the grid, by the name of the layer; none for a layer without an entry."""

    @property
    def steps(self) -> tuple[int, int]:
        """Numbers of steps that the clip may have: its frames, or as many as its first convolution makes of them."""
        return self.frames, self.frames // self.tubelet


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLayout:
    """Positions that the tokens of a sequence stand for.

    ``scope`` spacetime: one sequence of all T*H*W cells. ``space``: a batch of T sequences of H*W cells. ``time``: a
    batch of H*W sequences of T cells. None: whichever of the three fits the call. ``frames`` None: as many as the
    batch has. ``extra``: names of the tokens of every sequence that are not positions, before or after these.
    """

    frames: int | None
    rows: int
    cols: int
    scope: Scope | None
    extra: tuple[str, ...] = ()
    order: TokenOrder = "thw"
    behind: int = 0
    """Number of the last of ``extra`` that come after the positions, not before them."""
    nesting: Nesting = BY_ROWS
    """Order of the cells of a frame."""

    def placed(self, batch: int, tokens: int) -> "TokenPlacement | NotReadable":
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

    def _possible(self, batch: int) -> "list[TokenPlacement]":
        scopes: tuple[Scope, ...] = ("spacetime", "space", "time") if self.scope is None else (self.scope,)
        thw = (batch if self.frames is None else self.frames, self.rows, self.cols)
        # Sequences along time have no class token: there is one for the clip or one for each frame.
        return [
            TokenPlacement(thw=thw, scope=scope, extra=(), order=self.order)
            if scope == "time"
            else TokenPlacement(
                thw=thw, scope=scope, extra=self.extra, order=self.order, behind=self.behind, nesting=self.nesting
            )
            for scope in scopes
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPlacement:
    """A layout of a known number of frames and a known scope."""

    thw: tuple[int, int, int]
    scope: Scope
    extra: tuple[str, ...]
    order: TokenOrder
    behind: int = 0
    """Number of the last of ``extra`` that come after the positions."""
    nesting: Nesting = BY_ROWS
    """Order of the cells of a frame."""

    def holds(self, batch: int, tokens: int) -> bool:
        """Return whether ``batch`` sequences of ``tokens`` tokens have this layout."""
        t, h, w = self.thw
        if not self.nesting.fits(h, w):
            return False
        sequences, cells = {"spacetime": (1, t * h * w), "space": (t, h * w), "time": (h * w, t)}[self.scope]
        return (batch, tokens) == (sequences, cells + len(self.extra))

    def rows(self, tokens: Float[Tensor, "B N C"]) -> Float[Tensor, "Nq C"]:
        """Return the tokens that are positions, row-major over (T, H, W)."""
        t, h, w = self.thw
        cells = tokens[:, len(self.extra) - self.behind : tokens.shape[1] - self.behind]
        if self.nesting:
            cells = self.nesting.by_rows(cells, (t if self.scope == "spacetime" else 1, h, w))
        if self.scope == "time":
            cells = cells.transpose(0, 1)
        elif self.scope == "spacetime" and self.order == "hwt":
            cells = cells.reshape(h * w, t, -1).transpose(0, 1)
        return cells.reshape(t * h * w, tokens.shape[-1])

    def keys(self, tokens: Float[Tensor, "B N C"]) -> Float[Tensor, "Nk_all C"]:
        """Return the positions, then the extra tokens of each sequence."""
        return torch.cat([self.rows(tokens), outer(tokens, len(self.extra), self.behind)])


def outer(tokens: Float[Tensor, "B N C"], count: int, behind: int) -> Float[Tensor, "Na C"]:
    """Return the tokens around the positions of each sequence: ``count``, the last ``behind`` of them after these."""
    first, last = tokens[:, : count - behind], tokens[:, tokens.shape[1] - behind :]
    return torch.cat([first, last], dim=1).flatten(0, 1)


def list_names(
    kind: Literal["query", "token", "memory", "sink"], count: int, given: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Return the names of queries or keys that are not positions: the given ones, if there are as many.

    >>> list_names("query", 2)
    ('query 1', 'query 2')
    >>> list_names("token", 3, ("a", "dog", "a"))
    ('a (token 1)', 'dog', 'a (token 3)')
    """
    plain = tuple(f"{kind} {number + 1}" for number in range(count))
    if len(given) != count:
        return plain
    return tuple(
        name if name and given.count(name) == 1 else f"{name} ({number})".lstrip()
        for name, number in zip(given, plain, strict=True)
    )
