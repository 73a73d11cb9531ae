"""One call of a layer that attends: its tables, seen or stated by hand, and its output for another y."""

from collections.abc import Callable, Collection
from contextvars import Context
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from nonlocal_core.capture.adapters.by_hand import TablesOf, tables_from
from nonlocal_core.capture.adapters.seen.factors import memory_of_weights
from nonlocal_core.capture.adapters.seen.products import Attended, Unclear, Watch
from nonlocal_core.capture.adapters.seen.several import are_mixed, as_one
from nonlocal_core.ops import respond
from nonlocal_core.vocabulary import Pairwise

NOT_FINITE = (
    "computed values that are not finite in its rows, as where a mask forbids a query every key by minus infinity. "
    "Forbid by a large number such as -1e9 instead, or look for NaN, or for numbers too large, in its weights"
)


class WholeCall(NamedTuple):
    """One call of a layer."""

    tokens: Any
    """The first argument."""
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def with_tokens(self, tokens: Any) -> "WholeCall":
        """Return the call with other tokens in place of its own, wherever it passes them."""
        args = tuple(tokens if value is self.tokens else value for value in self.args)
        named = {name: tokens if value is self.tokens else value for name, value in self.kwargs.items()}
        return WholeCall(tokens, args, named)


class SeenCall(NamedTuple):
    """The attention inside one call."""

    attended: Attended
    output: Any
    """Output of the layer."""
    run: Callable[[Tensor], Any]
    """Function that returns the output for another y."""
    resting: Callable[[WholeCall, Tensor], Any]
    """Function that returns the layer's output for another call and a y, in the layer's own layout."""
    gathered: Callable[[], Tensor]
    """Function that returns the layer's own y."""
    pairwise: Pairwise = "embedded_gaussian"


def told(say: TablesOf, module: nn.Module, call: WholeCall) -> SeenCall:
    """Return the attention of a call by the tables that the user states."""
    given = tables_from(say, module, call.args, call.kwargs)
    nothing = given.g.new_zeros(*given.theta.shape[:3], given.g.shape[3])
    attended = Attended(q=given.theta, k=given.phi, v=given.g, factor=given.scale, bias=None, y=nothing, put={})

    def resting(other: WholeCall, y: Tensor) -> Any:
        return tables_from(say, module, other.args, other.kwargs).out(y)

    @cache
    def gathered() -> Tensor:
        theta, phi, g = (table.flatten(0, 1) for table in (given.theta, given.phi, given.g))
        y: Tensor = respond(theta, phi, g, pairwise=given.pairwise, scale=given.scale)
        return y.reshape(nothing.shape)

    return SeenCall(attended, given.out(nothing), given.out, resting, gathered, given.pairwise)


def watched(module: nn.Module, call: WholeCall, steps: Collection[int] = ()) -> SeenCall:
    """Return the one attention inside a call; a loop over heads or sequences counts as one.

    ``steps``: the numbers of steps that the clip may have; as many parts of one sequence are a batch. Raises Unclear if
    there is none, or more than one.
    """
    watch, output = _seen(module, call, Watch())
    if not watch.found:
        first = watch
        watch, output = _seen(module, call, Watch(own=memory_of_weights(module)))
        are_parts = first.is_otherwise or len(watch.found) > 1
        if isinstance(output, Tensor) and not bool(output.isfinite().all()):
            raise Unclear(NOT_FINITE)
        if not watch.found or (are_parts and any(each.sinks for each in watch.found)):
            raise Unclear(_why_none(module, first))
    found = watch.found[:1]
    if len(watch.found) > 1 and not _follow_each_other(module, call, watch):
        if are_mixed(watch.found):
            raise Unclear(
                f"is a {type(module).__name__}, which weighs the same values by {len(watch.found)} softmaxes and adds "
                "or subtracts what they give, as differential attention does: none of them is the layer's weight alone"
            )
        sequences, tokens = 1, 0
        if isinstance(call.tokens, Tensor):
            sequences, tokens = len(call.tokens), call.tokens[..., 0].numel()
        together = as_one(_by_sequence(module, call, watch, sequences), sequences, tokens, steps)
        found = [] if together is None else [together]
    if len(found) != 1 or (len(watch.found) > 1 and found[0] is watch.found[0]):
        raise Unclear(no_softmax(module, len(watch.found)))
    attended = found[0]
    return SeenCall(
        attended,
        output,
        run=lambda y: _run_with(module, call, attended, y),
        resting=lambda other, y: _run_with(module, other, attended, y),
        gathered=lambda: attended.y,
        pairwise=attended.pairwise,
    )


def _seen(module: nn.Module, call: WholeCall, watch: Watch) -> tuple[Watch, Any]:
    """Run a call under a watch, and return it with the layer's output.

    What is traced stays traceable where the layer writes into tensors that a derivative needs.
    """
    with torch.autograd.graph.allow_mutation_on_saved_tensors(), watch:
        return watch, Context().run(module.forward, *call.args, **call.kwargs)


def _why_none(module: nn.Module, watch: Watch) -> str:
    """Return the reason why no attention was found in a call, by what its softmaxes were taken of."""
    if watch.is_otherwise:
        return (
            f"is a {type(module).__name__}, whose softmax is taken over other scores than those of one product: it "
            "puts several together, as criss-cross attention does, bends them, as a tanh does, or adds or drops keys"
        )
    if watch.softmaxes:
        return (
            f"is a {type(module).__name__}, which changes its softmax of products before it meets the values, as "
            "where heads are mixed, two are subtracted or some are dropped in eval mode too, or multiplies them in "
            "another way than as two matrices"
        )
    return no_softmax(module, 0)


def no_softmax(module: nn.Module, count: int) -> str:
    """Return the sentence for a layer that does not have exactly one softmax of a product."""
    seen = f"{count} softmaxes of products" if count else "no softmax of products"
    return f"is a {type(module).__name__}, in which this viewer saw {seen}, where it can show one"


def _follow_each_other(module: nn.Module, call: WholeCall, first: Watch) -> bool:
    """Return whether later attentions of a call change when the first outputs zeros."""
    found = first.found
    watch, _ = _seen(module, call, Watch(put=dict.fromkeys(found[0].put, torch.zeros_like), own=first.own))
    pairs = zip(found[1:], watch.found, strict=len(watch.found) == len(found) - 1)
    return len(watch.found) != len(found) - 1 or not all(
        torch.equal(getattr(one, name), getattr(other, name)) for one, other in pairs for name in ("q", "k", "v")
    )


def _by_sequence(module: nn.Module, call: WholeCall, first: Watch, sequences: int) -> list[Attended]:
    """Return the attentions of a call sequence by sequence, where a loop over sequences runs within one over heads.

    Those of the first sequence are the ones that change with it.
    """
    found = first.found
    if sequences < 2 or len(found) <= sequences or len(found) % sequences or call.tokens.ndim < 3:
        return found
    others = call.tokens.clone()
    others[0] = others[0].flip(0)
    watch, _ = _seen(module, call.with_tokens(others), Watch(own=first.own))
    if len(watch.found) != len(found):
        return found
    moved = [not torch.equal(one.q, other.q) for one, other in zip(found, watch.found, strict=True)]
    is_within = moved == [number % sequences == 0 for number in range(len(found))]
    return [each for at in range(sequences) for each in found[at::sequences]] if is_within else found


def _run_with(module: nn.Module, call: WholeCall, attended: Attended, y: Tensor) -> Any:
    """Return a layer's output for the same call with its y replaced."""

    def putting(lay: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        return lambda real: _in_the_place_of(real, lay(y))

    put = {step: putting(lay) for step, lay in attended.put.items()}
    with Watch(put=put, fused=attended.fused, looks=False):
        return Context().run(module.forward, *call.args, **call.kwargs)


def _in_the_place_of(real: Tensor, y: Tensor) -> Tensor:
    """Return y with the shape and strides of the layer's product, so that ``view`` works on it."""
    return torch.empty_like(real).copy_(y.reshape(real.shape))
