"""The recipe in small: its losses against loops, and a whole run on a handful of clips."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from nonlocal_core.models.normalised import NormalisedBlock
from nonlocal_core.models.parameter_free import ParameterFreeGaussian
from nonlocal_core.vocabulary import PAIRWISE
from pretrained.recipe import runs
from pretrained.recipe.evaluate import evaluate_answers, evaluate_rows, pooled_rows_of, rows_of
from pretrained.recipe.features import MIXED
from pretrained.recipe.losses import (
    ANYWHERE_QUERIES,
    TERMS,
    clean_rows,
    draw_mending,
    draw_whole,
    log_weights,
    mend_terms,
    weighed,
    whole_terms,
)
from pretrained.recipe.shown import Shown
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


def whole_of(clips, index, seed):
    return draw_whole(clips.labels[index], clips.window[index], np.random.default_rng(seed))


def mending_of(clips, index, hit, seed):
    rng, clean = np.random.default_rng(seed), clips.clip("clean", index)
    return draw_mending(clips.labels[index], hit, clean=clean, temperature=0.05, rng=rng)


def test_every_term_of_a_whole_look_equals_a_loop_over_keys(clips):
    labels, targets = clips.labels[0].ravel(), whole_of(clips, 0, seed=3)
    logs = torch.randn(len(targets.queries), labels.size, generator=torch.Generator().manual_seed(4)) * 2
    on, even = [], []
    for q, row, wanted in zip(targets.queries.tolist(), logs.double().numpy(), targets.even.numpy() > 0, strict=True):
        if labels[q]:
            assert np.array_equal(wanted, labels == labels[q])
        assert wanted[q]
        p = np.exp(row) / np.exp(row[labels != MIXED]).sum()
        on.append(-np.log(p[wanted].sum()))
        inside = p[wanted] / p[wanted].sum()
        even.append(np.mean(np.log(1 / len(inside) / inside)))
    given = whole_terms(logs, targets)
    assert float(given["on"]) == pytest.approx(np.mean(on), abs=CLOSE)
    assert float(given["even"]) == pytest.approx(np.mean(even), abs=CLOSE)
    total = 1.5 * np.mean(on) + np.mean(even)
    assert float(weighed(given, TERMS["find"])) == pytest.approx(total, rel=CLOSE)


def test_both_terms_alike_are_the_cross_entropy_to_an_even_row(clips):
    targets = whole_of(clips, 0, seed=3)
    logs = torch.randn(len(targets.queries), len(targets.known), generator=torch.Generator().manual_seed(5))
    shares = logs.masked_fill(~targets.known, -torch.inf).log_softmax(1)
    crossed = torch.where(targets.even > 0, targets.even * (targets.even.log() - shares), 0.0).sum(1).mean()
    given = whole_terms(logs, targets)
    assert float(given["on"] + given["even"]) == pytest.approx(float(crossed), rel=CLOSE)
    perfect = whole_terms((targets.even + 1e-30).log(), targets)
    assert float(perfect["on"]) == pytest.approx(0, abs=CLOSE)
    assert float(perfect["even"]) == pytest.approx(0, abs=CLOSE)


def test_a_row_that_stays_at_home_pays_for_it(clips):
    targets = whole_of(clips, 0, seed=3)
    home = torch.full((len(targets.queries), len(targets.known)), -20.0)
    home[torch.arange(len(home)), targets.queries] = 0
    given = whole_terms(home, targets)
    assert float(given["on"]) < CLOSE
    assert float(given["even"]) > 5


def test_every_term_of_mending_equals_a_loop_over_keys(clips):
    labels, hit = clips.labels[0].ravel(), np.array([True, False, True, True])
    targets, frame = mending_of(clips, 0, hit, seed=3), np.repeat(np.arange(4), 36)
    logs = torch.randn(len(targets.queries), labels.size, generator=torch.Generator().manual_seed(4)) * 2
    found = {"mend": [], "stay": []}
    for q, row, clean in zip(targets.queries.tolist(), logs.double().numpy(), targets.clean.double(), strict=True):
        wanted = np.flatnonzero(clean.numpy())
        if len(wanted):
            p, clean = np.exp(row[wanted]) / np.exp(row).sum(), clean.numpy()[wanted]
            found["stay" if frame[q] == 1 else "mend"].append((clean * np.log(clean / p)).sum())
    given = mend_terms(logs, targets)
    for name, values in found.items():
        assert float(given[name]) == pytest.approx(np.mean(values), abs=CLOSE), name


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
    hit, labels = np.array([True, False, True, True]), clips.labels[0].ravel()
    targets = mending_of(clips, 0, hit, seed=3)
    queries, rows = targets.queries, targets.clean.double().numpy()
    assert targets.changed.tolist() == hit.repeat(36)[queries.numpy()].tolist()
    unit = unit_by_loops(clips.features["clean"][0].astype(np.float64))
    assert (labels[queries[-ANYWHERE_QUERIES:].numpy()] == MIXED).any()
    for place, (query, row) in enumerate(zip(queries.tolist(), rows, strict=True)):
        told = place < len(queries) - ANYWHERE_QUERIES
        allowed = ~hit.repeat(36) & (~np.array(told) | (labels == labels[query]))
        expected = np.exp(unit @ unit[query] / 0.05) * allowed
        assert np.allclose(row, expected / max(expected.sum(), 1e-300), atol=CLOSE)


def test_points_of_the_background_are_where_the_camera_says_in_every_frame(clips):
    targets, box = whole_of(clips, 0, seed=3), clips.window[0]
    ground = np.flatnonzero(clips.labels[0].ravel()[targets.queries.numpy()] == 0)
    assert len(ground)
    for q in ground[::7].tolist():
        t, row, col = np.unravel_index(int(targets.queries[q]), (4, 6, 6))
        length = box[t, 2:] - box[t, :2]
        x, y = box[t, :2] + length * (np.array([col, row]) + 0.5) / 6
        for key in targets.even[q].nonzero().flatten().tolist():
            s, r, c = np.unravel_index(key, (4, 6, 6))
            size = (box[s, 2:] - box[s, :2]) / 6
            place = box[s, :2] + size * (np.array([c, r]) + 0.5)
            assert clips.labels[0][s, r, c] == 0
            assert np.hypot(*((place - (x, y)) / size)) <= 1.2


@pytest.mark.parametrize("task", ["find", "refine", "mend"])
@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_training_the_affinity_lowers_its_loss_and_moves_nothing_else(clips, pairwise, task):
    if task == "mend" and pairwise != "embedded_gaussian":
        return
    settings = Settings(
        pairwise=pairwise, seed=5, task=task, affinity_steps=8, affinity_clips=2, learning_rate=5e-3, temperature=0.05
    )
    first = new_block(replace(settings, task="find")) if task == "refine" else None
    shown = Shown(clips=clips, first=first)
    trained, log = new_block(settings), Log(settings=settings)
    block = trained.affinity if task == "refine" else trained
    before = {name: value.clone() for name, value in trained.state_dict().items()}
    rng = np.random.default_rng(6)
    asked = []
    for index, labels in enumerate(shown.labels):
        if task == "mend":
            hit, clean = clips.hit["damaged"][index], shown.clip("clean", index)
            targets = draw_mending(labels, hit, clean=clean, temperature=0.05, rng=rng)
        else:
            ground = 0 if pairwise == "concatenation" else 64  # of one map for all queries, objects alone are asked
            targets = draw_whole(labels, clips.window[index], rng, ground_queries=ground)
        asked.append((shown.clip("damaged", index), targets))

    def loss():
        losses = []
        for x, targets in asked:
            with torch.no_grad():
                pieces = block.embed(x)
                logs = log_weights(pairwise, pieces.theta[0, targets.queries], pieces.phi[0])
                terms = mend_terms(logs, targets) if task == "mend" else whole_terms(logs, targets)
                losses.append(float(weighed(terms, TERMS[task])))
        return np.mean(losses)

    start = loss()
    train_affinity(trained, shown, settings, log, lambda _message: None)
    assert loss() < start
    moved = {name for name, value in trained.state_dict().items() if not torch.equal(value, before[name])}
    assert moved
    assert not moved & {"g.weight", "g.bias", "out.weight", "out.bias"}
    assert log.losses["affinity"][-1]["step"] == 8


def test_a_block_that_refines_is_shown_both_layers_and_what_the_first_rows_sum_up(clips):
    first = new_block(usual_settings("embedded_gaussian", seed=4)).eval()
    shown = Shown(clips=clips, first=first)
    x = shown.clip("grey_cue", 1)
    assert x.shape == (1, 264, 4, 12, 12)
    assert shown.labels.shape == (4, 4, 12, 12)
    assert torch.equal(x[0, :40], torch.from_numpy(clips.fine["grey_cue"][1]).float().transpose(0, 1))
    with torch.no_grad():
        pieces = first.embed(clips.clip("grey_cue", 1))
        unit = first.normalise(clips.clip("grey_cue", 1).flatten(2).mT) / first.length
        summed = (pieces.theta[0] @ pieces.phi[0].T).softmax(1) @ unit[0]
    fine = summed.T.view(112, 4, 6, 6)[:, :, 2, 3]  # halfway between four cells lie the finer ones
    around = x[0, 152:, :, 4:6, 6:8].mean(dim=(2, 3))
    neighbours = torch.nn.functional.avg_pool2d(summed.T.view(112, 4, 6, 6), 3, 1)[:, :, 1, 2]
    assert (around - fine).abs().max() < (neighbours - fine).abs().max() + 0.05
    still = shown.clip("grey_cue", 1, [2])
    assert torch.equal(still[0, :40, 0], x[0, :40, 2])
    assert not torch.allclose(still[0, 152:, 0], x[0, 152:, 2], atol=1e-3), "a still is described without other frames"


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
    settings = Settings(
        pairwise="embedded_gaussian",
        seed=5,
        task="mend",
        sharper=2.5,
        affinity_steps=1,
        affinity_clips=1,
        learning_rate=0.0,
        gain_rate=0.0,
        bias_rate=0.0,
    )
    block = new_block(settings)
    before = block.embed(clips.clip("clean", 0))
    train_affinity(block, Shown(clips=clips), settings, Log(settings=settings), lambda _message: None)
    after = block.embed(clips.clip("clean", 0))
    torch.testing.assert_close(after.theta @ after.phi.mT, 2.5 * before.theta @ before.phi.mT, rtol=1e-4, atol=1e-4)


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
    assert 0.5 < np.nanmean(evaluate_rows(block, Shown(clips=clips))["clean"]["auc"]) <= 1
    answers = evaluate_answers([block], trunk, clips)
    assert np.nanmax(answers["clean"]["kl.none"]) < 1e-3  # float16 features and answers
    assert np.nanmin(answers["clean"]["kl.learned"]) > 0
    losses = json.loads((folder / "log.json").read_text())["losses"]
    assert [entry["step"] for entry in losses["output"]] == [1, 2, 3]


def test_rows_on_wider_cells_equal_loops_over_the_four_cells_of_each():
    x = torch.randn(1, 5, 2, 4, 6, generator=torch.Generator().manual_seed(9))
    whole = rows_of(ParameterFreeGaussian(), x, np.arange(48)).reshape(2, 4, 6, 2, 4, 6)
    queries = np.array([0, 4, 11])
    found = pooled_rows_of(ParameterFreeGaussian(), x, queries)
    for query, row in zip(queries, found, strict=True):
        t, y, across = np.unravel_index(query, (2, 2, 3))
        expected = np.zeros((2, 2, 3))
        for down, right in itertools.product(range(2), range(2)):
            fine = whole[t, 2 * y + down, 2 * across + right]
            for key in np.ndindex(2, 4, 6):
                expected[key[0], key[1] // 2, key[2] // 2] += fine[key] / 4
        np.testing.assert_allclose(row, expected.ravel(), atol=1e-12)
        assert row.sum() == pytest.approx(1)


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
    refined = runs._shown_to(workshop, short("embedded_gaussian", 8, "refine"))
    assert torch.equal(refined.first.theta.weight, first.theta.weight)
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
