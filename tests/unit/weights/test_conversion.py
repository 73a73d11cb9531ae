"""Opening a published checkpoint by its card: fetched once, converted once, verified each time, or nothing kept."""

import hashlib
import os
import pickle
from dataclasses import replace

import pytest
import torch
from checkpoint_bytes import Runs
from checkpoint_server import card_at, left_over
from short_networks import CONTENT, NETWORK, SHORT, STATE, TWIN, assert_filled, saved

from nonlocal_core.errors import WeightsError
from nonlocal_core.weights import conversion
from nonlocal_core.weights.cache import Pin, converted_path, find_pin
from nonlocal_core.weights.cards import find_published_card
from nonlocal_core.weights.conversion import load_published


@pytest.fixture
def served(server, monkeypatch):
    monkeypatch.setattr(conversion, "find_published", SHORT.__getitem__)
    server.behaviour.content = CONTENT
    return server


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


def test_a_conversion_that_the_disk_refuses_is_a_sentence(cache):
    converted_path(cache, NETWORK.arch, "a" * 64).with_suffix(".new").mkdir(parents=True)
    with pytest.raises(WeightsError, match=r"Nothing can be written in .* Make room there"):
        conversion.write_converted(cache, NETWORK, STATE, source_sha256="a" * 64)
