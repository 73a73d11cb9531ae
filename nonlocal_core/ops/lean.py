"""The non-local operation without its affinity matrix: exact, and linear in memory for all four functions.

Measured against the explicit form by ``benchmarks/ops.py``.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import pad, scaled_dot_product_attention

from nonlocal_core.ops.checks import check_tables
from nonlocal_core.ops.panel_gradients import attend_in_panels
from nonlocal_core.ops.reach import Reach, join_queries, split_keys, split_queries
from nonlocal_core.vocabulary import Pairwise

CHANNELS_AT_ONCE = 64
"""Channels of g per round of prefix sums, so that two float64 tables of Nk x 64 stay in the cache."""


def respond(
    theta: Float[Tensor, "B Nq Ci"],
    phi: Float[Tensor, "B Nk Ci"],
    g: Float[Tensor, "B Nk Cg"],
    *,
    pairwise: Pairwise,
    scale: float = 1.0,
    reach: Reach | None = None,
) -> Float[Tensor, "B Nq Cg"]:
    """Return y_i = sum over j of f(x_i, x_j) g_j / C(x) (paper, equation 1), without its Nq x Nk matrix.

    >>> theta, phi, g = torch.ones(2, 30, 7), torch.ones(2, 12, 7), torch.ones(2, 12, 5)
    >>> respond(theta, phi, g, pairwise="embedded_gaussian", scale=7**-0.5).shape
    torch.Size([2, 30, 5])

    ``scale`` multiplies theta_i . phi_j inside the softmax of the two Gaussians; the other functions ignore it. Without
    a ``reach`` every query attends to every key. For the concatenation, theta and phi have one channel each: w_theta .
    theta_i + bias and w_phi . phi_j. The result has the dtype of g, also under autocast. Raises ShapeError for tables
    whose shapes disagree, UnknownNameError for an unknown pairwise function.
    """
    check_tables(theta, phi, g, pairwise=pairwise, reach=reach)
    if reach is not None:
        one_table = theta is phi and reach.kernel == (1, 1, 1)
        theta, g = split_queries(theta, reach), split_keys(g, reach)
        phi = theta if one_table else split_keys(phi, reach)
    match pairwise:
        case "gaussian" | "embedded_gaussian":
            y = _softmax_attention(theta, phi, g, scale)
        case "dot_product":
            y = _dot_product(theta, phi, g)
        case "concatenation":
            y = _concatenation(theta[..., 0], phi[..., 0], g)
    return y if reach is None else join_queries(y, reach)


def _softmax_attention(
    theta: Float[Tensor, "B Nq Ci"], phi: Float[Tensor, "B Nk Ci"], g: Float[Tensor, "B Nk Cg"], scale: float
) -> Float[Tensor, "B Nq Cg"]:
    compared, summed = theta.shape[2], g.shape[2]
    if compared != summed and theta.device.type == "cpu":
        other = None if theta is phi else _at_least_float32(phi)
        with torch.autocast("cpu", enabled=False):
            return attend_in_panels(_at_least_float32(theta), other, _at_least_float32(g), scale).to(g.dtype)
    # The fused kernels need (B, heads, N, C'), one width and a contiguous last axis. If one is missing, the
    # CPU silently takes the explicit path: the same numbers, with the whole matrix in memory.
    width = max(compared, summed)
    query, key, value = (_packed(table, width).unsqueeze(1) for table in (theta, phi, g))
    y = scaled_dot_product_attention(query, key, value, scale=scale)
    return y.squeeze(1)[..., :summed].to(g.dtype)


def _packed(table: Float[Tensor, "B N C"], width: int) -> Float[Tensor, "B N width"]:
    if table.shape[2] < width:
        return pad(table, (0, width - table.shape[2]))
    return table if table.stride(2) == 1 else table.contiguous()


def _dot_product(
    theta: Float[Tensor, "B Nq Ci"], phi: Float[Tensor, "B Nk Ci"], g: Float[Tensor, "B Nk Cg"]
) -> Float[Tensor, "B Nq Cg"]:
    """Multiply in the cheaper order. If (theta phi^T) g is cheaper, its matrix is narrower than theta."""
    queries, keys, inner, outer = theta.shape[1], phi.shape[1], theta.shape[2], g.shape[2]
    # In half precision a sum over thousands of keys overflows, and a division before it underflows.
    with torch.autocast(theta.device.type, enabled=False):
        theta, phi, wide_g = (_at_least_float32(table) for table in (theta, phi, g))
        if queries * keys * (inner + outer) < (queries + keys) * inner * outer:
            y = (theta @ phi.transpose(1, 2) / keys) @ wide_g
        else:
            y = theta @ (phi.transpose(1, 2) @ wide_g / keys)
    return y.to(g.dtype)


def _concatenation(
    a: Float[Tensor, "B Nq"], b: Float[Tensor, "B Nk"], g: Float[Tensor, "B Nk Cg"]
) -> Float[Tensor, "B Nq Cg"]:
    """Sum ReLU(a_i + b_j) g_j over j in O(N log N).

    The keys with a_i + b_j > 0 are the first k_i in descending order of b, so with the running sums S0 of g and S1 of b
    g over that order, y_i = (a_i S0(k_i) + S1(k_i)) / Nk. The two terms nearly cancel if a_i is close to -b_j; sums
    in float64 keep the difference exact to float32. If the matrix is no larger than the output, it is faster and is
    built.
    """
    keys = b.shape[1]
    a, b = _at_least_float32(a), _at_least_float32(b)
    if keys <= g.shape[2]:
        with torch.autocast(g.device.type, enabled=False):
            few = torch.relu(a.unsqueeze(2) + b.unsqueeze(1)) @ _at_least_float32(g)
            return (few / keys).to(g.dtype)
    b_sorted, order = b.sort(dim=1, descending=True)
    above = torch.searchsorted(-b_sorted.detach().contiguous(), a.detach().contiguous())
    weight_0, weight_1 = a.double().unsqueeze(2), b_sorted.double().unsqueeze(2)
    parts = []
    for some_g in torch.split(g, CHANNELS_AT_ONCE, dim=2):
        g_sorted = _take_rows(some_g, order).double()
        s0 = pad(g_sorted.cumsum(dim=1), (0, 0, 1, 0))
        s1 = pad((g_sorted * weight_1).cumsum(dim=1), (0, 0, 1, 0))
        parts.append(((_take_rows(s0, above) * weight_0 + _take_rows(s1, above)) / keys).to(g.dtype))
    return torch.cat(parts, dim=2)


def _take_rows(table: Float[Tensor, "B N C"], index: Int[Tensor, "B M"]) -> Float[Tensor, "B M C"]:
    """Return rows of each batch entry, copied whole, which is several times faster than ``gather``."""
    batch, count, channels = table.shape
    first = torch.arange(batch, device=table.device).unsqueeze(1) * count
    return table.reshape(-1, channels).index_select(0, (index + first).flatten()).view(batch, -1, channels)


def _at_least_float32(table: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    return table.to(torch.promote_types(table.dtype, torch.float32))
