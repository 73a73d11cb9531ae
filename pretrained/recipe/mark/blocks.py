"""Bodies of the answering networks: the non-local block and its controls, convolutions, and the paper's start.

All of them take rows (B, N, C) of a clip, features followed by marks, and return their output at some positions.
"""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import relu

from nonlocal_core.models.block import NonlocalBlock
from nonlocal_core.models.mark import MarkBlock
from nonlocal_core.models.parameter_free import TEMPERATURE
from nonlocal_core.ops import THW, Reach
from nonlocal_core.vocabulary import SOFTMAX, Pairwise, Scope

Row = Literal["learned", "uniform", "wrong"]
"""The learned row of the position; the same weight on every key; the row of a position drawn at random."""
START_NOISE = 0.002
CONCATENATION_STD = 0.3


class AskedBlock(MarkBlock):
    """The shipped block, evaluated at a few positions, and controls in its place.

    >>> AskedBlock(14, "dot_product")(torch.randn(1, 14, 5, 6, 8)).shape
    torch.Size([1, 14, 5, 6, 8])

    The features are standardised. theta = phi = identity and W_z = 0 at the start. ``blind``: the number of last
    channels hidden from theta and phi. ``row``: the control in place of the learned row.
    """

    def __init__(
        self,
        channels: int,
        pairwise: Pairwise = "embedded_gaussian",
        *,
        scope: Scope = "spacetime",
        row: Row = "learned",
        blind: int = 0,
        temperature: float = TEMPERATURE,
    ) -> None:
        super().__init__(channels, pairwise, scope=scope, temperature=temperature)
        self.row = row
        self.register_buffer("seen", torch.ones(channels), persistent=False)
        self.seen: Tensor
        self.seen[channels - blind :] = 0
        with torch.no_grad():
            nn.init.eye_(self.g.weight)
            for layer in (self.theta, self.phi):
                if layer is not None:
                    nn.init.eye_(layer.weight)
                    layer.weight += START_NOISE * torch.randn_like(layer.weight)
            for half in (self.w_theta, self.w_phi):
                if half is not None:
                    nn.init.normal_(half.weight, std=CONCATENATION_STD)

    @property
    def seen_gain(self) -> Tensor:
        """Gain of the channels that are compared, zero for hidden ones."""
        return self.gain * self.seen

    def at(self, rows: Float[Tensor, "B N C"], queries: Int[Tensor, "B Q"], thw: THW) -> Float[Tensor, "B Q C"]:
        """Return z of some positions: the same as ``forward`` there, without tables of all positions."""
        weights = self.weights(rows, queries, thw)
        # W_g (sum over j of w_j x_j) + b_g sum over j of w_j: g of few positions instead of all.
        y = (weights @ rows) @ self.g.weight.T + weights.sum(-1, keepdim=True) * self.g.bias
        added: Tensor = self.out(y)
        return taken(rows, queries) + added

    def weights(self, rows: Float[Tensor, "B N C"], queries: Int[Tensor, "B Q"], thw: THW) -> Float[Tensor, "B Q N"]:
        """Return f / C of some positions over all keys, zero for keys outside the scope."""
        keys = rows.shape[1]
        if self.row == "uniform":
            return rows.new_full((*queries.shape, keys), 1 / keys)
        asking = torch.randint(keys, queries.shape) if self.row == "wrong" else queries
        gain = self.seen_gain
        per_length = self.length / (rows.square() @ gain.square()).clamp_min(1e-12).sqrt()
        unit = taken(rows, asking) * gain * per_length.gather(1, asking)[..., None]
        folded, shift = self._folded(unit)
        # theta . phi_j = (W_phi^T theta) . u_j + theta . b_phi: no phi of all positions is made.
        f = (folded * gain) @ rows.mT * per_length[:, None] + shift
        mask = reachable(asking, self.scope, thw)
        count = Reach(query_thw=thw, scope=self.scope).keys_per_query
        if self.pairwise in SOFTMAX:
            return f.masked_fill(~mask, -torch.inf).softmax(-1)
        return (relu(f) if self.pairwise == "concatenation" else f) * mask / count

    def _folded(self, unit: Float[Tensor, "B Q C"]) -> tuple[Tensor, Tensor | float]:
        """Return the factor of u_j and the offset that together give f, before its softmax or ReLU."""
        if self.theta is None or self.phi is None:
            return unit, 0.0
        theta = self.theta(unit)
        if self.w_theta is None or self.w_phi is None:
            return theta @ self.phi.weight, theta @ self.phi.bias[:, None]
        half = self.w_phi.weight @ self.phi.weight
        return half.expand_as(unit), self.w_theta(theta) + (self.w_phi.weight @ self.phi.bias)


class PaperStart(nn.Module):
    """The paper's embedded Gaussian as it starts: half the channels, N(0, .01), no norm before, zero batch norm after.

    The batch norm sees only the asked positions.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.block = NonlocalBlock(channels, "embedded_gaussian")

    def at(self, rows: Float[Tensor, "B N C"], queries: Int[Tensor, "B Q"], thw: THW) -> Float[Tensor, "B Q C"]:
        """Return z of some positions."""
        del thw  # every key is reached
        block, asked = self.block, taken(rows, queries)
        assert block.theta is not None
        assert block.phi is not None
        assert block.norm is not None
        theta = block.theta(asked)
        weights = ((theta @ block.phi.weight) @ rows.mT).softmax(-1)  # theta . b_phi is the same for every key
        y = block.out(block.g(weights @ rows))
        normed: Tensor = block.norm(y.mT).mT
        return asked + normed


class Convolutions(nn.Module):
    """z = x + up(h), h = down(x) and then h + ReLU(conv(h)) once for every layer.

    ``width``: channels of h. The last layer starts at zero.
    """

    def __init__(self, channels: int, *, kernel: THW, layers: int, width: int) -> None:
        super().__init__()
        self.down = nn.Conv3d(channels, width, 1)
        self.convs = nn.ModuleList(
            nn.Conv3d(width, width, kernel, padding=(kernel[0] // 2, kernel[1] // 2, kernel[2] // 2))
            for _ in range(layers)
        )
        self.up = nn.Conv3d(width, channels, 1)
        for part in self.up.parameters():
            nn.init.zeros_(part)

    def at(self, rows: Float[Tensor, "B N C"], queries: Int[Tensor, "B Q"], thw: THW) -> Float[Tensor, "B Q C"]:
        """Return z of some positions."""
        h = self.down(rows.mT.reshape(len(rows), -1, *thw))
        for conv in self.convs:
            h = h + relu(conv(h))
        added = self.up(h).flatten(2).mT
        return taken(rows + added, queries)


class Nothing(nn.Module):
    """No body: z = x."""

    def at(self, rows: Float[Tensor, "B N C"], queries: Int[Tensor, "B Q"], thw: THW) -> Float[Tensor, "B Q C"]:
        """Return x of some positions."""
        del thw
        return taken(rows, queries)


class Answerer(nn.Module):
    """Bodies in sequence, and a linear layer that answers from the last; for two hops, another one after the first."""

    def __init__(self, bodies: Sequence[nn.Module], channels: int, answers: int, *, asks_first: bool = False) -> None:
        super().__init__()
        self.bodies = nn.ModuleList(bodies)
        self.head = nn.Linear(channels, answers)
        self.own_head = nn.Linear(channels, answers) if asks_first else None

    def forward(
        self, rows: Float[Tensor, "B N C"], queries: Int[Tensor, "B Q"], own: Int[Tensor, "B K"] | None, thw: THW
    ) -> tuple[Float[Tensor, "B Q A"], Float[Tensor, "B K A"] | None]:
        """Return the answers at ``queries``, and the first body's at ``own``."""
        bodies: list[Any] = list(self.bodies)
        *earlier, last = bodies
        of_first: Tensor | None = None
        for body in earlier:
            rows = body(rows.mT.reshape(len(rows), -1, *thw)).flatten(2).mT
            if own is not None and of_first is None:
                of_first = taken(rows, own)
        if own is None or of_first is not None:
            z = last.at(rows, queries, thw)
        else:
            z, of_first = last.at(rows, torch.cat([queries, own], 1), thw).split([queries.shape[1], own.shape[1]], 1)
        return self.head(z), self.own_head(of_first) if of_first is not None and self.own_head is not None else None


def taken(rows: Float[Tensor, "B N C"], queries: Int[Tensor, "B Q"]) -> Float[Tensor, "B Q C"]:
    """Return the rows of the given positions."""
    return rows.gather(1, queries[..., None].expand(-1, -1, rows.shape[2]))


def reachable(queries: Int[Tensor, "B Q"], scope: Scope, thw: THW) -> Bool[Tensor, "B Q N"]:
    """Return a mask of the keys that the scope lets each query see."""
    area, keys = thw[1] * thw[2], torch.arange(thw[0] * thw[1] * thw[2])
    match scope:
        case "space":
            return queries[..., None] // area == keys // area
        case "time":
            return queries[..., None] % area == keys % area
        case "spacetime":
            return torch.ones(1, 1, len(keys), dtype=torch.bool)
