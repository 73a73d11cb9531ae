"""Argument checks shared by every form of the operation."""

from torch import Tensor

from nonlocal_core.errors import ShapeError, UnknownNameError
from nonlocal_core.ops.reach import Reach
from nonlocal_core.vocabulary import PAIRWISE, Pairwise


def check_tables(theta: Tensor, phi: Tensor, g: Tensor | None, *, pairwise: Pairwise, reach: Reach | None) -> None:
    """Raise ShapeError for tables whose shapes disagree, UnknownNameError for an unknown pairwise function."""
    if pairwise not in PAIRWISE:
        raise UnknownNameError("pairwise function", pairwise, PAIRWISE)
    tables = [theta, phi] if g is None else [theta, phi, g]
    came = f"theta {tuple(theta.shape)}, phi {tuple(phi.shape)}" + ("" if g is None else f", g {tuple(g.shape)}")
    if any(table.ndim != 3 or table.shape[0] != theta.shape[0] for table in tables):
        raise ShapeError(f"Tables are (B, positions, channels) with one B; got {came}.")
    if theta.shape[2] != phi.shape[2]:
        raise ShapeError(f"theta and phi need the same number of channels to be compared; got {came}.")
    if g is not None and g.shape[1] != phi.shape[1]:
        raise ShapeError(f"phi and g need one row for each key; got {came}.")
    if pairwise == "concatenation" and theta.shape[2] != 1:
        raise ShapeError(
            "Concatenation takes one channel, w_theta . theta_i + bias and w_phi . phi_j: multiply the embeddings "
            f"by the two halves of the concatenation's weight first; got {came}."
        )
    if reach is not None and (theta.shape[1], phi.shape[1]) != (reach.query_count, reach.key_count):
        raise ShapeError(
            f"A reach from {reach.query_thw} queries to {reach.key_thw} keys (T, H, W) needs tables of "
            f"{reach.query_count} and {reach.key_count} rows; got {came}."
        )
