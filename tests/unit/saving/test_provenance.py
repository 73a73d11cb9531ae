"""The record of where an answer comes from: every field, as plain JSON, with the versions that took part."""

import hashlib
import json
from dataclasses import fields, replace
from importlib.metadata import version

import pytest

from nonlocal_core import Session, list_models
from nonlocal_core.installed import folder_of
from nonlocal_core.saving.provenance import PACKAGES, Provenance, record


def test_the_weights_of_a_trained_block_are_named_beside_those_of_its_trunk(tmp_path):
    trained = next(card for card in list_models() if card.block is not None)
    session = Session.open("sample:coins", trained.id, short_side=64)
    record = json.loads(session.save(tmp_path / "a.json", frame=0, x=0.5, y=0.5).read_text())
    shipped = folder_of("pretrained") / trained.block.file
    assert record["weights"][shipped.name] == hashlib.sha256(shipped.read_bytes()).hexdigest()
    assert len(record["weights"]) == 2


WHOLE = Provenance(
    clip_name="Katze ä\u2028.mp4",
    clip_sha256="0" * 64,
    frame_indices=(0, 7),
    pts_seconds=(0.0, 0.1 + 0.2),
    warnings=(),
    remarks=("A remark.",),
    shown_hw=(48, 80),
    input_hw=(96, 160),
    input_crop=(0.0, 0.0, 1.0, 1.0),
    model="m",
    weights={"w.safetensors": "1" * 64},
    device="CPU",
    unreadable=(("layer", "a reason"),),
    block="stride8",
    step="timestep 900",
    block_status="trained",
    note="",
    proof="",
    rebuild_error=None,
    pairwise="gaussian",
    query_grid=(2, 3, 5),
    key_grid=(2, 3, 5),
    query=(1, 0.3, 0.6),
    also=((0, 0.1, 0.2),),
    minus=(),
    beside=(((1, 0.5, 0.5),),),
    temperature=1.0,
    hops=1,
    asker=None,
    asked_cell=(1, 1, 1),
    direction="row",
    view="",
)


def as_lists(value):
    return [as_lists(each) for each in value] if isinstance(value, tuple) else value


def test_every_field_comes_back_exactly_and_in_letters_that_every_file_can_hold():
    text = WHOLE.as_json()
    assert text.isascii()
    read = json.loads(text)
    assert read.pop("versions") == {package: version(package) for package in PACKAGES}
    assert read == {field.name: as_lists(getattr(WHOLE, field.name)) for field in fields(WHOLE)}


def test_a_number_that_json_has_not_is_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        replace(WHOLE, temperature=float("nan")).as_json()


def test_other_facts_have_the_versions_too():
    assert json.loads(record({"steps": ["local"]})) == {
        "steps": ["local"],
        "versions": json.loads(WHOLE.as_json())["versions"],
    }
