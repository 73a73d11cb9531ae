"""Files of single blocks of AlexHex7 and tea1528, and what such a block computes, written out."""

import torch

B, C, T, H, W = 2, 14, 5, 6, 8

HALF = C // 2


def drawn(*shape):
    return torch.randn(*shape) * 0.5


def block_file(names, pairwise, *, concat_bias=False):
    """The tensors of a block; ``names``: what the source calls each."""
    torch.manual_seed(3)
    roles = ("g",) if pairwise == "gaussian" else ("theta", "phi", "g")
    state = {f"{names[role]}.weight": drawn(HALF, C, 1, 1, 1) for role in roles}
    state |= {f"{names[role]}.bias": drawn(HALF) for role in roles}
    state |= {f"{names['out']}.weight": drawn(C, HALF, 1, 1, 1), f"{names['out']}.bias": drawn(C)}
    for table in ("weight", "bias", "running_mean"):
        state[f"{names['norm']}.{table}"] = drawn(C)
    state[f"{names['norm']}.running_var"] = drawn(C).abs() + 0.5
    state[f"{names['norm']}.num_batches_tracked"] = torch.tensor(2)
    if pairwise == "concatenation":
        state[f"{names['concat']}.weight"] = drawn(1, C, 1, 1)
        if concat_bias:
            state[f"{names['concat']}.bias"] = drawn(1)
    return state


def written_out(state, names, pairwise, x, *, pooled):
    """z for one clip, position by position of the query, in float64."""
    weights = {name: value.double() for name, value in state.items()}
    x = x.double()

    def project(role):
        weight, bias = weights[f"{names[role]}.weight"].reshape(HALF, C), weights[f"{names[role]}.bias"]
        return torch.einsum("dc,cthw->dthw", weight, x) + bias[:, None, None, None]

    def pool(maps):
        return torch.nn.functional.max_pool3d(maps[None], (1, 2, 2))[0] if pooled else maps

    theta = (x if pairwise == "gaussian" else project("theta")).flatten(1)
    phi = pool(x if pairwise == "gaussian" else project("phi")).flatten(1)
    g = pool(project("g")).flatten(1)
    y = torch.zeros(HALF, theta.shape[1], dtype=torch.float64)
    for i in range(theta.shape[1]):
        if pairwise == "concatenation":
            both = torch.cat([theta[:, i, None].expand_as(phi), phi])
            weight = weights[f"{names['concat']}.weight"].reshape(-1)
            row = (weight @ both + weights.get(f"{names['concat']}.bias", 0.0)).relu() / phi.shape[1]
        else:
            row = theta[:, i] @ phi
            row = row / phi.shape[1] if pairwise == "dot_product" else row.softmax(0)
        y[:, i] = g @ row
    out = weights[f"{names['out']}.weight"].reshape(C, HALF) @ y + weights[f"{names['out']}.bias"][:, None]
    gain, offset, mean, variance = (
        weights[f"{names['norm']}.{table}"][:, None] for table in ("weight", "bias", "running_mean", "running_var")
    )
    return x + ((out - mean) / (variance + 1e-5) ** 0.5 * gain + offset).reshape(x.shape)


def assert_computes(block, state, names, pairwise, *, pooled):
    torch.manual_seed(4)
    x = torch.randn(B, C, T, H, W)
    expected = torch.stack([written_out(state, names, pairwise, clip, pooled=pooled) for clip in x])
    found = block(x).double()
    assert (found - expected).abs().max() < 1e-5 * (expected - x).abs().max()
