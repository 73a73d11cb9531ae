"""Tables of a layer that no reader knows, supplied by the user."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from nonlocal_core.errors import CaptureError, UnknownNameError
from nonlocal_core.vocabulary import SOFTMAX, Pairwise


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tables:
    """Theta, phi and g of one call of a layer, by sequence and head; they are proved on the layer's real output.

    >>> q, k, v = torch.rand(3, 1, 2, 35, 4).unbind(0)
    >>> Tables(theta=q, phi=k, g=v, out=lambda y: y.transpose(1, 2).flatten(2), scale=0.5).pairwise
    'embedded_gaussian'

    Raises CaptureError for tables whose shapes disagree, UnknownNameError for an unknown function.
    """

    theta: Float[Tensor, "B heads n Ci"]
    """Queries; the first axis counts sequences, each of which attends separately."""
    phi: Float[Tensor, "B heads N Ci"]
    g: Float[Tensor, "B heads N Cg"]
    """Values."""
    out: Callable[[Float[Tensor, "B heads n Cg"]], Any]
    """Function that returns the layer's output for these weighted sums."""
    pairwise: Pairwise = "embedded_gaussian"
    """``gaussian`` or ``embedded_gaussian``: softmax of ``scale`` times theta . phi; ``dot_product``: theta . phi / N;
    ``concatenation``: relu(theta + phi) / N, of one channel each."""
    scale: float = 1.0

    def __post_init__(self) -> None:
        parts = (self.theta, self.phi, self.g)
        if not all(isinstance(part, Tensor) and part.ndim == 4 for part in parts):
            raise CaptureError("Tables are theta (B, heads, n, Ci), phi (B, heads, N, Ci) and g (B, heads, N, Cg).")
        shapes = [tuple(part.shape) for part in parts]
        (*lead, _, channels), asked, values = shapes
        if [*asked[:2]] != lead or [*values[:2]] != lead or asked[3] != channels or asked[2] != values[2]:
            raise CaptureError(
                "Tables are theta (B, heads, n, Ci), phi (B, heads, N, Ci) and g (B, heads, N, Cg); got "
                f"{', '.join(map(str, shapes))}."
            )
        if self.pairwise not in get_args(Pairwise):
            raise UnknownNameError("pairwise function", self.pairwise, get_args(Pairwise))
        if self.scale != 1 and self.pairwise not in SOFTMAX:
            raise CaptureError(f"scale belongs to a softmax; multiply theta by {self.scale} instead.")


TablesOf = Callable[..., Tables]
"""Function that returns the tables of a call: ``function(layer, *args, **kwargs)``, with the layer's own arguments."""

ByHand = Mapping[str, TablesOf]
"""Functions that return the tables of a layer, by its name in ``named_modules``."""

Attending = Mapping[str, TablesOf | None]
"""Functions as in ``ByHand``, and None for a layer whose tables are read from its products."""


def tables_from(say: TablesOf, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tables:
    """Return the tables that the user's function gives for a call. Raises CaptureError for anything but ``Tables``."""
    with torch.no_grad():
        tables = say(layer, *args, **kwargs)
    if not isinstance(tables, Tables):
        raise CaptureError(f"what by_hand names for it returned a {type(tables).__name__}, where Tables are expected.")
    return tables
