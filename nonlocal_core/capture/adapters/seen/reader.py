"""Reader of any layer that attends, by the products that it computes (`products`)."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from nonlocal_core.capture.adapters.by_hand import TablesOf
from nonlocal_core.capture.adapters.calls import LayerCall
from nonlocal_core.capture.adapters.seen.calls import NOT_FINITE, SeenCall, WholeCall, told, watched
from nonlocal_core.capture.adapters.seen.laid import Lead
from nonlocal_core.capture.adapters.seen.outputs import layer_order, main_output
from nonlocal_core.capture.adapters.seen.padding import padded_key
from nonlocal_core.capture.adapters.seen.places import Placed, SeenPlaces, inside
from nonlocal_core.capture.adapters.seen.products import Attended, Unclear
from nonlocal_core.capture.adapters.seen.sources import (
    Arranged,
    arranged,
    channels_first,
    has_channels_first,
    parted,
    sources_of,
    tokens_of,
    why_too_many,
)
from nonlocal_core.capture.adapters.seen.tails import Tail
from nonlocal_core.capture.adapters.seen.windows import Windows
from nonlocal_core.capture.adapters.tokens.family import KEPT_KEYS, why_not_own_keys
from nonlocal_core.capture.adapters.tokens.masks import BLOCKED, FoldedMask, folded, numbered, walled
from nonlocal_core.capture.adapters.tokens.parts import head_count
from nonlocal_core.capture.adapters.tokens.places import list_names
from nonlocal_core.capture.reading import BlockReading, NotReadable, first_input, named_arguments, part_of
from nonlocal_core.errors import CaptureError
from nonlocal_core.vocabulary import SOFTMAX

_SEED = 17


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeenReader:
    """Reader of a layer whose parts are not known."""

    module: nn.Module
    places: SeenPlaces
    say: TablesOf | None = None
    """Function that states the tables by hand, or None if they are seen."""
    learned: dict[tuple[int, ...], Arranged | Windows | NotReadable | None] = field(default_factory=dict)
    """Arrangement of queries and keys, by the sizes of a call."""
    asks: dict[tuple[int, ...], bool] = field(default_factory=dict)
    """True if the queries change with the input, by the sizes of a call with fewer queries than keys."""

    def inputs(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> WholeCall:
        """Return the call without a cache of keys, which each further run would make longer."""
        named = kwargs | {name: None for name in KEPT_KEYS if name in kwargs}
        return WholeCall(first_input(args, kwargs), args, named)

    def read(self, call: WholeCall) -> BlockReading | NotReadable:
        """Return queries, keys and values of every head as theta, phi and g, as the layer multiplied them.

        Raises CaptureError in training mode, where dropout changes the weights at random.
        """
        if self.module.training:
            raise CaptureError("it is in training mode, where dropout changes its weights. Call model.eval() first.")
        named = LayerCall(call.tokens, None, None, named_arguments(self.module, call.args, call.kwargs))
        try:
            seen = watched(self.module, call, self._steps) if self.say is None else told(self.say, self.module, call)
            return self._reading(call, seen, None if self.say else why_not_own_keys(named))
        except Unclear as reason:
            return NotReadable(str(reason))

    def _reading(self, call: WholeCall, seen: SeenCall, elsewhere: NotReadable | None) -> BlockReading | NotReadable:
        attended, output = seen.attended, seen.output
        lead = self._lead(call.tokens, attended.q, attended.k.shape[-2] - attended.sinks)
        q, k, v = (lead.parted(table) for table in (attended.q, attended.k, attended.v))
        made_of = self._made_of(call, lead, (q, k[:, :, attended.sinks :]))
        if made_of is None and _is_over_channels(call.tokens, q):
            if seen.pairwise == "dot_product":
                return NotReadable(
                    f"sums over all positions for {q.shape[2]} channels, as linear attention does, and so has no row "
                    "of weights over the clip"
                )
            return NotReadable(f"attends over its {q.shape[2]} channels, which lie at no place of the clip")
        sinks = list_names("sink", attended.sinks)
        if sinks and made_of is not None:
            return NotReadable("has sinks beside other keys of its own, which this viewer cannot show together")
        sizes = len(q), q.shape[2], k.shape[2] - len(sinks)
        pooled = self._pooled(call, attended, sizes, elsewhere, made_of)
        placed = pooled or self._placed(call, sizes, elsewhere, made_of, sinks)
        if isinstance(placed, NotReadable):
            return placed
        order = torch.arange(q.shape[2])
        if isinstance(made_of, Arranged):
            order = made_of.queries
            q, k, v = q[:, :, order], k[:, :, made_of.keys], v[:, :, made_of.keys]
        if not bool(attended.y.isfinite().all()):
            return NotReadable(NOT_FINITE)
        mask = _mask(attended, lead, made_of, order)
        if isinstance(mask, NotReadable):
            return mask
        if mask is not None:
            q, k = _beside(q, mask.theta), _beside(k, mask.phi)

        def run(y: Tensor) -> Any:
            return seen.run(lead.joined(y[:, :, order.argsort()]))

        real = lead.parted(attended.y)[:, :, order]
        cells = q.shape[0] * q.shape[2]
        lay = layer_order(
            made_of, placed, (*q.shape[:3:2],), are_maps=has_channels_first(call.tokens, cells, self.module)
        )
        at, laid = main_output(output, lambda: run(torch.zeros_like(real)), lay)
        tail = Tail(run=lambda y: laid.rows(part_of(run(y), at)), real=real)
        askers = () if laid.dropped else placed.askers
        asking = torch.stack([placed.others(head) for head in q.unbind(1)]) if askers else None
        numbers = torch.arange(len(q) * q.shape[2], dtype=torch.float64).reshape(len(q), -1, 1)
        tail.numbers = torch.cat([placed.rows(numbers), placed.others(numbers)])[:, 0].long()
        tables = _laid(_Tables(q, k, v), placed, attended.factor, is_softmax=seen.pairwise in SOFTMAX)
        if isinstance(tables, NotReadable):
            return tables
        return BlockReading(
            theta=tables.theta,
            phi=tables.phi,
            g=tables.g,
            query_thw=placed.thw,
            pairwise=seen.pairwise,
            scale=attended.factor,
            project=tail,
            project_at=tail.at,
            resting=_resting(seen, lead, order, tail.numbers),
            output_at=at,
            subsample=placed.subsample,
            scope=placed.scope,
            off_grid_keys=placed.extra,
            has_key_grid=placed.has_key_grid,
            rows=lambda z: placed.rows(laid.rows(z) - tail.without),
            layout=lambda z: placed.rows(laid.rows(z)),
            askers=askers,
            asker_theta=asking,
            are_inner=placed.are_inner,
            asker_rows=lambda z: placed.others(laid.rows(z) - tail.without),
            features=attended.q.shape[-1],
            square=1 if placed.squares is None else placed.squares.side,
            overlaps=self.places.fed is not None and self.places.fed.overlaps,
            is_walled=bool(placed.walls),
            windows=_windows(tables, placed, attended.factor),
            residual=False,
        )

    @property
    def _steps(self) -> tuple[int, ...]:
        """Numbers of steps that the clip may have, none if its size is not known."""
        return () if self.places.fed is None else self.places.fed.steps

    def _lead(self, x: Any, q: Tensor, keys: int) -> Lead:
        """Return the leading axes of tables. Raises Unclear for keys of one query alone, and heads among queries."""
        shape, stated = tuple(q.shape[:-2]), self._heads(x, q)
        tokens = tokens_of(x) if isinstance(x, Tensor) and self.say is None else None
        if tokens is None:
            return Lead(shape, stated)
        if q.shape[-2] == 1 < tokens[1] != stated and tokens[1] in shape[1:]:
            raise Unclear(
                f"gives each of its {tokens[1]} queries keys of its own, as where neighbourhoods are cut out of a map. "
                "This viewer shows queries that share their keys"
            )
        if stated is not None and keys == tokens[1] and q.shape[-2] == stated * keys > keys:
            raise Unclear(
                f"has {stated} heads among its {q.shape[-2]} queries, as in multi-query attention, where this viewer "
                "cannot tell them apart. With an axis for its heads it can be shown"
            )
        groups = len(shape) > 2 and q.shape[-2] == tokens[1] and shape[0] == tokens[0]
        are_heads = groups and stated in (None, math.prod(shape[1:]))
        return Lead(shape, stated, tokens[0] if are_heads else None)

    def _heads(self, x: Any, q: Tensor) -> int | None:
        """Return the number of heads: stated by the layer, or in one axis with the input's sequences, or None."""
        if self.say is not None:
            return None
        stated = head_count(self.module)
        if stated is not None or q.ndim != 3 or not isinstance(x, Tensor) or x.ndim != 3:
            return stated
        return len(q) // len(x) if len(q) % len(x) == 0 and q.shape[1] in x.shape[1:] else None

    def _made_of(
        self, call: WholeCall, lead: Lead, tables: tuple[Tensor, Tensor]
    ) -> Arranged | Windows | NotReadable | None:
        """Return the origin of queries and keys if the layer adds tokens to its input or cuts it into windows."""
        (batch, _, queries, _), keys = tables[0].shape, tables[1].shape[2]
        x, back = channels_first(call.tokens, batch * queries, self.module)
        given = tokens_of(x) if isinstance(x, Tensor) and self.say is None else None
        is_more = given is not None and batch == given[0] and max(queries, keys) > given[1] <= min(queries, keys)
        is_cut = given is not None and batch > given[0] and batch * keys == given[0] * given[1] and queries <= keys
        frames_and_places = sorted(call.tokens.shape[1:3]) if given is not None and len(call.tokens) == 1 else []
        is_clip_of_tokens = frames_and_places == sorted((batch, queries)) and self.places.are_grid(batch, queries)
        if given is None or not (is_more or is_cut) or is_clip_of_tokens:
            return None
        sizes = (*given, batch, queries, keys)
        if sizes not in self.learned:

            def again(other: Tensor) -> tuple[Tensor, Tensor]:
                found = watched(self.module, call.with_tokens(back(other)), self._steps).attended
                key = lead.parted(found.k)
                return key if queries < keys and is_cut else lead.parted(found.q), key

            sources, where = sources_of(again, x), self.places.map_of(x)
            made: Arranged | Windows | NotReadable | None = None
            if sources is not None and is_more:
                made = arranged(sources, given[1])
            elif sources is not None and where is not None:
                made = parted(sources, where)
                made = made.asked_by(queries) if isinstance(made, Windows) else made
            if isinstance(made, NotReadable) and self.places.are_grid(batch, queries):
                made = None
            self.learned[sizes] = made
        return self.learned[sizes]

    def _pooled(
        self,
        call: WholeCall,
        attended: Attended,
        sizes: tuple[int, int, int],
        elsewhere: NotReadable | None,
        made_of: Arranged | Windows | NotReadable | None,
    ) -> Placed | None:
        """Return the places of queries that the layer pools of its own tokens, or None if it pools none."""
        _, queries, keys = sizes
        if queries >= keys or attended.sinks or elsewhere or made_of or self.say or _brings(call, keys, beside=queries):
            return None
        placed = self.places.pooled(self.module, call.tokens, sizes)
        if placed is None:
            return None
        if sizes not in self.asks:
            self.asks[sizes] = self._asks_with_its_input(call, attended)
        return placed if self.asks[sizes] else None

    def _asks_with_its_input(self, call: WholeCall, attended: Attended) -> bool:
        """Return whether a layer's queries change with its input, unlike a list that it holds."""
        x = call.tokens
        if not isinstance(x, Tensor) or not x.is_floating_point():
            return False
        noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(_SEED)) * float(x.float().std())
        again = watched(self.module, call.with_tokens(x + noise.to(x)), self._steps).attended
        return not torch.equal(again.q, attended.q)

    def _placed(
        self,
        call: WholeCall,
        sizes: tuple[int, int, int],
        elsewhere: NotReadable | None,
        made_of: Arranged | Windows | NotReadable | None,
        sinks: tuple[str, ...],
    ) -> Placed | NotReadable:
        """Return the places of queries and keys, or of one of them if the others are a list.

        ``elsewhere``: the reason why the keys are tokens other than the queries, or None if nothing says so.
        """
        batch, queries, keys = sizes
        if isinstance(made_of, NotReadable):
            return made_of
        if isinstance(made_of, Windows):
            return inside(made_of)
        if made_of is not None:
            inner = made_of.inner_queries, made_of.inner_keys
            names = (self._names(call, count) for count in inner)
            return self.places.joined(batch, keys - inner[1], (next(names), next(names)))
        are_others = elsewhere is not None or _brings(call, keys, beside=queries)
        placed = elsewhere or self.places.placed(self.module, call.tokens, sizes, sinks)
        if not are_others and (queries == keys or self.places.are_grid(batch, queries)):
            reason = why_too_many(call.tokens, batch, queries) if isinstance(placed, NotReadable) else None
            return reason or placed
        if sinks:
            return NotReadable("has sinks beside keys from elsewhere, which this viewer cannot show together")
        alone = self.places.one_side(batch, queries, keys)
        return placed if isinstance(alone, NotReadable) else replace(alone, are_inner=not are_others)

    def _names(self, call: WholeCall, count: int) -> tuple[str, ...]:
        """Return names for the queries or keys that a layer adds to its input: those of a text, else of its memory."""
        is_text = count == len(self.places.token_names) or any(
            isinstance(value, Tensor) and value.ndim == 3 and value.shape[1] == count
            for value in (*call.args, *call.kwargs.values())
        )
        return list_names("token" if is_text else "memory", count, self.places.token_names)


def _resting(
    seen: SeenCall, lead: Lead, order: Int[Tensor, " n"], numbers: Int[Tensor, " m"]
) -> Callable[[WholeCall, Tensor | None], Any]:
    """Return ``BlockReading.resting`` of a call. ``order``: that of its queries; ``numbers``: those of ``Tail``."""

    def resting(other: WholeCall, sizes: Tensor | None) -> Any:
        y = seen.gathered()
        if sizes is None:
            return seen.resting(other, y)
        changed = lead.parted(y).clone()
        _, heads, queries, width = changed.shape
        noise = torch.randn(heads, width, generator=torch.Generator().manual_seed(_SEED)).to(changed)
        noise *= seen.attended.v.std()
        some = numbers[: len(sizes)]
        sequence, slot = (some // queries).to(y.device), order[some % queries].to(y.device)
        changed[sequence, :, slot] = lead.parted(y)[sequence, :, slot] + sizes.to(changed)[:, None, None] * noise
        return seen.resting(other, lead.joined(changed))

    return resting


class _Tables(NamedTuple):
    """Theta, phi and g of every head: (B, heads, N, D) as the layer multiplied them, (heads, N, D) as they lie."""

    theta: Tensor
    phi: Tensor
    g: Tensor


def _mask(
    attended: Attended, lead: Lead, made_of: Arranged | Windows | NotReadable | None, order: Int[Tensor, " Nq"]
) -> FoldedMask | NotReadable | None:
    """Return a layer's bias on its scores as channels of q and k, or None if it adds none.

    ``order``: the order of the queries that are positions.
    """
    if attended.bias is None or float(attended.bias.abs().max()) <= attended.noise:
        return None
    bias = lead.parted(attended.bias.expand(*attended.q.shape[:-1], attended.k.shape[-2]))[:, :, order]
    bias = bias[..., made_of.keys] if isinstance(made_of, Arranged) else bias
    return folded(bias, scale=attended.factor, noise=attended.noise)


def _laid(tables: _Tables, placed: Placed, scale: float, *, is_softmax: bool) -> _Tables | NotReadable:
    """Return tables in the order of the grid, with channels for walls and a key for padding if there are any."""
    if (placed.walls or placed.padding is not None) and not is_softmax:
        return NotReadable("attends within windows by weights that are no softmax, which this viewer cannot show")
    theta, phi, g = (
        torch.stack([lay(head) for head in table.unbind(1)])
        for table, lay in zip(tables, (placed.rows, placed.keys, placed.keys), strict=True)
    )
    if placed.walls:
        walls = walled(placed.walls, scale=scale)
        theta, phi = _beside(theta, walls.theta), _beside(phi, walls.phi)
    laid = _Tables(theta, phi, g)
    return laid if placed.padding is None else _padded(laid, tables, placed, scale)


def _padded(laid: _Tables, tables: _Tables, placed: Placed, scale: float) -> _Tables | NotReadable:
    """Return tables with one key that stands for all padding of a window (`padding`)."""
    assert placed.padding is not None
    padding = padded_key(*tables, placed.padding, scale=scale)
    if isinstance(padding, NotReadable):
        return padding
    theta = _beside(laid.theta, placed.each(padding.theta))
    phi = _beside(laid.phi, torch.zeros(laid.phi.shape[1], 1))
    steps = placed.thw[0] if placed.scope == "space" else 1
    key = torch.zeros(len(phi), steps, phi.shape[-1]).to(phi)
    key[..., -1] = padding.phi
    value = padding.value[:, None].expand(-1, steps, -1)
    return _Tables(theta, torch.cat([phi, key], dim=1), torch.cat([laid.g, value], dim=1))


def _windows(tables: _Tables, placed: Placed, scale: float) -> Int[Tensor, " Nk_all"] | None:
    """Return the number of each key's window, -1 for padding; None if scores may rise above the walls.

    None also for a layer whose queries are not the keys of its grid.
    """
    channels = sum(int(group.max()) + 1 for group in placed.walls)
    if not channels:
        return None
    padding = 0 if placed.padding is None else 1
    theta, phi = (table[..., : table.shape[-1] - channels - padding] for table in (tables.theta, tables.phi))
    if scale * float(theta.norm(dim=-1).max() * phi.norm(dim=-1).max()) > -BLOCKED / 4:
        return None
    number = numbered(placed.walls)
    if tables.theta.shape[1] > len(number):
        return None
    return torch.nn.functional.pad(number, (0, phi.shape[1] - len(number)), value=-1)


def _brings(call: WholeCall, keys: int, *, beside: int) -> bool:
    """Return whether a call passes ``keys`` tokens, other than ``beside``, in an argument after the first."""
    others = (value for value in (*call.args, *call.kwargs.values()) if value is not call.tokens)
    sequences = (value for value in others if isinstance(value, Tensor) and value.ndim == 3)
    return keys != beside and any(keys in value.shape[:2] for value in sequences)


def _beside(table: Float[Tensor, "*a N D"], channels: Float[Tensor, "*b N P"]) -> Float[Tensor, "*a N D_P"]:
    return torch.cat([table.float(), channels.to(table.device).expand(*table.shape[:-2], -1, -1)], dim=-1)


def _is_over_channels(given: Any, q: Float[Tensor, "B heads n D"]) -> bool:
    """Return whether a layer attends over channels, compared by a sum over all positions."""
    if not isinstance(given, Tensor) or given.ndim < 3:
        return False
    channels, positions = given.shape[1], math.prod(given.shape[2:])
    if given.ndim == 3:
        channels, positions = positions, channels
    heads, count, width = q.shape[1:]
    return channels in (count, heads * count) and width == positions != count
