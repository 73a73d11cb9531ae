"""The full affinity matrix, for charts of small maps and for tests. No network builds it."""

import torch
from jaxtyping import Float
from torch import Tensor

from nonlocal_core.ops.checks import check_tables
from nonlocal_core.ops.reach import Reach, visible
from nonlocal_core.vocabulary import Pairwise


def affinity(
    theta: Float[Tensor, "B Nq Ci"],
    phi: Float[Tensor, "B Nk Ci"],
    *,
    pairwise: Pairwise,
    scale: float = 1.0,
    reach: Reach | None = None,
) -> Float[Tensor, "B Nq Nk"]:
    """Return f(x_i, x_j) / C(x), so that y = affinity @ g (paper, equation 1 and section 3.2).

    >>> theta, phi = torch.ones(2, 30, 7), torch.ones(2, 12, 7)
    >>> affinity(theta, phi, pairwise="dot_product").shape
    torch.Size([2, 30, 12])

    Keys outside ``reach`` get exactly 0. Arguments are those of ``respond``. Memory grows with Nq x Nk. Raises
    ShapeError for tables whose shapes disagree, UnknownNameError for an unknown pairwise function.
    """
    check_tables(theta, phi, None, pairwise=pairwise, reach=reach)
    keys = phi.shape[1] if reach is None else reach.keys_per_query
    seen = None if reach is None else visible(reach, theta.device)
    match pairwise:
        case "gaussian" | "embedded_gaussian":
            scores = scale * theta @ phi.transpose(1, 2)
            return (scores if seen is None else scores.masked_fill(~seen, -torch.inf)).softmax(dim=-1)
        case "dot_product":
            weights = theta @ phi.transpose(1, 2) / keys
        case "concatenation":
            weights = torch.relu(theta + phi.transpose(1, 2)) / keys
    return weights if seen is None else weights * seen
