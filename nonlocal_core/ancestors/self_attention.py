"""Self-attention and the embedded Gaussian, side by side on the same numbers.

A. Vaswani et al., "Attention is all you need" (NIPS 2017), equation 1: softmax(Q K^T / sqrt(d_k)) V. The paper
(section 3.2, embedded Gaussian): y = softmax(x^T W_theta^T W_phi x) g(x). Q is theta, K is phi, V is g; only the scale
differs.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from nonlocal_core.ops.checks import check_tables

QUERIES_AT_ONCE = 256


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BothFormulas:
    """Outputs of the two formulas for the same tables."""

    attention: Float[Tensor, "B Nq Cg"]
    """Self-attention, as torch computes it."""
    embedded_gaussian: Float[Tensor, "B Nq Cg"]
    """The non-local operation with scale C'^-1/2, by its formula in float64: `respond` may call torch's attention."""

    @property
    def difference(self) -> float:
        """Largest difference between the two."""
        return float((self.attention - self.embedded_gaussian).abs().max())


def both_formulas(
    theta: Float[Tensor, "B Nq Ci"], phi: Float[Tensor, "B Nk Ci"], g: Float[Tensor, "B Nk Cg"]
) -> BothFormulas:
    """Return self-attention of one head and the embedded Gaussian of the same tables.

    >>> import torch
    >>> tables = torch.randn(3, 2, 30, 7, generator=torch.Generator().manual_seed(0)).unbind()
    >>> both_formulas(*tables).difference < 1e-6
    True

    Raises ShapeError for tables whose shapes disagree.
    """
    check_tables(theta, phi, g, pairwise="embedded_gaussian", reach=None)
    keys, values = phi.double().mT * theta.shape[2] ** -0.5, g.double()
    panels = torch.split(theta.double(), QUERIES_AT_ONCE, dim=1)
    scaled = torch.cat([(some @ keys).softmax(dim=-1) @ values for some in panels], dim=1)
    query, key, value = (table.unsqueeze(1) for table in (theta, phi, g))  # one head
    attention = scaled_dot_product_attention(query, key, value).squeeze(1)
    return BothFormulas(attention=attention, embedded_gaussian=scaled)
