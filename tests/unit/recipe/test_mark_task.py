"""Who wore the mark: the questions say nothing by themselves, and nothing but the right look answers them."""

import itertools
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from pretrained.recipe.mark.blocks import AskedBlock, Convolutions, Nothing
from pretrained.recipe.mark.clips import MarkClips
from pretrained.recipe.mark.scenes import (
    APART,
    FRAMES,
    OBJECTS,
    STEP,
    STRIDES,
    compose,
    owners,
    paths,
    sources_by_split,
)
from pretrained.recipe.mark.task import STRENGTH, cells_of, draw, share_won
from pretrained.recipe.mark.training import Asked, run, stands_still
from pretrained.recipe.mark.variants import VARIANTS, Variant, parameter_count
from pretrained.recipe.sources import Sources, installed_sources

HEIGHT, WIDTH = 5, 6
AREA = HEIGHT * WIDTH
CHANCE_BAND = 0.12
"""Shares won by luck: 40 clips with 18 questions each, some of them on the same object."""


def owned(clips, seed=1):
    """Owners of clips in which each object covers two cells of every frame."""
    rng = np.random.default_rng(seed)
    found = np.zeros((clips, FRAMES, AREA), np.uint8)
    for of_frame in found.reshape(-1, AREA):
        of_frame[rng.permutation(AREA)[: 2 * OBJECTS]] = np.repeat(np.arange(1, OBJECTS + 1), 2)
    return found.reshape(clips, FRAMES, HEIGHT, WIDTH)


@pytest.fixture(autouse=True)
def one_thread():
    """Compute on one thread: so do the recipe's runs, and threads cost more than they bring to matrices this small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def asked():
    """Clips whose objects are told apart by their features, as the recipe's are, at stride 8."""
    clips, rng = owned(60), np.random.default_rng(2)
    features = rng.normal(size=(*clips.shape, 40))
    looks = rng.normal(size=(len(clips), OBJECTS, 40))
    for clip, label in np.ndindex(len(clips), OBJECTS):
        features[clip][clips[clip] == label + 1] = looks[clip, label] + rng.normal(size=40) * 0.3
    parts = {"train": slice(0, 40), "choose": slice(40, 50), "test": slice(20, 60)}
    return {
        split: Asked(
            clips=MarkClips(features=torch.from_numpy(features[part]).half(), owners=clips[part]),
            cells=cells_of(clips[part]),
        )
        for split, part in parts.items()
    }


def test_one_hop_asks_in_other_frames_for_what_the_object_wore():
    clips = owned(30)
    flat = clips.reshape(30, -1)
    found = draw(1, cells_of(clips), FRAMES * AREA, np.random.default_rng(3))
    for clip in range(30):
        worn = found.marks[clip].numpy()
        marked = {int(position) // AREA for position in np.flatnonzero(worn.any(1))}
        assert len(marked) == 1
        assert set(np.unique(worn)) == {0.0, STRENGTH[1]}
        for query, answer, apart in zip(found.queries[clip], found.answers[clip], found.apart[clip], strict=True):
            frame, label = int(query) // AREA, flat[clip, query]
            assert frame not in marked
            assert int(apart) == abs(frame - marked.copy().pop())
            own = (flat[clip] == label) & worn.any(1)
            assert own.sum() == 2
            assert (worn[own].argmax(1) == int(answer)).all()
        assert Counter((int(q) // AREA, flat[clip, q]) for q in found.queries[clip]) == Counter(
            (t, label) for t in range(FRAMES) if t not in marked for label in range(1, OBJECTS + 1)
        )


def known_to_one_look(found, flat, clip):
    """All that rows of one block can bring to A: its tag, its own mark, and how many cells wear which."""
    query = int(found.queries[clip, 0])
    own_mark = int(found.own_answers[clip, flat[clip, query] - 1])
    worn = found.marks[clip] > 0
    return int(worn[query].int().argmax()), own_mark, tuple(worn.sum(0).tolist())


def best_guess(found, flat):
    """The best accuracy of an answer from what one look knows, by counting."""
    groups = {}
    for clip in range(len(flat)):
        groups.setdefault(known_to_one_look(found, flat, clip), Counter())[int(found.answers[clip, 0])] += 1
    return sum(max(counts.values()) for counts in groups.values()) / len(flat)


def with_free_marks(found, flat):
    """The careless wording: the third object's mark is drawn like the others', so marks may all be alike."""
    marks = found.marks.clone()
    rng = np.random.default_rng(9)
    for clip in range(len(flat)):
        worn = marks[clip]
        tagged = worn[int(found.queries[clip, 0])].argmax()
        third = next(
            label for label in range(1, OBJECTS + 1) if not (worn[:, tagged] > 0).numpy()[flat[clip] == label].any()
        )
        cells = torch.from_numpy(flat[clip] == third) & (worn[:, 2:] > 0).any(1)
        worn[cells, 2:] = 0
        worn[cells, 2 + int(rng.integers(2))] = STRENGTH[2]
    return replace(found, marks=marks)


def test_two_hops_cannot_be_answered_by_one_look_and_a_careless_wording_could():
    clips = owned(1500)
    flat = clips.reshape(1500, -1)
    found = draw(2, cells_of(clips), FRAMES * AREA, np.random.default_rng(4))
    assert abs(best_guess(found, flat) - 0.5) < 0.04
    assert best_guess(with_free_marks(found, flat), flat) > 0.65


def test_two_hops_ask_for_the_mark_of_the_one_with_the_same_tag():
    clips = owned(40)
    flat = clips.reshape(40, -1)
    found = draw(2, cells_of(clips), FRAMES * AREA, np.random.default_rng(5))
    for clip in range(40):
        worn, query = found.marks[clip].numpy(), int(found.queries[clip, 0])
        asker = flat[clip, query]
        tag = int(worn[query, :2].argmax())
        partners = {int(flat[clip, cell]) for cell in np.flatnonzero(worn[:, tag])} - {int(asker)}
        assert len(partners) == 1
        of_partner = worn[flat[clip] == partners.pop(), 2:].sum(0)
        assert int(of_partner.argmax()) == int(found.answers[clip, 0])
        for label in range(OBJECTS):
            assert worn[flat[clip] == label + 1, 2:].sum(0).argmax() == int(found.own_answers[clip, label])
            assert int(found.own_queries[clip, label]) // AREA == query // AREA


def small(**of_block):
    return Variant(id="small", title="", stride=8, bodies=lambda channels: [AskedBlock(channels, **of_block)], rate=1.0)


def test_only_the_right_row_wins(asked):
    _, learned = run(small(), 1, asked, most=100)
    assert learned["won"] > 0.8
    assert learned["looks"]["marked"] > 3 * learned["looks"]["others"]
    for variant in (small(row="wrong"), nothing()):
        _, found = run(variant, 1, asked, most=50)
        assert abs(found["won"]) < CHANCE_BAND, variant


def nothing():
    return Variant(id="none", title="", stride=8, bodies=lambda _channels: [Nothing()], rate=1.0)


def test_a_run_repeats_itself_and_its_answers_are_counted(asked):
    (_, first), (_, again) = (run(small(), 3, asked, most=50) for _ in range(2))
    assert {**first, "seconds": 0} == {**again, "seconds": 0}
    right = "".join(first["right"])
    assert first["won"] == pytest.approx(share_won(right.count("1") / len(right), 1), abs=1e-4)
    assert [len(clip) for clip in first["right"]] == [18] * 40
    assert first["steps"] == 199
    assert set("".join(first["apart"])) == {"1", "2", "3"}


@pytest.mark.parametrize(
    ("won", "still"),
    [
        ([0.5] * 6, False),
        ([0.5] * 7, True),
        ([0.5, 0.52, 0.54, 0.56, 0.58, 0.6, 0.62], False),
        ([0.5 + 0.001 * k for k in range(7)], True),
        ([0.02] * 20, False),
        ([0.02] * 21, True),
        ([0.02] * 15 + [0.4], False),
    ],
)
def test_a_plateau_is_where_nothing_was_gained_for_long(won, still):
    assert stands_still([[50.0 * (k + 1), value] for k, value in enumerate(won)]) is still


def test_patience_is_multiplied_while_nothing_was_learned_and_only_then():
    def course(value, looks):
        return [[50.0 * (k + 1), value] for k in range(looks)]

    assert stands_still(course(0.02, 60), times=3) is False
    assert stands_still(course(0.02, 61), times=3) is True
    assert stands_still(course(0.5, 7), times=3) is True


@pytest.mark.parametrize("scope", ["spacetime", "space", "time"])
@pytest.mark.parametrize("pairwise", ["gaussian", "embedded_gaussian", "dot_product", "concatenation"])
def test_the_short_way_at_some_positions_is_the_block(pairwise, scope):
    torch.manual_seed(6)
    block = AskedBlock(14, pairwise, scope=scope, blind=3)
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
        x, queries = torch.randn(2, 14, 3, 4, 5), torch.randint(60, (2, 7))
        rows = x.flatten(2).mT
        whole = block(x).flatten(2).mT
        short = block.at(rows, queries, (3, 4, 5))
    expected = torch.stack([whole[clip, queries[clip]] for clip in range(2)])
    torch.testing.assert_close(short, expected, rtol=0, atol=5e-5)


def test_what_theta_and_phi_are_blind_to_moves_no_weight_but_is_fetched():
    block = AskedBlock(14, blind=3)
    rows, queries = torch.randn(1, 60, 14, generator=torch.Generator().manual_seed(7)), torch.tensor([[3, 8]])
    marked = rows.clone()
    marked[0, 20, 12] += 5
    with torch.no_grad():
        block.out.weight.copy_(torch.eye(14))
        torch.testing.assert_close(block.weights(marked, queries, (3, 4, 5)), block.weights(rows, queries, (3, 4, 5)))
        moved = block.at(marked, queries, (3, 4, 5)) - block.at(rows, queries, (3, 4, 5))
    assert (moved[..., 12] > 0).all()
    assert moved[..., :12].abs().max() < 1e-5


@pytest.mark.parametrize("name", ["conv311", "conv333", "conv311-stacked", "conv333-stacked"])
def test_convolutions_have_about_as_many_weights_as_the_block(name):
    block = parameter_count(VARIANTS["embedded_gaussian"].build(1))
    assert 0.8 * block < parameter_count(VARIANTS[name].build(1)) <= block


@pytest.mark.parametrize(
    ("name", "changed", "seen"),
    [
        ("conv311", (0, 13, 13), False),
        ("conv311-stacked", (0, 13, 13), True),
        ("conv311-stacked", (3, 13, 12), False),
        ("conv333", (0, 13, 13), False),
        ("conv333-stacked", (0, 0, 0), True),
    ],
)
def test_stacked_convolutions_see_from_one_end_to_the_other(name, changed, seen):
    body = VARIANTS[name].build(1).bodies[0]
    assert isinstance(body, Convolutions)
    torch.nn.init.normal_(body.up.weight)
    body.double()
    thw, corner = (FRAMES, 14, 14), torch.tensor([[FRAMES * 14 * 14 - 1]])
    rows = torch.randn(1, FRAMES * 14 * 14, 115, generator=torch.Generator().manual_seed(8), dtype=torch.float64)
    other = rows.clone()
    other[0, int(np.ravel_multi_index(changed, thw))] += 100
    with torch.no_grad():
        assert bool((body.at(other, corner, thw) != body.at(rows, corner, thw)).any()) is seen


def test_composed_clips_give_every_object_a_cell_of_every_stride():
    for seed in range(2):
        scene = compose(installed_sources(), np.random.default_rng(seed), patches=1.0)
        again = compose(installed_sources(), np.random.default_rng(seed), patches=1.0)
        assert np.array_equal(scene.rgb, again.rgb)
        for stride in STRIDES:
            cells = owners(scene.objects, stride)
            assert cells.shape == (FRAMES, 224 // stride, 224 // stride)
            for frame, cells_of_frame in enumerate(cells):
                assert set(np.unique(cells_of_frame)) >= {1, 2, 3}
                row, column = np.argwhere(cells_of_frame == 2)[0]
                covered = scene.objects[
                    frame, row * stride : (row + 1) * stride, column * stride : (column + 1) * stride
                ]
                assert (covered == 2).mean() > 0.5


def test_longer_clips_ask_in_every_frame_but_the_marked_one():
    center = paths(np.random.default_rng(2), 2 * FRAMES)
    assert center.shape == (OBJECTS, 2 * FRAMES, 2)
    for first, second in itertools.combinations(center, 2):
        assert np.linalg.norm(first - second, axis=1).min() >= APART
    assert np.linalg.norm(np.diff(center, axis=1), axis=-1).max() <= STEP
    clips = np.tile(owned(clips=2), (1, 2, 1, 1))
    found = draw(1, cells_of(clips), 2 * FRAMES * AREA, np.random.default_rng(3))
    frames = 2 * FRAMES
    assert found.queries.shape == (2, OBJECTS * (frames - 1))
    for clip, queries in enumerate(found.queries.numpy()):
        (marked,) = {int(cell) // AREA for cell in np.flatnonzero(found.marks[clip].any(-1))}
        asked = queries // AREA
        assert sorted(asked) == sorted(t for t in range(frames) if t != marked for _ in range(OBJECTS))
        assert np.array_equal(found.apart[clip], np.abs(asked - marked))


def test_pictures_to_test_by_are_none_that_the_task_was_worded_on(monkeypatch):
    def pictures(split):
        stamps, photos = {"train": (12, 8), "choose": (3, 2), "test": (5, 4)}[split]
        shade = {"train": 10, "choose": 60, "test": 110}[split]
        return Sources(
            stamps=tuple(np.full((2, 2, 4), shade + k, np.uint8) for k in range(stamps)),
            photos=tuple(np.full((2, 2, 3), 200 + shade // 10 + k, np.uint8) for k in range(photos)),
            names=tuple(f"{split}-s{k}" for k in range(stamps)) + tuple(f"{split}-p{k}" for k in range(photos)),
        )

    monkeypatch.setattr("pretrained.recipe.mark.scenes.load_sources", lambda _folder, split: pictures(split))
    found = sources_by_split(None)
    names = {split: set(sources.names) for split, sources in found.items()}
    assert names["test"] <= set(pictures("train").names)
    assert (len(found["test"].stamps), len(found["test"].photos)) == (3, 2)
    assert names["choose"] == set(pictures("choose").names)
    assert names["train"] == (set(pictures("train").names) | set(pictures("test").names)) - names["test"]
    for sources in found.values():
        for name, picture in zip(sources.names, sources.stamps + sources.photos, strict=True):
            split, kind, number = name.split("-")[0], name.split("-")[1][0], int(name.split("-")[1][1:])
            assert np.array_equal(picture, (pictures(split).stamps if kind == "s" else pictures(split).photos)[number])
