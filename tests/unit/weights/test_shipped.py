"""The weights that lie in this repository: the very files of the catalog, with the very answers of the cards."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from make_trained_golden import GOLDEN, answers

from nonlocal_core import Session, list_samples
from nonlocal_core.errors import WeightsError
from nonlocal_core.geometry import Cell, coverage
from nonlocal_core.measures import measure_object
from nonlocal_core.measures.tracking import known_masks
from nonlocal_core.vocabulary import SOFTMAX
from nonlocal_core.weights import list_models, models_for
from nonlocal_core.weights.shipped import read_shipped

PRETRAINED = Path(__file__).parents[3] / "pretrained"
TRAINED = [card for card in list_models() if card.status == "trained"]
OF_SAMPLES = sorted({card for sample in list_samples() for card in models_for(sample.id)}, key=lambda card: card.id)
CLOSE = 2e-3
"""Of the largest entry: another processor adds in another order, and a row's exponentials reach e^14."""
MAX_BYTES = 20_000_000


@pytest.mark.parametrize("card", TRAINED, ids=lambda card: card.id)
def test_answers_and_rows_are_the_golden_ones(card):
    stored = np.load(GOLDEN)
    found_parts = answers(card.id)
    assert list(found_parts) == ["logits", *card.blocks]
    for part, found in found_parts.items():
        golden = stored[f"{card.id}.{part}"]
        np.testing.assert_allclose(found, golden, rtol=0, atol=CLOSE * np.abs(golden).max())


@pytest.mark.parametrize("card", [*TRAINED, *OF_SAMPLES], ids=lambda card: card.id)
def test_every_file_has_its_hash_and_a_card_that_names_it(card):
    content = (PRETRAINED / card.block.file).read_bytes()
    assert hashlib.sha256(content).hexdigest() == card.block.sha256
    assert card.block.sha256 in (PRETRAINED / card.block.card).read_text(encoding="utf-8")


def test_what_is_shipped_stays_small_and_is_all_listed():
    files = sorted(PRETRAINED.glob("*.safetensors"))
    assert [file.name for file in files] == sorted(card.block.file for card in (*TRAINED, *OF_SAMPLES))
    assert sum(file.stat().st_size for file in files) < MAX_BYTES


def test_another_file_is_refused_before_it_is_read():
    wrong = replace(TRAINED[0].block, file=TRAINED[1].block.file)
    with pytest.raises(WeightsError, match=f"{wrong.file} should have sha256 {wrong.sha256}; this one has"):
        read_shipped(wrong)
    with pytest.raises(WeightsError, match=r"nowhere\.safetensors is not there"):
        read_shipped(replace(TRAINED[0].block, file="nowhere.safetensors"))


@pytest.mark.parametrize("card", TRAINED, ids=lambda card: card.id)
def test_a_session_proves_its_reading_and_says_that_it_was_trained(card):
    session = Session.open("sample:composed", card.id, frames=3, short_side=96)
    assert tuple(block.name for block in session.capture.blocks) == card.blocks
    assert session.block().name == "stride8+16"
    for block in session.capture.blocks:
        assert block.status == "trained"
        assert "Not proved" not in block.note
        assert block.adds_nothing == (block.name == "stride8+16")
        if not block.adds_nothing:
            assert block.rebuild_error < 1e-3
            assert block.effect.max() > 0


MOST_OWN_CELL = 0.1
"""0.03 and 0.04 were measured; the former weights kept 0.95 there."""
LEAST = {
    "embedded_gaussian": {"places": 150, "covered": 0.7, "on_object": 0.8, "whole": 0.7},
    "gaussian": {"places": 150, "covered": 0.6, "on_object": 0.7, "whole": 0.6},
}
"""Measured: 388 and 394 places, 0.81 and 0.70 covered, 0.88 and 0.80 on the object."""
SOFTMAX_CARDS = [card for card in TRAINED if card.pairwise in SOFTMAX]


@pytest.mark.parametrize("card", SOFTMAX_CARDS, ids=lambda card: card.id)
def test_rows_leave_their_place_and_cover_the_object(card):
    """On the composed sample, whose masks are exact: asked on every object in every frame that shows it well."""
    session = Session.open("sample:composed", card.id)
    grid = session.block().key_grid
    found = []
    for masks in known_masks(session.sample, session.frames.frame_indices).values():
        cover = np.stack([coverage(grid, mask) for mask in masks])
        for frame in range(0, len(masks), 3):
            asked = np.argwhere(cover[frame] == 1)
            if len(asked):
                x, y = grid.center(Cell(frame, *asked[len(asked) // 2].tolist()))
                row = session.query(frame=frame, x=x, y=y)
                found.append(measure_object(row, cover, shown_hw=session.frames.info.shown_hw).means())
    assert len(found) >= 6
    means = {name: np.nanmean([one[name] for one in found]) for name in found[0]}
    assert means["own_cell"] < MOST_OWN_CELL
    for name, least in LEAST[card.pairwise].items():
        assert means[name] > least, name
