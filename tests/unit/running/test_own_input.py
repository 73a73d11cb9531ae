"""Input of networks of one's own: short clips, channels, fixed sizes, colours, and statements that are none."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn.utils import parametrizations

from nonlocal_core import CaptureError, GeometryError, InputSpec, ModelSpec, Session
from nonlocal_core.capture.adapters import search
from nonlocal_core.media import network_input, read_frames
from nonlocal_core.running.own_input import IMAGENET_INPUT, input_of

UNTRAINED = ModelSpec(status="untrained")
CLIP = np.random.default_rng(4).integers(0, 256, (4, 60, 84, 3), np.uint8)
RUNS = {}
"""Input of a network and weights of its attention, of the first run."""
MEAN, STD = IMAGENET_INPUT.mean, IMAGENET_INPUT.std


@pytest.fixture(autouse=True)
def first_run():
    RUNS.clear()


def keep(name, table):
    """Keep what the first run of all frames made; a forecast runs a few of them before."""
    if name not in RUNS or table.numel() > RUNS[name].numel():
        RUNS[name] = table.detach()


class Attention(nn.Module):
    def __init__(self, width=24, heads=2):
        super().__init__()
        self.num_heads = heads
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        q, k, v = self.qkv(x).unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        weights = (q @ k.mT * q.shape[-1] ** -0.5).softmax(-1)
        keep("weights", weights)
        return self.proj((weights @ v).transpose(1, 2).flatten(2))


class Pictures(nn.Module):
    """Patches of a picture in any number of channels, and one attention; it takes one size where it states one."""

    def __init__(self, channels=3, patch=16, size=None, attention=None):
        super().__init__()
        torch.manual_seed(5)
        self.patches, self.attention = nn.Conv2d(channels, 24, patch, patch), attention or Attention()
        self.config = SimpleNamespace(image_size=size)

    def forward(self, x):
        keep("seen", x)
        size = self.config.image_size
        if size is not None:
            assert tuple(x.shape[-2:]) == (tuple(size) if isinstance(size, list | tuple) else (size, size))
        return self.attention(self.patches(x).flatten(2).mT)


class Clips(nn.Module):
    """Tubelets of two frames, of a clip whose length is fixed where it is stated."""

    def __init__(self, frames=None):
        super().__init__()
        torch.manual_seed(6)
        self.patches, self.attention = nn.Conv3d(3, 24, (2, 16, 16), (2, 16, 16)), Attention()
        self.config = SimpleNamespace(num_frames=frames, image_size=64)

    def forward(self, x):
        x = x.transpose(1, 2) if self.config.num_frames else x
        assert x.shape[2] == (self.config.num_frames or x.shape[2])
        keep("seen", x)
        return self.attention(self.patches(x).flatten(2).mT)


def assert_own_rows(session):
    """Every row of both heads is what the layer multiplied its values by in the first run."""
    own = RUNS["weights"]
    for head in (0, 1):
        block = session.block(f"attention.head{head}")
        sequences = own.shape[0]
        theta, phi = (
            torch.as_tensor(table).reshape(sequences, -1, table.shape[-1]) for table in (block.theta, block.phi)
        )
        rows = (block.scale * theta.double() @ phi.double().mT).softmax(-1)
        assert block.scope == ("space" if sequences > 1 else "spacetime") or session.frames.rgb.shape[0] == 1
        torch.testing.assert_close(rows, own[:, head].double(), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("clip", "asked"), [(CLIP, None), (CLIP[:1], None), (CLIP, 20)])
def test_a_clip_shorter_than_the_network_takes_is_repeated_and_said(clip, asked):
    network = Clips(frames=16).eval()
    session = Session.from_model(network, clip, spec=UNTRAINED, frames=asked)
    own = len(clip)
    assert len(session.frames.rgb) == 16
    assert session.frames.frame_indices.tolist() == sorted(session.frames.frame_indices.tolist())
    assert len(set(session.frames.frame_indices.tolist())) == own
    assert (np.diff(session.frames.pts_seconds) > 0).all()
    which = "A still image is shown" if own == 1 else f"{own} frames are shown"
    assert f"{which} to a network that takes 16: frames are repeated." in session.frames.warnings
    whose = "The network takes 16 frames" if asked is None else "20 frames were asked for"
    reason = f"{whose}, {own} can be given: the clip has no more from 0 s on."
    assert (reason in session.frames.warnings) == (own > 1)
    assert session.capture.blocks[0].query_grid.shape == (8, 4, 4)
    assert_own_rows(session)


def test_fewer_frames_that_were_asked_for_are_not_repeated():
    with pytest.raises(
        CaptureError, match=r"(?s)failed on an input of \(1, 4, 3, 64, 64\).* It says that it takes 16 frames"
    ):
        Session.from_model(Clips(frames=16).eval(), CLIP, spec=UNTRAINED, frames=4)


def test_one_picture_is_enough_for_a_step_of_two_frames():
    network = Clips().eval()
    session = Session.from_model(network, CLIP[:1], spec=UNTRAINED)
    assert session.capture.blocks[0].query_grid.shape == (1, 4, 4)
    assert RUNS["seen"].shape[2] == 2
    assert not any("repeated" in said for said in Session.from_model(network, CLIP, spec=UNTRAINED).frames.warnings)


@pytest.mark.parametrize("channels", [1, 2, 4, 6])
def test_any_number_of_channels(channels):
    network = Pictures(channels).eval()
    session = Session.from_model(network, CLIP, spec=UNTRAINED)
    shown = [
        np.asarray(Image.fromarray(picture).resize((320, 224), Image.Resampling.BICUBIC)) / 255 for picture in CLIP
    ]
    if channels == 1:
        mean, std = np.mean(MEAN), np.mean(STD)
        expected = (np.stack(shown) @ [0.299, 0.587, 0.114] - mean)[:, None] / std
        assert "in grey; mean 0.449 and std 0.226" in session.model.card.description
    else:
        turn = [(0, 1, 2)[index % 3] for index in range(channels)]
        expected = ((np.stack(shown) - MEAN) / STD)[..., turn].transpose(0, 3, 1, 2)
        assert f"in {channels} channels, red, green and blue in turn" in session.model.card.description
    np.testing.assert_allclose(RUNS["seen"].numpy(), expected, atol=1e-4)
    assert_own_rows(session)


class Positioned(Pictures):
    """The same with positions of its own, which are no layer."""

    def __init__(self, channels):
        super().__init__(channels)
        self.places = nn.Parameter(torch.zeros(24, 1, 1))

    def forward(self, x):
        keep("seen", x)
        return self.attention((self.patches(x) + self.places).flatten(2).mT)


@pytest.mark.parametrize("channels", [1, 5])
def test_channels_are_those_of_the_first_layer_whatever_else_has_parameters_before_it(channels):
    session = Session.from_model(Positioned(channels).eval(), CLIP, spec=UNTRAINED)
    assert RUNS["seen"].shape[1] == channels
    assert_own_rows(session)


def grey_in_another_form(form):
    if form == "parametrised":
        network = Pictures(1)
        parametrizations.weight_norm(network.patches)
        return network
    return nn.Sequential(nn.Conv2d(1, 3, 1), Pictures())


@pytest.mark.parametrize("form", ["parametrised", "made into three channels"])
def test_a_grey_network_is_known_by_its_first_layer_in_any_form(form):
    network = grey_in_another_form(form).eval()
    assert len(input_of(network).spec.mean) == 1
    assert Session.from_model(network, CLIP, spec=UNTRAINED).unreadable == ()


class Outside(nn.Module):
    """A network inside a module of one's own, behind another size for a part that sees no pictures."""

    def __init__(self):
        super().__init__()
        self.trunk = Pictures(size=48)
        self.trunk.image_mean, self.trunk.image_std = (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)
        self.neck = nn.Identity()
        self.neck.image_size = 7

    def forward(self, x):
        return self.neck(self.trunk(x))


def test_a_network_inside_a_module_of_ones_own_says_its_size_and_colours():
    session = Session.from_model(Outside().eval(), CLIP, spec=UNTRAINED)
    assert RUNS["seen"].shape[-2:] == (48, 48)
    assert "mean 0.1, 0.2, 0.3 and std 0.4, 0.5, 0.6" in session.model.card.description
    assert session.unreadable == ()


@pytest.mark.parametrize("own", [{"config": {"rate": 0.1}}, {"config": SimpleNamespace(rate=0.1)}, {"image_size": 48}])
def test_what_a_module_of_ones_own_says_beside_hides_nothing_that_the_network_inside_says(own):
    network = Outside().eval()
    for name, value in own.items():
        setattr(network, name, value)
    session = Session.from_model(network, CLIP, spec=UNTRAINED)
    assert RUNS["seen"].shape[-2:] == (48, 48)
    assert "mean 0.1, 0.2, 0.3 and std 0.4, 0.5, 0.6" in session.model.card.description


def test_colours_of_a_network_of_any_size_inside_a_module_of_ones_own():
    network = nn.Sequential(Pictures())
    network[0].pretrained_cfg = {"mean": (0.1, 0.2, 0.3), "std": (0.4, 0.5, 0.6)}
    found = input_of(network)
    assert (found.spec.mean, found.spec.size_hw) == ((0.1, 0.2, 0.3), None)
    assert "are as its configuration says" in found.sentence


def test_a_clip_network_inside_a_module_of_ones_own_says_its_number_of_frames():
    class Around(nn.Module):
        def __init__(self):
            super().__init__()
            self.trunk = Clips(frames=16)

        def forward(self, x):
            return self.trunk(x)

    session = Session.from_model(Around().eval(), CLIP, spec=UNTRAINED)
    assert RUNS["seen"].shape == (1, 3, 16, 64, 64)
    assert session.unreadable == ()


class Normalize(nn.Module):
    """Colours less a mean, over a deviation, as in the first part of many networks."""

    def __init__(self, mean, std):
        super().__init__()
        self.mean, self.std = mean, std

    def forward(self, x):
        return (x - torch.as_tensor(self.mean)[:, None, None]) / torch.as_tensor(self.std)[:, None, None]


@pytest.mark.parametrize(("white", "held"), [(1, list), (255, torch.tensor)])
def test_a_network_that_normalises_its_colours_itself_gets_them_as_they_are(white, held):
    own = Normalize(held([0.4 * white] * 3), held([0.2 * white] * 3))
    session = Session.from_model(nn.Sequential(own, Pictures()).eval(), CLIP, spec=UNTRAINED)
    shown = [np.asarray(Image.fromarray(one).resize((320, 224), Image.Resampling.BICUBIC)) / 255 for one in CLIP]
    expected = (np.stack(shown).transpose(0, 3, 1, 2) - 0.4) / 0.2
    np.testing.assert_allclose(RUNS["seen"].numpy(), expected, atol=1e-4)
    assert "of the colours are left to its own first part" in session.model.card.description


def test_a_part_behind_the_first_weights_normalises_no_colours():
    later = nn.Sequential(nn.Conv2d(3, 3, 1), Normalize([0.4] * 3, [0.2] * 3), Pictures())
    assert input_of(later).spec.mean == MEAN


def test_a_network_of_digits_opens_a_picture_of_28_by_28():
    network = Pictures(1, patch=7, size=28).eval()
    digit = np.zeros((28, 28), np.uint8)
    digit[4:24, 12:16] = 255
    session = Session.from_model(network, digit, spec=UNTRAINED)
    assert session.capture.blocks[0].query_grid.shape == (1, 4, 4)
    assert_own_rows(session)


@pytest.mark.parametrize("size", [(256, 128), [96, 48]])
def test_a_fixed_height_and_width_are_fed_as_the_central_part_of_their_shape(size):
    network = Pictures(size=size).eval()
    session = Session.from_model(network, CLIP, spec=UNTRAINED)
    assert session.view.input_hw == tuple(size)
    left, top, right, bottom = session.view.crop
    assert (top, bottom) == (0, 1)
    assert (right - left) * 84 / 60 == pytest.approx(0.5)
    assert left == pytest.approx(1 - right)
    assert_own_rows(session)


@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16, torch.float64])
def test_a_network_of_grey_pictures_runs_in_its_own_precision(precision):
    network = Pictures(1).eval().to(precision)
    session = Session.from_model(network, CLIP[:2], spec=UNTRAINED)
    assert (RUNS["seen"].dtype, session.unreadable) == (precision, ())


def test_an_eval_that_returns_nothing():
    class Silent(Pictures):
        def train(self, mode=True):
            super().train(mode)

    network = Silent()
    assert network.eval() is None
    session = Session.from_model(network, CLIP[:2], spec=UNTRAINED)
    assert_own_rows(session)


class FaultError(Exception):
    pass


class Odd:
    """Raises whatever is asked of it."""

    def __init__(self, fault):
        self.fault = fault

    def __getattr__(self, _name):
        raise self.fault


@pytest.mark.parametrize("fault", [TypeError("t"), IndexError(), AssertionError(), FaultError("f")])
@pytest.mark.parametrize("name", ["config", "pretrained_cfg", "patch_embed", "visual"])
def test_statements_that_raise_state_nothing(fault, name):
    network = Pictures().eval()
    object.__setattr__(network, name, Odd(fault))
    network.forward = lambda x: network.attention(network.patches(x).flatten(2).mT)
    session = Session.from_model(network, CLIP[:2], spec=UNTRAINED)
    assert session.capture.blocks[0].query_grid.shape == (2, 14, 20)
    assert_own_rows(session)


def test_a_network_that_cannot_be_looked_at_is_refused_in_words(monkeypatch):
    def fail(*_args, **_kwargs):
        raise IndexError

    network = Pictures().eval()
    monkeypatch.setattr(search, "_suspect", fail)
    with pytest.raises(CaptureError, match=r"Pictures could not be looked at: IndexError\. Give the part"):
        Session.from_model(network, CLIP[:2], spec=UNTRAINED)


@pytest.mark.parametrize("grid", [("a", 3), (0, 0), (None, None), (-2, 4), (2.5, 3)])
def test_a_stated_grid_that_is_none_is_not_believed(grid):
    network = Pictures().eval()
    network.patch_embed = SimpleNamespace(grid_size=grid, patch_size=0)
    session = Session.from_model(network, CLIP[:2], spec=UNTRAINED)
    assert session.capture.blocks[0].query_grid.shape == (2, 14, 20)


PROCESSOR = {
    "image_mean": [0.2, 0.3, 0.4],
    "image_std": [0.5, 0.6, 0.7],
    "do_center_crop": True,
    "size": {"shortest_edge": 64},
    "crop_size": {"height": 48, "width": 48},
}


FILES = {
    "folder": ("preprocessor_config.json", PROCESSOR),
    "folder of all parts": ("processor_config.json", {"image_processor": PROCESSOR, "processor_class": "A"}),
    "folder of a video model": ("video_preprocessor_config.json", PROCESSOR),
    "folder of all parts of a video model": ("processor_config.json", {"video_processor": PROCESSOR}),
}


@pytest.mark.parametrize("held", ["spec", "model", *FILES])
def test_colours_and_crop_are_those_of_the_image_processor(held, tmp_path):
    network, spec = Pictures(size=48).eval(), UNTRAINED
    if held == "spec":
        spec = ModelSpec(status="untrained", processor=SimpleNamespace(**PROCESSOR))
    elif held == "model":
        network.image_processor = SimpleNamespace(**PROCESSOR)
    else:
        name, fields = FILES[held]
        (tmp_path / name).write_text(json.dumps(fields))
        network.config._name_or_path = str(tmp_path)
    session = Session.from_model(network, CLIP, spec=spec)
    left, top, right, bottom = session.view.crop
    assert bottom - top == pytest.approx(48 / 64)
    assert (right - left) * 84 == pytest.approx((bottom - top) * 60)
    said = "at 48 x 48 pixels, in colour; mean 0.2, 0.3, 0.4 and std 0.5, 0.6, 0.7 of the colours are as its image"
    assert said in session.model.card.description
    box = (left * 84, top * 60, right * 84, bottom * 60)
    picture = np.asarray(Image.fromarray(CLIP[1]).resize((48, 48), Image.Resampling.BICUBIC, box=box)) / 255
    expected = ((picture - PROCESSOR["image_mean"]) / PROCESSOR["image_std"]).transpose(2, 0, 1)
    np.testing.assert_allclose(RUNS["seen"][1].numpy(), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("fields", "white", "black"),
    [
        ({"do_normalize": False}, 1.0, 0.0),
        ({"do_rescale": False, "image_mean": [127.5] * 3, "image_std": [127.5] * 3}, 1.0, -1.0),
        ({"rescale_factor": 1 / 127.5, "offset": True, "image_mean": [0.0] * 3, "image_std": [1.0] * 3}, 1.0, -1.0),
    ],
)
def test_every_way_in_which_a_processor_scales_colours(fields, white, black):
    size = {"size": {"height": 32, "width": 48}, "do_center_crop": False}
    spec = input_of(Pictures(), PROCESSOR | size | fields).spec
    pictures = np.stack([np.full((60, 84, 3), value, np.uint8) for value in (255, 0)])
    pixels, view = network_input(read_frames(pictures), spec)
    assert (view.input_hw, view.crop) == ((32, 48), (0, 0, 1, 1))
    np.testing.assert_allclose(pixels[0, :, 0], white, atol=1e-5)
    np.testing.assert_allclose(pixels[0, :, 1], black, atol=1e-5)


def test_who_says_what_the_colours_are():
    network = Pictures()
    assert "ImageNet, since nothing says others" in input_of(network).sentence
    network.config.image_mean, network.config.image_std = [0.5] * 3, [0.25] * 3
    assert "mean 0.5, 0.5, 0.5 and std 0.25, 0.25, 0.25 of the colours are as its configuration says" in (
        input_of(network).sentence
    )
    network.pretrained_cfg = {"mean": (0.1, 0.2, 0.3), "std": (1, 1, 1), "crop_pct": 0.9}
    network.pretrained_cfg |= {"fixed_input_size": True, "input_size": (3, 40, 40)}
    found = input_of(network)
    assert (found.spec.mean, found.spec.size_hw, found.spec.crop_fraction) == ((0.1, 0.2, 0.3), (40, 40), 0.9)
    assert "fed their centre, at 40 x 40 pixels" in found.sentence
    network.config.image_size = None
    session = Session.from_model(network.eval(), CLIP[:1], spec=ModelSpec(input_spec=IMAGENET_INPUT))
    assert "are as its user says" in session.model.card.description


@pytest.mark.parametrize(
    "wrong",
    [{"std": (1.0,)}, {"mean": (), "std": ()}, {"size_hw": (0, 4)}, {"crop_fraction": 0}, {"crop_fraction": 1.2}],
)
def test_an_input_that_cannot_be_is_refused(wrong):
    with pytest.raises(GeometryError, match="got"):
        InputSpec(**({"short_side": 32, "multiple_of": 16, "mean": MEAN, "std": STD} | wrong))


@pytest.mark.parametrize(
    ("patch", "stride", "sides"), [(14, 14, (224, 14)), (16, 16, (224, 32)), (30, 30, (210, 30)), (14, 7, (224, 32))]
)
def test_sides_are_a_multiple_of_patches_that_are_no_part_of_32_pixels(patch, stride, sides):
    spec = input_of(nn.Sequential(nn.Identity(), nn.Conv2d(3, 8, patch, stride))).spec
    assert (spec.short_side, spec.multiple_of) == sides
    assert (spec.mean, spec.max_long_side) == (IMAGENET_INPUT.mean, IMAGENET_INPUT.max_long_side)


def test_the_cells_of_patches_of_14_pixels_lie_where_they_are_said_to():
    class Patches(nn.Module):
        def __init__(self):
            super().__init__()
            self.patches, self.attend = nn.Conv2d(3, 8, 14, 14), nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, x):
            tokens = self.patches(x).flatten(2).mT
            return self.attend(tokens, tokens, tokens)[0]

    clip = np.random.default_rng(1).integers(0, 256, (2, 70, 100, 3), np.uint8)
    session = Session.from_model(Patches().eval(), clip, status="untrained", frames=2)
    assert session.block().query_grid.shape == (2, 16, 23)
    assert session.view.input_hw == (224, 322)
