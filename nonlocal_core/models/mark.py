"""The network that tells who wore the mark: one non-local block on a frozen trunk, and a linear layer that answers.

Nothing at a position tells the mark of its object in another frame, so without attention it can only guess.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from nonlocal_core.media.marked import MARKS
from nonlocal_core.models.block import NonlocalBlock, NonlocalConfig
from nonlocal_core.models.inserted import InsertedBlock
from nonlocal_core.models.lite0 import CHANNELS_STRIDE16, Lite0
from nonlocal_core.models.lite0_networks import INPUT
from nonlocal_core.models.parameter_free import TEMPERATURE, standardised
from nonlocal_core.models.progress import report_step
from nonlocal_core.ops import Reach
from nonlocal_core.vocabulary import Pairwise, Scope, WeightStatus

STRIDE, COVER, STRENGTH = 16, 0.5, 3.0
"""Side of a cell in pixels; share of a cell from which it wears a mark; value of a mark, at features of deviation 1."""
MARK_CHANNELS = CHANNELS_STRIDE16 + len(MARKS)
BYTES_PER_PIXEL = 40
"""Bytes per pixel of the clip while the block runs over 115 channels."""
TITLE = "stride 16 · after block 10, with the marks"
STARTS = {"identity": "identity", "paper": "the paper's start"}
"""Names of the initialisations of theta and phi."""
SNAPSHOT_NOTE = "A snapshot of a block while it learned who wore the mark."
NOTE = "Trained to fetch the mark that an object wears in another frame of a composed clip."


class MarkBlock(NonlocalBlock):
    """z = x + W_z y, the paper's y; theta, phi and the Gaussian read u = length * gain x / |gain x|.

    >>> MarkBlock(14, "dot_product")(torch.randn(1, 14, 5, 6, 8)).shape
    torch.Size([1, 14, 5, 6, 8])

    ``gain`` (C,) and ``length`` are learned. Differs: the paper has nothing between x and the projections, and C' is
    half of C. Here C' = C, so that theta and phi can start as the identity.
    """

    def __init__(
        self,
        channels: int,
        pairwise: Pairwise = "embedded_gaussian",
        *,
        scope: Scope = "spacetime",
        temperature: float = TEMPERATURE,
    ) -> None:
        super().__init__(channels, pairwise, NonlocalConfig(inner_channels=channels, norm="none", scope=scope))
        self.gain = nn.Parameter(torch.ones(channels))
        self.length = nn.Parameter(torch.tensor(temperature**-0.5))

    @property
    def seen_gain(self) -> Float[Tensor, " C"]:
        """Gain of the channels that are compared."""
        return self.gain

    def _tables(self, rows: Float[Tensor, "B N C"], reach: Reach) -> tuple[Tensor, Tensor, Tensor]:
        weighted = rows * self.seen_gain
        unit = weighted / weighted.norm(dim=-1, keepdim=True).clamp_min(1e-6) * self.length
        if self.theta is None or self.phi is None:
            return unit, unit, self.g(rows)
        theta, phi = self.theta(unit), self.phi(unit)
        if self.w_theta is not None and self.w_phi is not None:
            return self.w_theta(theta), self.w_phi(phi), self.g(rows)
        return theta, phi, self.g(rows)


class MarkNetwork(nn.Module):
    """Network that tells, at every position of a clip, the mark that its object wears in any frame.

    The trunk's features are standardised over the clip and followed by three channels of marks, ``STRENGTH`` where a
    cell wears one. ``names``: the name of its block, or those of snapshots, each of which looks and answers separately,
    as ``start-step``: ``identity-50`` is a `MarkBlock`, ``paper-1000`` a block with the paper's initialisation.
    """

    input_spec = replace(INPUT, marks=len(MARKS))
    classes = MARKS

    def __init__(self, trunk: Lite0, names: Sequence[str] = ("mark",)) -> None:
        super().__init__()
        self.trunk = trunk
        looks = {name: NonlocalBlock(MARK_CHANNELS) if _is_papers(name) else MarkBlock(MARK_CHANNELS) for name in names}
        self.looks = nn.ModuleDict(looks)
        self.heads = nn.ModuleDict({name: nn.Linear(MARK_CHANNELS, len(MARKS)) for name in names})
        self.inserted = tuple(_inserted(name, module) for name, module in looks.items())
        self.shown = next(name for name in reversed(names) if not _is_papers(name))

    def blocks(self) -> nn.ModuleDict:
        """Return the trained modules by name."""
        return nn.ModuleDict({"looks": self.looks, "heads": self.heads})

    def forward(self, clip: Float[Tensor, "B 6 T H W"]) -> Float[Tensor, "B P 3"]:
        """Return the logits of the marks at every position of the grid at stride 16, one snapshot after another."""
        frames = clip.transpose(1, 2).flatten(0, 1)
        features = self.trunk.to_stride16(self.trunk.to_stride8(frames[:, :3]))
        report_step(1, 2)
        worn = STRENGTH * (avg_pool2d(frames[:, 3:], STRIDE) > COVER)
        rows = standardised(_rows(features, len(clip)))
        x = torch.cat([rows, _rows(worn.to(rows.dtype), len(clip))], -1).mT
        x = x.reshape(*x.shape[:2], clip.shape[2], *features.shape[-2:])
        said = [self.heads[name](look(x).flatten(2).mT) for name, look in self.looks.items()]
        report_step(2, 2)
        return torch.cat(said, 1)

    def forward_bytes(self, clip_shape: tuple[int, ...]) -> int:
        """Return the approximate peak memory of a run over a clip (B, 6, T, H, W) in bytes."""
        batch, _, frames, height, width = clip_shape
        trunk = self.trunk.forward_bytes(frames=batch * frames, height=height, width=width)
        return trunk + BYTES_PER_PIXEL * batch * frames * height * width


def _rows(frames: Float[Tensor, "F C h w"], batch: int) -> Float[Tensor, "B N C"]:
    """(B*T, C, h, w) -> (B, T*h*w, C)."""
    return frames.permute(0, 2, 3, 1).reshape(batch, -1, frames.shape[1])


def _is_papers(name: str) -> bool:
    return name.startswith("paper-")


def _inserted(name: str, module: nn.Module) -> InsertedBlock:
    start, _, step = name.partition("-")
    if not step:
        return InsertedBlock(name=name, title=TITLE, module=module, status="trained", note=NOTE)
    when = "before training" if step == "0" else f"after {step} step{'s' * (step != '1')}"
    status: WeightStatus = "untrained" if step == "0" else "trained"
    return InsertedBlock(name=name, title=f"{STARTS[start]} · {when}", module=module, status=status, note=SNAPSHOT_NOTE)
