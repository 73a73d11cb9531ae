"""Grids as the modules around a layer state them, by stand-ins with the same attributes."""

import warnings
from types import SimpleNamespace

import pytest
import torch
from named_parts import module_of
from torch import nn

from nonlocal_core.capture.adapters.tokens.grids import given_layout, layout_of
from nonlocal_core.errors import CaptureError

CLASS, DISTILLED = "class token", "distillation token"


def around(model, name="blocks.0.attention"):
    """The model with a layer of that name inside."""
    inner = model
    for part in name.split("."):
        inner.add_module(part, nn.Module())
        inner = inner.get_submodule(part)
    return model


def stated(model, name="blocks.0.attention", hw=None):
    made = layout_of(around(model, name), name, hw)
    return made and (made.frames, made.rows, made.cols, made.scope, made.extra, made.order)


def timm(**more):
    embed = module_of(grid_size=(3, 5), patch_size=(8, 8))
    return module_of(patch_embed=embed, cls_token=nn.Parameter(torch.zeros(1, 1, 4)), **more)


def test_timms_grid_has_the_tokens_that_the_model_holds_before_it():
    assert stated(timm()) == (None, 3, 5, "space", (CLASS,), "thw")
    registers = nn.Parameter(torch.zeros(1, 2, 4))
    full = timm(dist_token=nn.Parameter(torch.zeros(1)), reg_token=registers, num_prefix_tokens=4)
    assert stated(full)[4] == (CLASS, DISTILLED, "register 1", "register 2")
    assert stated(timm(num_prefix_tokens=2)) is None, "a token that nobody names"
    assert stated(timm(), hw=(40, 56))[:3] == (None, 5, 7), "another size than it was built for"
    assert stated(module_of(patch_embed=module_of(grid_size=(2, 3, 5)))) is None
    flat = timm()
    flat.patch_embed.patch_size = (4, 8)
    assert stated(flat, hw=(40, 56))[:3] == (None, 10, 7), "patches that are no squares"


def test_torchvisions_grid_is_the_image_over_its_patches():
    model = module_of(image_size=48, patch_size=16, class_token=nn.Parameter(torch.zeros(1)))
    assert stated(model) == (None, 3, 3, "space", (CLASS,), "thw")
    whole = module_of(image_size=48, patch_size=48, class_token=nn.Parameter(torch.zeros(1)))
    assert stated(whole)[1:3] == (1, 1)
    for image, patch in ((48, 0), (8, 16), (48.0, 16), (48, (16, 16))):
        odd = module_of(image_size=image, patch_size=patch, class_token=nn.Parameter(torch.zeros(1)))
        assert stated(odd) is None
    assert stated(module_of(image_size=48, patch_size=16)) is None


class Warns(nn.Module):
    """A network of diffusers, which warns whoever reads a size from it instead of from its config."""

    config = SimpleNamespace(patch_size=2, sample_size=16)

    def __getattr__(self, name):
        if name in vars(self.config):
            warnings.warn(f"Accessing config attribute `{name}` directly is deprecated", FutureWarning, stacklevel=2)
            return getattr(self.config, name)
        return super().__getattr__(name)


def test_a_size_that_only_a_config_holds_is_not_read_from_the_network():
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert stated(Warns()) is None
    assert told == []


def hugging_face(**config):
    embeddings = module_of(cls_token=nn.Parameter(torch.zeros(1)))
    return module_of(
        config=SimpleNamespace(**{"image_size": (48, 80), "patch_size": 16} | config), embeddings=embeddings
    )


def test_hugging_faces_configuration_states_images_and_clips():
    assert stated(hugging_face()) == (None, 3, 5, "space", (CLASS,), "thw")
    assert stated(hugging_face(num_register_tokens=1))[4] == (CLASS, "register 1")
    assert stated(hugging_face(num_detection_tokens=2))[4] == (CLASS, "detection token 1", "detection token 2")
    assert stated(hugging_face(), hw=(32, 64))[1:3] == (2, 4)
    assert stated(hugging_face(image_size=48))[1:3] == (3, 3)
    assert stated(hugging_face(num_frames=8, tubelet_size=2)) == (4, 3, 5, "spacetime", (CLASS,), "thw")
    assert stated(hugging_face(num_frames=8, tubelet_size=(2, 8, 16)))[:3] == (4, 6, 5)
    assert stated(hugging_face(patch_size=(8, 20)))[1:3] == (6, 4)
    assert stated(hugging_face(patch_size=None)) is None


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("joint_space_time", "layer.0.attention", ("spacetime", (CLASS,), "hwt")),
        ("divided_space_time", "layer.0.temporal_attention.attention", ("time", (), "thw")),
        ("divided_space_time", "layer.0.attention", ("space", (CLASS,), "thw")),
        ("space_only", "layer.0.attention", ("space", (CLASS,), "thw")),
    ],
)
def test_timesformers_layers_have_the_scope_of_their_kind(kind, name, expected):
    assert stated(hugging_face(num_frames=6, attention_type=kind), name) == (6, 3, 5, *expected)
    assert stated(hugging_face(num_frames=6, attention_type="others")) is None


class Raising(nn.Module):
    @property
    def patch_embed(self):
        raise RuntimeError("not here")


def test_the_nearest_module_that_states_a_grid_is_asked_and_one_that_raises_states_none():
    outer, inner = hugging_face(), timm()
    outer.add_module("backbone", around(inner))
    outer.add_module("head", around(Raising()))
    assert layout_of(outer, "backbone.blocks.0.attention").cols == 5
    assert layout_of(outer, "backbone.blocks.0.attention").extra == (CLASS,)
    inner.patch_embed.grid_size = (7, 9)
    assert (layout_of(outer, "backbone.blocks.0.attention").rows, layout_of(outer, "head.blocks").rows) == (7, 3)
    assert layout_of(around(nn.Module()), "blocks.0.attention") is None


def test_a_grid_that_is_given_names_its_class_tokens_and_must_be_one():
    made = given_layout((2, 3, 5), 1)
    assert (made.frames, made.rows, made.cols, made.scope, made.extra) == (2, 3, 5, None, (CLASS,))
    assert given_layout((2, 3, 5), 2).extra == ("class token 1", "class token 2")
    assert given_layout((1, 1, 1), 0).extra == ()
    for grid, tokens in (((0, 3, 5), 0), ((2, 3, 5), -1)):
        with pytest.raises(CaptureError, match="three whole numbers of 1 or more, and class_tokens is 0 or more; got"):
            given_layout(grid, tokens)
