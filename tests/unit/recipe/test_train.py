"""The recipe in small: its losses against loops, and a whole run on a handful of clips."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from nonlocal_core.models.normalised import NormalisedBlock
from nonlocal_core.vocabulary import PAIRWISE
from pretrained.recipe import runs
from pretrained.recipe.evaluate import evaluate_answers, evaluate_rows
from pretrained.recipe.features import MIXED
from pretrained.recipe.losses import (
    ANYWHERE_QUERIES,
    SEEKING,
    SHAPING,
    Targets,
    affinity_terms,
    clean_rows,
    draw_targets,
    log_weights,
    weighed,
    weights_of,
)
from pretrained.recipe.train import (
    Log,
    Settings,
    answered,
    gather,
    new_block,
    passed_through,
    train_affinity,
    train_output,
    usual_settings,
)

CLOSE = 1e-4  # float32 sums of exponentials against float64 loops


@pytest.fixture
def targets(clips):
    return targets_of(clips, 0, np.array([True, False, True, True]), seed=3)


def targets_of(clips, index, hit, seed, task="find"):
    rng, clean = np.random.default_rng(seed), clips.clip("clean", index)
    cells, window = clips.labels[index], clips.window[index]
    return draw_targets(cells, window, hit, clean=clean, temperature=0.05, task=task, rng=rng)


def test_every_term_equals_a_loop_over_keys(clips, targets):
    labels, frame = clips.labels[0].ravel(), np.repeat(np.arange(4), 36)
    logs = torch.randn(len(targets.queries), labels.size, generator=torch.Generator().manual_seed(4)) * 2
    given = affinity_terms(logs, targets)
    found = {name: [] for name in SHAPING["find"]}
    unit = unit_by_loops(clips.features["clean"][0].astype(np.float64))
    for q, row, near in zip(targets.queries.tolist(), logs.double().numpy(), targets.points.numpy(), strict=True):
        other, known = frame != frame[q], labels != MIXED
        same = labels == labels[q]

        def mass(keys, row=row):
            return np.log(np.exp(row[keys]).sum())

        whole = np.flatnonzero(same & (frame == 1))
        if len(whole):
            clean = np.exp(unit[whole] @ unit[q] / 0.05)
            clean /= clean.sum()
            given_row = row[whole] - mass(np.ones_like(known))
            found["stay" if frame[q] == 1 else "mend"].append((clean * (np.log(clean) - given_row)).sum())
        if labels[q] == 0:
            if near.any():
                found["ground"].append(mass(other & known) - mass(near > 0))
            continue
        if not (same & other).any():
            continue
        found["label"].append(mass(other & known) - mass(same & other))
        rivals = mass(other & known & (labels > 0))
        found["instance"].append(rivals - mass(same & other))
        found["whole"].append(rivals - row[same & other].mean())
    assert all(found.values())
    for name, values in found.items():
        assert float(given[name]) == pytest.approx(np.mean(values), abs=CLOSE), name
    total = sum(weight * float(given[name]) for name, weight in SEEKING["find"].items())
    assert float(weighed(given, SEEKING["find"])) == pytest.approx(total, rel=CLOSE)


def unit_by_loops(frames):
    """Return what the parameter-free Gaussian compares, from (T, C, h, w), a channel and a position at a time."""
    rows = np.array([frame[:, y, x] for frame in frames for y in range(6) for x in range(6)])
    rows = np.array([(c - c.mean()) / c.std() if c.std() else 0 * c for c in rows.T]).T
    return np.array([row / np.linalg.norm(row) for row in rows])


def test_a_clean_row_without_a_key_to_look_at_is_zero(clips):
    allowed = np.zeros((2, clips.labels[0].size), bool)
    allowed[1, :9] = True
    rows = clean_rows(clips.clip("clean", 0), np.array([0, 7]), allowed, temperature=0.05)
    assert not rows[0].any()
    assert rows[1, :9].sum() == pytest.approx(1)
    assert not rows[1, 9:].any()


def test_a_block_that_mends_is_asked_from_everywhere_and_sent_to_whole_frames_only(clips):
    hit = np.array([True, False, True, True])
    targets = targets_of(clips, 0, hit, seed=3, task="mend")
    same = targets_of(clips, 0, hit, seed=3)
    count = len(same.queries)
    assert torch.equal(targets.queries[:count], same.queries)
    assert torch.equal(targets.clean[:count], same.clean)
    added, rows = targets.queries[count:], targets.clean[count:].double().numpy()
    assert len(added) == ANYWHERE_QUERIES["mend"]
    assert (clips.labels[0].ravel()[added.numpy()] == MIXED).any()
    unit = unit_by_loops(clips.features["clean"][0].astype(np.float64))
    for query, row in zip(added.tolist(), rows, strict=True):
        expected = np.exp(unit @ unit[query] / 0.05) * ~hit.repeat(36)
        assert np.allclose(row, expected / expected.sum(), atol=CLOSE)
    assert not targets.points[count:].any()


def test_without_a_softmax_nothing_is_asked_that_takes_one():
    assert weights_of(SHAPING, "mend", "embedded_gaussian") == {"mend": 1.0, "stay": 25.0}
    assert set(weights_of(SHAPING, "find", "dot_product")) == {"label", "instance", "whole", "ground"}


def test_points_of_the_background_are_where_the_camera_says(clips, targets):
    ground = (targets.label == 0).nonzero().flatten()
    box = clips.window[0]
    for q in ground[::7].tolist():
        t, row, col = np.unravel_index(int(targets.queries[q]), (4, 6, 6))
        length = box[t, 2:] - box[t, :2]
        x, y = box[t, :2] + length * (np.array([col, row]) + 0.5) / 6
        for key in targets.points[q].nonzero().flatten().tolist():
            s, r, c = np.unravel_index(key, (4, 6, 6))
            size = (box[s, 2:] - box[s, :2]) / 6
            place = box[s, :2] + size * (np.array([c, r]) + 0.5)
            assert s != t
            assert np.hypot(*((place - (x, y)) / size)) <= 1.2


@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_training_the_affinity_lowers_its_loss_and_moves_nothing_else(clips, pairwise):
    settings = Settings(
        pairwise=pairwise, seed=5, affinity_steps=8, affinity_clips=2, learning_rate=5e-3, sharper=1.0, temperature=0.05
    )
    shaping = weights_of(SHAPING, "find", pairwise)
    block, log = new_block(settings), Log(settings=settings)
    before = {name: value.clone() for name, value in block.state_dict().items()}
    x = torch.from_numpy(clips.features["damaged"][1]).float().transpose(0, 1)[None]
    targets = targets_of(clips, 1, clips.hit["damaged"][1], seed=6)

    def loss():
        with torch.no_grad():
            pieces = block.embed(x)
            terms = affinity_terms(log_weights(block, pieces.theta[0, targets.queries], pieces.phi[0]), targets)
            return float(weighed(terms, shaping))

    start = loss()
    train_affinity(block, clips, settings, log, lambda _message: None)
    assert loss() < start
    moved = {name for name, value in block.state_dict().items() if not torch.equal(value, before[name])}
    assert moved
    assert not moved & {"g.weight", "g.bias", "out.weight", "out.bias"}
    assert log.losses["affinity"][-1]["step"] == 8


def test_controls_keep_the_total_of_the_rows_and_rivals_do_not_look():
    block = NormalisedBlock(112, "dot_product")
    x = torch.randn(1, 112, 2, 3, 4, generator=torch.Generator().manual_seed(7))
    pieces = block.embed(x)
    weights = pieces.theta @ pieces.phi.mT / 24
    total, g = weights.sum(-1, keepdim=True), pieces.g
    same_place = (g[:, :12] + g[:, 12:]) / 2
    expected = {
        "learned": weights @ g - total * g,
        "identity": torch.zeros_like(g),
        "uniform": total * (g.mean(1, keepdim=True) - g),
        "self": g,
        "place": torch.cat([same_place, same_place], dim=1) - g,
    }
    some = torch.tensor([2, 11, 19])
    for row, y in expected.items():
        torch.testing.assert_close(gather(block, pieces, row, seed=1), y, rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(gather(block, pieces, row, 1, some), y[:, some], rtol=1e-4, atol=1e-6)
    wrong = gather(block, pieces, "wrong", seed=1) + total[:, order_of(24)] * g
    assert not torch.allclose(wrong, weights @ g)
    torch.testing.assert_close(wrong[0].sort(0).values, (weights @ g)[0].sort(0).values, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("version", "stays"), [("clean", True), ("natural", True), ("blur_cue", False)])
def test_whole_frames_are_asked_to_stay_as_they_are_and_blurred_ones_to_come_back(
    clips, trunk, monkeypatch, version, stays
):
    monkeypatch.setattr("pretrained.recipe.train.OUTPUT_SHARES", {"find": {version: 1.0}})
    settings = Settings(pairwise="embedded_gaussian", seed=5, affinity_steps=1, output_steps=1, output_frames=4)
    log = Log(settings=settings)
    train_output(new_block(settings), trunk, clips, settings, log, lambda _message: None)  # W_z is zero at the start
    (entry,) = log.losses["output"]
    assert (entry["restore"] == 0) == stays
    assert (max(entry["kl_changed"], entry["kl_unchanged"]) < CLOSE) == stays


def order_of(count):
    return torch.randperm(count, generator=torch.Generator().manual_seed(1))


def test_sharpening_changes_the_order_of_no_key(clips):
    settings = Settings(pairwise="embedded_gaussian", seed=5, affinity_steps=1, affinity_clips=1, learning_rate=0.0)
    still = replace(settings, gain_rate=0.0, bias_rate=0.0)
    block = new_block(still)
    x = torch.from_numpy(clips.features["clean"][0]).float().transpose(0, 1)[None]
    before = block.embed(x)
    train_affinity(block, clips, still, Log(settings=still), lambda _message: None)
    after = block.embed(x)
    torch.testing.assert_close(
        after.theta @ after.phi.mT, still.sharper * before.theta @ before.phi.mT, rtol=1e-4, atol=1e-4
    )


def test_a_run_goes_on_where_it_stopped_and_is_judged(tmp_path, clips, trunk, monkeypatch):
    """The whole recipe on four small clips: an interrupted run ends with the very weights of an uninterrupted one."""
    monkeypatch.setattr("pretrained.recipe.runs.read_shards", lambda _folder, _split: clips)
    monkeypatch.setattr("pretrained.recipe.evaluate.ANSWER_CLIPS", 1)
    told: list[str] = []
    workshop = runs.Workshop(folder=tmp_path, tell=told.append)
    (tmp_path / "data.json").write_text("{}")
    usual = usual_settings("embedded_gaussian", seed=8)
    settings = replace(usual, affinity_steps=3, output_steps=3, output_clips=2)
    folder = runs.train(workshop, settings)
    whole = load_file(folder / "block.safetensors")
    halfway = load_file(folder / "affinity.safetensors")
    assert not torch.equal(whole["out.weight"], halfway["out.weight"])
    assert torch.equal(whole["theta.weight"], halfway["theta.weight"])

    (folder / "block.safetensors").unlink()
    runs.train(workshop, settings)
    again = load_file(folder / "block.safetensors")
    assert all(torch.equal(whole[name], again[name]) for name in whole)

    block = runs.load_block(folder / "block.safetensors", "embedded_gaussian")
    assert 0.5 < np.nanmean(evaluate_rows(block, clips)["clean"]["auc"]) <= 1
    answers = evaluate_answers([block], trunk, clips)
    assert np.nanmax(answers["clean"]["kl.none"]) < 1e-3  # float16 features and answers
    assert np.nanmin(answers["clean"]["kl.learned"]) > 0
    losses = json.loads((folder / "log.json").read_text())["losses"]
    assert [entry["step"] for entry in losses["output"]] == [1, 2, 3]


def test_targets_hold_what_they_say(targets):
    assert isinstance(targets, Targets)
    assert targets.changed.tolist() == [True, False, True, True]
    assert (targets.groups.sum((1, 2)) <= 1).all()


def test_the_block_that_mends_is_shown_what_the_first_leaves_behind(tmp_path, clips, monkeypatch):
    monkeypatch.setattr("pretrained.recipe.runs.read_shards", lambda _folder, _split: clips)
    workshop = runs.Workshop(folder=tmp_path, tell=lambda _message: None)
    (tmp_path / "data.json").write_text("{}")

    def short(pairwise, seed, task="find"):
        return replace(usual_settings(pairwise, seed, task), affinity_steps=2, output_steps=2, output_clips=2)

    monkeypatch.setattr("pretrained.recipe.runs.usual_settings", short)
    runs.train(workshop, short("embedded_gaussian", 8, "mend"))
    first, second = runs.load_network(workshop, "embedded_gaussian", 8)
    assert not torch.equal(first.theta.weight, second.theta.weight)
    shown = runs._shown_to(workshop, short("embedded_gaussian", 8, "mend"))
    given = first(clips.clip("damaged", 2))
    torch.testing.assert_close(shown.clip("damaged", 2), given, rtol=1e-3, atol=1e-2)  # stored as float16
    assert not torch.equal(given, clips.clip("damaged", 2))


@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_clips_pass_through_a_block_as_through_the_network(clips, pairwise):
    block = new_block(usual_settings(pairwise, seed=4)).requires_grad_(requires_grad=False)
    torch.nn.init.normal_(block.out.weight, std=0.1, generator=torch.Generator().manual_seed(9))
    x = clips.clip("grey_cue", 1)
    torch.testing.assert_close(answered(block, x, "learned", 0), block(x), rtol=1e-4, atol=1e-4)
    stored = passed_through(block, clips).clip("grey_cue", 1)
    torch.testing.assert_close(stored, block(x), rtol=1e-3, atol=1e-2)  # float16
