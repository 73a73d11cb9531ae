"""Several attentions of one call as one: a loop over heads, over the sequences of a batch, or over parts of queries."""

from collections.abc import Callable, Collection, Sequence
from itertools import accumulate

import torch
from jaxtyping import Float
from torch import Tensor

from nonlocal_core.capture.adapters.seen.products import Attended
from nonlocal_core.capture.adapters.tokens.masks import BLOCKED


def are_mixed(found: Sequence[Attended]) -> bool:
    """Return whether several attentions of a call weigh the same values by other keys, so that their weights add up.

    So does differential attention, which subtracts them (Ye et al., ICLR 2025). Heads that share their values share
    their keys too.
    """
    first = found[0]
    return any(
        each.v.shape == first.v.shape
        and torch.equal(each.v, first.v)
        and not (each.k.shape == first.k.shape and torch.equal(each.k, first.k))
        for each in found[1:]
    )


def as_one(found: Sequence[Attended], sequences: int, tokens: int, steps: Collection[int] = ()) -> Attended | None:
    """Return attentions of equal sizes as one with more heads, or None if their sizes differ.

    They become the sequences of a batch if none has a batch of its own and their number is a multiple of ``sequences``,
    or if they share out the ``tokens`` of the layer's input and are as many as the clip may have ``steps``; else those
    are one sequence, in which each sees its own part. They are parts of the queries if all ask the same keys and their
    number adds up.
    """
    first = found[0]
    counts = [each.q.shape[-2] for each in found]
    if sum(counts) == first.k.shape[-2] - first.sinks and _ask_alike(found):
        return _in_parts(found, counts)
    lead = first.q.shape[:-2]
    are_cut = len(lead) > 1 and lead[0] == 1 and sum(counts) == tokens and not first.sinks
    if are_cut and (len(found) not in steps or len(set(counts)) > 1):
        return _end_to_end(found, counts)
    sizes = {(each.q.shape, each.k.shape, each.v.shape, each.sinks, each.pairwise) for each in found}
    if len(sizes) > 1:
        return None
    are_sequences = lead.numel() == 1 and sequences > 1 and len(found) % sequences == 0
    if not are_sequences and not lead:
        return None
    heads = len(found) // sequences if are_sequences else len(found)

    def joined(parts: Sequence[Tensor]) -> Tensor:
        if are_sequences:
            tables = torch.stack([part.reshape(part.shape[-2:]) for part in parts])
            return tables.reshape(sequences, heads, *tables.shape[1:])
        if are_cut:
            return torch.cat(list(parts))
        return torch.cat(list(parts), dim=-3) if len(lead) > 1 else torch.stack(list(parts), dim=-3)

    def part_of(y: Tensor, number: int) -> Tensor:
        if are_sequences:
            return y.flatten(0, 1)[number].reshape(*lead, *y.shape[-2:])
        if are_cut:
            return y[number : number + 1]
        return y[..., number * lead[-1] : (number + 1) * lead[-1], :, :] if len(lead) > 1 else y[..., number, :, :]

    def putting(number: int, lay: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        return lambda y: lay(part_of(y, number))

    def bias_of(each: Attended) -> Tensor:
        size = (*lead, each.q.shape[-2], each.k.shape[-2])
        return each.q.new_zeros(size, dtype=torch.float32) if each.bias is None else each.bias.expand(size)

    return Attended(
        q=joined([each.factor * each.q for each in found]),
        k=joined([each.k for each in found]),
        v=joined([each.v for each in found]),
        factor=1.0,
        bias=None if all(each.bias is None for each in found) else joined([bias_of(each) for each in found]),
        noise=max(each.noise for each in found),
        y=joined([each.y for each in found]),
        sinks=first.sinks,
        pairwise=first.pairwise,
        put={step: putting(number, lay) for number, each in enumerate(found) for step, lay in each.put.items()},
    )


def _ask_alike(found: Sequence[Attended]) -> bool:
    """Return whether attentions ask the same keys about the same values."""
    pairs = [(each, found[0]) for each in found]
    return all(
        one.q.shape[:-2] == other.q.shape[:-2] and torch.equal(one.k, other.k) and torch.equal(one.v, other.v)
        for one, other in pairs
    )


def _in_parts(found: Sequence[Attended], counts: Sequence[int]) -> Attended:
    """Join attentions that each hold a part of the queries, in the order in which they ran."""
    first = found[0]
    none = first.q.new_zeros(1, 1, dtype=torch.float32)
    biases = [none if each.bias is None else each.bias for each in found]
    shapes = [(*each.q.shape[:-1], each.k.shape[-2]) for each in found]
    bias = torch.cat([part.expand(shape) for part, shape in zip(biases, shapes, strict=True)], dim=-2)
    return Attended(
        q=torch.cat([each.factor * each.q for each in found], dim=-2),
        k=first.k,
        v=first.v,
        factor=1.0,
        bias=None if all(each.bias is None for each in found) else bias,
        noise=max(each.noise for each in found),
        y=torch.cat([each.y for each in found], dim=-2),
        sinks=first.sinks,
        pairwise=first.pairwise,
        put=_put_in_parts(found, counts),
    )


def _end_to_end(found: Sequence[Attended], counts: Sequence[int]) -> Attended | None:
    """Join attentions of parts of a sequence, in their order; None if one sees other keys than its own part."""
    if any(each.k.shape[-2] != count for each, count in zip(found, counts, strict=True)):
        return None
    first = found[0]
    bias = first.q.new_full((1, 1, sum(counts), sum(counts)), BLOCKED, dtype=torch.float32)
    if any(each.bias is not None for each in found):
        bias = bias.repeat(1, first.q.shape[1], 1, 1)
    for each, stop, count in zip(found, accumulate(counts), counts, strict=True):
        bias[..., stop - count : stop, stop - count : stop] = 0 if each.bias is None else each.bias
    return Attended(
        q=torch.cat([each.factor * each.q for each in found], dim=-2),
        k=torch.cat([each.k for each in found], dim=-2),
        v=torch.cat([each.v for each in found], dim=-2),
        factor=1.0,
        bias=bias,
        noise=max(each.noise for each in found),
        y=torch.cat([each.y for each in found], dim=-2),
        pairwise=first.pairwise,
        put=_put_in_parts(found, counts),
    )


def _put_in_parts(
    found: Sequence[Attended], counts: Sequence[int]
) -> dict[int, Callable[[Float[Tensor, "*lead n Dv"]], Tensor]]:
    """Return ``Attended.put`` of attentions whose queries follow each other."""

    def putting(stop: int, count: int, lay: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        return lambda y: lay(y[..., stop - count : stop, :])

    return {
        step: putting(stop, count, lay)
        for each, stop, count in zip(found, accumulate(counts), counts, strict=True)
        for step, lay in each.put.items()
    }
