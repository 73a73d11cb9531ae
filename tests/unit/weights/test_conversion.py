"""Opening a published checkpoint by its card: fetched once, converted once, verified each time, or nothing kept."""

import hashlib
import io
import os
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from checkpoint_bytes import Runs
from checkpoint_server import card_at, left_over

from nonlocal_core.app.server import known_networks
from nonlocal_core.errors import UnknownNameError, WeightsError
from nonlocal_core.models.resnet import ResNet
from nonlocal_core.weights import conversion, describe, identify
from nonlocal_core.weights.cache import ENVIRONMENT, Pin, cache_folder, converted_path, find_pin, write_pin
from nonlocal_core.weights.cards import Digest, find_published_card
from nonlocal_core.weights.catalog import list_models
from nonlocal_core.weights.conversion import load_published
from nonlocal_core.weights.describe import describe_checkpoint, load_checkpoint
from nonlocal_core.weights.layouts import OURS
from nonlocal_core.weights.published import find_published


def short(arch):
    """The published network cut to one bottleneck block a stage, so that a test takes megabytes."""
    full = find_published(arch)
    stages = tuple(
        replace(stage, temporal_kernels=stage.temporal_kernels[:1], nonlocal_after=(0,) if index == 1 else ())
        for index, stage in enumerate(full.config.stages)
    )
    return replace(full, layout=OURS, config=replace(full.config, stages=stages))


SHORT = {arch: short(arch) for arch in ("pyslowfast-c2-i3d-r50-nl5-8x8", "caffe2-i3d-r50-nl5-8x8")}
NETWORK, TWIN = SHORT.values()


def random_state(seed):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        state = ResNet(NETWORK.config).state_dict()
        return {name: torch.rand_like(value) if value.is_floating_point() else value for name, value in state.items()}


def saved(content):
    stream = io.BytesIO()
    torch.save(content, stream)
    return stream.getvalue()


STATE = random_state(3)
CONTENT = saved({"model_state": STATE, "epoch": 5})


@pytest.fixture
def served(server, monkeypatch):
    monkeypatch.setattr(conversion, "find_published", SHORT.__getitem__)
    server.behaviour.content = CONTENT
    return server


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def assert_filled(network):
    assert not network.training
    assert network.status == "trained"
    found = network.state_dict()
    for name, value in STATE.items():
        assert torch.equal(found[name], value) or name.endswith("num_batches_tracked")
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_it_is_fetched_and_converted_once(served, cache):
    card = card_at(served)
    assert_filled(load_published(card, cache_dir=cache))
    digest = hashlib.sha256(CONTENT).hexdigest()
    assert find_pin(cache, card.id) == Pin(sha256=digest, arch=NETWORK.arch)
    kept = cache / f"converted/pyslowfast-c2-i3d-r50-nl5-8x8-{digest[:16]}-v1.safetensors"
    assert sorted(path for path in left_over(cache) if path.is_file()) == [
        kept,
        cache / "files/test/net/net.pkl",
        cache / "pins.json",
    ]
    (cache / "files/test/net/net.pkl").unlink()
    served.behaviour.status = 404
    assert_filled(load_published(card, cache_dir=cache))
    assert len(served.behaviour.asked) == 1


def test_a_damaged_conversion_is_removed_and_made_anew(served, cache):
    card = card_at(served)
    load_published(card, cache_dir=cache)
    kept = converted_path(cache, NETWORK.arch, hashlib.sha256(CONTENT).hexdigest())
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-2] + bytes([whole[-2] ^ 1]) + whole[-1:])
    with pytest.raises(WeightsError, match=r"tensors_sha256 disagree.* was removed; open the checkpoint again"):
        load_published(card, cache_dir=cache)
    assert not kept.exists()
    assert_filled(load_published(card, cache_dir=cache))
    assert_filled(load_published(card, cache_dir=cache))
    assert len(served.behaviour.asked) == 1


def test_a_conversion_of_another_network_is_refused(served, cache):
    """Both networks have the same names and shapes; only the metadata tells."""
    card = card_at(served)
    load_published(card, cache_dir=cache)
    digest = hashlib.sha256(CONTENT).hexdigest()
    other = conversion.write_converted(cache, TWIN, STATE, source_sha256=digest)
    other.replace(converted_path(cache, NETWORK.arch, digest))
    with pytest.raises(WeightsError, match="should be: arch disagree"):
        load_published(card, cache_dir=cache)


def test_the_file_of_another_network_with_the_same_shapes_is_refused(served, cache):
    load_published(card_at(served), cache_dir=cache)
    twin = replace(find_published_card("caffe2/i3d_nonlocal_8x8_IN_pretrain_400k"), id="test/twin")
    object.__setattr__(twin, "url", card_at(served).url)
    with pytest.raises(WeightsError, match=r"test/twin is the one that was pinned as test/net.*another network"):
        load_published(twin, cache_dir=cache)
    assert not (cache / "files/test/twin").exists()
    assert find_pin(cache, "test/twin") is None


def test_a_pin_does_not_change(cache):
    cache.mkdir()
    write_pin(cache, "test/net", Pin(sha256="a" * 64, arch="one"))
    write_pin(cache, "test/net", Pin(sha256="a" * 64, arch="one"))
    with pytest.raises(WeightsError, match=r"was pinned here as sha256 aaa.* remove its line from"):
        write_pin(cache, "test/net", Pin(sha256="b" * 64, arch="one"))
    assert find_pin(cache, "test/net").sha256 == "a" * 64


@pytest.mark.parametrize(
    "content",
    [
        "[1]",
        "3",
        "null",
        "[" * 100_000,
        '{"a": 3}',
        '{"a": {"sha256": 3, "arch": "one"}}',
        '{"a": {"sha256": "a"}}',
        None,
    ],
)
def test_damaged_pins_are_a_sentence_and_the_menu_stays(content, tmp_path, monkeypatch):
    path = tmp_path / "pins.json"
    path.mkdir() if content is None else path.write_text(content)
    with pytest.raises(WeightsError, match=r"pins\.json (is damaged|cannot be read)"):
        find_pin(tmp_path, "test/net")
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path))
    assert {card.id for card in list_models()} <= set(known_networks.menu())


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch):
    def homeless():
        raise RuntimeError

    monkeypatch.delenv(ENVIRONMENT, raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(WeightsError, match=r"no home folder\. Set \$NONLOCAL_CACHE"):
        cache_folder()
    assert {card.id for card in list_models()} <= set(known_networks.menu())


def refusals(marker):
    missing = {name: value for name, value in STATE.items() if name != "head.bias"}
    unsound = STATE | {"head.bias": torch.full_like(STATE["head.bias"], torch.nan)}
    yield saved(missing), "head.bias"
    yield saved(STATE | {"spare": torch.ones(3)}), "spare"
    yield saved(STATE | {"head.bias": torch.ones(3)}), "head.bias"
    yield saved(unsound), "'head.bias' holds values that are not finite"
    yield saved(STATE)[:-1000], "damaged or incomplete"
    yield pickle.dumps({"blobs": Runs(os.system, f"touch {marker}")}, 2), "it asks for 'posix.system'"


def test_what_does_not_load_wholly_is_refused_and_nothing_is_kept(served, cache, tmp_path):
    marker = tmp_path / "it-ran"
    for content, told in refusals(marker):
        served.behaviour.content = content
        with pytest.raises(WeightsError, match=told):
            load_published(card_at(served), cache_dir=cache)
        assert left_over(cache) == []
        assert not marker.exists()


def test_a_network_that_is_not_rebuilt_here(cache):
    with pytest.raises(WeightsError, match=r"network of mmseg/.* is not rebuilt here. A segmentation network"):
        load_published(find_published_card("mmseg/nonlocal_r50-d8_512x512_80k_ade20k"), cache_dir=cache)


def test_where_the_cache_is(monkeypatch, tmp_path):
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache/nonlocal-viewer"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert cache_folder() == tmp_path / "x/nonlocal-viewer"
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "n"))
    assert cache_folder() == tmp_path / "n"
    assert cache_folder(tmp_path) == tmp_path


# What a file of one's own is


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
