"""Users' own networks, run as they are: the form in which they take a clip, and their answer."""

import traceback
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from types import GeneratorType
from typing import Any, Literal, TypedDict, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from nonlocal_core.capture.adapters.by_hand import ByHand
from nonlocal_core.errors import CaptureError, NonlocalError, UnknownNameError
from nonlocal_core.media import InputSpec, Selection
from nonlocal_core.models import InsertedBlock
from nonlocal_core.running.forward import is_out_of_memory
from nonlocal_core.running.own_input import StatedInput, input_of, stating_parts
from nonlocal_core.running.statements import stated
from nonlocal_core.vocabulary import WeightStatus

Takes = Literal["clip", "frames_first", "frames"]
"""Input of a network: (1, 3, T, H, W); (1, T, 3, H, W), as in Hugging Face's video models; or the frames as a batch
(T, 3, H, W), as in an image network."""

_FRAMES_AS_A_BATCH = "xclip_vision_model"
"""Model type of a Hugging Face network that states its frames and takes them as a batch (transformers 5.23.0)."""

Call = Callable[[nn.Module, Tensor], Any]
"""Function that runs a network on the clip in the form ``takes``, for networks that need more than its frames."""

Inputs = Callable[[Tensor], Any]
"""Function from the clip in the form ``takes`` to the arguments of a network: a dictionary holds keywords, a tuple
several arguments, and anything else is the only one."""


class SpecFields(TypedDict, total=False):
    """The fields of a ``ModelSpec`` as keyword arguments."""

    title: str | None
    status: WeightStatus
    classes: tuple[str, ...]
    takes: Takes | None
    input_spec: InputSpec | None
    processor: Any
    token_grid: tuple[int, int, int] | None
    class_tokens: int
    token_names: tuple[str, ...]
    by_hand: ByHand
    call: Call | None
    inputs: Inputs | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """Facts about a user's network that its module does not state, or states differently.

    >>> ModelSpec(title="Ours", status="untrained", takes="clip").token_grid is None
    True
    """

    title: str | None = None
    """Display name; None: that of its class."""
    status: WeightStatus = "trained"
    classes: tuple[str, ...] = ()
    """Names of its classes, if it has a classifier; empty: those that it names itself, else numbers."""
    takes: Takes | None = None
    """Form in which it takes a clip; None: the result of ``takes_of``."""
    input_spec: InputSpec | None = None
    """Size and colours of its input; None: the result of ``input_of``."""
    processor: Any = None
    """Image processor of Hugging Face that it was trained with, if the network does not lead to it."""
    token_grid: tuple[int, int, int] | None = None
    """Cells (T, H, W) that its tokens stand for; None: as found by ``attach``."""
    class_tokens: int = 0
    """Number of tokens before those of the grid."""
    token_names: tuple[str, ...] = ()
    """Names of queries or keys that are not positions, such as the words of a text, for every list of that length."""
    by_hand: ByHand = field(default_factory=dict)
    """Functions that state theta, phi and g of layers that are not recognised, by the layer's name: ``function(layer,
    *args)`` gets the arguments of the layer's call and returns ``Tables``."""
    call: Call | None = None
    """Function that runs the network, ``call(model, frames)``, if it takes more than the frames, which come in the form
    ``takes``. None: ``model(frames)``."""
    inputs: Inputs | None = None
    """Function from the frames to the network's arguments, as in ``lambda clip: [clip[:, :, ::4], clip]`` for the two
    paths of SlowFast. A dictionary is passed as keywords, a tuple as several arguments, anything else as the only one.
    ``call``, if given, gets its result. None: the frames are the only argument."""

    def __post_init__(self) -> None:
        for kind, said, known in (
            ("status of weights", self.status, get_args(WeightStatus)),
            ("way to take a clip", self.takes, get_args(Takes)),
        ):
            if said not in (None, *known):
                raise UnknownNameError(kind, str(said), known)
        for name, (kind_of, words) in _KINDS.items():
            value = getattr(self, name)
            if kind_of is tuple and isinstance(value, list):
                value = tuple(value)
                object.__setattr__(self, name, value)
            if value is not None and not isinstance(value, kind_of):
                raise CaptureError(f"A ModelSpec has {name} as {words}; got a {type(value).__name__}.")
        if self.class_tokens < 0:
            raise CaptureError(f"The number of class_tokens is 0 or more; got {self.class_tokens}.")


_KINDS: dict[str, tuple[Any, str]] = {
    "input_spec": (InputSpec, "an InputSpec"),
    "classes": (tuple, "a tuple of names"),
    "token_names": (tuple, "a tuple of names"),
    "token_grid": (tuple, "a tuple (T, H, W)"),
    "class_tokens": (int, "a number of tokens"),
    "by_hand": (Mapping, "a dictionary from the name of a layer to a function"),
    "call": (Callable, "a function of the network and its frames"),
    "inputs": (Callable, "a function of the frames"),
}
"""Kinds of the fields of a ModelSpec, and their words, of those that are used late."""


def spec_of(spec: ModelSpec | None, stated: SpecFields) -> ModelSpec:
    """Return a spec with the facts that were stated by name.

    Raises CaptureError for another object than a spec, UnknownNameError for a fact that it does not have.
    """
    if spec is not None and not isinstance(spec, ModelSpec):
        raise CaptureError(
            f"Facts about a network come as a ModelSpec; got a {type(spec).__name__}. Give an InputSpec by its name, "
            "input_spec=..."
        )
    for name in stated:
        if name not in SpecFields.__annotations__:
            raise UnknownNameError("fact about a network", name, SpecFields.__annotations__)
    return replace(spec or ModelSpec(), **stated)


class ForeignNetwork(nn.Module):
    """A user's network behind the interface of ours, with its own forward pass unchanged.

    Raises CaptureError for a network in training mode, one whose weights are not initialised yet, or one that does not
    state how it takes a clip.
    """

    inserted: tuple[InsertedBlock, ...] = ()
    """Always empty: the blocks of such a network are found (`capture.adapters`)."""

    def __init__(self, model: nn.Module, spec: ModelSpec) -> None:
        super().__init__()
        _check(model)
        self.training = False  # of this wrapper alone: the modes inside stay as they are
        self.model = model
        self.takes = spec.takes or takes_of(model)
        self.call, self.inputs = spec.call, spec.inputs
        self.by_hand = dict(spec.by_hand)
        self.stated_input = _stated_input(model, spec)
        self.input_spec = self.stated_input.spec
        self.shown: str | None = None  # the last block
        self.classes = spec.classes or _labels(model)

    @property
    def least_frames(self) -> int:
        """Minimum number of frames that the network takes: as stated, or as in one step of its first convolution."""
        return max(_stated_frames(self.model) or 1, self.whole_frames(1))

    def whole_frames(self, count: int) -> int:
        """Return the least number of frames from ``count`` on of which the first convolution drops none at the end.

        One whose kernel is shorter than its stride leaves frames out everywhere.
        """
        first = next((part for part in self.model.modules() if isinstance(part, nn.Conv3d)), None)
        if first is None or self.takes == "frames" or not isinstance(first.padding, tuple):
            return count
        kernel, step, padding = first.kernel_size[0], first.stride[0], first.padding[0]
        most = max(count, kernel - 2 * padding)
        dropped = (most + 2 * padding - kernel) % step
        return most + step - dropped if kernel >= step and dropped > padding else most

    @property
    def trained_on(self) -> Selection | None:
        """Number of frames that the network states, or None if it states none."""
        frames = _stated_frames(self.model)
        return None if frames is None else Selection(frames=frames, of_network=True)

    def forward(self, clip: Float[Tensor, "1 C T H W"]) -> Float[Tensor, "1 P K"]:
        """Return the network's logits, for the clip or for each frame; K is 0 for a network without a classifier.

        Raises CaptureError for whatever the network raises, except for lack of memory.
        """
        clip = clip.to(_precision(self.model), copy=True)  # since a network may write into its input
        match self.takes:
            case "clip":
                given = clip
            case "frames_first":
                given = clip.transpose(1, 2)
            case "frames":
                given = clip[0].transpose(0, 1)
        try:
            output = self._answer(given if self.inputs is None else self.inputs(given))
        except NonlocalError:
            raise
        except Exception as fault:  # whatever it is, it is said in one sentence
            if is_out_of_memory(fault):
                raise
            raise CaptureError(self._failure(given, fault)) from fault
        if isinstance(output, GeneratorType):
            raise CaptureError(
                f"{type(self.model).__name__} returned a generator, which computes only when its values are "
                "taken. Say so in a ModelSpec: call=lambda model, frames: list(model(frames))."
            )
        logits: Any = output.get("logits") if isinstance(output, Mapping) else getattr(output, "logits", output)
        is_answer = isinstance(logits, Tensor) and logits.ndim == 2 and (self.classes or _classifies(self.model))
        return logits[None] if is_answer else torch.zeros(1, 1, 0, device="cpu")

    def _answer(self, given: Any) -> Any:
        """Return the network's output for its arguments."""
        if self.call is not None:
            return self.call(self.model, given)
        if self.inputs is not None and isinstance(given, Mapping):
            return self.model(**given)
        return self.model(*given) if self.inputs is not None and isinstance(given, tuple) else self.model(given)

    def _failure(self, given: Tensor, fault: Exception) -> str:
        frames = _stated_frames(self.model)
        stated = f" It says that it takes {frames} frames." if frames and self.takes != "frames" else ""
        return (
            f"{type(self.model).__name__} failed on an input of {tuple(given.shape)}: {_words(fault)}"
            f"{'' if _words(fault).endswith('.') else '.'}{stated} Choose other frames, or say in a ModelSpec what it "
            "takes: takes ('clip', 'frames_first' or 'frames'), input_spec, and inputs=lambda frames: ... or "
            "call=lambda model, frames: ... where it wants keywords, a list or a dictionary."
        )

    @property
    def identity(self) -> tuple[Hashable, ...]:
        """Parts of the network and of its call: proofs and forecasts for a size are valid while they stay the same.

        Plain attributes count too, by which a network may choose another order. A run may change them until it ends.
        """
        parts = tuple(
            (id(part), type(part).__name__, id(vars(part).get("forward")), *_own_words(part), *_plain(part))
            for part in self.model.modules()
        )
        given = (_hashable(each) for each in (self.call, self.inputs, *self.by_hand.values()))
        return parts, self.takes, tuple(self.by_hand), *given


def _hashable(function: Callable[..., object] | None) -> Hashable:
    """Return a function object itself or, if it has no hash, its bound method, which is hashed by the object's id."""
    return function if isinstance(function, Hashable) else function.__call__


def _plain(part: nn.Module) -> tuple[tuple[str, Hashable], ...]:
    """Return the attributes of a module that are numbers, words, or nothing."""
    return tuple((name, value) for name, value in vars(part).items() if isinstance(value, int | float | str | None))


def _own_words(part: nn.Module) -> tuple[str, ...]:
    """Return the words of a module on its own build, or nothing if they raise."""
    try:
        return (part.extra_repr(),)
    except Exception:  # whatever a module of somebody's own raises: its id alone tells it from others
        return ()


def _words(fault: Exception) -> str:
    """Return the message of an error; if it has none, its name and the line of theirs that led to it."""
    try:
        said = str(fault)
    except Exception:  # an error of somebody's own that cannot say what it is
        said = ""
    if said:
        return said
    not_theirs = (str(Path(torch.__file__).parent), str(Path(__file__).parents[1]))
    frames = traceback.extract_tb(fault.__traceback__)
    lines = [frame.line for frame in frames if frame.line and not frame.filename.startswith(not_theirs)]
    return f"{type(fault).__name__} at `{lines[-1]}`" if lines else type(fault).__name__


def _classifies(model: nn.Module) -> bool:
    """Return whether a network's output may be an answer: not if it says that it has no classes, or left them out."""
    left_out = any(isinstance(getattr(model, name, None), nn.Identity) for name in ("head", "fc", "classifier"))
    return stated(model, "num_classes") != 0 and not left_out


def _stated_input(model: nn.Module, spec: ModelSpec) -> StatedInput:
    """Return the input stated by the user, else by the network. Raises CaptureError for statements that raise."""
    if spec.input_spec is not None:
        return StatedInput(spec=spec.input_spec, colours="are as its user says")
    try:
        return input_of(model, spec.processor)
    except NonlocalError:
        raise
    except Exception as fault:  # whatever an attribute of somebody's own raises
        raise CaptureError(
            f"{type(model).__name__} does not say what it takes: {_words(fault)}. Say size and colours "
            "with ModelSpec(input_spec=InputSpec(...))."
        ) from fault


def uncompiled(model: nn.Module) -> nn.Module:
    """Return the network inside a wrapper of ``torch.compile`` or ``DataParallel``, or any other unchanged."""
    is_parallel = isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel)
    inside = model.module if is_parallel else getattr(model, "_orig_mod", None)
    return uncompiled(inside) if isinstance(inside, nn.Module) else model


def _precision(model: nn.Module) -> torch.dtype:
    """Return the dtype that a network computes in: that of its first weights, for instance after ``half()``."""
    floating = (part.dtype for part in chain(model.parameters(), model.buffers()) if part.is_floating_point())
    return next(floating, torch.float32)


def _check(model: nn.Module) -> None:
    if not isinstance(model, nn.Module):
        raise CaptureError(
            f"A network is a torch.nn.Module; got a {type(model).__name__}. Give the module inside it."
            + (
                " A model.eval() of this class returns nothing: call it first, then give the model."
                if model is None
                else ""
            )
        )
    if isinstance(model, torch.jit.ScriptModule):
        raise CaptureError(
            "A network that torch.jit compiled hides its layers. Give the network that it was made from."
        )
    if model.training and "eval" in vars(model):
        raise CaptureError(
            "A network that torch.export wrote out has no evaluation mode. Give the network that it was made from."
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
    """Return the number of frames that a Hugging Face video model states, or None if it states none.

    Sources: transformers 5.23.0, ``num_frames`` of VideoMAE, ViViT and TimeSformer, ``frames_per_clip`` of V-JEPA 2.
    """
    for part in stating_parts(model):
        said = stated(part, "config", "num_frames") or stated(part, "config", "frames_per_clip")
        if isinstance(said, int):
            return said
    return None


def takes_of(model: nn.Module) -> Takes:
    """Return the form in which a network takes a clip, from its own statement or its first convolution.

    A Hugging Face video model states its number of frames and takes them as the first axis, except for X-CLIP's image
    tower, which takes them as a batch. A 3-D convolution takes clips, a 2-D one frames.
    Raises CaptureError if there is neither.
    """
    if _stated_frames(model):
        kinds = [stated(part, "config", "model_type") for part in stating_parts(model)]
        return "frames" if _FRAMES_AS_A_BATCH in kinds else "frames_first"
    first = next((module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Conv3d)), None)
    if first is None:
        raise CaptureError(
            "This network has no convolution to tell how it takes a clip. Say so with ModelSpec(takes=...): 'clip' for "
            "(1, 3, T, H, W), 'frames_first' for (1, T, 3, H, W) or 'frames' for a batch of frames."
        )
    return "clip" if isinstance(first, nn.Conv3d) else "frames"


def _labels(model: nn.Module) -> tuple[str, ...]:
    """Return the class names of a Hugging Face network."""
    labels = stated(model, "config", "id2label")
    if not isinstance(labels, Mapping) or not all(isinstance(index, int) for index in labels):
        return ()
    return tuple(str(labels[index]) for index in sorted(labels))
