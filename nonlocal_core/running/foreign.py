"""Networks of other people, run as they are: how they take a clip, and what their answer is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from nonlocal_core.errors import CaptureError, NonlocalError, UnknownNameError
from nonlocal_core.media import InputSpec, Selection
from nonlocal_core.models import InsertedBlock
from nonlocal_core.running.forward import is_out_of_memory
from nonlocal_core.vocabulary import WeightStatus

Takes = Literal["clip", "frames_first", "frames"]
"""The input of a network: (1, 3, T, H, W); (1, T, 3, H, W), as Hugging Face's video models have it; or the frames as
a batch (T, 3, H, W), as an image network has it."""

Call = Callable[[nn.Module, Tensor], Any]
"""A run of a network on what ``takes`` makes of a clip, for networks that want keywords, lists or dictionaries."""

Rgb = tuple[float, float, float]

IMAGENET_INPUT = InputSpec(short_side=224, multiple_of=32, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
"""Input of nearly every published image network; used where a network states none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """Facts about a network of one's own that its module does not tell, or tells otherwise.

    >>> ModelSpec(title="Ours", status="untrained", takes="clip").token_grid is None
    True
    """

    title: str | None = None
    """Name for people; None: that of its class."""
    status: WeightStatus = "trained"
    classes: tuple[str, ...] = ()
    """Names of its answers, where it has a classifier; empty: those that it names itself, else numbers."""
    takes: Takes | None = None
    """How it takes a clip; None: as ``takes_of`` finds."""
    input_spec: InputSpec | None = None
    """Size and colours of its input; None: as ``input_spec_of`` finds."""
    token_grid: tuple[int, int, int] | None = None
    """Cells (T, H, W) that its tokens stand for; None: as ``attach`` finds."""
    class_tokens: int = 0
    """Tokens before those of the grid."""
    call: Call | None = None
    """Runs the network, ``call(model, frames)``, where it wants more or something else than the frames alone; they come
    as ``takes`` says. None: ``model(frames)``."""


class ForeignNetwork(nn.Module):
    """Somebody's network behind the interface of ours; its own forward pass is not touched.

    Raises CaptureError for a network in training mode, one whose weights are not made yet, or one that does not say
    how it takes a clip.
    """

    inserted: tuple[InsertedBlock, ...] = ()
    """None that it was built with: the blocks of such a network are found (`capture.adapters`)."""

    def __init__(self, model: nn.Module, spec: ModelSpec) -> None:
        super().__init__()
        _check(model)
        self.training = False  # of this wrapper alone: the modes inside stay as they are
        self.model = model
        self.takes = spec.takes or takes_of(model)
        if self.takes not in get_args(Takes):
            raise UnknownNameError("way to take a clip", self.takes, get_args(Takes))
        self.call = spec.call
        self.input_spec = spec.input_spec or input_spec_of(model)
        self.shown: str | None = None  # the last block
        self.classes = spec.classes or _labels(model)

    @property
    def trained_on(self) -> Selection | None:
        """Number of frames that the network says it takes, None where it says nothing."""
        frames = _stated_frames(self.model)
        return None if frames is None else Selection(frames=frames)

    def forward(self, clip: Float[Tensor, "1 3 T H W"]) -> Float[Tensor, "1 P K"]:
        """Return the network's logits, for the clip or for each frame; K is 0 for a network that classifies nothing.

        Raises CaptureError for whatever the network raises, but for want of memory.
        """
        clip = clip.to(_precision(self.model))
        match self.takes:
            case "clip":
                given = clip
            case "frames_first":
                given = clip.transpose(1, 2)
            case "frames":
                given = clip[0].transpose(0, 1)
        try:
            output = self.model(given) if self.call is None else self.call(self.model, given)
        except NonlocalError:
            raise
        except Exception as fault:  # whatever it is, it is said in one sentence
            if is_out_of_memory(fault):
                raise
            raise CaptureError(self._failure(given, fault)) from fault
        logits: Any = output.get("logits") if isinstance(output, Mapping) else getattr(output, "logits", output)
        is_answer = isinstance(logits, Tensor) and logits.ndim == 2
        return logits[None] if is_answer else torch.zeros(1, 1, 0)

    def _failure(self, given: Tensor, fault: Exception) -> str:
        frames = _stated_frames(self.model)
        stated = f" It says that it takes {frames} frames." if frames and self.takes != "frames" else ""
        return (
            f"{type(self.model).__name__} failed on an input of {tuple(given.shape)}: {fault or type(fault).__name__}"
            f"{'' if str(fault).endswith('.') else '.'}{stated} Choose other frames, or say in a ModelSpec what it "
            "takes: takes ('clip', 'frames_first' or 'frames'), input_spec, and call=lambda model, frames: ... where "
            "it wants keywords, a list or a dictionary."
        )

    def forward_bytes(self, _clip_shape: tuple[int, ...]) -> None:
        """Return None: what another's forward pass takes cannot be told before it runs."""
        return


def uncompiled(model: nn.Module) -> nn.Module:
    """Return the network inside what ``torch.compile`` made of it, which shares its weights; any other as it is."""
    inside = getattr(model, "_orig_mod", None)
    return inside if isinstance(inside, nn.Module) else model


def _precision(model: nn.Module) -> torch.dtype:
    """Return what a network computes in: the type of its first weights, for instance after ``half()``."""
    floating = (part.dtype for part in chain(model.parameters(), model.buffers()) if part.is_floating_point())
    return next(floating, torch.float32)


def _check(model: nn.Module) -> None:
    if not isinstance(model, nn.Module):
        raise CaptureError(f"A network is a torch.nn.Module; got a {type(model).__name__}. Give the module inside it.")
    if isinstance(model, torch.jit.ScriptModule):
        raise CaptureError(
            "A network that torch.jit compiled hides its layers. Give the network that it was made from."
        )
    if model.training:
        raise CaptureError("The network is in training mode, where its answers change. Call model.eval() first.")
    unmade = [name for name, part in chain(model.named_parameters(), model.named_buffers()) if is_lazy(part)]
    if unmade:
        raise CaptureError(
            f"The network's {unmade[0]!r} has no values yet: a lazy layer makes them when it first runs. "
            "Run the network once, and train or load it, before you look."
        )


def _stated_frames(model: nn.Module) -> int | None:
    """Return how many frames a Hugging Face video model says that it takes.

    Sources: transformers 5.23.0, ``num_frames`` of VideoMAE, ViViT and TimeSformer, ``frames_per_clip`` of V-JEPA 2.
    """
    config = getattr(model, "config", None)
    said = getattr(config, "num_frames", None) or getattr(config, "frames_per_clip", None)
    return said if isinstance(said, int) else None


def takes_of(model: nn.Module) -> Takes:
    """Return how a network takes a clip, by its own statement or its first convolution.

    A Hugging Face video model says how many frames it takes; a 3-D convolution takes clips, a 2-D one frames.
    Raises CaptureError when there is neither.
    """
    if _stated_frames(model):
        return "frames_first"
    first = next((module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Conv3d)), None)
    if first is None:
        raise CaptureError(
            "This network has no convolution to tell how it takes a clip. Say so with ModelSpec(takes=...): 'clip' for "
            "(1, 3, T, H, W), 'frames_first' for (1, T, 3, H, W) or 'frames' for a batch of frames."
        )
    return "clip" if isinstance(first, nn.Conv3d) else "frames"


def input_spec_of(model: nn.Module) -> InputSpec:
    """Return the size and the colours that a network states, else the usual ones of ImageNet.

    A network of fixed size sees the central square of the frame; others see the whole frame.
    Sources: timm 1.0.31, ``pretrained_cfg``; open_clip's ``visual.image_mean``; ``image_size`` of
    pytorch/vision@90a8f70, and of the ``config`` in transformers 5.23.0.
    """
    mean, std = _colours(model)
    spec = IMAGENET_INPUT if mean is None or std is None else replace(IMAGENET_INPUT, mean=mean, std=std)
    side = _fixed_side(model)
    return spec if side is None else replace(spec, short_side=side, multiple_of=side, crop="center")


def _colours(model: nn.Module) -> tuple[Rgb | None, Rgb | None]:
    """Return mean and standard deviation of a network's input, None where it states none."""
    said: Any = getattr(model, "pretrained_cfg", None)
    if isinstance(said, Mapping) and {"mean", "std"} <= set(said):
        return _rgb(said["mean"]), _rgb(said["std"])
    for part in (model, getattr(model, "visual", None), getattr(model, "config", None)):
        found = _rgb(getattr(part, "image_mean", None)), _rgb(getattr(part, "image_std", None))
        if None not in found:
            return found
    return None, None


def _rgb(values: Any) -> Rgb | None:
    """Return three numbers as they are, None for anything else."""
    numbers = values.flatten().tolist() if isinstance(values, Tensor) else values
    if not isinstance(numbers, tuple | list) or len(numbers) != 3:
        return None
    return float(numbers[0]), float(numbers[1]), float(numbers[2])


def _fixed_side(model: nn.Module) -> int | None:
    """Return the side of the square that a transformer was built for, None for networks that take any size."""
    size = getattr(getattr(model, "config", model), "image_size", None)
    size = size or getattr(getattr(model, "patch_embed", None), "img_size", None)
    said: Any = getattr(model, "pretrained_cfg", None)
    if not size and isinstance(said, Mapping) and said.get("fixed_input_size"):
        size = tuple(said.get("input_size", ()))[-2:]
    if isinstance(size, tuple | list):
        if len(set(size)) > 1:
            raise CaptureError(
                f"This network takes frames of {tuple(size)} (H, W). Say so with ModelSpec(input_spec=...)."
            )
        size = size[0]
    return size if isinstance(size, int) else None


def _labels(model: nn.Module) -> tuple[str, ...]:
    """Return the names of the classes that a Hugging Face network knows."""
    labels = getattr(getattr(model, "config", None), "id2label", None)
    if not isinstance(labels, Mapping) or not all(isinstance(index, int) for index in labels):
        return ()
    return tuple(str(labels[index]) for index in sorted(labels))
