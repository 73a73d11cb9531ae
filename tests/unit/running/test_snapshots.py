"""A film of a block while it learned: each of its blocks is that of a session with the checkpoint's own weights."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from safetensors.torch import save_file
from torch import nn

from nonlocal_core import CaptureError, ModelSpec, NonlocalBlock, Session, UnknownNameError, WeightsError
from nonlocal_core.bundle import decode_bundle
from nonlocal_core.running.snapshots import weights_of

SPEC = ModelSpec(takes="clip", status="trained")
CLIP = np.random.default_rng(5).integers(0, 255, (3, 32, 48, 3), np.uint8)


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv3d(3, 6, (1, 8, 8), (1, 8, 8))
        self.block = NonlocalBlock(6, "embedded_gaussian")

    def forward(self, clip):
        return self.block(self.stem(clip)).mean((2, 3, 4))


def small(seed):
    torch.manual_seed(seed)
    model = Small().eval()
    with torch.no_grad():
        for weights in model.block.parameters():
            weights.normal_(std=0.4)
    return model


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    file = tmp_path_factory.mktemp("film") / "step.safetensors"
    save_file(small(2).state_dict(), file)
    model = small(1)
    own = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    made = Session.film(model, CLIP, {"start": small(3).state_dict(), "step 50": file, "end": own}, spec=SPEC)
    assert all(torch.equal(tensor, own[name]) for name, tensor in model.state_dict().items())
    return made


def test_each_block_is_that_of_the_checkpoint(film):
    assert [block.name for block in film.capture.blocks] == ["start", "step 50", "end"]
    for title, seed in (("start", 3), ("step 50", 2), ("end", 1)):
        alone = Session.from_model(small(seed), CLIP, spec=SPEC)
        asked = {"frame": 1, "x": 0.4, "y": 0.3}
        assert_array_equal(film.query(**asked, block=title).values, alone.query(**asked).values)
        assert film.block(title).rebuild_error == alone.block().rebuild_error
    assert film.block() is film.block("end")


def test_the_viewer_gets_all_of_them_in_one_bundle(film):
    bundle = decode_bundle(film.bundle())
    assert [block.capture.name for block in bundle.blocks] == ["start", "step 50", "end"]


def test_what_is_no_film_is_said_and_the_network_keeps_its_weights():
    model = small(1)
    own = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(WeightsError, match="stem"):
        Session.film(model, CLIP, {"other": small(2).block.state_dict()}, spec=SPEC)
    with pytest.raises(UnknownNameError, match="block"):
        Session.film(model, CLIP, {"step 1": small(2).state_dict()}, spec=SPEC, block="blok")
    with pytest.raises(CaptureError, match="none was given"):
        Session.film(model, CLIP, {}, spec=SPEC)
    assert all(torch.equal(tensor, own[name]) for name, tensor in model.state_dict().items())


def test_the_wrapper_of_a_checkpoint_is_taken_off():
    model, other = small(1), small(2).state_dict()
    held = {f"model._orig_mod.{name}": tensor for name, tensor in other.items()} | {"n_averaged": torch.tensor(3)}
    with weights_of(model, held):
        assert all(torch.equal(tensor, other[name]) for name, tensor in model.state_dict().items())
