"""Filters as networks: the pixels of a clip are the features, and every affinity is a block that outputs the mean.

Cost: the grid has at most ``MOST_POSITIONS`` cells, whatever the clip. All rows are computed once for the output and
once for the proof, in panels; no matrix is built.
"""

from collections.abc import Callable
from math import sqrt

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from nonlocal_core.ancestors.filters import STACK, AnyFilter, Bilateral, Bm3d, DenseCrf, GaussianFilter, NlMeans
from nonlocal_core.ancestors.matching import SIDE, block_levels, matched_tables, mean_of_matched
from nonlocal_core.ancestors.vectors import embedded_gaussian, patch_vectors, place_vectors
from nonlocal_core.media import InputSpec
from nonlocal_core.models.block import Pieces
from nonlocal_core.models.inserted import InsertedBlock
from nonlocal_core.models.progress import report_step
from nonlocal_core.ops import respond
from nonlocal_core.vocabulary import Pairwise, Rule

MOST_POSITIONS = 12288
"""Maximum number of grid cells over all frames: 110 x 110, or 8 frames of 29 x 52. Work grows with its square."""

INPUT = InputSpec(short_side=224, multiple_of=1, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
"""Input in [0, 1], averaged over the cells of the grid."""

NOISE_SEED = 0
"""Seed of the noise, so that a clip has the same noise whatever the filter."""

LIBRARY_BYTES = 4_000_000 + 3 * 24 * 2**20
"""Memory of threads, kernels and panels of scores in a run, in bytes."""

Vectors = Callable[[Float[Tensor, "B C T H W"]], Float[Tensor, "B N D"]]


class PixelAffinity(nn.Module):
    """Block of a filter's network: the mean of all pixels, weighted by exp(-|a_i - a_j|^2 / 2).

    >>> affinity = PixelAffinity(lambda pixels: patch_vectors(pixels, patch=3, h=0.1))
    >>> affinity(torch.rand(1, 3, 5, 6, 8)).shape, affinity.embed(torch.rand(1, 3, 5, 6, 8)).theta.shape
    (torch.Size([1, 3, 5, 6, 8]), torch.Size([1, 240, 28]))
    """

    pairwise: Pairwise = "embedded_gaussian"
    scale_value = 1.0

    def __init__(self, vectors: Vectors) -> None:
        super().__init__()
        self._vectors = vectors

    def forward(self, pixels: Float[Tensor, "B C T H W"]) -> Float[Tensor, "B C T H W"]:
        """Return the filtered pixels, computed in single precision or better even under autocast."""
        with torch.autocast(pixels.device.type, enabled=False):
            pieces = self.embed(pixels)
            y = respond(pieces.theta, pieces.phi, pieces.g, pairwise=self.pairwise)
            return y.mT.reshape(pixels.shape)

    def embed(self, pixels: Float[Tensor, "B C T H W"]) -> Pieces:
        """Return theta and phi of the vectors; g is the pixels themselves."""
        with torch.autocast(pixels.device.type, enabled=False):
            theta, phi = embedded_gaussian(self._vectors(pixels))
        thw = (pixels.shape[2], pixels.shape[3], pixels.shape[4])
        return Pieces(theta=theta, phi=phi, g=pixels.flatten(2).mT, query_thw=thw, key_thw=thw)


class MatchedBlocks(nn.Module):
    """Block of BM3D's network: the mean of the pixels at the centres of the blocks in each pixel's stack.

    >>> matched = MatchedBlocks()
    >>> matched(torch.rand(1, 3, 5, 6, 8)).shape, matched.embed(torch.rand(1, 3, 5, 6, 8)).theta.shape
    (torch.Size([1, 3, 5, 6, 8]), torch.Size([1, 240, 197]))
    """

    pairwise: Rule = "matched"
    scale_value = 1.0

    def forward(self, pixels: Float[Tensor, "B C T H W"]) -> Float[Tensor, "B C T H W"]:
        """Return the mean over the stack of each pixel, computed in single precision even under autocast."""
        with torch.autocast(pixels.device.type, enabled=False):
            pieces = self.embed(pixels)
            return mean_of_matched(pieces.theta, pieces.phi, pieces.g).mT.reshape(pixels.shape)

    def embed(self, pixels: Float[Tensor, "B C T H W"]) -> Pieces:
        """Return theta and phi of the matching; g is the pixels themselves."""
        with torch.autocast(pixels.device.type, enabled=False):
            theta, phi = matched_tables(block_levels(pixels), most=STACK)
        thw = (pixels.shape[2], pixels.shape[3], pixels.shape[4])
        return Pieces(theta=theta, phi=phi, g=pixels.flatten(2).mT, query_thw=thw, key_thw=thw)


class PixelNetwork(nn.Module):
    """Network that applies every affinity of a filter to the pixels of a clip, with noise if set; it has no classes.

    >>> PixelNetwork(NlMeans())(torch.rand(1, 3, 5, 96, 160)).shape
    torch.Size([1, 5, 0])
    """

    input_spec = INPUT
    classes: tuple[str, ...] = ()
    shown: str | None = None

    def __init__(self, chosen: AnyFilter) -> None:
        super().__init__()
        self.filter = chosen
        self.affinities = nn.ModuleList(_affinities(chosen))
        self.inserted = tuple(
            InsertedBlock(name=name, title=title, module=module, status="parameter_free", note=chosen.note(name))
            for (name, title), module in zip(chosen.blocks.items(), self.affinities, strict=True)
        )

    def forward(self, clip: Float[Tensor, "B 3 T H W"]) -> Float[Tensor, "B T 0"]:
        """Run every affinity on the pixels of the grid and return no logits."""
        pixels = with_noise(on_grid(clip), self.filter.noise)
        for done, affinity in enumerate(self.affinities, 1):
            affinity(pixels)
            report_step(done, len(self.affinities))
        return clip.new_zeros(len(clip), clip.shape[2], 0)

    def forward_bytes(self, clip_shape: tuple[int, ...]) -> int:
        """Return the approximate peak memory of a run in bytes; ``clip_shape``: (B, 3, T, H, W)."""
        batch, channels, frames, height, width = clip_shape
        rows, cols = grid_of(frames, height, width)
        one = self._vector_width(channels) + 1
        tables = 6 * len(self.affinities) * one + 8 * channels  # vectors, theta and phi; the records hold two more
        return LIBRARY_BYTES + 4 * batch * frames * rows * cols * tables

    def _vector_width(self, channels: int) -> int:
        match self.filter:
            case NlMeans(patch=patch):
                return channels * patch**2
            case Bm3d():
                return channels * SIDE**2 + 4
            case _:
                return channels + 3


def grid_of(frames: int, height: int, width: int) -> tuple[int, int]:
    """Return the rows and columns of the grid: those of the input, or fewer of the same shape.

    >>> grid_of(1, 224, 224), grid_of(8, 224, 398), grid_of(1, 50, 80)
    ((110, 110), (29, 52), (50, 80))
    """
    shrink = min(1.0, sqrt(MOST_POSITIONS / (frames * height * width)))
    return max(1, int(height * shrink)), max(1, int(width * shrink))


def on_grid(clip: Float[Tensor, "B C T H W"]) -> Float[Tensor, "B C T h w"]:
    """Return the clip at the size of the grid; each cell is the mean of the pixels that it covers."""
    batch, _, frames, height, width = clip.shape
    size = grid_of(frames, height, width)
    small = adaptive_avg_pool2d(clip.transpose(1, 2).flatten(0, 1), size)
    return small.view(batch, frames, -1, *size).transpose(1, 2).contiguous()


def with_noise(pixels: Float[Tensor, "B C T H W"], deviation: float) -> Float[Tensor, "B C T H W"]:
    """Return the pixels plus Gaussian noise of that deviation, the same at each call; values may leave [0, 1]."""
    if not deviation:
        return pixels
    generator = torch.Generator().manual_seed(NOISE_SEED)
    return pixels + deviation * torch.randn(pixels.shape, generator=generator).to(pixels)


def _affinities(chosen: AnyFilter) -> list[nn.Module]:
    if isinstance(chosen, Bm3d):
        return [MatchedBlocks()]
    vectors = vectors_of(chosen)
    return [PixelAffinity(vectors[name]) for name in chosen.blocks]


def vectors_of(chosen: GaussianFilter) -> dict[str, Vectors]:
    """Return the function from pixels to vectors for each affinity of a filter, by the affinity's name."""
    match chosen:
        case NlMeans(h=h, patch=patch):
            return {"patches": lambda pixels: patch_vectors(pixels, patch=patch, h=h)}
        case Bilateral(space=space, colour=colour, steps=steps):
            return {"near-alike": lambda pixels: place_vectors(pixels, space=space, steps=steps, colour=colour)}
        case DenseCrf(space=space, colour=colour, near=near, steps=steps):
            return {
                "smoothness": lambda pixels: place_vectors(pixels, space=near, steps=steps, colour=None),
                "appearance": lambda pixels: place_vectors(pixels, space=space, steps=steps, colour=colour),
            }
