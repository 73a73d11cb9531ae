"""Reading of a layer of self-attention: queries, keys and values of each head, with the bias of a mask."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from nonlocal_core.capture.adapters.calls import LayerCall
from nonlocal_core.capture.adapters.tokens.family import SelfAttention
from nonlocal_core.capture.adapters.tokens.masks import folded
from nonlocal_core.capture.adapters.tokens.places import TokenLayout, list_names, outer
from nonlocal_core.capture.adapters.tokens.shapes import ShapeLayout
from nonlocal_core.capture.reading import BlockReading, NotReadable
from nonlocal_core.errors import CaptureError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TokenReader:
    """Reader of an attention layer whose tokens have the places of ``layout``."""

    attention: SelfAttention
    layout: TokenLayout | ShapeLayout
    overlaps: bool = False
    """True if tokens see more than their own cell."""
    token_names: tuple[str, ...] = ()
    """Names of a list of queries of that length."""

    def inputs(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> LayerCall:
        """Return the inputs of a call that ``read`` uses."""
        return self.attention.inputs(args, kwargs)

    def read(self, call: LayerCall) -> BlockReading | NotReadable:
        """Return queries, keys and values of every head as theta, phi and g.

        Raises CaptureError in training mode, where dropout changes the weights at random.
        """
        if self.attention.module.training:
            raise CaptureError("it is in training mode, where dropout changes its weights. Call model.eval() first.")
        if not isinstance(call.tokens, Tensor) or call.tokens.ndim not in (2, 3):
            return NotReadable(f"was not called with sequences of tokens (B, N, C), but with {_shape_of(call.tokens)}")
        made = self.attention.embed(call)
        if isinstance(made, NotReadable):
            return made
        batch, _, tokens, _ = made.k.shape
        queries = made.q.shape[2]
        placed, are_words = self.layout.placed(batch, tokens), False
        looking = self.layout.placed(batch, queries) if made.are_a_list else None
        if looking is not None and not isinstance(looking, NotReadable):
            are_words = isinstance(placed, NotReadable) or len(placed.extra) > len(looking.extra)
            are_words = are_words or tokens == len(self.token_names)
            placed = looking if are_words else placed
        if isinstance(placed, NotReadable):
            return placed
        if made.are_a_list and placed.scope == "time":
            return NotReadable("attends between a list and positions along time alone, which this viewer does not know")
        words = list_names("token", tokens, self.token_names) if are_words else ()
        askers = placed.extra
        if made.are_a_list:
            askers = () if are_words else list_names("query", queries, self.token_names)

        def others(tokens: Tensor) -> Tensor:
            return outer(tokens, len(askers), 0 if made.are_a_list else placed.behind)

        def rows(tokens: Tensor) -> Tensor:
            return tokens[:, queries:].flatten(0, 1) if made.are_a_list and not are_words else placed.rows(tokens)

        def keys(tokens: Tensor) -> Tensor:
            return tokens.flatten(0, 1) if are_words else placed.keys(tokens)

        q, k, scale = made.q, made.k, self.attention.scale
        if made.bias is not None:
            mask = folded(made.bias.expand(-1, -1, queries if made.bias.shape[2] > 1 else 1, tokens), scale=scale)
            if isinstance(mask, NotReadable):
                return mask
            q, k = _beside(q, mask.theta), _beside(k, mask.phi)
        return BlockReading(
            theta=_per_head(q, rows),
            phi=_per_head(k, keys),
            g=_per_head(made.v, keys),
            query_thw=placed.thw,
            pairwise="embedded_gaussian",
            scale=scale,
            project=self.project,
            scope=placed.scope,
            off_grid_keys=words or placed.extra,
            has_key_grid=not are_words,
            askers=askers,
            asker_theta=_per_head(q, others) if askers else None,
            asker_rows=lambda z: others(self.attention.batch_first(z)),
            rows=lambda z: rows(self.attention.batch_first(z)),
            features=made.q.shape[-1],
            overlaps=self.overlaps,
            residual=False,
        )

    def project(self, y: Float[Tensor, "1 n heads_D"]) -> Float[Tensor, "1 n C"]:
        """Return the layer's output for rows of y."""
        return self.attention.project(y)


def _shape_of(value: Any) -> str:
    return str(tuple(value.shape)) if isinstance(value, Tensor) else type(value).__name__


def _beside(table: Float[Tensor, "B heads N D"], channels: Float[Tensor, "b h n P"]) -> Float[Tensor, "B heads N D_P"]:
    """Return a table with the channels of a mask after its own, in single precision at least."""
    return torch.cat([table, channels.to(table.device).expand(*table.shape[:-1], -1)], dim=-1)


def _per_head(table: Float[Tensor, "B heads N D"], rows: Callable[[Tensor], Tensor]) -> Float[Tensor, "heads N_all D"]:
    return torch.stack([rows(head) for head in table.unbind(1)])
