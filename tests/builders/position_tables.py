"""Random tables theta, phi and g of positions, as the operation takes them."""

import torch

BATCH, COMPARED, SUMMED, SCALE = 2, 9, 11, 0.4


def tables(pairwise, queries, keys, *, dtype=torch.float64, summed=SUMMED, seed=0):
    """Return theta (B, Nq, Ci), phi (B, Nk, Ci) and g (B, Nk, Cg); the concatenation compares one channel."""
    generator = torch.Generator().manual_seed(seed)
    compared = 1 if pairwise == "concatenation" else COMPARED
    shapes = ((BATCH, queries, compared), (BATCH, keys, compared), (BATCH, keys, summed))
    return [torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype) for shape in shapes]
