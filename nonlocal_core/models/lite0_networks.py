"""The default networks: one frozen trunk, and blocks on the features of the whole clip."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate

from nonlocal_core.media import InputSpec
from nonlocal_core.models.imagenet import imagenet_classes
from nonlocal_core.models.inserted import InsertedBlock
from nonlocal_core.models.lite0 import CHANNELS_STRIDE8, CHANNELS_STRIDE16, Lite0
from nonlocal_core.models.normalised import NormalisedBlock, NormalisedProbe
from nonlocal_core.models.parameter_free import ParameterFreeGaussian
from nonlocal_core.models.progress import report_step
from nonlocal_core.models.sharing import computed_once, key_of
from nonlocal_core.vocabulary import Pairwise

INPUT = InputSpec(short_side=224, multiple_of=32, mean=(127 / 255,) * 3, std=(128 / 255,) * 3)
"""Input that the published weights were trained on; the sides are multiples of the largest stride."""

STRIDE8_TITLE = "stride 8 · after block 4"
STRIDE16_TITLE = "stride 16 · after block 10"
JOINT_TITLE = "stride 8 · blocks 4 and 10 together"
REFINED_TITLE = "stride 8 · both layers and what stride 16 found"
MEND_TITLE = "stride 16 · second block, repairs damage"

JOINT_CHANNELS = CHANNELS_STRIDE8 + 2 * CHANNELS_STRIDE16
"""Number of channels of both layers, and of the sums by the rows of the block at stride 16."""

MENDING: frozenset[Pairwise] = frozenset({"embedded_gaussian"})
"""Functions with a second block. Mending needs a softmax, for sharp rows, and theta and phi, to search whole frames."""

LIBRARY_BYTES = 4_000_000
"""Memory of torch's threads and kernels in a run, in bytes."""
PARAMETER_FREE_BYTES_PER_PIXEL = 27.5
"""Bytes per pixel of the clip while the joint block runs: features and tables of both layers, and of their join."""
TRAINED_BYTES_PER_PIXEL: dict[Pairwise, float] = {
    "gaussian": 43.5,
    "embedded_gaussian": 84.5,  # one block more
    "dot_product": 81.0,
    "concatenation": 42.0,
}
"""Bytes per pixel of the clip while the block at stride 8 runs over 264 channels, as measured."""

PARAMETER_FREE_NOTE = "No parameters: how alike the frozen features are, not what the answer rests on."
TRAINED_NOTES: dict[Pairwise, str] = {
    "gaussian": "Trained on composed clips to look at the whole object in all frames; a gain for each channel is all "
    "that its affinity has to learn.",
    "embedded_gaussian": "Trained on composed clips to look at the whole object in all frames.",
    "dot_product": "Trained on composed clips to look at the whole object in all frames, by its positive weights. "
    "Negative weights enter the output as well.",
    "concatenation": "Trained on composed clips. Whatever its weights, this function ranks the keys alike for every "
    "query: one map of what stands out, no correspondence.",
}
REFINED_NOTE = "It adds nothing to the features: the answer rests on the blocks after block 10."
MEND_NOTE = (
    "Trained to bring the answer for damaged frames back: positions of blurred, grey or damaged frames look for the "
    "same thing in whole frames, others at themselves."
)


class Lite0Network(nn.Module):
    """Classifier of every frame, with non-local blocks over the whole clip after block 4 and after block 10.

    >>> network = parameter_free_network(Lite0())
    >>> network(torch.zeros(1, 3, 5, 96, 160)).shape, [block.name for block in network.inserted]
    (torch.Size([1, 5, 1000]), ['stride8', 'stride16', 'stride8+16'])

    ``stride8``, ``stride16``: the block after block 4, if any, and the one after block 10; ``mend``: another one after
    it. ``joint``: a block that gets both layers together, the coarser one enlarged to the finer one's grid; its
    output is not used.
    ``inserted``: the blocks in the order in which they run. ``shown``: the one to show first, or None for the last.
    """

    input_spec = INPUT
    classes = imagenet_classes()

    def __init__(
        self,
        trunk: Lite0,
        *,
        stride8: InsertedBlock | None = None,
        stride16: InsertedBlock,
        mend: InsertedBlock | None = None,
        joint: InsertedBlock | None = None,
        block_bytes_per_pixel: float,
    ) -> None:
        super().__init__()
        self.trunk = trunk
        self.stride8 = stride8.module if stride8 else None
        self.stride16 = stride16.module
        self.mend = mend.module if mend else None
        self.joint = joint.module if joint else None
        self._block_bytes_per_pixel = block_bytes_per_pixel
        self.shown = None
        self.inserted = tuple(block for block in (stride8, stride16, mend, joint) if block is not None)

    def blocks(self) -> nn.ModuleDict:
        """Return the modules of the blocks by their names."""
        return nn.ModuleDict({block.name: block.module for block in self.inserted})

    def forward(self, clip: Float[Tensor, "B 3 T H W"]) -> Float[Tensor, "B T 1000"]:
        """Return the class logits of every frame."""
        batch, key = clip.shape[0], key_of(clip, self.trunk.stem.weight)
        bare = computed_once(key, "stride8", lambda: _as_clip(self.trunk.to_stride8(_as_frames(clip)), batch))
        fine = bare if self.stride8 is None else self.stride8(bare)
        report_step(1, 3)
        coarse = computed_once(
            key if fine is bare else None,  # a block that changed its input leaves nothing to share
            "stride16",
            lambda: _as_clip(self.trunk.to_stride16(_as_frames(fine)), batch),
        )
        layers = [fine, coarse]
        if self.joint is not None and isinstance(self.stride16, NormalisedBlock):
            layers.append(self.stride16.described(coarse))
        coarse = self.stride16(coarse)
        if self.mend is not None:
            coarse = self.mend(coarse)
        report_step(2, 3)
        if self.joint is not None:
            self.joint(joined(*layers))
        logits = self.trunk.to_logits(_as_frames(coarse)).view(batch, -1, len(self.classes))
        report_step(3, 3)
        return logits

    def forward_bytes(self, clip_shape: tuple[int, ...]) -> int:
        """Return the approximate peak memory of a run in bytes, with every block's tables kept.

        ``clip_shape``: (B, 3, T, H, W). Weights and the clip itself are not counted, nor the freed memory that an
        allocator keeps: up to half as much again was seen on Linux.
        """
        batch, _, frames, height, width = clip_shape
        trunk = self.trunk.forward_bytes(frames=batch * frames, height=height, width=width)
        blocks = self._block_bytes_per_pixel * batch * frames * height * width
        return LIBRARY_BYTES + max(trunk, round(blocks))


def clip_probabilities(logits: Float[Tensor, "B T K"]) -> Float[Tensor, "B K"]:
    """Return the answer for the clip: the mean over its frames of each frame's class probabilities."""
    return logits.softmax(dim=-1).mean(dim=1)


def parameter_free_network(trunk: Lite0) -> Lite0Network:
    """Return the trunk with three probes without parameters: the Gaussian of its own features."""
    return Lite0Network(
        trunk,
        stride8=_probe("stride8", STRIDE8_TITLE),
        stride16=_probe("stride16", STRIDE16_TITLE),
        joint=_probe("stride8+16", JOINT_TITLE),
        block_bytes_per_pixel=PARAMETER_FREE_BYTES_PER_PIXEL,
    )


def trained_network(trunk: Lite0, pairwise: Pairwise) -> Lite0Network:
    """Return the trunk with the trained blocks, whose weights are still to be filled in.

    Until then the last layers of those after block 10 are zero, so the logits are bit for bit those of the trunk
    (paper, section 3.3).
    """

    def block(name: str, title: str, module: NormalisedBlock | NormalisedProbe, note: str) -> InsertedBlock:
        return InsertedBlock(name=name, title=title, module=module, status="trained", note=note)

    def after_block_10() -> NormalisedBlock:
        return NormalisedBlock(CHANNELS_STRIDE16, pairwise)

    mends, probe = pairwise in MENDING, NormalisedProbe(JOINT_CHANNELS, pairwise)
    return Lite0Network(
        trunk,
        stride16=block("stride16", STRIDE16_TITLE, after_block_10(), TRAINED_NOTES[pairwise]),
        mend=block("mend", MEND_TITLE, after_block_10(), MEND_NOTE) if mends else None,
        joint=block("stride8+16", REFINED_TITLE, probe, f"{TRAINED_NOTES[pairwise]} {REFINED_NOTE}"),
        block_bytes_per_pixel=TRAINED_BYTES_PER_PIXEL[pairwise],
    )


def _probe(name: str, title: str) -> InsertedBlock:
    module = ParameterFreeGaussian()
    return InsertedBlock(name=name, title=title, module=module, status="parameter_free", note=PARAMETER_FREE_NOTE)


def joined(fine: Float[Tensor, "B C T H W"], *coarse: Float[Tensor, "B _ T Y X"]) -> Float[Tensor, "B K T H W"]:
    """Return all layers on the grid of the finest one; a cell of a coarser one keeps its place in the frame."""
    enlarged = [
        interpolate(_as_frames(layer), fine.shape[-2:], mode="bilinear", align_corners=False) for layer in coarse
    ]
    return torch.cat([fine, *(_as_clip(layer, len(fine)) for layer in enlarged)], dim=1)


def _as_frames(clip: Tensor) -> Tensor:
    """(B, C, T, H, W) -> (B*T, C, H, W); a view for one clip, or for clips stored channels last."""
    return clip.transpose(1, 2).flatten(0, 1)


def _as_clip(frames: Tensor, batch: int) -> Tensor:
    """(B*T, C, H, W) -> (B, C, T, H, W), a view."""
    return frames.view(batch, -1, *frames.shape[1:]).transpose(1, 2)
