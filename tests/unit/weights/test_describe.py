"""What is said of a file of one's own: its kind, its hash, and every network that it fills."""

import hashlib
from dataclasses import replace

import pytest
import torch
from short_networks import CONTENT, NETWORK, SHORT, STATE, TWIN, assert_filled, saved, short

from nonlocal_core.errors import UnknownNameError, WeightsError
from nonlocal_core.weights import describe, identify
from nonlocal_core.weights.cards import Digest, find_published_card
from nonlocal_core.weights.describe import describe_checkpoint, load_checkpoint


def test_a_report_names_every_network_that_a_file_fills(tmp_path, monkeypatch):
    flat = short("caffe2-c2d-r50-nl5-8x8")
    monkeypatch.setattr(identify, "published_networks", lambda: (NETWORK, flat, TWIN))
    path = tmp_path / "mine.bin"
    path.write_bytes(CONTENT)
    card = replace(find_published_card("gluoncv-torch/i3d_nl5_resnet50_v1_kinetics400"), id="test/mine")
    mine = replace(card, digest=Digest(algorithm="sha1", hex=hashlib.sha1(CONTENT).hexdigest()))
    monkeypatch.setattr(describe, "list_published", lambda: (mine, replace(card, digest=None), card))
    report = describe_checkpoint(path)
    assert report.name == "mine.bin"
    assert report.format == "torch_zip"
    assert report.byte_count == len(CONTENT)
    assert report.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert report.published_as == ("test/mine",)
    assert report.fits == (NETWORK.arch, TWIN.arch)
    assert report.sentence.startswith(f"mine.bin is a torch.save file of {len(STATE)} tensors, ")
    assert f"say which it is: {NETWORK.arch}, {TWIN.arch}." in report.sentence


def test_a_report_on_one_network(tmp_path, monkeypatch):
    monkeypatch.setattr(describe, "find_published", SHORT.__getitem__)
    path = tmp_path / "short.pth"
    path.write_bytes(CONTENT)
    report = describe_checkpoint(path, arch=NETWORK.arch)
    assert report.fits == (NETWORK.arch,)
    assert report.value_count == sum(value.numel() for value in STATE.values())
    assert report.sentence.endswith(f"It fills {NETWORK.config.title} ({NETWORK.arch}) completely.")
    mine = load_checkpoint(path, NETWORK.arch)
    assert (mine.known, mine.said) == (NETWORK, "")
    assert_filled(mine.network)


def test_what_fills_nothing_is_refused(tmp_path):
    path = tmp_path / "other.pth"
    path.write_bytes(saved({"some.weight": torch.ones(3), "other.weight": torch.ones(7)}))
    with pytest.raises(WeightsError, match=r"other\.pth holds 2 tensors, 10 values\. The names .* no source"):
        describe_checkpoint(path)
    with pytest.raises(WeightsError, match=r"keys left unused: other.weight, some.weight"):
        describe_checkpoint(path, arch="pytorchvideo-c2d-r50-8x8")
    with pytest.raises(UnknownNameError, match="published network called 'resnet'"):
        describe_checkpoint(path, arch="resnet")
