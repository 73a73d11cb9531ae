"""Non-local blocks with the names and attributes of other people's packages, written from the maths.

Each has a ``canonical()``: its weights under this library's names, as float64 arrays for ``loop_oracle``, and the
settings that the oracle needs. Nothing else says what a block computes.
"""

import numpy as np
import torch
from torch import nn

C, INNER = 14, 7


def conv(axes, channels_in, channels_out, bias=True):
    return (nn.Conv1d, nn.Conv2d, nn.Conv3d)[axes - 1](channels_in, channels_out, 1, bias=bias)


def pool(axes, kernel):
    return (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)[axes - 1](kernel)


def norm(axes):
    return (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)[axes - 1](C)


def attend(theta, phi, g, normalise):
    """sum_j f(theta_i, phi_j) g_j as a map; ``normalise`` turns scores (B, Nq, Nk) into weights."""
    weights = normalise(torch.einsum("bci,bcj->bij", theta.flatten(2), phi.flatten(2)))
    return torch.einsum("bij,bcj->bci", weights, g.flatten(2)).unflatten(2, theta.shape[2:])


def softmax(scale):
    return lambda scores: (scores * scale).softmax(-1)


def by_count(scores):
    return scores / scores.shape[-1]


def attend_concatenated(theta, phi, g, project):
    """sum_j relu(w . [theta_i, phi_j] + b) / Nk g_j, with the pairs written out."""
    first, second = theta.flatten(2)[..., None], phi.flatten(2)[:, :, None]
    shape = (-1, -1, first.shape[2], second.shape[3])
    pairs = torch.cat([first.expand(*shape), second.expand(*shape)], dim=1)
    weights = by_count(project(pairs)[:, 0])
    return torch.einsum("bij,bcj->bci", weights, g.flatten(2)).unflatten(2, theta.shape[2:])


def randomise(module, seed=0):
    """Draw every parameter and statistic, so that no part of the maths hides behind a zero or a one."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.4)
        for name, buffer in module.named_buffers():
            if name.endswith("running_mean"):
                buffer.copy_(torch.randn(buffer.shape, generator=generator))
            if name.endswith("running_var"):
                buffer.copy_(torch.rand(buffer.shape, generator=generator) + 0.5)
    return module.eval().requires_grad_(requires_grad=False)


class ConvModule(nn.Module):
    """mmcv's wrapper: a convolution, then a norm or a ReLU where it has one."""

    def __init__(self, layer, bn=None, activate=None):
        super().__init__()
        self.conv = layer
        if bn is not None:
            self.bn = bn
        if activate is not None:
            self.activate = activate

    def forward(self, x):
        for child in self.children():
            x = child(x)
        return x


class MmcvBlock(nn.Module):
    """mmcv: keys pooled after phi and g; no output bias where a norm follows; a scale if ``use_scale``."""

    def __init__(self, mode="embedded_gaussian", *, axes=3, sub_sample=True, use_scale=True, with_norm=True):
        super().__init__()
        self.mode, self.use_scale, self.sub_sample, self.inter_channels = mode, use_scale, sub_sample, INNER
        self.kernel = {1: 2, 2: (2, 2), 3: (1, 2, 2)}[axes]
        self.g = ConvModule(conv(axes, C, INNER))
        self.conv_out = ConvModule(conv(axes, INNER, C, bias=not with_norm), bn=norm(axes) if with_norm else None)
        if mode != "gaussian":
            self.theta = ConvModule(conv(axes, C, INNER))
            self.phi = ConvModule(conv(axes, C, INNER))
        if mode == "concatenation":
            self.concat_project = ConvModule(nn.Conv2d(2 * INNER, 1, 1, bias=False), activate=nn.ReLU())
        if sub_sample:
            shared = pool(axes, self.kernel)
            self.g = nn.Sequential(self.g, shared)
            self.phi = shared if mode == "gaussian" else nn.Sequential(self.phi, shared)

    @property
    def factor(self):
        return INNER**-0.5 if self.use_scale and self.mode == "embedded_gaussian" else 1.0

    def forward(self, x):
        theta = x if self.mode == "gaussian" else self.theta(x)
        phi = self.phi(x) if hasattr(self, "phi") else x
        if self.mode == "concatenation":
            return x + self.conv_out(attend_concatenated(theta, phi, self.g(x), self.concat_project))
        normalise = by_count if self.mode == "dot_product" else softmax(self.factor)
        return x + self.conv_out(attend(theta, phi, self.g(x), normalise))

    def canonical(self):
        first = lambda part: part[0] if isinstance(part, nn.Sequential) else part  # noqa: E731
        layers = {"g": first(self.g).conv, "out": self.conv_out.conv, "norm": getattr(self.conv_out, "bn", None)}
        if self.mode != "gaussian":
            layers |= {"theta": self.theta.conv, "phi": first(self.phi).conv}
        concat = self.concat_project.conv if self.mode == "concatenation" else None
        return arrays(layers, concat), settings(self.mode, self.factor, self.kernel if self.sub_sample else 1, False)


class InvertedMmcvBlock(MmcvBlock):
    """mmdetection's copy before its PR 1528: multiplied by C'^1/2 where it meant to divide."""

    @property
    def factor(self):
        return INNER**0.5


class SlowFastBlock(nn.Module):
    """PySlowFast, and PyTorchVideo with ``norm_name`` norm: pooled before phi and g, scaled, an output bias."""

    def __init__(self, instantiation="softmax", *, kernel=(1, 2, 2), norm_name="bn"):
        super().__init__()
        self.instantiation, self.dim_inner, self.kernel = instantiation, INNER, kernel
        self.conv_theta, self.conv_phi, self.conv_g = (conv(3, C, INNER) for _ in range(3))
        self.conv_out = conv(3, INNER, C)
        self.pool = None if kernel is None else pool(3, kernel)
        if norm_name is not None:
            setattr(self, norm_name, norm(3))
        self._norm_name = norm_name

    def forward(self, x):
        keys = x if self.pool is None else self.pool(x)
        normalise = by_count if self.instantiation == "dot_product" else softmax(INNER**-0.5)
        added = self.conv_out(attend(self.conv_theta(x), self.conv_phi(keys), self.conv_g(keys), normalise))
        return x + (added if self._norm_name is None else getattr(self, self._norm_name)(added))

    def canonical(self):
        layers = {"theta": self.conv_theta, "phi": self.conv_phi, "g": self.conv_g, "out": self.conv_out}
        layers["norm"] = None if self._norm_name is None else getattr(self, self._norm_name)
        pairwise = "embedded_gaussian" if self.instantiation == "softmax" else "dot_product"
        scale = INNER**-0.5 if self.instantiation == "softmax" else 1.0
        return arrays(layers), settings(pairwise, scale, self.kernel or 1, True)


class SlowFastStage(nn.Module):
    """PySlowFast's stage: cuts time into groups that it feeds to the block as a batch."""

    def __init__(self, block, groups):
        super().__init__()
        self.nonlocal_group = [groups]
        self.pathway0_nonlocal1 = block

    def forward(self, x):
        groups = self.nonlocal_group[0]
        parts = x.unflatten(2, (groups, -1)).transpose(1, 2).flatten(0, 1)
        return self.pathway0_nonlocal1(parts).unflatten(0, (-1, groups)).transpose(1, 2).flatten(2, 3)


class AlexHexBlock(nn.Module):
    """AlexHex7's four files: nothing on the block says which it is. ``inner_scale`` is one that people add to it."""

    def __init__(self, pairwise="embedded_gaussian", *, axes=3, sub_sample=True, with_norm=True, inner_scale=False):
        super().__init__()
        self._pairwise, self._inner_scale, self.sub_sample = pairwise, inner_scale, sub_sample
        self.kernel = {1: 2, 2: (2, 2), 3: (1, 2, 2)}[axes]
        self.g = conv(axes, C, INNER)
        self.W = nn.Sequential(conv(axes, INNER, C), norm(axes)) if with_norm else conv(axes, INNER, C)
        if pairwise != "gaussian":
            self.theta, self.phi = conv(axes, C, INNER), conv(axes, C, INNER)
        if pairwise == "concatenation":
            self.concat_project = nn.Sequential(nn.Conv2d(2 * INNER, 1, 1, bias=False), nn.ReLU())
        if sub_sample:
            self.g = nn.Sequential(self.g, pool(axes, self.kernel))
            self.phi = (
                nn.Sequential(self.phi, pool(axes, self.kernel)) if pairwise != "gaussian" else pool(axes, self.kernel)
            )

    @property
    def factor(self):
        return INNER**-0.5 if self._inner_scale else 1.0

    def forward(self, x):
        theta = x if self._pairwise == "gaussian" else self.theta(x)
        phi = self.phi(x) if hasattr(self, "phi") else x
        if self._pairwise == "concatenation":
            return x + self.W(attend_concatenated(theta, phi, self.g(x), self.concat_project))
        normalise = by_count if self._pairwise == "dot_product" else softmax(self.factor)
        return x + self.W(attend(theta, phi, self.g(x), normalise))

    def canonical(self):
        first = lambda part: part[0] if isinstance(part, nn.Sequential) else part  # noqa: E731
        layers = {"g": first(self.g), "out": first(self.W)}
        layers["norm"] = self.W[1] if isinstance(self.W, nn.Sequential) else None
        if self._pairwise != "gaussian":
            layers |= {"theta": self.theta, "phi": first(self.phi)}
        concat = self.concat_project[0] if self._pairwise == "concatenation" else None
        return arrays(layers, concat), settings(
            self._pairwise, self.factor, self.kernel if self.sub_sample else 1, False
        )


class NONLocalBlock3D(AlexHexBlock):
    """AlexHex7's name: its Gaussian has neither theta nor a mode, and is known by the name of its class."""


class NL3DWrapper(nn.Module):
    """MIT TSM's: frames in the batch, put back into clips for the block."""

    def __init__(self, block, n_segment):
        super().__init__()
        self.block, self.nl, self.n_segment = nn.BatchNorm2d(C), block, n_segment

    def forward(self, frames):
        clips = self.block(frames).unflatten(0, (-1, self.n_segment)).transpose(1, 2)
        return self.nl(clips).transpose(1, 2).flatten(0, 1)


TEA_MODES = {
    "gaussian": "gaussian",
    "embedded": "embedded_gaussian",
    "dot": "dot_product",
    "concatenate": "concatenation",
}


class TeaBlock(nn.Module):
    """tea1528: no pooling, no scale, a bias inside the concatenation's ReLU, and a mode that says which it is."""

    def __init__(self, mode="embedded"):
        super().__init__()
        self.mode = mode
        self.g = conv(3, C, INNER)
        self.W_z = nn.Sequential(conv(3, INNER, C), norm(3))
        if mode != "gaussian":
            self.theta, self.phi = conv(3, C, INNER), conv(3, C, INNER)
        if mode == "concatenate":
            self.W_f = nn.Sequential(nn.Conv2d(2 * INNER, 1, 1), nn.ReLU())

    def forward(self, x):
        theta, phi = (x, x) if self.mode == "gaussian" else (self.theta(x), self.phi(x))
        if self.mode == "concatenate":
            return x + self.W_z(attend_concatenated(theta, phi, self.g(x), self.W_f))
        return x + self.W_z(attend(theta, phi, self.g(x), by_count if self.mode == "dot" else softmax(1.0)))

    def canonical(self):
        layers = {"g": self.g, "out": self.W_z[0], "norm": self.W_z[1]}
        if self.mode != "gaussian":
            layers |= {"theta": self.theta, "phi": self.phi}
        concat = self.W_f[0] if self.mode == "concatenate" else None
        return arrays(layers, concat), settings(TEA_MODES[self.mode], 1.0, 1, False)


class GluonBlock(nn.Module):
    """GluonCV for torch: ``gaussian`` is the embedded Gaussian, scaled; W and its norm are held twice."""

    def __init__(self, *, use_bn=True):
        super().__init__()
        self.nonlocal_type, self.embed, self.embed_dim = "gaussian", True, INNER
        self.sub_sample, self.use_bn = False, use_bn
        self.theta, self.phi, self.g = (conv(3, C, INNER) for _ in range(3))
        self.W = conv(3, INNER, C)
        if use_bn:
            self.bn = norm(3)
            self.W_bn = nn.Sequential(self.W, self.bn)

    def forward(self, x):
        y = attend(self.theta(x), self.phi(x), self.g(x), softmax(self.embed_dim**-0.5))
        return (self.W_bn if self.use_bn else self.W)(y) + x

    def canonical(self):
        layers = {"theta": self.theta, "phi": self.phi, "g": self.g, "out": self.W}
        layers["norm"] = self.bn if self.use_bn else None
        return arrays(layers), settings("embedded_gaussian", INNER**-0.5, 1, False)


class TusharBlock(nn.Module):
    """Tushar-N: AlexHex7's letters, the released Caffe2 code's maths: pooled first, scaled."""

    def __init__(self):
        super().__init__()
        self.theta, self.phi, self.g = (conv(3, C, INNER) for _ in range(3))
        self.maxpool = pool(3, (1, 2, 2))
        self.out, self.bn = conv(3, INNER, C), norm(3)

    def forward(self, x):
        keys = self.maxpool(x)
        return x + self.bn(self.out(attend(self.theta(x), self.phi(keys), self.g(keys), softmax(INNER**-0.5))))

    def canonical(self):
        layers = {"theta": self.theta, "phi": self.phi, "g": self.g, "out": self.out, "norm": self.bn}
        return arrays(layers), settings("embedded_gaussian", INNER**-0.5, (1, 2, 2), True)


class TimmBlock(nn.Module):
    """timm's NonLocalAttn: images, scaled by the channels of the input instead of those of the embedding."""

    def __init__(self, *, use_scale=True):
        super().__init__()
        self.scale = C**-0.5 if use_scale else 1.0
        self.t, self.p, self.g = (conv(2, C, INNER) for _ in range(3))
        self.z, self.norm = conv(2, INNER, C), norm(2)

    def forward(self, x):
        return self.norm(self.z(attend(self.t(x), self.p(x), self.g(x), softmax(self.scale)))) + x

    def canonical(self):
        layers = {"theta": self.t, "phi": self.p, "g": self.g, "out": self.z, "norm": self.norm}
        return arrays(layers), settings("embedded_gaussian", self.scale, 1, False)


class SaganBlock(nn.Module):
    """SAGAN's and DANet's: query, key and value convolutions, no scale, a learned gain; some return their map too."""

    def __init__(self, *, stem=False, returns_map=False, keeps_map=False, layer=lambda conv: conv):
        super().__init__()
        self.stem = nn.Conv2d(3, C, 3, 2, 1) if stem else None
        self.query_conv, self.key_conv = (layer(conv(2, C, INNER)) for _ in range(2))
        self.value_conv, self.gamma = layer(conv(2, C, C)), nn.Parameter(torch.zeros(1))
        self._returns_map, self._keeps_map, self.last_map = returns_map, keeps_map, None

    def features(self, x):
        return x if self.stem is None else self.stem(x)

    def forward(self, x):
        x = self.features(x)
        q, k, v = (layer(x).flatten(2) for layer in (self.query_conv, self.key_conv, self.value_conv))
        weights = (q.mT @ k).softmax(-1)
        if self._keeps_map:
            self.last_map = weights
        z = self.gamma * (v @ weights.mT).view_as(x) + x
        return (z, weights) if self._returns_map else z

    def weights(self, x):
        x = self.features(x)
        return (self.query_conv(x).flatten(2).mT @ self.key_conv(x).flatten(2)).softmax(-1)


class FastaiBlock(nn.Module):
    """fastai's: on one axis of positions, a softmax over the other axis, so its keys ask."""

    def __init__(self):
        super().__init__()
        self.query, self.key = (nn.Sequential(conv(1, C, INNER, bias=False)) for _ in range(2))
        self.value, self.gamma = nn.Sequential(conv(1, C, C, bias=False)), nn.Parameter(torch.zeros(1))

    def forward(self, x):
        flat = x.flatten(2)
        f, g, h = self.query(flat), self.key(flat), self.value(flat)
        return (self.gamma * (h @ (f.mT @ g).softmax(1)) + flat).view_as(x)

    def weights(self, x):
        flat = x.flatten(2)
        return (self.query(flat).mT @ self.key(flat)).softmax(1).mT


class ColumnBlock(SaganBlock):
    """CCNet's copy of the former: each key's weights sum to one, over the queries, which no row of a softmax says."""

    def forward(self, x):
        q, k, v = (layer(x).flatten(2) for layer in (self.query_conv, self.key_conv, self.value_conv))
        return self.gamma * (v @ (q.mT @ k).softmax(1).mT).view_as(x) + x


def arrays(layers, concat=None):
    """Layers under this library's names, convolutions as matrices."""
    state = {}
    for name, layer in layers.items():
        for key, value in ({} if layer is None else layer.state_dict()).items():
            flat = value.flatten(1) if value.ndim > 1 else value
            state[f"{name}.{key}"] = flat.double().numpy()
    if concat is not None:
        weight = concat.weight.flatten(1).double().numpy()
        state |= {"w_theta.weight": weight[:, :INNER], "w_phi.weight": weight[:, INNER:]}
        if concat.bias is not None:
            state["w_theta.bias"] = concat.bias.double().numpy()
    return state


def settings(pairwise, scale, kernel, pool_first):
    """What the oracle needs besides weights; kernels of fewer axes are those of space, except along time alone."""
    if isinstance(kernel, int):
        kernel = (kernel, 1, 1)
    elif len(kernel) == 2:
        kernel = (1, *kernel)
    return {"pairwise": pairwise, "scale": scale, "kernel": kernel, "pool_first": pool_first}


def maps_of(x):
    """The block's input (B, C, T, H, W), (T, C, H, W) or (1, C, T) as one clip (C, T, H, W) in float64."""
    if x.ndim == 5:
        x = x.transpose(0, 1).flatten(1, 2)
    elif x.ndim == 4:
        x = x.transpose(0, 1)
    else:
        x = x[0, :, :, None, None]
    return np.asarray(x.double())
