"""Forecast of what a recording takes: its tables and its peak, made before the run, refused where it is not free."""

import copy
import importlib
import warnings
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from foreign_attention import randomise
from torch import nn

from nonlocal_core import DeviceMemoryError, InputSpec, ModelSpec, Session
from nonlocal_core.running import forecast, own_run
from nonlocal_core.running.forward import Device

CLIP = np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), np.uint8)
SEEN = InputSpec(short_side=64, multiple_of=32, mean=(0.5,) * 3, std=(0.25,) * 3)
SPEC = ModelSpec(status="untrained", input_spec=SEEN)
C, HEADS = 12, 3
RUNS = []


class ByHand(nn.Module):
    """Patches with a class token, and a layer whose names say nothing."""

    def __init__(self):
        super().__init__()
        self.stem, self.first = nn.Conv2d(3, C, 8, 8), nn.Parameter(torch.zeros(1, 1, C))
        self.layer = Layer()

    def forward(self, x):
        RUNS.append(len(x))
        tokens = self.stem(x).flatten(2).mT
        return self.layer(torch.cat([self.first.expand(len(x), -1, -1), tokens], dim=1))


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.d = (nn.Linear(C, C) for _ in range(4))

    def forward(self, x):
        q, k, v = (part(x).unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in (self.a, self.b, self.c))
        return self.d(((q @ k.mT).softmax(-1) @ v).transpose(1, 2).flatten(2))


class Clips(ByHand):
    """The same over space and time, two frames in a tubelet."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv3d(3, C, (2, 8, 8), (2, 8, 8))


def of_transformers(name, **small):
    if find_spec("transformers") is None:
        pytest.skip("transformers is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what peers warn about at import is theirs
        library = importlib.import_module("transformers")
    return getattr(library, f"{name}Model")(getattr(library, f"{name}Config")(image_size=64, **small))


def vit():
    return of_transformers("ViT", patch_size=4, hidden_size=48, num_hidden_layers=2, num_attention_heads=3)


def swin():
    return of_transformers("Swin", patch_size=4, embed_dim=24, depths=[2, 2], num_heads=[1, 2], window_size=4)


class Joint(Clips):
    """Clips whose layer holds the weights between all frames, more than all else."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv3d(3, C, (1, 4, 4), (1, 4, 4))


def tables_of(session):
    blocks = session.capture.blocks
    given = ((block.theta, block.phi, block.asker_theta, block.effect) for block in blocks)
    return sum(table.size * 4 for tables in given for table in tables if table is not None)


def forecast_and_peak(network, frames, monkeypatch):
    """Return the forecast of a recording, and the most bytes of tensors that its run with all proofs had in use."""
    said, made = [], forecast.forecast

    def heard(*args):
        said.append(made(*args))
        return said[-1]

    monkeypatch.setattr(own_run, "forecast", heard)
    session = Session.from_model(network, CLIP, spec=SPEC, frames=frames)  # which forecasts, and meets the size
    monkeypatch.setattr(own_run, "forecast", lambda *_: None)
    with forecast.LiveBytes("cpu") as live:
        again = Session.from_model(randomise(copy.deepcopy(network)), CLIP, spec=SPEC, frames=frames)
    assert session.unreadable == again.unreadable == ()
    return said[-1], live.most, tables_of(session)


@pytest.mark.parametrize("make", [ByHand, Clips, Joint, vit, swin])
def test_a_recording_takes_and_keeps_what_was_forecast_for_it(make, monkeypatch):
    said, peak, kept = forecast_and_peak(randomise(make()).eval(), 8, monkeypatch)
    assert said.kept == pytest.approx(kept, rel=0.2)
    in_use = (said.peak - forecast.FIRST_RUN_BYTES) / forecast.RESIDENT
    assert in_use == pytest.approx(peak, rel=0.2), "tensors, whatever the heap makes of them"


def test_bytes_in_use_count_what_is_made_and_not_views_nor_what_was_there():
    there = torch.zeros(1000)
    with forecast.LiveBytes("cpu") as live:
        view, made = there[:10], there + 1
        again = made.reshape(10, 100).t()
        assert live.now == 4000
        del made
        assert live.now == 4000, "its view still holds it"
        del again
        assert (live.now, live.most) == (0, 4000)
        view.add_(1)
        assert live.now == 0
        for _ in range(3):
            torch.empty(500)
    assert (live.now, live.most) == (0, 4000)


def test_a_forecast_that_is_not_free_is_refused_before_all_frames_run(monkeypatch):
    network = randomise(ByHand()).eval()
    needed = Session.from_model(network, CLIP, spec=SPEC, frames=8).forecast_bytes
    other = randomise(ByHand()).eval()
    monkeypatch.setattr(Device, "free_bytes", lambda _: needed - 1)
    RUNS.clear()
    with pytest.raises(DeviceMemoryError, match="This run needs about"):
        Session.from_model(other, CLIP, spec=SPEC, frames=8)
    assert RUNS == [8, 2, 2], "a run that looks for what attends, and two of few frames"
    monkeypatch.setattr(Device, "free_bytes", lambda _: needed)
    assert Session.from_model(other, CLIP, spec=SPEC, frames=8).forecast_bytes == needed


def test_a_size_is_forecast_once():
    network = randomise(ByHand()).eval()
    Session.from_model(network, CLIP, spec=SPEC, frames=8)
    RUNS.clear()
    assert Session.from_model(network, CLIP, spec=SPEC, frames=8).forecast_bytes is not None
    assert set(RUNS) == {8}


class EightFrames(ByHand):
    def forward(self, x):
        assert len(x) == 8
        return super().forward(x)


@pytest.mark.parametrize(("make", "frames"), [(EightFrames, 8), (ByHand, 3)])
def test_nothing_is_forecast_where_a_few_frames_do_not_run_or_are_most_of_them(make, frames):
    session = Session.from_model(randomise(make()).eval(), CLIP, spec=SPEC, frames=frames)
    assert session.forecast_bytes is None
