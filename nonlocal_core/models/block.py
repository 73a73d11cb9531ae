"""The non-local block: z = x + W_z y, for sequences, images and clips (paper, equation 6 and figure 2)."""

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import linear, max_pool3d

from nonlocal_core.errors import ShapeError, UnknownNameError
from nonlocal_core.ops import THW, Reach, respond
from nonlocal_core.vocabulary import PAIRWISE, SCOPES, Pairwise, Scope

Scale = Literal["none", "inner"]
"""Factor of theta . phi before the softmax: none, as in the paper, or C'^-1/2, as in its released code."""

Order = Literal["pool_then_embed", "embed_then_pool"]
"""Place of the pooling of keys: before phi and g (video-nonlocal-net, PySlowFast) or after (the paper, mmcv)."""

Norm = Literal["batch", "affine", "none"]
"""Layer after W_z: batch normalisation, its frozen form gain * z + offset, or none."""

INITIAL_STD = 0.01
"""Standard deviation of new weights of every projection, as in video-nonlocal-net and mmcv."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NonlocalConfig:
    """Configuration of a non-local block: every difference between the public implementations is a field.

    Most of it cannot be inferred from a state dict, so it has to come with the weights. Raises UnknownNameError for an
    unknown choice.
    """

    inner_channels: int | None = None
    """C', the channels of theta, phi and g; None is half the channels (paper, section 3.3)."""
    scale: Scale = "none"
    subsample: THW | None = None
    """Max pooling of the keys over (T, H, W); entries of axes that the input lacks are not used."""
    order: Order = "pool_then_embed"
    out_bias: bool = True
    """Bias of W_z; in mmcv it is missing if a norm follows."""
    concat_bias: bool = False
    """Bias inside the ReLU of concatenation; among public implementations, only tea1528's has one."""
    norm: Norm = "batch"
    scope: Scope = "spacetime"
    temporal_groups: int = 1

    def __post_init__(self) -> None:
        for kind, name, known in (
            ("scale", self.scale, get_args(Scale)),
            ("order of pooling", self.order, get_args(Order)),
            ("norm", self.norm, get_args(Norm)),
            ("scope", self.scope, SCOPES),
        ):
            if name not in known:
                raise UnknownNameError(kind, name, known)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pieces:
    """Tables of a block for one input, over its positions in row-major (T, H, W) order.

    For concatenation theta and phi have one channel: w_theta . theta_i + bias and w_phi . phi_j.
    """

    theta: Float[Tensor, "B Nq Ci"]
    phi: Float[Tensor, "B Nk Ci"]
    g: Float[Tensor, "B Nk Cg"]
    query_thw: THW
    """The grid of theta; axes that the input lacks count 1."""
    key_thw: THW
    """The grid of phi and g."""


class Affine(nn.Module):
    """Batch normalisation with frozen statistics, merged into a gain and an offset (Caffe2's AffineNd)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))


class NonlocalBlock(nn.Module):
    """The non-local block, which adds to every position what it gathers from all others: z = x + W_z y.

    >>> block = NonlocalBlock(14, "dot_product", NonlocalConfig(subsample=(1, 2, 2)))
    >>> block(torch.ones(2, 14, 5, 6, 8)).shape, block.embed(torch.ones(2, 14, 5, 6, 8)).key_thw
    (torch.Size([2, 14, 5, 6, 8]), (5, 3, 4))

    The last scale starts at zero, so that a new block changes nothing (paper, section 3.3). ``contrasts``: whether a
    query's own g is subtracted from that of every key, which the paper's block does not do.

    State dict, all 1x1 convolutions as matrices (channels out, channels in): a weight (Co, Ci, 1, 1, 1) of a
    published checkpoint goes in after ``flatten(1)``::

        theta.weight, theta.bias, phi.weight, phi.bias    none of the four for ``gaussian``
        g.weight, g.bias
        w_theta.weight, w_phi.weight                      (1, C') the two halves of concatenation's weight
        w_theta.bias                                      if ``concat_bias``
        out.weight, out.bias                              W_z; the bias if ``out_bias``
        norm.weight, norm.bias                            unless ``norm`` is none
        norm.running_mean, norm.running_var, norm.num_batches_tracked    of ``norm`` batch

    Raises UnknownNameError for an unknown pairwise function, and for a scale if the function has no softmax.
    """

    contrasts = False

    def __init__(
        self, channels: int, pairwise: Pairwise = "embedded_gaussian", config: NonlocalConfig = NonlocalConfig()
    ) -> None:
        super().__init__()
        if pairwise not in PAIRWISE:
            raise UnknownNameError("pairwise function", pairwise, PAIRWISE)
        if config.scale != "none" and pairwise in ("dot_product", "concatenation"):
            raise UnknownNameError(f"scale of {pairwise}, which has no softmax,", config.scale, ["none"])
        inner = config.inner_channels or max(channels // 2, 1)
        self.channels = channels
        self.pairwise = pairwise
        self.config = config
        self.scope = config.scope
        self.temporal_groups = config.temporal_groups
        self.subsample = config.subsample
        compared = channels if pairwise == "gaussian" else inner
        self.scale_value = compared**-0.5 if config.scale == "inner" else 1.0
        """Factor of theta_i . phi_j before the softmax."""

        embeds, concatenates = pairwise != "gaussian", pairwise == "concatenation"
        self.theta = nn.Linear(channels, inner) if embeds else None
        self.phi = nn.Linear(channels, inner) if embeds else None
        self.g = nn.Linear(channels, inner)
        self.w_theta = nn.Linear(inner, 1, bias=config.concat_bias) if concatenates else None
        self.w_phi = nn.Linear(inner, 1, bias=False) if concatenates else None
        self.out = nn.Linear(inner, channels, bias=config.out_bias)
        match config.norm:
            case "batch":
                self.norm: nn.BatchNorm1d | Affine | None = nn.BatchNorm1d(channels)
            case "affine":
                self.norm = Affine(channels)
            case "none":
                self.norm = None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw every projection from N(0, 0.01), and set biases and the last scale to zero."""
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=INITIAL_STD)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        nn.init.zeros_(self.out.weight if self.norm is None else self.norm.weight)

    def forward(self, x: Float[Tensor, "B C *thw"]) -> Float[Tensor, "B C *thw"]:
        """Return x + W_z y for a sequence (B, C, W), an image (B, C, H, W) or a clip (B, C, T, H, W).

        Raises ShapeError for a wrong number of axes or channels, and the errors of ``Reach``.
        """
        y = self._respond(x)
        if self.training and isinstance(self.norm, nn.BatchNorm1d):
            normed: Tensor = self.norm(self.out(y).transpose(1, 2))
            return x + normed.reshape(x.shape)
        weight, shift = self._output()
        # (C, Cg) times (B, Cg, Nq): lands in the layout of x, so that nothing is transposed in memory.
        z = torch.bmm(weight.expand(len(x), -1, -1), y.transpose(1, 2))
        # In place before it is given the shape of x: autograd keeps three copies of what is written through a view.
        if shift is not None:
            z += shift[:, None]
        rows = x.flatten(2)
        return (z.add_(rows) if z.dtype == x.dtype else rows + z).reshape(x.shape)

    def embed(self, x: Float[Tensor, "B C *thw"]) -> Pieces:
        """Return the tables that the block compares and sums for this input. Raises the errors of ``forward``."""
        reach = self._reach(x)
        theta, phi, g = self._tables(x.flatten(2).transpose(1, 2), reach)
        return Pieces(theta=theta, phi=phi, g=g, query_thw=reach.query_thw, key_thw=reach.key_thw)

    def gather(
        self, pieces: Pieces, queries: Tensor | slice = slice(None), keys: Tensor | slice = slice(None)
    ) -> Float[Tensor, "B n Cg"]:
        """Return y of some positions from some keys, given by their indices; each query gathers from each key."""
        theta, phi, g = pieces.theta[:, queries], pieces.phi[:, keys], pieces.g[:, keys]
        return respond(theta, phi, g, pairwise=self.pairwise, scale=self.scale_value)

    def project(self, y: Float[Tensor, "B n Cg"]) -> Float[Tensor, "B n C"]:
        """Return W_z y for rows of y, with the norm's stored statistics: what ``forward`` adds in evaluation mode."""
        weight, shift = self._output()
        return linear(y, weight, shift)

    def _respond(self, x: Float[Tensor, "B C *thw"]) -> Float[Tensor, "B Nq Cg"]:
        """Return y. A separate method, so that the tables are freed before W_z needs memory."""
        reach = self._reach(x)
        theta, phi, g = self._tables(x.flatten(2).transpose(1, 2), reach)
        return respond(theta, phi, g, pairwise=self.pairwise, scale=self.scale_value, reach=reach)

    def _reach(self, x: Tensor) -> Reach:
        if x.ndim not in (3, 4, 5) or x.shape[1] != self.channels:
            raise ShapeError(
                f"This block takes (B, {self.channels}, W), (B, {self.channels}, H, W) or "
                f"(B, {self.channels}, T, H, W); got {tuple(x.shape)}."
            )
        lacking = 5 - x.ndim
        steps, rows, cols = (1,) * lacking + tuple(x.shape[2:])
        kernel = self.subsample or (1, 1, 1)
        time, height, width = (1,) * lacking + kernel[lacking:]
        return Reach(
            query_thw=(steps, rows, cols),
            kernel=(time, height, width),
            scope=self.scope,
            temporal_groups=self.temporal_groups,
        )

    def _tables(self, rows: Float[Tensor, "B Nq C"], reach: Reach) -> tuple[Tensor, Tensor, Tensor]:
        """Return theta, phi and g, computed in one product if they read the same rows, the main cost on small maps."""
        pooling = reach.kernel != (1, 1, 1)
        pool_first = self.config.order == "pool_then_embed" or not pooling
        g = Projection.of(self.g)
        if self.theta is None or self.phi is None:
            keys = max_pool_keys(rows, reach)
            return rows, keys, _project(keys, g)[0] if pool_first else max_pool_keys(_project(rows, g)[0], reach)

        theta, phi = Projection.of(self.theta), Projection.of(self.phi)
        if self.w_theta is not None:
            theta = theta.then(self.w_theta)
        if self.w_phi is not None and pool_first:
            phi = phi.then(self.w_phi)
        if not pooling:
            theta_rows, phi_rows, g_rows = _project(rows, theta, phi, g)
            return theta_rows, phi_rows, g_rows
        (theta_rows,) = _project(rows, theta)
        if pool_first:
            phi_rows, g_rows = _project(max_pool_keys(rows, reach), phi, g)
            return theta_rows, phi_rows, g_rows
        phi_rows, g_rows = (max_pool_keys(part, reach) for part in _project(rows, phi, g))
        return theta_rows, phi_rows if self.w_phi is None else self.w_phi(phi_rows), g_rows

    def _output(self) -> tuple[Float[Tensor, "C Cg"], Float[Tensor, " C"] | None]:
        """Return W_z and the offset after it, with the norm merged into both."""
        weight, bias, norm = self.out.weight, self.out.bias, self.norm
        if norm is None:
            return weight, bias
        gain: Tensor = norm.weight
        offset: Tensor = norm.bias
        if isinstance(norm, nn.BatchNorm1d):
            assert norm.running_mean is not None
            assert norm.running_var is not None
            gain = gain * torch.rsqrt(norm.running_var + norm.eps)
            offset = offset - norm.running_mean * gain
        return weight * gain[:, None], offset if bias is None else offset + bias * gain


class Projection(NamedTuple):
    """A 1x1 convolution."""

    weight: Float[Tensor, "Co Ci"]
    bias: Float[Tensor, " Co"]

    @classmethod
    def of(cls, layer: nn.Linear) -> "Projection":
        """Return the weights of a layer."""
        return cls(layer.weight, layer.bias)

    def then(self, last: nn.Linear) -> "Projection":
        """Return this projection and the next as one: w (W x + b) = (w W) x + w b."""
        return Projection(last.weight @ self.weight, linear(self.bias, last.weight, last.bias))


def _project(rows: Float[Tensor, "B N C"], *projections: Projection) -> tuple[Tensor, ...]:
    """Return each projection of the rows, side by side in one buffer, by one product instead of several."""
    if len(projections) == 1:
        return (linear(rows, *projections[0]),)
    weights, biases = zip(*projections, strict=True)
    return torch.split(linear(rows, torch.cat(weights), torch.cat(biases)), [len(weight) for weight in weights], dim=2)


def max_pool_keys(rows: Float[Tensor, "B N C"], reach: Reach) -> Float[Tensor, "B Nk C"]:
    """Return the maximum of each pooling cell and channel, as rows."""
    if reach.kernel == (1, 1, 1):
        return rows
    cells = rows.reshape(len(rows), *reach.query_thw, -1).permute(0, 4, 1, 2, 3)
    # Channels last is the layout of rows, and pools five times faster on the CPU than channels first, copy included.
    pooled = max_pool3d(cells.contiguous(memory_format=torch.channels_last_3d), reach.kernel)
    return pooled.flatten(2).transpose(1, 2)
