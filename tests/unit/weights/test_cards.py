"""The cards of the published checkpoints: complete, unique, and in step with the networks that they name."""

import json
from dataclasses import replace

import pytest
import torch

from nonlocal_core.errors import UnknownNameError, WeightsError
from nonlocal_core.installed import folder_of
from nonlocal_core.models.resnet import ResNet
from nonlocal_core.weights.cards import Digest, find_published_card, list_published
from nonlocal_core.weights.published import find_published

CARDS = list_published()
REBUILT = [card for card in CARDS if card.arch]


def test_there_is_one_card_for_every_published_checkpoint():
    assert len(CARDS) == 78
    assert len({card.id for card in CARDS}) == 78
    assert len({(card.url, card.arch) for card in CARDS}) == 78
    assert find_published_card(CARDS[-1].id) is CARDS[-1]
    with pytest.raises(UnknownNameError, match="published checkpoint called 'resnet'"):
        find_published_card("resnet")


def test_every_source_is_used_and_known():
    catalog = json.loads((folder_of("pretrained") / "published.json").read_text())
    assert {entry["source"] for entry in catalog["checkpoints"]} == catalog["sources"].keys()
    assert {card.repository for card in CARDS} == {source["repository"] for source in catalog["sources"].values()}


@pytest.mark.parametrize("card", REBUILT, ids=lambda card: card.id)
def test_a_card_says_what_its_network_does(card):
    config = find_published(card.arch).config
    assert len(config.block_names) == card.blocks
    assert card.pairwise == (config.pairwise if card.blocks else None)
    assert (config.clip_frames, config.frame_stride) == (card.frames, card.frame_stride)
    for ours, theirs in ((config.input_spec.mean, card.colours.mean), (config.input_spec.std, card.colours.std)):
        # 114.75 of 255 and 0.45 of 1 are the same grey.
        unit = [value / card.colours.value_range for value in theirs]
        assert [value / config.input_spec.value_range for value in ours] == pytest.approx(unit, rel=1e-12)
    if config.head.classes:
        with torch.device("meta"):
            counted = sum(parameter.numel() for parameter in ResNet(config).parameters())
        assert counted == card.parameters


def test_what_is_not_rebuilt_says_why():
    kinds = {card.id.split("/")[0] for card in CARDS if card.arch is None}
    assert kinds == {"caffe2", "pyslowfast", "gluoncv-mxnet", "mmseg"}
    assert all(card.note for card in CARDS if card.arch is None or card.url is None)


def test_published_figures():
    """As the sources' own tables give them."""
    figures = {card.id: card.accuracy for card in CARDS}
    assert figures["caffe2/i3d_nonlocal_32x4_I3D_pretrain_400k"] == {"top-1 %": 76.5, "top-5 %": 92.6}
    assert figures["pyslowfast/I3D_NLN_8x8_R50"] == {"top-1 %": 74.0, "top-5 %": 91.1}
    assert figures["gluoncv-torch/i3d_nl10_resnet50_v1_kinetics400"] == {"top-1 %": 75.93}
    assert figures["lfb/charades_r101_baseline"] == {"mAP %": 40.4}


def test_licences():
    non_commercial = {card.id.split("/")[0] for card in CARDS if card.non_commercial}
    assert non_commercial == {"caffe2", "tushar"}
    assert find_published_card("tushar/i3d_r50_nl_kinetics").licence == "CC-BY-NC-4.0, no commercial use"
    stated = find_published_card("pyslowfast/I3D_8x8_R50").licence
    assert stated == "not stated for the weights; the code is Apache-2.0"


def test_hashes():
    by_id = {card.id: card.digest for card in CARDS}
    for card in CARDS:
        if card.digest:
            assert card.digest.hex[:8] in card.file_name
    full = by_id["gluoncv-torch/i3d_nl5_resnet50_v1_kinetics400"]
    assert full == Digest(algorithm="sha1", hex="9df1e103d54bc1227da58d19347e1371cf98a9fb")
    # The file's name repeats the hash of another network's file.
    twin = "mmaction2-1.x/slowonly_r50-in1k-pre-nl-embedded-gaussian_8xb16-8x8x1-steplr-150e_kinetics400-rgb"
    assert by_id[twin] is None


def test_sizes_are_estimated_from_parameters():
    assert find_published_card("gluoncv-torch/i3d_nl5_resnet50_v1_kinetics400").estimated_bytes == 4 * 35_401_936
    assert find_published_card("caffe2/i3d_nonlocal_8x8_IN_pretrain_400k").estimated_bytes == 8 * 35_401_936
    assert find_published_card("mmseg/nonlocal_r50-d8_512x512_80k_ade20k").estimated_bytes is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"id": "../etc"}, "is not an id"),
        ({"id": "a//b"}, "is not an id"),
        ({"url": "http://example.org/w.pkl"}, "must be https"),
        ({"url": "https://example.org/"}, "must be https and name a file"),
        ({"pairwise": None}, "has 5 blocks of the kind None"),
        ({"blocks": 0}, "has 0 blocks of the kind embedded_gaussian"),
    ],
)
def test_a_wrong_card_is_refused(change, told):
    with pytest.raises(WeightsError, match=told):
        replace(find_published_card("pyslowfast/I3D_NLN_8x8_R50"), **change)


@pytest.mark.parametrize(("algorithm", "digits"), [("sha256", "1234567"), ("sha1", "g" * 40), ("sha1", "a" * 41)])
def test_a_wrong_digest_is_refused(algorithm, digits):
    with pytest.raises(WeightsError, match=f"is not the beginning of a {algorithm}"):
        Digest(algorithm=algorithm, hex=digits)
