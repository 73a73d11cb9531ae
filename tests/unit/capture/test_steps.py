"""A network that runs several times in one recording: its layers say in which step they ran, and at which time."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from nonlocal_core import InputSpec, ModelSpec, Session
from nonlocal_core.bundle import decode_bundle

SEEN = InputSpec(short_side=32, multiple_of=8, mean=(0.5,) * 3, std=(0.25,) * 3)
CLIP = np.random.default_rng(5).integers(0, 256, (2, 32, 48, 3), np.uint8)


class Denoiser(nn.Module):
    """A transformer of frames that is told a time, which its tokens hold."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(8)
        self.patches = nn.Conv2d(3, 24, 8, 8)
        self.first, self.second = (nn.MultiheadAttention(24, 2, batch_first=True) for _ in range(2))

    def forward(self, frames, timestep, again=False):
        x = self.patches(frames).flatten(2).mT + torch.as_tensor(timestep).flatten()[0] / 1000
        for layer in (self.first, self.second, *([self.second] if again else ())):
            x = x + layer(x, x, x)[0]
        return x


def recorded(call, network=None):
    spec = ModelSpec(status="untrained", input_spec=SEEN, call=call)
    session = Session.from_model((network or Denoiser()).eval(), CLIP, spec=spec)
    assert session.unreadable == ()
    return session


def layers_of(session):
    return {block.layer: (block.layer_title, block.step, block.before) for block in session.capture.blocks}


@pytest.mark.parametrize("told", [float, lambda time: torch.full((2,), time), lambda time: torch.tensor(time)])
def test_each_layer_says_at_which_time_it_ran(told, tmp_path):
    session = recorded(lambda model, frames: [model(frames, timestep=told(time)) for time in (900, 100)][-1])
    assert layers_of(session) == {
        "first": ("first · timestep 900", "timestep 900", None),
        "second": ("second · timestep 900", "timestep 900", "first"),
        "first@2": ("first · timestep 100", "timestep 100", None),
        "second@2": ("second · timestep 100", "timestep 100", "first@2"),
    }
    assert session.capture.blocks[-1].title == "second · timestep 100 · head 2"
    read = [each.capture for each in decode_bundle(session.bundle()).blocks]
    assert [(block.title, block.step) for block in read] == [
        (block.title, block.step) for block in session.capture.blocks
    ]
    row = session.query(frame=1, x=0.5, y=0.5, block="second.head1")
    other = session.query(frame=1, x=0.5, y=0.5, block="second@2.head1")
    assert np.abs(row.values - other.values).max() > 1e-6
    path = session.save(tmp_path / "a.json", frame=1, x=0.5, y=0.5, block="second.head1")
    assert json.loads(path.read_text(encoding="utf-8"))["step"] == "timestep 900"


def test_steps_whose_times_are_not_told_apart_are_counted():
    alike = recorded(lambda model, frames: [model(frames, time) for time in (7, 7, 3)][-1])
    assert [words for _, words, _ in layers_of(alike).values()][::2] == ["step 1 of 3", "step 2 of 3", "step 3 of 3"]
    each = recorded(lambda model, frames: [model(frames, torch.tensor([time, 1])) for time in (7, 5)][-1])
    assert {words for _, words, _ in layers_of(each).values()} == {"step 1 of 2", "step 2 of 2"}


def test_a_layer_that_runs_twice_in_a_step_says_so_too():
    session = recorded(lambda model, frames: [model(frames, time, again=True) for time in (900, 100)][-1])
    assert [title for title, _, _ in layers_of(session).values()] == [
        "first · timestep 900",
        "second · timestep 900",
        "second · run 2 · timestep 900",
        "first · timestep 100",
        "second · timestep 100",
        "second · run 2 · timestep 100",
    ]


def test_a_single_step_is_no_choice():
    once = recorded(lambda model, frames: model(frames, 900, again=True))
    assert [title for title, _, _ in layers_of(once).values()] == ["first", "second", "second · run 2"]
    assert {step for _, step, _ in layers_of(once).values()} == {""}


class Pipeline(nn.Module):
    """A network around one that is told the time."""

    def __init__(self):
        super().__init__()
        self.unet = Denoiser()

    def forward(self, frames):
        for time in (0.75, 0.25):
            made = self.unet(frames, time)
        return made


def test_the_steps_of_a_part_are_found_inside_a_network_that_runs_once():
    found = layers_of(recorded(None, Pipeline()))
    assert [title for title, _, _ in found.values()] == [
        "unet.first · timestep 0.75",
        "unet.second · timestep 0.75",
        "unet.first · timestep 0.25",
        "unet.second · timestep 0.25",
    ]
