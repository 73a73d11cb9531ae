"""The published networks once more, as plain functions, with every attention matrix written out in float64.

Settings are arguments here, as the sources' code has them; nothing of the library is used.
"""

import torch
from torch.nn import functional


class Oracle:
    """A network from its tensors (``published_files``) and from what no tensor shows."""

    def __init__(self, values, *, stem_stride, pool1, pool2, attention, res5=(2, 1), window=None, shifted=False):
        self.values = {(t.stage, t.block, t.of, t.part, t.table): value for t, value in values.items()}
        self.blocks = {stage: 1 + max(t.block for t in values if t.stage == stage) for stage in (2, 3, 4, 5)}
        self.stem_stride, self.pool1, self.pool2 = stem_stride, pool1, pool2
        self.attention, self.res5, self.window, self.shifted = attention, res5, window, shifted
        self.added = {}  # what each non-local block adds to its input

    def __call__(self, clip):
        """Return the logits at every position of the window, (P, K)."""
        x = self.conv(clip, 1, 0, "conv", stride=(self.stem_stride, 2, 2), padding=(None, 3, 3)).relu()
        x = functional.max_pool3d(x, *self.pool1)
        for stage in (2, 3, 4, 5):
            for block in range(self.blocks[stage]):
                x = self.bottleneck(x, stage, block)
            if stage == 2 and self.pool2:
                x = functional.max_pool3d(x, *self.pool2)
        size = [
            min(side or length, length) for side, length in zip(self.window or (None,) * 3, x.shape[2:], strict=True)
        ]
        pooled = functional.avg_pool3d(x, size, stride=1).flatten(2)[0].T
        return pooled @ self.get(6, 0, "fc", "weight").T + self.get(6, 0, "fc", "bias")

    def bottleneck(self, x, stage, block):
        stride, dilation = (2 if stage in (3, 4) else 1), 1
        if stage == 5:
            stride, dilation = self.res5
        strides = (1, stride, stride) if block == 0 else (1, 1, 1)
        y = self.conv(shift(x) if self.shifted else x, stage, block, "a").relu()
        y = self.conv(y, stage, block, "b", stride=strides, padding=(0, dilation, dilation), dilation=dilation).relu()
        y = self.conv(y, stage, block, "c")
        y = (y + (self.conv(x, stage, block, "shortcut", stride=strides) if block == 0 else x)).relu()
        if self.get(stage, block, "g", "weight") is None:
            return y
        parts = y.chunk(self.attention.get("groups", {}).get(stage, 1), dim=2)
        added = torch.cat([self.nonlocal_(part, stage, block) for part in parts], dim=2)
        self.added[f"res{stage}.{block}"] = added
        return y + added

    def nonlocal_(self, x, stage, block):
        """The operation over one group of frames, its matrix written out."""
        kernel, pool_first = self.attention["kernel"], self.attention["pool_first"]

        def project(role, of):
            weight, bias = self.get(stage, block, role, "weight"), self.get(stage, block, role, "bias")
            return functional.conv3d(of, weight, bias)

        def key_side(role):
            if pool_first:
                return project(role, functional.max_pool3d(x, kernel, kernel))
            return functional.max_pool3d(project(role, x), kernel, kernel)

        pairwise = self.attention["pairwise"]
        theta = (x if pairwise == "gaussian" else project("theta", x))[0].flatten(1).double()
        phi = (
            (functional.max_pool3d(x, kernel, kernel) if pairwise == "gaussian" else key_side("phi"))[0]
            .flatten(1)
            .double()
        )
        g = key_side("g")[0].flatten(1).double()
        if pairwise == "concatenation":
            weight = self.get(stage, block, "concat", "weight")[0, :, 0, 0].double()
            half = len(weight) // 2
            matrix = (weight[:half] @ theta)[:, None] + (weight[half:] @ phi)[None, :]
            matrix = matrix.relu() / phi.shape[1]
        elif pairwise == "dot_product":
            matrix = theta.T @ phi / phi.shape[1]
        else:
            matrix = (theta.T @ phi * (theta.shape[0] ** -0.5 if self.attention["scaled"] else 1)).softmax(dim=1)
        y = (g @ matrix.T).float().reshape(1, -1, *x.shape[2:])
        return self.norm(project("out", y), stage, block, "nonlocal")

    def conv(self, x, stage, block, part, *, stride=(1, 1, 1), padding=(None, 0, 0), dilation=1):
        weight = self.get(stage, block, part, "weight")
        padding = (weight.shape[2] // 2 if padding[0] is None else padding[0], *padding[1:])
        y = functional.conv3d(x, weight, None, stride, padding, (1, dilation, dilation))
        return self.norm(y, stage, block, part)

    def norm(self, x, stage, block, of):
        gain, offset, mean, variance = (
            self.values.get((stage, block, of, "norm", table))
            for table in ("weight", "bias", "running_mean", "running_var")
        )
        if gain is None:
            return x
        if mean is not None:
            x = (x - mean.reshape(-1, 1, 1, 1)) / (variance.reshape(-1, 1, 1, 1) + 1e-5) ** 0.5
        return x * gain.reshape(-1, 1, 1, 1) + offset.reshape(-1, 1, 1, 1)

    def get(self, stage, block, part, table):
        return self.values.get((stage, block, "", part, table))


def shift(x):
    """Frame by frame: the first eighth of the channels comes from the next frame, the second from the one before."""
    shifted = torch.zeros_like(x)
    eighth = x.shape[1] // 8
    last = x.shape[2] - 1
    for t in range(last + 1):
        if t < last:
            shifted[:, :eighth, t] = x[:, :eighth, t + 1]
        if t > 0:
            shifted[:, eighth : 2 * eighth, t] = x[:, eighth : 2 * eighth, t - 1]
        shifted[:, 2 * eighth :, t] = x[:, 2 * eighth :, t]
    return shifted
