"""Attention on maps under the names that other papers gave it, by hand, with the weights that each multiplies by.

What a block's softmax gave is appended to ``WEIGHTS``, (B, heads, queries, keys).
"""

import torch
from torch import nn
from torch.nn import functional

C, INNER, VALUES = 24, 4, 12
WEIGHTS = []


def kept(weights):
    WEIGHTS.append(weights.detach() if weights.ndim == 4 else weights.detach()[:, None])
    return weights


def conv(channels, out, **settings):
    return nn.Conv2d(channels, out, 1, **settings)


class Sagan(nn.Module):
    """BigGAN's: theta, phi, g, o; phi and g pooled by function."""

    def __init__(self):
        super().__init__()
        self.theta, self.phi, self.g = (conv(C, size, bias=False) for size in (INNER, INNER, VALUES))
        self.o, self.gamma = conv(VALUES, C, bias=False), nn.Parameter(torch.tensor(0.5))

    def forward(self, x):
        theta = self.theta(x).flatten(2)
        phi, g = (functional.max_pool2d(part(x), [2, 2]).flatten(2) for part in (self.phi, self.g))
        beta = kept(functional.softmax(torch.bmm(theta.transpose(1, 2), phi), -1))
        y = torch.bmm(g, beta.transpose(1, 2)).view(len(x), -1, *x.shape[2:])
        return self.gamma * self.o(y) + x


class SpectralSagan(nn.Module):
    """Names of a port whose softmax and pooling are modules."""

    def __init__(self):
        super().__init__()
        self.snconv1x1_theta, self.snconv1x1_phi, self.snconv1x1_g = (conv(C, size) for size in (INNER, INNER, VALUES))
        self.snconv1x1_attn, self.sigma = conv(VALUES, C), nn.Parameter(torch.tensor(0.7))
        self.maxpool, self.softmax = nn.MaxPool2d(2, 2), nn.Softmax(-1)

    def forward(self, x):
        theta = self.snconv1x1_theta(x).flatten(2)
        phi, g = (self.maxpool(part(x)).flatten(2) for part in (self.snconv1x1_phi, self.snconv1x1_g))
        attention = kept(self.softmax(torch.bmm(theta.permute(0, 2, 1), phi)))
        y = torch.bmm(g, attention.permute(0, 2, 1)).view(len(x), -1, *x.shape[2:])
        return x + self.sigma * self.snconv1x1_attn(y)


class Danet(nn.Module):
    """Position attention with query_conv, key_conv and value_conv, its keys pooled by function."""

    def __init__(self):
        super().__init__()
        self.query_conv, self.key_conv, self.value_conv = (conv(C, size) for size in (INNER, INNER, C))
        self.gamma = nn.Parameter(torch.tensor(0.5))

    def forward(self, x):
        q = self.query_conv(x).flatten(2).mT
        k, v = (functional.avg_pool2d(part(x), 2).flatten(2) for part in (self.key_conv, self.value_conv))
        return self.gamma * torch.bmm(v, kept(torch.bmm(q, k).softmax(-1)).mT).view_as(x) + x


class SpatialNonlocal(nn.Module):
    """The spatial block of CGNL: t, p, g, z."""

    def __init__(self):
        super().__init__()
        self.t, self.p, self.g = (conv(C, VALUES, bias=False) for _ in range(3))
        self.z, self.bn, self.softmax = conv(VALUES, C, bias=False), nn.BatchNorm2d(C), nn.Softmax(2)

    def forward(self, x):
        t, p, g = (part(x).flatten(2) for part in (self.t, self.p, self.g))
        attention = kept(self.softmax(torch.bmm(t.permute(0, 2, 1), p).div(VALUES**0.5)))
        y = torch.bmm(attention, g.permute(0, 2, 1)).permute(0, 2, 1).contiguous().view(len(x), -1, *x.shape[2:])
        return self.bn(self.z(y)) + x


class BottleneckAttention(nn.Module):
    """BoTNet's: the positions of rows and columns, times the queries, are added to the scores."""

    def __init__(self, height=8, width=12, heads=2):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (conv(C, C) for _ in range(3))
        self.rel_h = nn.Parameter(torch.randn(1, heads, C // heads, height, 1))
        self.rel_w = nn.Parameter(torch.randn(1, heads, C // heads, 1, width))

    def forward(self, x):
        q, k, v = (part(x).view(len(x), self.heads, C // self.heads, -1) for part in (self.query, self.key, self.value))
        place = (self.rel_h + self.rel_w).flatten(3).permute(0, 1, 3, 2)
        scores = torch.matmul(q.permute(0, 1, 3, 2), k) + torch.matmul(place, q)
        return torch.matmul(v, kept(scores.softmax(-1)).permute(0, 1, 3, 2)).view(x.shape)


class GeneralizedAttention(nn.Module):
    """mmcv's, of contents alone: heads on maps, with a convolution behind."""

    def __init__(self, heads=2):
        super().__init__()
        self.num_heads = heads
        self.query_conv, self.key_conv, self.value_conv, self.proj_conv = (conv(C, C) for _ in range(4))
        self.gamma = nn.Parameter(torch.tensor(0.4))

    def forward(self, x):
        q, k, v = (
            part(x).view(len(x), self.num_heads, -1, x.shape[2] * x.shape[3])
            for part in (self.query_conv, self.key_conv, self.value_conv)
        )
        weights = kept(functional.softmax(torch.matmul(q.permute(0, 1, 3, 2), k), 3))
        y = torch.matmul(weights, v.permute(0, 1, 3, 2)).permute(0, 1, 3, 2).contiguous().view(x.shape)
        return self.proj_conv(y) * self.gamma + x


class Nameless(nn.Module):
    """A block whose names say nothing."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.three = conv(C, INNER), conv(C, INNER), conv(C, C)

    def forward(self, x):
        one, two, three = (part(x).flatten(2) for part in (self.one, self.two, self.three))
        return x + (three @ kept((one.mT @ two).softmax(-1)).mT).view_as(x)


READ = (Sagan, SpectralSagan, Danet, SpatialNonlocal, BottleneckAttention, GeneralizedAttention, Nameless)


class ChannelAttention(nn.Module):
    """DANet's other half: channels compare with channels."""

    def __init__(self):
        super().__init__()
        self.gamma = nn.Parameter(torch.tensor(0.5))

    def forward(self, x):
        q = x.flatten(2)
        scores = torch.bmm(q, q.mT)
        weights = (scores.amax(-1, keepdim=True) - scores).softmax(-1)
        return self.gamma * torch.bmm(weights, q).view_as(x) + x


class CompactNonlocal(nn.Module):
    """CGNL: all channels of a group are one long vector, so that no two places are compared."""

    def __init__(self, groups=2):
        super().__init__()
        self.groups = groups
        self.t, self.p, self.g = (conv(C, VALUES, bias=False) for _ in range(3))
        self.z, self.gn = conv(VALUES, C, bias=False, groups=groups), nn.GroupNorm(groups, C)

    def forward(self, x):
        parts = zip(*(part(x).chunk(self.groups, dim=1) for part in (self.t, self.p, self.g)), strict=True)
        made = [torch.bmm(p.reshape(len(x), 1, -1), g.reshape(len(x), -1, 1))[..., None] * t for t, p, g in parts]
        return self.gn(self.z(torch.cat(made, dim=1))) + x


class CrissCross(nn.Module):
    """CCNet's: one softmax over a column and a row."""

    def __init__(self):
        super().__init__()
        self.query_conv, self.key_conv, self.value_conv = (conv(C, size) for size in (INNER, INNER, C))
        self.gamma = nn.Parameter(torch.tensor(0.5))

    def forward(self, x):
        q, k, v = (part(x) for part in (self.query_conv, self.key_conv, self.value_conv))
        in_column = torch.einsum("bchw,bcgw->bhwg", q, k)
        in_row = q.permute(0, 2, 3, 1) @ k.permute(0, 2, 1, 3)
        weights = torch.cat([in_column, in_row], dim=-1).softmax(-1)
        column, row = weights.split([x.shape[2], x.shape[3]], dim=-1)
        y = torch.einsum("bhwg,bcgw->bchw", column, v) + (row @ v.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return self.gamma * y + x


class ContextBlock(nn.Module):
    """GCNet's: one context for all positions."""

    def __init__(self):
        super().__init__()
        self.conv_mask, self.softmax = conv(C, 1), nn.Softmax(2)
        self.channel_add_conv = nn.Sequential(conv(C, 6), nn.LayerNorm([6, 1, 1]), nn.ReLU(), conv(6, C))

    def forward(self, x):
        weights = self.softmax(self.conv_mask(x).flatten(2))[..., None]
        context = torch.matmul(x.flatten(2)[:, None], weights).view(len(x), C, 1, 1)
        return x + self.channel_add_conv(context)


class LambdaLayer(nn.Module):
    """LambdaNet's: keys and positions become a map of each query, and no two places are compared."""

    def __init__(self, places=96, keys=8, heads=2):
        super().__init__()
        self.heads = heads
        self.to_q, self.to_k, self.to_v = (conv(C, size, bias=False) for size in (keys * heads, keys, C // heads))
        self.positions = nn.Parameter(torch.randn(places, places, keys))

    def forward(self, x):
        q, k, v = (part(x).flatten(2) for part in (self.to_q, self.to_k, self.to_v))
        q, k = q.unflatten(1, (self.heads, -1)), k.softmax(-1)
        content = torch.einsum("bkm,bvm->bkv", k, v)
        position = torch.einsum("nmk,bvm->bnkv", self.positions, v)
        y = torch.einsum("bhkn,bkv->bhvn", q, content) + torch.einsum("bhkn,bnkv->bhvn", q, position)
        return y.reshape(x.shape)


class LinearAttention(nn.Module):
    """Softmaxes of queries and of keys alone, whose product is never a softmax."""

    def __init__(self):
        super().__init__()
        self.to_q, self.to_k, self.to_v = (conv(C, size) for size in (INNER, INNER, C))

    def forward(self, x):
        q, k, v = self.to_q(x).flatten(2).softmax(1), self.to_k(x).flatten(2).softmax(-1), self.to_v(x).flatten(2)
        return x + (torch.einsum("bkn,bvn->bkv", k, v).mT @ q).view_as(x)


REFUSED = {
    ChannelAttention: "attends over its 24 channels, which lie at no place of the clip",
    CompactNonlocal: "in which this viewer saw no softmax of products",
    CrissCross: "whose softmax is taken over other scores than those of one product",
    ContextBlock: "in which this viewer saw no softmax of products",
    LambdaLayer: "in which this viewer saw no softmax of products",
    LinearAttention: "in which this viewer saw no softmax of products",
}
