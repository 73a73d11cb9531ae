"""The non-local operation and block by loops over positions, in float64 numpy, written from the paper's definition.

It shares nothing with the code under test: no torch, no tables cut along the batch axis, no masks.
"""

import itertools
import math

import numpy as np


def affinity(theta, phi, *, pairwise, scale, query_thw, kernel, scope, groups):
    """The whole (Nq, Nk) matrix of one clip; theta (Nq, Ci), phi (Nk, Ci). Concatenation: one channel each."""
    key_thw = tuple(n // k for n, k in zip(query_thw, kernel, strict=True))
    matrix = np.zeros((math.prod(query_thw), math.prod(key_thw)))
    keys = list(itertools.product(*map(range, key_thw)))
    for i, query in enumerate(itertools.product(*map(range, query_thw))):
        own = [min(n // k, last - 1) for n, k, last in zip(query, kernel, key_thw, strict=True)]
        scores = {}
        for j, key in enumerate(keys):
            same_group = query[0] // (query_thw[0] // groups) == key[0] // (key_thw[0] // groups)
            same_place = key[0] == own[0] if scope == "space" else (key[1], key[2]) == (own[1], own[2])
            if not same_group or (scope != "spacetime" and not same_place):
                continue
            if pairwise == "concatenation":
                scores[j] = max(theta[i, 0] + phi[j, 0], 0.0)
            else:
                scores[j] = float(theta[i] @ phi[j]) * scale
        if pairwise in ("gaussian", "embedded_gaussian"):
            peak = max(scores.values())
            scores = {j: math.exp(score - peak) for j, score in scores.items()}
            total = sum(scores.values())
        else:
            total = len(scores)
        for j, score in scores.items():
            matrix[i, j] = score / total
    return matrix


def max_pool(maps, kernel):
    """Largest value of each whole cell; maps (C, T, H, W)."""
    counts = [n // k for n, k in zip(maps.shape[1:], kernel, strict=True)]
    pooled = np.empty((len(maps), *counts))
    for t, y, x in itertools.product(*map(range, counts)):
        kt, kh, kw = kernel
        cell = maps[:, t * kt : (t + 1) * kt, y * kh : (y + 1) * kh, x * kw : (x + 1) * kw]
        pooled[:, t, y, x] = cell.max(axis=(1, 2, 3))
    return pooled


def block_output(x, state, *, pairwise, scale, kernel, pool_first, scope, groups, eps=1e-5):
    """x + W_z y of one clip x (C, T, H, W); ``state``: the block's state dict as float64 arrays."""

    def convolved(name, maps):
        y = np.einsum("oc,cthw->othw", state[f"{name}.weight"], maps)
        return y + state[f"{name}.bias"][:, None, None, None] if f"{name}.bias" in state else y

    def keys(name):
        return convolved(name, max_pool(x, kernel)) if pool_first else max_pool(convolved(name, x), kernel)

    if pairwise == "gaussian":
        theta, phi = x, max_pool(x, kernel)
    else:
        theta, phi = convolved("theta", x), keys("phi")
    if pairwise == "concatenation":
        theta, phi = convolved("w_theta", theta), convolved("w_phi", phi)
    weights = affinity(
        theta.reshape(len(theta), -1).T,
        phi.reshape(len(phi), -1).T,
        pairwise=pairwise,
        scale=scale,
        query_thw=x.shape[1:],
        kernel=kernel,
        scope=scope,
        groups=groups,
    )
    g = keys("g")
    y = (weights @ g.reshape(len(g), -1).T).T.reshape(len(g), *x.shape[1:])
    z = convolved("out", y)
    if "norm.running_var" in state:
        z = (z - state["norm.running_mean"][:, None, None, None]) / np.sqrt(
            state["norm.running_var"][:, None, None, None] + eps
        )
    if "norm.weight" in state:
        z = z * state["norm.weight"][:, None, None, None] + state["norm.bias"][:, None, None, None]
    return x + z
