"""Input of a user's network, as it states it: channels, size, crop and colours, or ImageNet's if it states nothing.

Sources: timm 1.0.31, ``pretrained_cfg``; open_clip's ``visual.image_mean``; ``image_size`` of pytorch/vision@90a8f70,
and of the ``config`` in transformers 5.23.0, with the fields of its image processors and their file.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from nonlocal_core.errors import CaptureError
from nonlocal_core.media import InputSpec
from nonlocal_core.running.statements import stated

IMAGENET_INPUT = InputSpec(short_side=224, multiple_of=32, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
"""Input of nearly every published image network; used if a network states none."""

_Found = TypeVar("_Found")
_PROCESSOR_FILES = ("processor_config.json", "preprocessor_config.json", "video_preprocessor_config.json")
"""Files of a Hugging Face processor: of all its parts, of its pictures, and of its videos."""
_WHITE = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedInput:
    """Input of a network, and the source of the statement."""

    spec: InputSpec
    colours: str
    """Source of mean and std, in words that follow "colours"."""

    @property
    def sentence(self) -> str:
        """Sentence for the record of a run."""
        spec = self.spec
        size = f"{spec.short_side} pixels" if spec.size_hw is None else f"{spec.size_hw[0]} x {spec.size_hw[1]} pixels"
        side = "at a short side of " if spec.size_hw is None and spec.crop == "none" else "at "
        seen = "their centre" if spec.crop == "center" else "whole"
        kinds = {1: "in grey", 3: "in colour"}
        channels = kinds.get(len(spec.mean), f"in {len(spec.mean)} channels, red, green and blue in turn")
        mean, std = (", ".join(f"{value:.4g}" for value in values) for values in (spec.mean, spec.std))
        return (
            f"Frames are fed {seen}, {side}{size}, {channels}; mean {mean} and std {std} of the colours {self.colours}."
        )


def input_of(model: nn.Module, processor: Any = None) -> StatedInput:
    """Return the size and the colours that a network states, else the usual ones of ImageNet.

    For a network inside a user's module, the inner network states what the module does not. A network of fixed size
    sees the central part of the frame, others see the whole frame. ``processor``: the image processor of the network,
    or its fields; None: one that the network holds, or that lies beside its weights on this machine. A network that
    begins with a part that normalises colours is fed them as that part wants them. Raises CaptureError for a stated
    size that is impossible.
    """
    parts = stating_parts(model)
    processor = processor if processor is not None else _first(map(_processor, parts))
    size_hw, colours = _first(map(_fixed_hw, parts)), _first(map(_stated_colours, parts))
    spec = _in_patches(model) if size_hw is None else _of_size(IMAGENET_INPUT, size_hw, "center")
    fraction = _first(stated(part, "pretrained_cfg", "crop_pct") for part in parts)
    if size_hw is not None and isinstance(fraction, int | float) and 0 < fraction <= 1:
        spec = replace(spec, crop_fraction=float(fraction))
    source = "are those of ImageNet, since nothing says others"
    if colours is not None:
        spec, source = replace(spec, mean=colours[0], std=colours[1]), "are as its configuration says"
    if processor is not None:
        processed = _of_processor(spec, processor)
        source = source if processed == spec else "are as its image processor says"
        spec = processed
    spec = _in_channels(spec, _channels(model))
    white = _own_white(model)
    if white is not None:
        count = len(spec.mean)
        spec, source = replace(spec, mean=(0.0,) * count, std=(1 / white,) * count), "are left to its own first part"
    return StatedInput(spec=spec, colours=source)


def input_spec_of(model: nn.Module) -> InputSpec:
    """Return the input found by ``input_of``, without its source."""
    return input_of(model).spec


def _in_patches(model: nn.Module) -> InputSpec:
    """Return the usual input, with sides that are a multiple of the network's patches if 32 pixels are not.

    Patches that do not divide a frame leave its edge out, so that cells would not lie where they seem to.
    """
    convolutions = (module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Conv3d))
    first = next((each for each in convolutions if each.in_channels in (1, 3)), None)
    if first is None or first.kernel_size != first.stride or len(set(first.stride[-2:])) > 1:
        return IMAGENET_INPUT
    patch, usual = first.stride[-1], IMAGENET_INPUT
    if usual.multiple_of % patch == 0:
        return usual
    return replace(usual, multiple_of=patch, short_side=max(1, round(usual.short_side / patch)) * patch)


def _of_size(spec: InputSpec, size_hw: tuple[int, int], crop: Literal["none", "center"]) -> InputSpec:
    side = min(size_hw)
    return replace(
        spec,
        crop=crop,
        size_hw=size_hw,
        short_side=side,
        multiple_of=side,
        max_long_side=max(*size_hw, spec.max_long_side),
    )


def _of_processor(spec: InputSpec, processor: Any) -> InputSpec:
    """Return an input with the scaling and colours of a Hugging Face image processor, or of the fields of its file."""
    mean, std = _numbers(stated(processor, "image_mean")), _numbers(stated(processor, "image_std"))
    if mean is not None and std is not None and len(mean) == len(std) and min(std) > 0:
        if stated(processor, "do_normalize") is False:
            mean, std = (0.0,) * len(mean), (1.0,) * len(mean)
        factor = stated(processor, "rescale_factor")
        white = _WHITE * (factor if isinstance(factor, int | float) and factor > 0 else 1 / _WHITE)
        white = float(_WHITE) if stated(processor, "do_rescale") is False else white
        # ViViT's takes pixels to -1..1 first.
        offset = 1.0 if stated(processor, "offset") is True and white > 1 else 0.0
        mean = tuple((value + offset) / white for value in mean)
        spec = replace(spec, mean=mean, std=tuple(value / white for value in std))
    crop, size = _hw(stated(processor, "crop_size")), stated(processor, "size")
    if crop is not None and stated(processor, "do_center_crop"):
        before = stated(size, "shortest_edge")
        fraction = min(1.0, min(crop) / before) if isinstance(before, int) and before > 0 else 1.0
        return replace(_of_size(spec, crop, "center"), crop_fraction=fraction)
    whole = _hw(size)
    if whole is not None and stated(processor, "do_resize") is not False:
        return _of_size(spec, whole, "none")
    return spec


def _processor(model: nn.Module) -> Any:
    """Return the image processor that a network holds, or the fields of its file on this machine; None for most."""
    for name in ("image_processor", "processor"):
        held = stated(model, name)
        if held is not None and not isinstance(held, nn.Module):
            return stated(held, "image_processor") or held
    source = stated(model, "config", "_name_or_path")
    return _first(_fields(source, name) for name in _PROCESSOR_FILES) if isinstance(source, str) and source else None


def _fields(source: str, name: str) -> Any:
    """Return the fields of a processor's file in a folder or in the cache of the Hugging Face hub, or None."""
    path = Path(source) / name
    hub: Any = sys.modules.get("huggingface_hub")
    if not path.is_file() and hub is not None and source.count("/") <= 1:
        kept = hub.try_to_load_from_cache(source, name)
        path = Path(kept) if isinstance(kept, str) else path
    try:
        fields = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    except (OSError, ValueError):  # a file of something else says nothing
        return None
    if not isinstance(fields, dict):
        return None
    if name == _PROCESSOR_FILES[0]:
        return fields.get("image_processor") or fields.get("video_processor")
    return fields


def _own_white(model: nn.Module) -> float | None:
    """Return white on the scale of a network that normalises colours itself, or None if none of its parts does.

    Such a part stands before the first weights, says by its name that it normalises, and holds mean and std, as those
    of pytorch/vision and kornia do.
    """
    first = _first_layer(model)[1]
    for part in model.modules():
        if part is first:
            return None
        if "normali" in type(part).__name__.lower():
            mean, std = _numbers(stated(part, "mean")), _numbers(stated(part, "std"))
            if mean is not None and std is not None and min(std) > 0:
                return float(_WHITE) if max(*mean, *std) > 1 else 1.0
    return None


def _stated_colours(model: nn.Module) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Return mean and standard deviation of a network's input, or None if it states none."""
    said: Any = stated(model, "pretrained_cfg")
    if isinstance(said, Mapping) and {"mean", "std"} <= set(said):
        return _pair(said["mean"], said["std"])
    holders = (model, stated(model, "visual"), stated(model, "config"))
    return _first(_pair(stated(part, "image_mean"), stated(part, "image_std")) for part in holders)


def _pair(mean: Any, std: Any) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    found = _numbers(mean), _numbers(std)
    return None if found[0] is None or found[1] is None else (found[0], found[1])


def _first(found: Iterable[_Found | None]) -> _Found | None:
    """Return the first that is not None."""
    return next((each for each in found if each is not None), None)


def _numbers(values: Any) -> tuple[float, ...] | None:
    """Return numbers for one channel or for three as they are, or None for anything else."""
    numbers = values.flatten().tolist() if isinstance(values, Tensor) else values
    if not isinstance(numbers, tuple | list) or len(numbers) not in (1, 3):
        return None
    return tuple(map(float, numbers)) if all(isinstance(number, int | float) for number in numbers) else None


def stating_parts(model: nn.Module) -> tuple[nn.Module, ...]:
    """Return the modules that may state a network's input, outermost first, down to one with a library's configuration.

    Only parts that hold its first layer count, since the input of another part is not a picture.
    """
    path = _first_layer(model)[0].split(".")
    around = [model.get_submodule(".".join(path[:end])) for end in range(len(path))]
    last = next((index for index, part in enumerate(around) if _is_of_library(part)), len(around) - 1)
    return tuple(around[: last + 1])


def _is_of_library(model: nn.Module) -> bool:
    """Return whether a module has the configuration of a network of Hugging Face, diffusers or timm."""
    paths = (("config", "model_type"), ("config", "_class_name"), ("pretrained_cfg",))
    return any(stated(model, *path) is not None for path in paths)


def _first_layer(model: nn.Module) -> tuple[str, nn.Module]:
    """Return the first module that has weights and no parts, with its name, else the network itself.

    A module that holds a class token or positions beside its layers does not count.
    """
    layers = (
        (name, part)
        for name, part in model.named_modules()
        if is_parametrized(part) or (part._parameters and not part._modules)
    )
    return next(layers, ("", model))


def _fixed_hw(model: nn.Module) -> tuple[int, int] | None:
    """Return the size that a transformer was built for, or None for networks that take any size."""
    size = stated(model, "config", "image_size") if hasattr(model, "config") else stated(model, "image_size")
    size = size or stated(model, "config", "vision_config", "image_size")  # of a model of images and texts
    size = size or stated(model, "config", "backbone_config", "image_size") or stated(model, "config", "crop_size")
    size = size or stated(model, "patch_embed", "img_size") or stated(model, "visual", "image_size")
    said: Any = stated(model, "pretrained_cfg")
    if not size and isinstance(said, Mapping) and said.get("fixed_input_size"):
        size = tuple(said.get("input_size", ()))[-2:]
    return _hw(size)


def _hw(size: Any) -> tuple[int, int] | None:
    """Return a size given as one number, two, or an image processor's fields. Raises CaptureError for anything else."""
    if isinstance(size, Mapping) or stated(size, "height") is not None:
        size = (stated(size, "height"), stated(size, "width"))
    pair = tuple(size) if isinstance(size, tuple | list) else (size, size)
    if len(pair) != 2 or not all(isinstance(side, int) and not isinstance(side, bool) for side in pair):
        return None
    if min(pair) < 1:
        raise CaptureError(f"This network takes frames of {pair} (H, W). Say another size with ModelSpec(input_spec=).")
    return pair


def _channels(model: nn.Module) -> int:
    """Return the number of channels that a network takes: three if any convolution does, else as its first layer.

    A first layer that makes three channels of others, for a network behind it, does count.
    """
    convolutions = [module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Conv3d)]
    first = convolutions[0] if convolutions and _first_layer(model)[1] is convolutions[0] else None
    if first is not None and (first.out_channels == 3 or all(layer.in_channels != 3 for layer in convolutions)):
        return first.in_channels
    if any(layer.in_channels == 3 for layer in convolutions):
        return 3
    said = stated(model, "config", "num_channels")
    return said if isinstance(said, int) and said > 0 and not convolutions else 3


def _in_channels(spec: InputSpec, count: int) -> InputSpec:
    """Return the input in ``count`` channels: grey has the means of the colours, others have them in turn."""
    own = len(spec.mean)
    if count == own:
        return spec
    if count == 1:
        return replace(spec, mean=(sum(spec.mean) / own,), std=(sum(spec.std) / own,))
    mean, std = (tuple(values[index % own] for index in range(count)) for values in (spec.mean, spec.std))
    return replace(spec, mean=mean, std=std)
