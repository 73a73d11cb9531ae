"""Attention layers and small vision transformers with other people's names and attributes, written from the maths.

Every network takes a clip (1, 3, T, H, W) and is built so that no two sizes agree.
"""

from types import SimpleNamespace

import torch
from torch import nn

WIDTH, HEADS = 12, 3
FRAMES, TUBELET, PATCH = 4, 2, 8
IMAGE_HW = (24, 40)
ROWS, COLS = IMAGE_HW[0] // PATCH, IMAGE_HW[1] // PATCH
HEAD_WIDTH = WIDTH // HEADS


def heads_of(x):
    return x.unflatten(-1, (HEADS, -1)).transpose(1, 2)


def attend(q, k, v, scale, bias=0.0):
    """softmax(scale q k^T + bias) v for (B, heads, N, D), with the heads laid side by side after it."""
    return ((q @ k.mT * scale + bias).softmax(-1) @ v).transpose(1, 2).flatten(2)


class FusedLayer(nn.Module):
    """timm's attention: one qkv matrix, norms of q and k and of the result, a projection; BLIP's ``projection``."""

    def __init__(
        self, *, qk_norm=False, scale_norm=False, fused=True, scale=HEAD_WIDTH**-0.5, bias=True, output="proj"
    ):
        super().__init__()
        self.num_heads, self.scale, self.fused_attn = HEADS, scale, fused
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=bias)
        self.q_norm, self.k_norm = (nn.LayerNorm(HEAD_WIDTH) if qk_norm else nn.Identity() for _ in range(2))
        self.norm = nn.LayerNorm(WIDTH) if scale_norm else nn.Identity()
        self.attn_drop, self._output = nn.Dropout(0.2), output
        setattr(self, output, nn.Linear(WIDTH, WIDTH))

    def forward(self, x, attn_mask=None, is_causal=False):
        q, k, v = (heads_of(part) for part in self.qkv(x).chunk(3, dim=-1))
        q, k = self.q_norm(q), self.k_norm(k)
        if self.fused_attn:
            sums = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=attn_mask, is_causal=is_causal)
            made = sums.transpose(1, 2).flatten(2)
        else:
            made = attend(q, k, v, self.scale, 0.0 if attn_mask is None else attn_mask)
        return getattr(self, self._output)(self.norm(made))

    def qk(self, x):
        q, k, _ = (heads_of(part) for part in self.qkv(x).chunk(3, dim=-1))
        return self.q_norm(q), self.k_norm(k)

    def used_scale(self):
        return HEAD_WIDTH**-0.5 if self.fused_attn else self.scale


class FusedBareLayer(nn.Module):
    """TimeSformer's in Hugging Face's port: no projection, a tuple; VideoMAE's own biases beside the matrix."""

    def __init__(self, *, loose_biases=False):
        super().__init__()
        self.num_heads, self.scale = HEADS, HEAD_WIDTH**-0.5
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=not loose_biases)
        self.q_bias, self.v_bias = (nn.Parameter(torch.zeros(WIDTH)) if loose_biases else None for _ in range(2))

    def tables(self, x):
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        return (q, k, v) if self.q_bias is None else (q + self.q_bias, k, v + self.v_bias)

    def forward(self, x):
        q, k, v = (heads_of(part) for part in self.tables(x))
        return (attend(q, k, v, self.scale),)

    def qk(self, x):
        q, k, _ = self.tables(x)
        return heads_of(q), heads_of(k)

    def used_scale(self):
        return self.scale


class SeparateLayer(nn.Module):
    """Hugging Face's: ``query``, ``key``, ``value`` without a projection, or ``q_proj`` and the rest with one.

    ``qk_norm``: InternVL's, over all heads at once; without it, it has identities in their place.
    """

    def __init__(self, *, old=True, loose_biases=False, scaling=None, qk_norm=None, output="o_proj"):
        super().__init__()
        self.num_attention_heads, self._names = (
            HEADS,
            ("query", "key", "value") if old else ("q_proj", "k_proj", "v_proj"),
        )
        for name in self._names:
            setattr(self, name, nn.Linear(WIDTH, WIDTH, bias=not loose_biases))
        if scaling is not None:
            self.scaling = scaling
        self._output = None if old else output
        if not old:
            setattr(self, output, nn.Linear(WIDTH, WIDTH))
        if qk_norm is not None:
            self.q_norm, self.k_norm = (nn.LayerNorm(WIDTH) if qk_norm else nn.Identity() for _ in range(2))
        self.q_bias, self.v_bias = (nn.Parameter(torch.zeros(WIDTH)) if loose_biases else None for _ in range(2))

    def tables(self, x):
        q, k, v = (getattr(self, name)(x) for name in self._names)
        if hasattr(self, "q_norm"):
            q, k = self.q_norm(q), self.k_norm(k)
        return (q, k, v) if self.q_bias is None else (q + self.q_bias, k, v + self.v_bias)

    def forward(self, hidden_states, attention_mask=None):
        q, k, v = (heads_of(part) for part in self.tables(hidden_states))
        made = attend(q, k, v, self.used_scale(), 0.0 if attention_mask is None else attention_mask)
        return getattr(self, self._output)(made) if self._output else made, None

    def qk(self, x):
        q, k, _ = self.tables(x)
        return heads_of(q), heads_of(k)

    def used_scale(self):
        return getattr(self, "scaling", HEAD_WIDTH**-0.5)


def turned(table, angles, *, halves):
    """Every pair of channels turned by the angle of its token; pairs lie half a head apart, or side by side."""
    out, count = table.clone(), HEAD_WIDTH // 2
    for pair in range(count):
        a, b = (pair, pair + count) if halves else (2 * pair, 2 * pair + 1)
        cos, sin = angles[:, pair].cos(), angles[:, pair].sin()
        out[..., -len(angles) :, a] = table[..., -len(angles) :, a] * cos - table[..., -len(angles) :, b] * sin
        out[..., -len(angles) :, b] = table[..., -len(angles) :, b] * cos + table[..., -len(angles) :, a] * sin
    return out


def by_channel(angles, *, halves):
    """The angle of each channel."""
    return torch.cat([angles, angles], dim=-1) if halves else angles.repeat_interleave(2, dim=-1)


class RotaryHub(SeparateLayer):
    """DINOv3's in Hugging Face's port: given a cosine and a sine, it turns all tokens but the first."""

    def __init__(self):
        super().__init__(old=False)

    def forward(self, hidden_states, attention_mask=None, position_embeddings=None, **kwargs):
        q, k, v = (heads_of(part) for part in self.tables(hidden_states))
        q, k = (turned(part, self.angles(position_embeddings), halves=True) for part in (q, k))
        return self.o_proj(attend(q, k, v, self.used_scale())), None

    @staticmethod
    def angles(given):
        cos, sin = given
        return torch.atan2(sin, cos)[:, : HEAD_WIDTH // 2]

    @staticmethod
    def call(angles):
        each = by_channel(angles, halves=True)
        return {"position_embeddings": (each.cos(), each.sin())}


class RotaryTimm(FusedLayer):
    """timm's EVA: sine and cosine in one tensor, pairs side by side unless ``rotate_half``."""

    def __init__(self, *, rotate_half=False):
        super().__init__()
        self.rotate_half = rotate_half

    def forward(self, x, rope=None):
        q, k, v = (heads_of(part) for part in self.qkv(x).chunk(3, dim=-1))
        sin, cos = rope.chunk(2, dim=-1)
        each = torch.atan2(sin, cos)
        angles = each[:, : HEAD_WIDTH // 2] if self.rotate_half else each[:, ::2]
        q, k = (turned(part, angles, halves=self.rotate_half) for part in (q, k))
        return self.proj(attend(q, k, v, self.scale))

    def call(self, angles):
        each = by_channel(angles, halves=self.rotate_half)
        return {"rope": torch.cat([each.sin(), each.cos()], dim=-1)}


class ToLayer(nn.Module):
    """diffusers' names: ``to_q``, ``to_k``, ``to_v``, and ``to_out`` as a list."""

    def __init__(self):
        super().__init__()
        self.heads = HEADS
        self.to_q, self.to_k, self.to_v = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(3))
        self.to_out = nn.ModuleList([nn.Linear(WIDTH, WIDTH), nn.Dropout(0.1)])

    def forward(self, hidden_states, encoder_hidden_states=None, attention_mask=None):
        keys = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        q, k, v = heads_of(self.to_q(hidden_states)), heads_of(self.to_k(keys)), heads_of(self.to_v(keys))
        made = attend(q, k, v, HEAD_WIDTH**-0.5, 0.0 if attention_mask is None else attention_mask)
        return self.to_out[1](self.to_out[0](made))

    def qk(self, x):
        return heads_of(self.to_q(x)), heads_of(self.to_k(x))

    def used_scale(self):
        return HEAD_WIDTH**-0.5


class ToQkvLayer(nn.Module):
    """lucidrains' names: a norm inside, ``to_qkv`` and ``to_out``."""

    def __init__(self):
        super().__init__()
        self.heads, self.scale, self.norm = HEADS, HEAD_WIDTH**-0.5, nn.LayerNorm(WIDTH)
        self.to_qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.to_out = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Dropout(0.1))

    def forward(self, x):
        return self.to_out(attend(*map(heads_of, self.to_qkv(self.norm(x)).chunk(3, dim=-1)), self.scale))

    def qk(self, x):
        q, k, _ = map(heads_of, self.to_qkv(self.norm(x)).chunk(3, dim=-1))
        return q, k

    def used_scale(self):
        return self.scale


class Layer(nn.Module):
    """A residual layer around an attention; ``named`` passes the tokens by name, as some packages do."""

    def __init__(self, attention, *, named=None):
        super().__init__()
        self.norm, self.attention, self._named = nn.LayerNorm(WIDTH), attention, named

    def forward(self, x):
        normed = self.norm(x)
        made = self.attention(**{self._named: normed}) if self._named else self.attention(normed)
        return x + (made[0] if isinstance(made, tuple) else made)


def frames_of(clip):
    return clip[0].transpose(0, 1)


class TimmVit(nn.Module):
    """An image transformer on the frames of a clip, with timm's names: a grid in ``patch_embed``, tokens before it."""

    def __init__(self, *, registers=0, class_token=True, **attention):
        super().__init__()
        self.patch_embed = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.patch_embed.grid_size = (ROWS, COLS)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, WIDTH)) if class_token else None
        self.reg_token = nn.Parameter(torch.zeros(1, registers, WIDTH)) if registers else None
        self.num_reg_tokens, self.num_prefix_tokens = registers, registers + int(class_token)
        self.blocks = nn.ModuleList(Layer(FusedLayer(**attention)) for _ in range(2))

    def forward(self, clip):
        x = self.patch_embed(frames_of(clip)).flatten(2).mT
        first = [token.expand(len(x), -1, -1) for token in (self.cls_token, self.reg_token) if token is not None]
        x = torch.cat([*first, x], dim=1)
        for block in self.blocks:
            x = block(x)
        return x


class Embeddings(nn.Module):
    """Hugging Face's patch embedding, with the tokens that its models keep there."""

    def __init__(self, depth, *, class_token, distillation_token=False):
        super().__init__()
        self.projection = nn.Conv3d(3, WIDTH, (depth, PATCH, PATCH), (depth, PATCH, PATCH))
        if class_token:
            self.cls_token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        if distillation_token:
            self.distillation_token = nn.Parameter(torch.zeros(1, 1, WIDTH))

    def first(self, batch):
        return [getattr(self, name).expand(batch, -1, -1) for name in dict(self.named_parameters()) if "token" in name]


class HubVit(nn.Module):
    """An image transformer with Hugging Face's names."""

    def __init__(self, attention=SeparateLayer, *, distilled=False, named=None, **settings):
        super().__init__()
        self.config = SimpleNamespace(image_size=list(IMAGE_HW), patch_size=PATCH)
        self.embeddings = Embeddings(1, class_token=True, distillation_token=distilled)
        self.layers = nn.ModuleList(Layer(attention(**settings), named=named) for _ in range(2))

    def forward(self, clip):
        x = self.embeddings.projection(clip)[0].transpose(0, 1).flatten(2).mT
        x = torch.cat([*self.embeddings.first(len(x)), x], dim=1)
        for layer in self.layers:
            x = layer(x)
        return x


class VideoVit(nn.Module):
    """VideoMAE's layout: tubes of frames, all cells of space and time in one sequence; ViViT's has a class token."""

    def __init__(self, *, class_token=False, **settings):
        super().__init__()
        patch = {"patch_size": PATCH, "tubelet_size": TUBELET}
        vivit = {"tubelet_size": [TUBELET, PATCH, PATCH]}
        self.config = SimpleNamespace(image_size=list(IMAGE_HW), num_frames=FRAMES, **(vivit if class_token else patch))
        self.embeddings = Embeddings(TUBELET, class_token=class_token)
        self.layers = nn.ModuleList(Layer(SeparateLayer(**settings)) for _ in range(2))

    def forward(self, clip):
        x = self.embeddings.projection(clip).flatten(2).mT
        x = torch.cat([*self.embeddings.first(1), x], dim=1)
        for layer in self.layers:
            x = layer(x)
        return x


class DividedLayer(nn.Module):
    """TimeSformer's divided layer: over time at each place, then over space in each frame with the class token."""

    def __init__(self):
        super().__init__()
        self.temporal_attention = Layer(FusedBareLayer())
        self.attention = Layer(FusedBareLayer())

    def forward(self, x):
        first, cells = x[:, :1], x[:, 1:]
        places = self.temporal_attention(cells.unflatten(1, (ROWS * COLS, FRAMES))[0])
        frames = torch.cat([first.expand(FRAMES, -1, -1), places.transpose(0, 1)], dim=1)
        seen = self.attention(frames)
        return torch.cat([seen[:, :1].mean(0, keepdim=True), seen[:, 1:].transpose(0, 1).flatten(0, 1)[None]], dim=1)


class Timesformer(nn.Module):
    """TimeSformer's three kinds; over space and time its tokens run through all frames of a place first."""

    def __init__(self, kind):
        super().__init__()
        self.config = SimpleNamespace(
            image_size=list(IMAGE_HW), patch_size=PATCH, num_frames=FRAMES, attention_type=kind
        )
        self.embeddings = Embeddings(1, class_token=True)
        plain = kind != "divided_space_time"
        self.layers = nn.ModuleList(Layer(FusedBareLayer()) if plain else DividedLayer() for _ in range(2))

    def forward(self, clip):
        maps = self.embeddings.projection(clip)
        if self.config.attention_type == "space_only":
            x = maps[0].transpose(0, 1).flatten(2).mT
        else:
            x = maps.flatten(3).permute(0, 3, 2, 1).flatten(1, 2)
        x = torch.cat([*self.embeddings.first(len(x)), x], dim=1)
        for layer in self.layers:
            x = layer(x)
        return x


class TorchvisionVit(nn.Module):
    """torchvision's: sizes as attributes, the class token on the network, ``torch.nn.MultiheadAttention``."""

    def __init__(self):
        super().__init__()
        self.image_size, self.patch_size = 4 * PATCH, PATCH
        self.conv_proj = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.class_token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.layer = TorchLayer()

    def forward(self, frames):
        x = self.conv_proj(frames).flatten(2).mT
        return self.layer(torch.cat([self.class_token.expand(len(x), -1, -1), x], dim=1))


class TorchLayer(nn.Module):
    """``torch.nn.MultiheadAttention`` on its own input; ``moved`` compares tokens that a position was added to."""

    def __init__(self, *, batch_first=True, moved=False, **settings):
        super().__init__()
        self.self_attn = nn.MultiheadAttention(WIDTH, HEADS, batch_first=batch_first, **settings)
        self._moved = moved

    def forward(self, x):
        compared = x + torch.linspace(-1, 1, WIDTH) if self._moved else x
        return self.self_attn(compared, compared, value=x, need_weights=False)[0]


def randomise(network, seed=0):
    """Draw every parameter, so that scores are of order one and no token is zero."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            spread = 1.5 * parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.5
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * spread)
    return network.eval().requires_grad_(requires_grad=False)


def clip(seed=0):
    return torch.randn(1, 3, FRAMES, *IMAGE_HW, generator=torch.Generator().manual_seed(seed))
