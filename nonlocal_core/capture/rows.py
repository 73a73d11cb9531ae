"""The mathematics of one row, from the captured tables: exact, in numpy, without a matrix.

``viewer/model/affinity.js`` does the same in the browser, and a test holds the two together.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import groupby, islice

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Float64, Int
from torch import Tensor
from torch.nn.functional import pad

from nonlocal_core.capture.record import BlockCapture
from nonlocal_core.errors import CaptureError, SelectionError
from nonlocal_core.geometry import Cell
from nonlocal_core.ops import affinity
from nonlocal_core.vocabulary import Progress

_CHUNK_ELEMENTS = 2**22
"""Scores held at once while walking over all queries: 16 MB of float32."""

_WORKERS = min(4, os.cpu_count() or 1)

_Chunk = tuple[Int[np.ndarray, " m"], slice | Bool[np.ndarray, " Nk_all"]]
"""Numbers of some of the queries that are asked for, and the keys that they may attend to."""

_LEAST_COLUMNS = 16
"""Minimum number of columns of a product that adds up its sums in blocks."""

_SAFE_EXPONENT = 60.0
"""Largest absolute exponent at which exp neither overflows nor vanishes in float32, summed over a million keys."""


def row_weights(block: BlockCapture, query: Cell) -> Float64[np.ndarray, " Nk_all"]:
    """Return the weight of every key for one query, zero if scope or groups forbid it: one matrix-vector product.

    Raises GeometryError if the cell is not on the query grid.
    """
    if block.heads:
        return _mean([row_weights(head, query) for head in block.heads])
    theta_i = block.theta[block.query_grid.index(query)]
    if not is_restricted(block):
        return _normalised(block, _scores(block, theta_i, block.phi))
    allowed = allowed_keys(block, query)
    weights = np.zeros(len(block.phi))
    weights[allowed] = _normalised(block, _scores(block, theta_i, block.phi[allowed]))
    return weights


def at_temperature(block: BlockCapture, temperature: float) -> BlockCapture:
    """Return the block with its scores divided by a temperature before the softmax, unlike in the network itself.

    Raises SelectionError if no softmax follows the scores.
    """
    if temperature == 1:
        return block
    if block.askers_are_keys:
        raise SelectionError(
            f"A temperature changes what each position spends on the other keys of {block.title!r}, which a picture of "
            "one key does not hold. Leave it at 1."
        )
    if not block.is_softmax:
        raise SelectionError(
            f"A temperature divides the scores of a softmax, and {block.title!r} has none. Leave it at 1, or ask a "
            "Gaussian or an embedded Gaussian."
        )
    heads = tuple(at_temperature(head, temperature) for head in block.heads)
    return replace(block, scale=block.scale / temperature, heads=heads)


def many_row_weights(
    block: BlockCapture, queries: Int[np.ndarray, " n"], keys: Int[np.ndarray, " m"] | None = None
) -> Float64[np.ndarray, "n Nk"]:
    """Return the rows of several queries, given by their indices: one matrix product if all keys are allowed.

    ``keys``: weigh these keys only, as if the block had no others. Memory grows with n x Nk: ask for a chunk at a
    time. Raises CaptureError for a choice of keys if scope or groups restrict the keys of each query.
    """
    if block.heads:
        return _mean([many_row_weights(head, queries, keys) for head in block.heads])
    if not is_restricted(block):
        return _normalised(block, _scores(block, block.theta[queries], block.phi if keys is None else block.phi[keys]))
    if keys is not None:
        raise CaptureError(f"The queries of {block.title!r} do not all see the same keys, so none can be chosen.")
    return np.stack([row_weights(block, block.query_grid.cell(int(i))) for i in queries])


def column_weights(
    block: BlockCapture, key: Cell, normaliser: Float64[np.ndarray, "*heads Nq"] | None
) -> Float64[np.ndarray, " Nq"]:
    """Return the weight that every query gives to one key.

    ``normaliser``: the result of ``log_normaliser(block)``, used if rows are divided by their sum.
    Raises GeometryError if the cell is not on the key grid.
    """
    if block.heads:
        of_heads = [None] * len(block.heads) if normaliser is None else normaliser
        return _mean([column_weights(head, key, of) for head, of in zip(block.heads, of_heads, strict=True)])
    scores = _scores(block, block.phi[block.key_grid.index(key)], block.theta).astype(np.float64)
    allowed = allowed_queries(block, key)
    if block.is_summed:
        log_f = np.where(scores >= 0, 0.0, -np.inf) if block.pairwise == "matched" else scores
        log_weights = log_f - (log_normaliser(block) if normaliser is None else normaliser)
        return np.asarray(np.exp(np.where(allowed, log_weights, -np.inf)))
    return np.where(allowed, scores / block.key_count, 0.0)


def allowed_keys(block: BlockCapture, query: Cell) -> Bool[np.ndarray, " Nk_all"]:
    """Return the keys that scope and temporal groups leave to this query."""
    t, y, x = block.query_grid.own_key(query, block.subsample)
    mask = np.zeros(block.key_grid.shape, bool)
    if block.scope == "space":
        mask[t] = True
    else:
        start, stop = _group(query.t, block.query_grid.steps, block.key_grid.steps, block.temporal_groups)
        mask[start:stop] = True
        if block.scope == "time":
            only = np.zeros_like(mask)
            only[:, y, x] = True
            mask &= only
    off_grid = np.zeros((block.off_grid_copies, len(block.off_grid_keys)), bool)
    off_grid[t if block.scope == "space" else 0] = True
    return np.append(mask.reshape(-1) if block.has_key_grid else mask[:0], off_grid.reshape(-1))


def allowed_queries(block: BlockCapture, key: Cell) -> Bool[np.ndarray, " Nq"]:
    """Return the queries that may attend to this key."""
    own = block.query_grid.own_keys(block.subsample)
    frames = range(block.query_grid.steps)
    if block.scope == "space":
        in_time = own[0] == key.t
    else:
        groups = [_group(t, block.query_grid.steps, block.key_grid.steps, block.temporal_groups) for t in frames]
        in_time = np.array([start <= key.t < stop for start, stop in groups])
    mask = np.broadcast_to(in_time[:, None, None], block.query_grid.shape).copy()
    if block.scope == "time":
        mask &= (own[1] == key.y)[None, :, None] & (own[2] == key.x)[None, None, :]
    return mask.reshape(-1)


def log_normaliser(block: BlockCapture, progress: Progress | None = None) -> Float64[np.ndarray, "*heads Nq"]:
    """Return the log of the sum over allowed keys of f, exp(score) or 1 for a match, in chunks of queries.

    For a mean over heads, it is that of each head. Only blocks whose rows are divided by it have one, and only a column
    needs it. ``progress`` is called after every chunk, and may raise to end the work.
    """
    if block.heads:
        return np.stack([log_normaliser(head, progress) for head in block.heads])
    theta = block.theta * np.float32(block.scale)
    steepest = float(np.linalg.norm(theta, axis=1).max() * np.linalg.norm(block.phi, axis=1).max())
    if steepest < _SAFE_EXPONENT and not is_restricted(block) and np.array_equal(block.theta, block.phi):
        return np.asarray(np.log(_symmetric_sums(theta, block.phi)))
    out, done = np.empty(block.query_grid.size), 0

    def log_sums(chunk: _Chunk) -> Float[np.ndarray, " m"]:
        queries, keys = chunk
        scores = theta[queries] @ block.phi[keys].T
        if block.pairwise == "matched":
            return np.asarray(np.log(np.maximum((scores >= 0).sum(axis=1), 1)))
        peak = np.zeros(len(scores), np.float32) if steepest < _SAFE_EXPONENT else scores.max(axis=1)
        if peak.any():
            scores -= peak[:, None]
        return np.asarray(np.log(np.exp(scores, out=scores).sum(axis=1)) + peak)

    chunks = list(_chunks(block, np.arange(block.query_grid.size)))
    with ThreadPoolExecutor(max_workers=_WORKERS) as pool:  # numpy takes exponentials on one core
        try:
            for (queries, _), found in zip(chunks, pool.map(log_sums, chunks), strict=True):
                out[queries] = found
                done += len(queries)
                if progress is not None:
                    progress("Adding up all rows", done, len(out))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    return out


def weighted_sums(
    heads: Sequence[BlockCapture],
    values: Float32[np.ndarray, "heads Nk_all Cg"],
    queries: Int[np.ndarray, " _"],
    theta: Float32[np.ndarray, "heads _ Ci"] | None = None,
) -> Iterator[tuple[Int[np.ndarray, "b m"], Float32[np.ndarray, "heads b m Cg"], Float32[np.ndarray, "heads b m"]]]:
    """Yield, in chunks, some queries, and for each head the sums over keys of weight times value, and of the weights.

    ``heads``: those of one layer, or a block alone. Queries come by their numbers in ``queries``, every one once, those
    of a row of numbers with the same keys. ``theta``: what asks at the queries instead of the positions. Computed in
    float32 by the explicit formula, with rows that are forgotten at once. This is y of the paper's equation 1 where
    ``values`` are g.

    The products are torch's: a network has just run on its threads, and NumPy's would contend with them and each
    other.
    """
    block = heads[0] if theta is None else replace(heads[0], windows=None)
    asking = np.stack([head.theta[queries] for head in heads]) if theta is None else theta
    asked = block.phi[None] if len(heads) == 1 else np.stack([head.phi for head in heads])
    tables = [torch.from_numpy(table) for table in (asking, asked, values)]
    for several in _alike(block, queries, len(heads)):
        numbers, seen = zip(*several, strict=True)
        own_theta, phi, g = (_taken(table, parts) for table, parts in zip(tables, (numbers, seen, seen), strict=True))
        with torch.no_grad(), torch.autocast("cpu", enabled=False):  # half precision is not proved in half precision
            weights = _explicit_weights(block, own_theta, phi)
            y, masses = _product(weights, g), weights.sum(dim=2)
        shape = len(heads), *np.shape(numbers)
        yield np.stack(numbers), y.reshape(*shape, -1).numpy(), masses.reshape(shape).numpy()


def drawn_queries(block: BlockCapture, most: int, seed: int) -> Int[np.ndarray, " n"]:
    """Return up to ``most`` queries drawn at random, in order: as many of each group that sees the same keys."""
    rng, view = np.random.default_rng(seed), _view_of_queries(block)
    order = rng.permutation(len(view))
    order = order[np.argsort(view[order], kind="stable")]
    groups = np.split(order, np.flatnonzero(np.diff(view[order])) + 1)
    each = max(1, most // len(groups))
    return np.sort(np.concatenate([groups[index][:each] for index in rng.permutation(len(groups))[:most]]))


def _alike(block: BlockCapture, queries: Int[np.ndarray, " _"], heads: int) -> Iterator[list[_Chunk]]:
    """Yield chunks of equal shape together, as the frames of a block that sees one at a time: as many as fit in one.

    Their separate products are so small that threads take longer to share them than to compute them.
    """
    for (count, keys), alike in groupby(_chunks(block, queries, heads), _sizes):
        most = max(1, _CHUNK_ELEMENTS // (count * (keys or len(block.phi)) * heads))
        while several := list(islice(alike, most)):
            yield several


def _sizes(chunk: _Chunk) -> tuple[int, int]:
    """Return the number of a chunk's queries, and of its keys, 0 for all."""
    queries, keys = chunk
    return len(queries), 0 if isinstance(keys, slice) else int(keys.sum())


def _taken(
    table: Float32[Tensor, "heads N C"], parts: Sequence[Int[np.ndarray, " m"] | slice | Bool[np.ndarray, " N"]]
) -> Float32[Tensor, "heads_b m C"]:
    """Return parts of the table of each head one behind another, or all of it as it is."""
    some = [np.flatnonzero(part) if part.dtype == bool else part for part in parts if not isinstance(part, slice)]
    if not some:
        return table
    rows = np.stack(some)
    taken = table.index_select(1, torch.from_numpy(rows.reshape(-1)))
    return taken.reshape(-1, rows.shape[1], table.shape[2])


def _product(weights: Float32[Tensor, "b m N"], g: Float32[Tensor, "b N Cg"]) -> Float32[Tensor, "b m Cg"]:
    """Return weights times g. A narrow g is widened: for few columns, MKL adds up the keys one after another.

    On processors with AVX2, 12,012 keys and 3 channels, sums near 1 were off by 7e-5, 16 channels by 1e-6.
    """
    lacking = max(0, _LEAST_COLUMNS - g.shape[2])
    return (weights @ pad(g, (0, lacking)))[..., : g.shape[2]] if lacking else weights @ g


def _explicit_weights(
    block: BlockCapture, theta: Float32[Tensor, "b m Ci"], phi: Float32[Tensor, "b N Ci"]
) -> Float32[Tensor, "b m N"]:
    """Return the weights of each query on the keys that it may attend to, in float32."""
    if block.pairwise == "matched":
        taken = (theta @ phi.mT * block.scale >= 0).float()
        return taken / taken.sum(dim=2, keepdim=True).clamp_min(1)
    return affinity(theta, phi, pairwise=block.pairwise, scale=block.scale)


def summed_rows(block: BlockCapture, asking: Float64[np.ndarray, " Nq"]) -> Float64[np.ndarray, " Nk_all"]:
    """Return the sum of the rows of all queries, weighted by ``asking``: that vector times the affinity.

    Rows are not kept, and those of queries with weight 0 are not computed.
    """
    if block.heads:
        return _mean([summed_rows(head, asking) for head in block.heads])
    total = np.zeros(len(block.phi))
    queries = np.flatnonzero(asking)
    for numbers, keys in _chunks(block, queries):
        some = queries[numbers]
        scores = _scores(block, block.theta[some], block.phi[keys])
        total[keys] += asking[some] @ _normalised(block, scores)
    return total


def _mean(of_heads: Sequence[Float64[np.ndarray, "*n"]]) -> Float64[np.ndarray, "*n"]:
    """Return the mean over heads."""
    return np.asarray(np.mean(of_heads, axis=0))


def _symmetric_sums(theta: Float32[np.ndarray, "N Ci"], phi: Float32[np.ndarray, "N Ci"]) -> Float64[np.ndarray, " N"]:
    """Return the sum of each row of exp(theta phi^T), which is symmetric, so that half of it suffices."""
    sums = np.zeros(len(phi))
    start = 0
    while start < len(phi):
        stop = start + max(1, _CHUNK_ELEMENTS // (len(phi) - start))
        weights = theta[start:stop] @ phi[start:].T
        np.exp(weights, out=weights)
        sums[start:stop] += weights.sum(axis=1)
        sums[stop:] += np.ones(len(weights), np.float32) @ weights[:, stop - start :]
        start = stop
    return sums


def _chunks(block: BlockCapture, queries: Int[np.ndarray, " _"], heads: int = 1) -> Iterator[_Chunk]:
    """Cut queries into runs that may attend to the same keys and whose scores, of all heads, fit in one chunk."""
    step = max(1, _CHUNK_ELEMENTS // (seen_keys(block) * heads))
    view = _view_of_queries(block)[queries]
    order = np.argsort(view, kind="stable")
    for run in np.split(order, np.flatnonzero(np.diff(view[order])) + 1):
        if len(run):
            first = int(queries[run[0]])
            keys = allowed_keys(block, block.query_grid.cell(first)) if is_restricted(block) else slice(None)
            if block.windows is not None:
                within = (block.windows == block.windows[first]) | (block.windows < 0)
                keys = within if isinstance(keys, slice) else keys & within
            yield from ((run[start : start + step], keys) for start in range(0, len(run), step))


def seen_keys(block: BlockCapture) -> int:
    """Return the most keys that one query sees: those of its window if the windows are known."""
    if block.windows is None:
        return block.key_count
    return min(block.key_count, int(np.bincount(block.windows + 1)[1:].max()) + int((block.windows < 0).sum()))


def _view_of_queries(block: BlockCapture) -> Int[np.ndarray, " Nq"]:
    """Return a number for each query, equal for queries that may attend to the same keys."""
    t, y, x = block.query_grid.own_keys(block.subsample)
    length = block.query_grid.steps // block.temporal_groups
    when = t if block.scope == "space" else np.arange(block.query_grid.steps) // length
    place = y[:, None] * block.key_grid.cols + x[None] if block.scope == "time" else np.zeros((len(y), len(x)), int)
    view = (when[:, None, None] * (place.max() + 1) + place[None]).reshape(-1)
    if block.windows is not None:
        view = view * (int(block.windows.max()) + 1) + block.windows[: len(view)]
    return np.asarray(view)


def _scores(
    block: BlockCapture, vectors: Float32[np.ndarray, "*n Ci"], table: Float32[np.ndarray, "N Ci"]
) -> Float32[np.ndarray, "*n N"]:
    """Return f between one embedding, or each of several, and each row of a table, before any normalisation."""
    if block.pairwise == "concatenation":
        summed: np.ndarray = np.maximum(vectors[..., :1] + table[:, 0], 0)
        return summed
    product: np.ndarray = vectors @ table.T
    return product if block.pairwise == "dot_product" else product * np.float32(block.scale)


def _normalised(block: BlockCapture, scores: Float32[np.ndarray, "*n N"]) -> Float64[np.ndarray, "*n N"]:
    """Return the weights of each query from its scores on the keys that it may attend to."""
    if block.askers_are_keys:
        return np.asarray(np.exp(scores.astype(np.float64)))
    if block.pairwise == "matched":
        taken = scores >= 0
        return np.asarray(taken / np.maximum(taken.sum(axis=-1, keepdims=True), 1))
    if not block.is_softmax:
        return scores / np.float64(scores.shape[-1])
    unnormalised = np.exp(scores.astype(np.float64) - scores.max(axis=-1, keepdims=True))
    softmax: np.ndarray = unnormalised / unnormalised.sum(axis=-1, keepdims=True)
    return softmax


def is_restricted(block: BlockCapture) -> bool:
    """Return whether scope or temporal groups keep some keys from some queries."""
    return block.scope != "spacetime" or block.temporal_groups > 1


def _group(t: int, query_frames: int, key_frames: int, groups: int) -> tuple[int, int]:
    """Return the temporal key cells [start, stop) of the group that query frame ``t`` belongs to."""
    group, length = t // (query_frames // groups), key_frames // groups
    return group * length, (group + 1) * length
