"""Effect of a block on the answer: the network runs again without it, or without chosen keys in its rows.

A map shows what a block weighs, not what the answer depends on. Removing something and comparing the answer is a test
of that; even so, a network that was never trained without its parts may answer oddly for other reasons.

session = Session.open("clip.mp4", "lite0-embedded-gaussian")
before, after = answer(session), answer(session, switched_off=["stride16"])
class_changes(before, after)[0], moved(before, after)
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32
from torch import Tensor, nn

from nonlocal_core.errors import CaptureError, ShapeError, UnknownNameError
from nonlocal_core.geometry import ViewTransform
from nonlocal_core.media import Frames, network_pixels
from nonlocal_core.models import MarkNetwork, NonlocalBlock, clip_probabilities
from nonlocal_core.models.progress import forward_progress
from nonlocal_core.ops import Reach
from nonlocal_core.ops.reach import split_keys, split_queries
from nonlocal_core.running.forward import run
from nonlocal_core.running.prepared import PreparedModel, class_names

Edit = Callable[[NonlocalBlock, Tensor], Tensor]
"""Function that computes a block's output from its input, in place of the block."""


@runtime_checkable
class OpenRun(Protocol):
    """Repeatable run of a network on a clip, such as a session."""

    @property
    def frames(self) -> Frames:
        """Frames that were shown."""
        ...

    @property
    def view(self) -> ViewTransform:
        """Part of the frames that the network saw."""
        ...

    @property
    def model(self) -> PreparedModel:
        """The network."""
        ...

    @property
    def forecast_bytes(self) -> int | None:
        """Forecast of the memory of a run in bytes, or None if unknown."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """Answer of a network to a clip: the probability of every class."""

    classes: tuple[str, ...]
    probabilities: Float32[np.ndarray, " K"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassChange:
    """One class and its probability, in [0, 1], before and after a change."""

    name: str
    before: float
    after: float


def answer(
    session: OpenRun,
    *,
    switched_off: Collection[str] = (),
    cut_keys: Mapping[str, Bool[np.ndarray, " Nk"]] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Answer:
    """Run the session's network on its clip once more and return its answer, with blocks changed for this run only.

    ``switched_off``: names of blocks that pass their input on, as if they were absent. ``cut_keys``: for a block,
    the positions of its key grid that no query may attend to (True: cut), as from ``geometry.cells_in_box``. A
    softmax is taken over the keys that are left; the dot product and the concatenation are divided by the number of
    those. A query that has none left gathers y = 0.

    Without a change this is the session's own answer, bit for bit. Other threads that run the same network meanwhile
    are not affected. Raises UnknownNameError for a block that is not there or adds nothing by design, ShapeError for
    a mask of another grid, CaptureError for a network that classifies no clips, DeviceMemoryError.
    """
    network = session.model.network
    if isinstance(network, MarkNetwork):
        raise CaptureError(
            f"{session.model.card.title} answers at each position, not for the clip. Explore shows its answer with and "
            "without its block; in Python, ask measures.marks.who_wore."
        )
    logits = logits_of(session, switched_off=switched_off, cut_keys=cut_keys, progress=progress)
    count = logits.shape[-1]
    if count == 0:
        raise CaptureError(f"{session.model.card.title} classifies nothing, so its answer cannot be compared.")
    return Answer(classes=class_names(network, count), probabilities=clip_probabilities(logits)[0].numpy())


def logits_of(
    session: OpenRun,
    *,
    switched_off: Collection[str] = (),
    cut_keys: Mapping[str, Bool[np.ndarray, " Nk"]] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Float[Tensor, "1 P K"]:
    """Return the network's logits at all of its positions; arguments and errors as for ``answer``."""
    edits: dict[str, Edit] = {name: _cutting(mask) for name, mask in (cut_keys or {}).items()}
    return run_edited(session, edits | dict.fromkeys(switched_off, _passing_on), progress)


def run_edited(
    session: OpenRun, edits: Mapping[str, Edit], progress: Callable[[int, int], None] | None = None
) -> Float[Tensor, "1 P K"]:
    """Return the network's logits when the given functions compute the outputs of some blocks, by block name.

    Raises UnknownNameError for a block that is not there or adds nothing by design, DeviceMemoryError.
    """
    network, device = session.model.network, session.model.device
    known = changeable_blocks(session)
    for name in edits.keys() - known.keys():
        raise UnknownNameError("block that can be changed", name, known)
    clip = torch.from_numpy(network_pixels(session.frames, network.input_spec, session.view))
    with (
        _changed({known[name]: edit for name, edit in edits.items()}),
        forward_progress(progress or (lambda done, total: None)),
    ):
        return run(network, clip, device=device, forecast_bytes=session.forecast_bytes)


def changeable_blocks(session: OpenRun) -> dict[str, NonlocalBlock]:
    """Return the blocks that add something to the network's features, by name, in the order in which they run.

    Empty for a network whose blocks only show the similarity of its features, and for third-party networks.
    """
    inserted = session.model.network.inserted
    return {block.name: block.module for block in inserted if isinstance(block.module, NonlocalBlock)}


def class_changes(before: Answer, after: Answer, count: int = 5) -> tuple[ClassChange, ...]:
    """Return the ``count`` best classes of either answer, each with both probabilities, best before first."""
    best = {int(k) for found in (before, after) for k in np.argsort(-found.probabilities, kind="stable")[:count]}
    return tuple(
        ClassChange(name=before.classes[k], before=float(before.probabilities[k]), after=float(after.probabilities[k]))
        for k in sorted(best, key=lambda k: (-before.probabilities[k], k))
    )


def moved(before: Answer, after: Answer) -> float:
    """Return the total variation between two answers, in [0, 1]: half the sum of the absolute differences."""
    return float(np.abs(after.probabilities.astype(np.float64) - before.probabilities).sum() / 2)


def _passing_on(_block: NonlocalBlock, x: Tensor) -> Tensor:
    return x


def _cutting(mask: Bool[np.ndarray, " Nk"]) -> Edit:
    def output(block: NonlocalBlock, x: Float[Tensor, "B C T H W"]) -> Float[Tensor, "B C T H W"]:
        pieces = block.embed(x)
        keys = pieces.phi.shape[1]
        if mask.shape != (keys,):
            raise ShapeError(
                f"Cut keys of this block with a mask of its {keys} keys {pieces.key_thw}; got {mask.shape}. "
                "Make it from the block's key grid."
            )
        reach = Reach(
            query_thw=pieces.query_thw,
            kernel=block.subsample or (1, 1, 1),
            scope=block.scope,
            temporal_groups=block.temporal_groups,
        )
        left = torch.from_numpy(~mask).to(x.device)
        y = pieces.g.new_zeros(len(x), reach.query_count, pieces.g.shape[2])
        for queries, candidates in _audiences(reach, x.device):
            allowed = candidates[left[candidates]]
            if len(allowed):
                y[:, queries] = block.gather(pieces, queries, allowed)
        return x + block.project(y).mT.reshape(x.shape)

    return output


def _audiences(reach: Reach, device: torch.device) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the indices of queries that may attend to the same keys, and of those keys."""
    queries = torch.arange(reach.query_count, device=device)[None, :, None]
    keys = torch.arange(reach.key_count, device=device)[None, :, None]
    yield from zip(split_queries(queries, reach)[..., 0], split_keys(keys, reach)[..., 0], strict=True)


_running: ContextVar[object | None] = ContextVar("nonlocal_ablation", default=None)


@contextmanager
def _changed(edits: Mapping[NonlocalBlock, Edit]) -> Iterator[None]:
    """Replace the outputs of blocks inside the ``with``, in this thread and context only.

    The hooks are on shared blocks meanwhile, so each checks that the run is its own.
    """
    own = object()

    def hook(edit: Edit) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor | None]:
        def write(block: nn.Module, inputs: tuple[Tensor, ...], _output: Tensor) -> Tensor | None:
            assert isinstance(block, NonlocalBlock)
            return edit(block, inputs[0]) if _running.get() is own else None

        return write

    with ExitStack() as undoing:
        for block, edit in edits.items():
            undoing.callback(block.register_forward_hook(hook(edit)).remove)
        undoing.callback(_running.reset, _running.set(own))
        yield
