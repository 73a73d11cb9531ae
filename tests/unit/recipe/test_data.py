"""The clips that blocks are trained on: what is true of their masks, their damage, their cells and their splits."""

import numpy as np
import pytest
import torch
from PIL import Image

from pretrained.recipe.damage import TAUGHT, damaged, wanted
from pretrained.recipe.features import MIXED, make_clips, read_shards, write_shards
from pretrained.recipe.scenes import LARGE_PX, SIDE, TRAIN_LARGE, TRAIN_PATCHES, compose
from pretrained.recipe.sources import Sources, _distinct, _of_split, installed_sources

FLAT = Sources(
    stamps=tuple(
        np.dstack([np.full((60, 90, 3), colour, np.uint8), np.full((60, 90, 1), 255, np.uint8)])
        for colour in [(250, 0, 0), (0, 250, 0), (0, 0, 250), (240, 240, 0)] * 4
    ),
    photos=(np.full((300, 400, 3), 128, np.uint8), np.full((280, 310, 3), 128, np.uint8)),
    names=(),
)
"""Objects of one bright colour each on grey: where a pixel is grey, no object shows."""


class Halves(torch.nn.Module):
    """Stands for the trunk: cheap features on the grids that the real one has."""

    def to_stride8(self, x):
        return torch.nn.functional.avg_pool2d(x, 8)

    def to_stride16(self, x):
        return torch.nn.functional.avg_pool2d(x, 2).repeat(1, 3, 1, 1)

    def to_logits(self, x):
        return x.mean(dim=(2, 3))


def test_masks_tell_exactly_where_objects_show():
    coloured = hidden = 0
    for seed in range(6):
        scene = compose(FLAT, np.random.default_rng(seed), patches=0.0, frames=3, side=96)
        vivid = np.ptp(scene.rgb.astype(int), axis=-1)
        # Scenery is coloured as well; but nothing that counts as an object may be grey.
        assert (vivid[scene.objects > 0] > 40).all()
        coloured += (scene.objects > 0).sum()
        hidden += (scene.objects == 0).sum()
    assert coloured > 2000
    assert hidden > 2000


def test_a_clip_follows_from_its_seed_alone():
    one, same, other = (
        compose(FLAT, np.random.default_rng(seed), patches=0.5, frames=3, side=64) for seed in (5, 5, 6)
    )
    assert np.array_equal(one.rgb, same.rgb)
    assert np.array_equal(one.objects, same.objects)
    assert not np.array_equal(one.rgb, other.rgb)


def test_large_objects_cover_more_of_a_frame_than_others():
    first = {
        large: [
            (scene.objects[0] == 1).mean()
            for seed in range(12)
            for scene in [compose(FLAT, np.random.default_rng(seed), patches=0.0, large=large, frames=2, side=96)]
        ]
        for large in (0.0, 0.5, 1.0)
    }
    least = (LARGE_PX[0] / SIDE) ** 2 * 60 / 90  # of an object of FLAT that the frame does not cut off
    assert max(first[0.0]) < 1.1 * least < max(first[1.0])
    assert np.mean(first[0.0]) < np.mean(first[0.5]) < np.mean(first[1.0])


@pytest.mark.parametrize("version", ["clean", "damaged", "blur_cue", "grey_cue"])
def test_damage_changes_the_frames_it_names_and_no_others(version):
    rgb = np.random.default_rng(0).integers(0, 256, (7, 48, 48, 3), np.uint8)
    kept = rgb.copy()
    changed, hit = damaged(rgb, version, np.random.default_rng(1))
    assert np.array_equal(rgb, kept)
    differs = [not np.array_equal(a, b) for a, b in zip(rgb, changed, strict=True)]
    assert list(hit) == differs
    if version.endswith("cue"):
        assert hit.sum() == 6
    if version == "grey_cue":
        assert not np.ptp(changed[hit], axis=-1).any()


def test_what_a_camera_does_is_small_differs_from_frame_to_frame_and_counts_as_no_change():
    frame = np.asarray(Image.fromarray(np.random.default_rng(2).integers(0, 256, (6, 6, 3), np.uint8)).resize((48, 48)))
    filmed, hit = damaged(np.stack([frame] * 5), "natural", np.random.default_rng(4))
    assert not hit.any()
    errors = [np.abs(one.astype(float) - frame).mean() for one in filmed]
    assert min(errors) > 0
    assert max(errors) < 25
    assert len({one.tobytes() for one in filmed}) == 5


def test_another_version_changes_none_before_it():
    few = make_clips(installed_sources(), Halves(), "train", range(1), frames=3, side=96)
    more = make_clips(installed_sources(), Halves(), "train", range(1), versions=TAUGHT, frames=3, side=96)
    assert set(more.features) - set(few.features) == {"natural"}
    for version, features in few.features.items():
        assert np.array_equal(features, more.features[version])


def test_natural_frames_stay_as_they_are_and_all_others_become_clean():
    assert [wanted(version) for version in TAUGHT] == ["clean", "clean", "clean", "clean", "natural"]


def test_cells_count_as_an_objects_from_half_of_their_pixels_on():
    clips = make_clips(installed_sources(), Halves(), "train", range(3), frames=3, side=96)
    assert clips.labels.shape == clips.sure.shape == (3, 3, 6, 6)
    assert clips.features["blur_cue"].shape == (3, 3, 9, 6, 6)
    for index in range(3):
        rng = np.random.default_rng([1, index])
        scene = compose(installed_sources(), rng, patches=TRAIN_PATCHES, large=TRAIN_LARGE, frames=3, side=96)
        for (t, row, col), label in np.ndenumerate(clips.labels[index]):
            cell = scene.objects[t, row * 16 : row * 16 + 16, col * 16 : col * 16 + 16]
            shares = [(cell == k).mean() for k in range(5)]
            if label == MIXED:
                assert max(shares[1:]) <= 0.5
                assert shares[0] < 0.95
            elif label == 0:
                assert shares[0] >= 0.95
            else:
                assert shares[label] > 0.5
            assert clips.sure[index, t, row, col] == (max(shares[1:]) > 0.8)


def test_shards_that_are_there_are_not_made_again(tmp_path, monkeypatch):
    monkeypatch.setattr("pretrained.recipe.features.SHARD", 1)
    sources, told = installed_sources(), []
    write_shards(tmp_path, sources, Halves(), "choose", 2, told.append)
    first = sorted(tmp_path.glob("*.npz"))
    times = [path.stat().st_mtime_ns for path in first]
    first[1].unlink()
    write_shards(tmp_path, sources, Halves(), "choose", 2, told.append)
    assert first[0].stat().st_mtime_ns == times[0]
    assert told[-1] == "choose: 2 of 2 clips"
    clips = read_shards(tmp_path, "choose")
    again = make_clips(sources, Halves(), "choose", range(2))
    assert np.array_equal(clips.features["damaged"], again.features["damaged"])
    assert np.array_equal(clips.hit["grey_cue"], again.hit["grey_cue"])


def test_splits_share_no_file_and_near_duplicates_go(tmp_path):
    paths = [tmp_path / f"{k:03d}" for k in range(57)]
    parts = [_of_split(paths, split) for split in ("train", "choose", "test")]
    assert sorted(path for part in parts for path in part) == paths
    assert len(parts[0]) > len(parts[2]) > len(parts[1]) > 0

    rng = np.random.default_rng(2)
    first, other = (rng.integers(0, 256, (90, 120, 3), np.uint8).repeat(3, 0).repeat(3, 1) for _ in range(2))
    pictures = {
        "a": first,
        "b": np.clip(first.astype(int) + 3, 0, 255).astype(np.uint8),
        "c": first[:, ::-1],
        "d": other,
    }
    for name, picture in pictures.items():
        Image.fromarray(picture).save(tmp_path / f"{name}.png")
    kept = _distinct(sorted(tmp_path.glob("*.png")))
    assert [path.stem for path in kept] == ["a", "d"]
