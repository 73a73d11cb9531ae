"""Grid of a transformer's tokens, as its own modules state it; if they state nothing, nothing is guessed.

Sources: timm 1.0.31, ``patch_embed.grid_size``; pytorch/vision@90a8f70, torchvision/models/vision_transformer.py,
``image_size`` and ``patch_size``; transformers 5.23.0, ``config``, with the layouts of TimeSformer's three kinds of
attention (models/timesformer/modeling_timesformer.py).
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from torch import nn

from nonlocal_core.capture.adapters.tokens.places import TokenLayout
from nonlocal_core.errors import CaptureError, NonlocalError

_FIRST_TOKENS = (
    ("class token", ("cls_token", "class_embedding", "class_token")),
    ("distillation token", ("distillation_token", "dist_token")),
)
"""Titles, and the parameters that models keep such tokens in; in the order in which they come before the others."""


HW = tuple[int, int]


def layout_of(model: nn.Module, name: str, input_hw: HW | None = None) -> TokenLayout | None:
    """Return the layout that the nearest module around the layer ``name`` states, or None if none does.

    ``input_hw``: the size that the network is fed, which may differ from the one that it was built for.
    """
    path = name.split(".")
    for depth in range(len(path) - 1, -1, -1):
        around = model.get_submodule(".".join(path[:depth]))
        for read in (_timm, _torchvision, _hugging_face):
            layout = _stated(read, around, name, input_hw)
            if layout is not None:
                return layout
    return None


_Statement = Callable[[Any, str, HW | None], TokenLayout | None]


def _stated(read: _Statement, around: Any, name: str, hw: HW | None) -> TokenLayout | None:
    """Return the layout that a module states, or None if its statement is of another kind or raises when read.

    The grid then follows from the sizes of a call, as if nothing were stated, and is proved like any other.
    """
    try:
        return read(around, name, hw)
    except (NonlocalError, MemoryError):
        raise
    except Exception:  # whatever an attribute of somebody's own raises, or holds
        return None


def given_layout(token_grid: tuple[int, int, int], class_tokens: int) -> TokenLayout:
    """Return the layout that a caller states; the scope of a layer follows from the shape of its calls."""
    if not _is_grid(token_grid) or class_tokens < 0:
        raise CaptureError(
            f"token_grid is (T, H, W), three whole numbers of 1 or more, and class_tokens is 0 or more; got "
            f"{token_grid} and {class_tokens}."
        )
    frames, rows, cols = token_grid
    extra = ("class token",) if class_tokens == 1 else tuple(f"class token {i + 1}" for i in range(class_tokens))
    return TokenLayout(frames=frames, rows=rows, cols=cols, scope=None, extra=extra)


def _is_grid(sizes: Any) -> bool:
    return (
        isinstance(sizes, tuple | list)
        and len(sizes) == 3
        and all(isinstance(size, int) and size > 0 for size in sizes)
    )


def _timm(model: Any, _name: str, input_hw: HW | None) -> TokenLayout | None:
    embed = getattr(model, "patch_embed", None)
    grid = getattr(embed, "grid_size", None)
    if not isinstance(grid, tuple) or len(grid) != 2:
        return None
    patch = _pair(getattr(embed, "patch_size", None))
    if input_hw is not None and patch is not None:
        grid = (input_hw[0] // patch[0], input_hw[1] // patch[1])
    registers = getattr(model, "reg_token", None)
    extra = _first_tokens(model) + _numbered("register", 0 if registers is None else registers.shape[1])
    return _per_frame(grid, extra) if len(extra) == getattr(model, "num_prefix_tokens", len(extra)) else None


def _torchvision(model: Any, _name: str, _input_hw: HW | None) -> TokenLayout | None:
    if not hasattr(model, "class_token"):  # asked first: diffusers warns who reads a size that its config holds
        return None
    image, patch = getattr(model, "image_size", None), getattr(model, "patch_size", None)
    if not isinstance(image, int) or not isinstance(patch, int):
        return None
    if not 0 < patch <= image:
        return None
    return _per_frame((image // patch, image // patch), _first_tokens(model))


def _hugging_face(model: Any, name: str, input_hw: HW | None) -> TokenLayout | None:
    config, embeddings = getattr(model, "config", None), getattr(model, "embeddings", None)
    if config is None or embeddings is None or not hasattr(config, "image_size"):
        return None
    extra = _first_tokens(embeddings) + _numbered("register", getattr(config, "num_register_tokens", 0))
    frames, tubelet = getattr(config, "num_frames", None), getattr(config, "tubelet_size", None)
    depth, *tile = tubelet if isinstance(tubelet, tuple | list) else (tubelet,)
    image, patch = input_hw or _pair(config.image_size), _pair(tile or getattr(config, "patch_size", None))
    if image is None or patch is None:
        return None
    rows, cols = image[0] // patch[0], image[1] // patch[1]
    if frames is None:
        last = _numbered("detection token", getattr(config, "num_detection_tokens", 0))  # YOLOS
        return replace(_per_frame((rows, cols), extra + last), behind=len(last))
    if depth is not None:
        return TokenLayout(frames=frames // depth, rows=rows, cols=cols, scope="spacetime", extra=extra)
    return _timesformer(getattr(config, "attention_type", None), frames, rows, cols, extra, name)


def _timesformer(
    kind: str | None, frames: int, rows: int, cols: int, extra: tuple[str, ...], name: str
) -> TokenLayout | None:
    """Return the layout of one of TimeSformer's layers; over space and time, a place runs through all frames."""
    if kind == "joint_space_time":
        return TokenLayout(frames=frames, rows=rows, cols=cols, scope="spacetime", extra=extra, order="hwt")
    if kind == "divided_space_time" and "temporal_attention" in name.split("."):
        return TokenLayout(frames=frames, rows=rows, cols=cols, scope="time")
    if kind in ("divided_space_time", "space_only"):
        return TokenLayout(frames=frames, rows=rows, cols=cols, scope="space", extra=extra)
    return None


def _per_frame(grid: Iterable[int], extra: tuple[str, ...]) -> TokenLayout:
    """Return the layout of an image model, which sees the frames of a clip as a batch."""
    rows, cols = grid
    return TokenLayout(frames=None, rows=rows, cols=cols, scope="space", extra=extra)


def _first_tokens(embeddings: Any) -> tuple[str, ...]:
    """Return the names of the class token and the distillation token if a module holds them."""
    return tuple(
        title for title, names in _FIRST_TOKENS if any(getattr(embeddings, name, None) is not None for name in names)
    )


def _numbered(title: str, count: int) -> tuple[str, ...]:
    return tuple(f"{title} {i + 1}" for i in range(count))


def _pair(size: Any) -> HW | None:
    if isinstance(size, int):
        return size, size
    if isinstance(size, tuple | list) and len(size) == 2:
        return int(size[0]), int(size[1])
    return None
