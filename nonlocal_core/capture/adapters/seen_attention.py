"""Reader of any layer that attends, by the products that it is seen to make (`products`)."""

import math
from contextvars import Context
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nonlocal_core.capture.adapters.calls import LayerCall, named_arguments
from nonlocal_core.capture.adapters.masks import folded, walled
from nonlocal_core.capture.adapters.padding import padded_key
from nonlocal_core.capture.adapters.parts import head_count
from nonlocal_core.capture.adapters.products import Attended, Unclear, Watch
from nonlocal_core.capture.adapters.seen_places import Placed, SeenPlaces
from nonlocal_core.capture.adapters.tails import Tail
from nonlocal_core.capture.adapters.tokens import why_not_own_keys
from nonlocal_core.capture.reading import BlockReading, NotReadable, first_input
from nonlocal_core.errors import CaptureError


class WholeCall(NamedTuple):
    """One call of a layer."""

    tokens: Any
    """The first argument."""
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeenReader:
    """Reader of a layer whose parts are not known."""

    module: nn.Module
    places: SeenPlaces

    def inputs(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> WholeCall:
        """Return the call."""
        return WholeCall(first_input(args, kwargs), args, kwargs)

    def read(self, call: WholeCall) -> BlockReading | NotReadable:
        """Return queries, keys and values of every head as theta, phi and g, as the layer multiplied them.

        Raises CaptureError in training mode, where dropout changes the weights at random.
        """
        if self.module.training:
            raise CaptureError("it is in training mode, where dropout changes its weights. Call model.eval() first.")
        named = LayerCall(call.tokens, None, None, named_arguments(self.module, call.args, call.kwargs))
        try:
            attended, output = _watched(self.module, call)
            return self._reading(call, attended, output, why_not_own_keys(named))
        except Unclear as reason:
            return NotReadable(str(reason))

    def _reading(
        self, call: WholeCall, attended: Attended, output: Any, elsewhere: NotReadable | None
    ) -> BlockReading | NotReadable:
        lead = _Lead(tuple(attended.q.shape[:-2]), head_count(self.module))
        q, k, v = (lead.parted(table) for table in (attended.q, attended.k, attended.v))
        if _is_over_channels(call.tokens, q.shape[2]):
            return NotReadable(f"attends over its {q.shape[2]} channels, which lie at no place of the clip")
        placed = self._placed(call, (len(q), q.shape[2], k.shape[2]), elsewhere)
        if isinstance(placed, NotReadable):
            return placed
        scale = attended.factor
        if attended.bias is not None and float(attended.bias.abs().max()) > attended.noise:
            bias = lead.parted(attended.bias.expand(*attended.q.shape[:-1], k.shape[2]))
            mask = folded(bias, scale=scale, noise=attended.noise)
            if isinstance(mask, NotReadable):
                return mask
            q, k = _beside(q, mask.theta), _beside(k, mask.phi)
        laid = _Laid(_main(output), len(q), q.shape[2])
        tail = Tail(
            run=lambda y: laid.rows(_main(_run_with(self.module, call, attended, lead.joined(y)))),
            like=torch.empty(*q.shape[:3], v.shape[-1], dtype=v.dtype, device=v.device),
        )
        theta, phi, g = (
            torch.stack([lay(head) for head in table.unbind(1)])
            for table, lay in ((q, placed.rows), (k, placed.keys), (v, placed.keys))
        )
        asking = torch.stack([placed.others(head) for head in q.unbind(1)]) if placed.askers else None
        if placed.walls:
            walls = walled(placed.walls, scale=scale)
            theta, phi = _beside(theta, walls.theta), _beside(phi, walls.phi)
        if placed.padding is not None:
            padding = padded_key(q, k, v, placed.padding, scale=scale)
            if isinstance(padding, NotReadable):
                return padding
            theta, phi = _beside(theta, placed.each(padding.theta)), _beside(phi, torch.zeros(phi.shape[1], 1))
            steps = placed.thw[0] if placed.scope == "space" else 1
            key = torch.zeros(len(phi), steps, phi.shape[-1]).to(phi)
            key[..., -1] = padding.phi
            phi = torch.cat([phi, key], dim=1)
            g = torch.cat([g, padding.value[:, None].expand(-1, steps, -1)], dim=1)
        return BlockReading(
            theta=theta,
            phi=phi,
            g=g,
            query_thw=placed.thw,
            pairwise="embedded_gaussian",
            scale=scale,
            project=tail,
            subsample=placed.subsample,
            scope=placed.scope,
            off_grid_keys=placed.extra,
            has_key_grid=placed.has_key_grid,
            rows=lambda z: placed.rows(laid.rows(z) - tail.without),
            askers=placed.askers,
            asker_theta=asking,
            are_inner=placed.are_inner,
            asker_rows=lambda z: placed.others(laid.rows(z) - tail.without),
            features=attended.q.shape[-1],
            overlaps=self.places.fed is not None and self.places.fed.overlaps,
            is_walled=bool(placed.walls),
            residual=False,
        )

    def _placed(
        self, call: WholeCall, sizes: tuple[int, int, int], elsewhere: NotReadable | None
    ) -> Placed | NotReadable:
        """Return the places of queries and keys, or of one of them where the others are a list.

        ``elsewhere``: why the keys are other tokens than the queries, None where nothing says so.
        """
        batch, queries, keys = sizes
        are_others = elsewhere is not None or _brings(call, keys, beside=queries)
        placed = elsewhere or self.places.placed(self.module, call.tokens, sizes)
        if not are_others and (queries == keys or self.places.are_grid(batch, queries)):
            return placed
        alone = self.places.one_side(batch, queries, keys)
        return placed if isinstance(alone, NotReadable) else replace(alone, are_inner=not are_others)


def _brings(call: WholeCall, keys: int, *, beside: int) -> bool:
    """Return whether a call brings a sequence of so many tokens beside its first argument, which has another number."""
    others = (value for value in (*call.args, *call.kwargs.values()) if value is not call.tokens)
    sequences = (value for value in others if isinstance(value, Tensor) and value.ndim == 3)
    return keys != beside and any(keys in value.shape[:2] for value in sequences)


def _watched(module: nn.Module, call: WholeCall) -> tuple[Attended, Any]:
    """Return the one attention inside a call, and the layer's output.

    Raises Unclear where there is none, or more than one.
    """
    watch = Watch()
    with watch:
        output = Context().run(module.forward, *call.args, **call.kwargs)
    if not watch.found and watch.from_several:
        raise Unclear(
            f"is a {type(module).__name__}, whose softmax is taken over scores that it puts together from several "
            "products, as criss-cross attention does; this viewer can show one product"
        )
    if len(watch.found) != 1:
        count = "no softmax of products" if not watch.found else f"{len(watch.found)} softmaxes of products"
        raise Unclear(f"is a {type(module).__name__}, in which this viewer saw {count}, where it can show one")
    return watch.found[0], output


def _run_with(module: nn.Module, call: WholeCall, attended: Attended, y: Tensor) -> Any:
    """Return what a layer returns where its y is another."""
    with Watch(put=(attended.step, lambda real: _in_the_place_of(real, attended.lay(y)))):
        return Context().run(module.forward, *call.args, **call.kwargs)


def _in_the_place_of(real: Tensor, y: Tensor) -> Tensor:
    """Return y as the layer's product would be, which ``view`` may be asked of."""
    return torch.empty_like(real).copy_(y.reshape(real.shape))


def _main(output: Any) -> Tensor:
    made = output[0] if isinstance(output, tuple | list) else output
    if not isinstance(made, Tensor):
        raise Unclear(f"returns a {type(made).__name__} first, where a tensor of tokens is expected")
    return made


def _beside(table: Float[Tensor, "*a N D"], channels: Float[Tensor, "*b N P"]) -> Float[Tensor, "*a N D_P"]:
    return torch.cat([table.float(), channels.to(table.device).expand(*table.shape[:-2], -1, -1)], dim=-1)


def _is_over_channels(given: Any, count: int) -> bool:
    """Return whether the asked things of a layer on maps are the channels."""
    is_map = isinstance(given, Tensor) and given.ndim > 3
    return is_map and given.shape[1] == count != math.prod(given.shape[2:])


@dataclass(frozen=True, slots=True)
class _Lead:
    """Leading axes of a layer's tables: sequences, perhaps in two axes, and heads."""

    shape: tuple[int, ...]
    stated: int | None
    """The number of heads that the layer states."""

    @property
    def heads(self) -> int:
        if len(self.shape) < 2:
            return self.stated or 1
        return self.shape[self._axis]

    @property
    def _axis(self) -> int:
        """Axis of the heads: the last that has as many as stated, else the second."""
        fits = [axis for axis in range(len(self.shape) - 1, -1, -1) if self.shape[axis] == self.stated and axis]
        return fits[0] if fits else 1

    def parted(self, table: Float[Tensor, "*lead n D"]) -> Float[Tensor, "B heads n D"]:
        if len(self.shape) < 2:
            count = self.shape[0] if self.shape else 1
            if count % self.heads:
                raise Unclear(f"multiplies {count} tables, which are no number of {self.heads} heads")
            return table.reshape(-1, self.heads, *table.shape[-2:])
        return table.movedim(self._axis, -3).flatten(0, -4)

    def joined(self, y: Float[Tensor, "B heads n D"]) -> Float[Tensor, "*lead n D"]:
        if len(self.shape) < 2:
            return y.reshape(*self.shape, *y.shape[-2:])
        batch = [size for axis, size in enumerate(self.shape) if axis != self._axis]
        return y.reshape(*batch, *y.shape[1:]).movedim(len(batch), self._axis)


class _Laid:
    """Order in which the output of a layer holds its tokens. Raises Unclear where it is not that of the queries."""

    def __init__(self, z: Tensor, batch: int, tokens: int) -> None:
        shape = tuple(z.shape if z.ndim > 2 else z[None].shape)
        self._sizes = batch, tokens
        self._sequences_second = len(shape) == 3 and shape[:2] == (tokens, batch) != (batch, tokens)
        self._channels_last = shape[0] == batch and math.prod(shape[1:-1]) == tokens
        is_map = len(shape) > 3 and shape[0] == batch and math.prod(shape[2:]) == tokens
        if not (self._sequences_second or self._channels_last or is_map):
            raise Unclear(
                f"returns {tuple(z.shape)} for {batch} sequences of {tokens} queries, in an order that this viewer "
                "does not know"
            )

    def rows(self, z: Tensor) -> Float[Tensor, "B n C"]:
        """Return the output, sequence by sequence; a single query of each, or a single sequence, may lack its axis."""
        z = z if z.ndim > 2 else z[None]
        if self._sequences_second:
            return z.transpose(0, 1)
        return z.reshape(*self._sizes, -1) if self._channels_last else z.flatten(2).mT
