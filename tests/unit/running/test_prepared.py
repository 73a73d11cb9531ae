"""Networks made once for all sessions: kept while they are used, hooked, and named by what their weights came from."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from nonlocal_core import prepare_model
from nonlocal_core.ancestors.filters import parse_filter
from nonlocal_core.capture import recording
from nonlocal_core.errors import CaptureError, SelectionError, UnknownNameError
from nonlocal_core.geometry import ViewTransform
from nonlocal_core.media import Selection, read_frames
from nonlocal_core.models import InsertedBlock
from nonlocal_core.running import prepared
from nonlocal_core.running.prepared import class_names, is_shipped, network_and_frames, network_for

SHIPPED = ("lite0-gaussian", "lite0-dot-product", "lite0-concatenation")


@pytest.fixture
def kept(monkeypatch):
    """What is kept, empty before and forgotten after."""
    monkeypatch.setattr(prepared, "_kept", type(prepared._kept)())
    return prepared._kept


def test_a_network_is_made_once_for_an_id_and_a_device(kept):
    one = prepare_model("lite0-gaussian", "cpu")
    assert prepare_model("lite0-gaussian", "auto" if not torch.cuda.is_available() else "cpu") is one
    assert prepare_model("default", "cpu") is prepare_model(prepare_model("default", "cpu").card.id, "cpu")
    assert not one.network.training
    assert not any(parameter.requires_grad for parameter in one.network.parameters())


def test_the_one_that_was_used_longest_ago_goes_first(kept, monkeypatch):
    monkeypatch.setattr(prepared, "KEPT_MODELS", 2)
    first, second = (prepare_model(name, "cpu") for name in SHIPPED[:2])
    assert prepare_model(SHIPPED[0], "cpu") is first
    prepare_model(SHIPPED[2], "cpu")
    assert [name for name, _ in kept] == [SHIPPED[0], SHIPPED[2]]
    assert prepare_model(SHIPPED[1], "cpu") is not second


def test_two_visitors_who_ask_at_once_get_the_same_network(kept):
    found = []
    threads = [threading.Thread(target=lambda: found.append(prepare_model(SHIPPED[0], "cpu"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1


def test_a_filter_is_made_anew_and_never_kept(kept):
    one, two = (prepare_model("pixels-nl-means:h=0.2", "cpu") for _ in range(2))
    assert one is not two
    assert (one.card.id, one.card.status, one.card.weights) == ("pixels-nl-means:h=0.2", "parameter_free", {})
    assert not kept
    with pytest.raises(SelectionError):
        prepare_model("pixels-nl-means:h=-1", "cpu")


def test_a_card_names_every_file_that_the_weights_came_from():
    card = prepare_model("lite0-gaussian", "cpu").card
    assert len(card.weights) == 2, "the trunk's and the block's"
    assert all(len(digest) == 64 for digest in card.weights.values())
    own = Path(prepared.__file__).parents[2] / "pretrained" / "lite0-gaussian.safetensors"
    assert prepared.file_digest(own) in card.weights.values()


def test_names_that_are_none_are_refused_with_those_that_are():
    with pytest.raises(UnknownNameError, match="lite0-gaussian"):
        prepare_model("lite0-gausian", "cpu")


def test_what_is_shipped_needs_no_download():
    assert all(map(is_shipped, (*SHIPPED, "pixels-bilateral:space=0.2")))
    assert not is_shipped("pyslowfast-c2-i3d-r50-nl5-8x8")


def test_a_sample_has_the_network_it_was_made_for_unless_one_was_chosen():
    assert network_for("sample:marked", "default") == "lite0-mark"
    assert network_for("sample:marked", "lite0-gaussian") == "lite0-gaussian"
    assert network_for(Path("clip.mp4"), "default") == "default"
    assert network_for("sample:marked", parse_filter("pixels-nl-means:h=0.2")) == "pixels-nl-means:h=0.2"


def test_frames_are_chosen_by_a_network_that_is_there_and_freely_for_a_shipped_one():
    chosen, told = [], []
    shown = read_frames("sample:composed", Selection(frames=1))

    def read(selection):
        chosen.append(selection)
        return shown

    given = replace(prepare_model(SHIPPED[1], "cpu"), selection=Selection(frames=32))
    assert network_and_frames(given, "cpu", read, lambda *step: told.append(step)) == (given, shown)
    model, _ = network_and_frames(SHIPPED[0], "cpu", read, lambda *step: told.append(step))
    assert model.card.id == SHIPPED[0]
    assert chosen == [given.selection, None]
    assert told == [("Loading the network", 0, 1)]


def test_a_fault_of_the_network_is_told_after_the_frames_were_read():
    read = []
    with pytest.raises(SelectionError):
        network_and_frames("pixels-nl-means:h=-1", "cpu", lambda _: read.append(1), lambda *step: None)
    assert read == [1]


def test_answers_without_as_many_names_are_numbered():
    network = prepare_model(SHIPPED[0], "cpu").network
    assert class_names(network, 1000) == network.classes
    assert class_names(network, 3) == ("class 0", "class 1", "class 2")


def test_every_block_of_a_prepared_network_is_heard():
    model = prepare_model("lite0-gaussian", "cpu")
    view = ViewTransform(shown_hw=(64, 96), input_hw=(64, 96))
    with recording(view=view, clip_frames=2) as found, torch.no_grad():
        model.network(torch.rand(1, 3, 2, 64, 96))
    assert {block.layer for block in found.blocks} == {inserted.name for inserted in model.network.inserted}


def test_a_block_of_no_known_kind_is_refused():
    inserted = InsertedBlock(name="odd", title="Odd", module=nn.Identity(), status="trained", note="")
    with pytest.raises(CaptureError, match="'odd' is a Identity"):
        prepared._site(inserted)
