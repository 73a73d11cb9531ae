"""The samples: they open, they show what they say where they say it, and the composed one knows its pixels."""

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import map_coordinates

from nonlocal_core.errors import UnknownNameError
from nonlocal_core.media import Limits, Selection, find_sample, list_samples, probe, read_frames
from nonlocal_core.media.composed import (
    CUT_OUTS,
    SHARP_FRAME,
    background,
    blurred_clip,
    compose,
    composed_clip,
    layer,
    place,
)

SIZE = (54, 81)  # of compositions made for tests
IDS = [sample.id for sample in list_samples()]


@pytest.fixture(scope="module")
def small():
    return compose(frames=13, size_hw=SIZE)


def frames_of(sample):
    return read_frames(f"sample:{sample.id}")


def color_at(sample_id, stop):
    """Mean colour around a stop, as fractions of its sum."""
    mean = mean_at(frames_of(find_sample(sample_id)), find_sample(sample_id).tour[stop])
    return mean / mean.sum()


def mean_at(frames, stop):
    """Mean colour of a small square around a stop."""
    height, width = frames.rgb.shape[1:3]
    y, x, reach = int(stop.y * height), int(stop.x * width), max(1, width // 160)
    return frames.rgb[stop.frame, y - reach : y + reach + 1, x - reach : x + reach + 1].reshape(-1, 3).mean(axis=0)


def test_ids_are_names_for_a_link():
    assert len(set(IDS)) == len(IDS)
    assert all(sample_id.isascii() and sample_id.islower() and sample_id.isalpha() for sample_id in IDS)


@pytest.mark.parametrize("sample_id", IDS)
def test_a_sample_reads_as_its_record_says(sample_id):
    sample = find_sample(sample_id)
    frames = frames_of(sample)
    assert frames.info.kind == sample.kind
    assert len(frames.rgb) == sample.selection.count
    assert frames.info.sample_id == sample_id
    assert frames.info.name == sample.title
    untagged = f"{sample.title} does not say how it codes its colours; BT.709 is assumed, as players do."
    assert frames.warnings == ()
    assert frames.info.remarks == ((untagged,) if sample_id == "bunny" else ())
    assert len(sample.tour) == 3
    assert sample.query == sample.tour[0]
    for stop in sample.tour:
        assert 0 <= stop.frame < len(frames.rgb)
        assert 0 < stop.x < 1
        assert 0 < stop.y < 1
        assert stop.caption.endswith((".", "?"))
    assert min(map(len, (sample.title, sample.caption, sample.licence, sample.credit))) > 2


@pytest.mark.parametrize("sample_id", IDS)
def test_a_sample_is_small_enough_for_anyone(sample_id):
    info = probe(f"sample:{sample_id}")
    assert info.byte_count < 8e6
    assert info.byte_count < Limits().max_bytes


def test_an_unknown_sample_is_answered_with_the_known_ones():
    with pytest.raises(UnknownNameError, match="composed, bunny, bikes"):
        find_sample("rabbit")


@pytest.mark.parametrize(
    ("sample_id", "stop", "least", "channel"),
    [
        ("bikes", 0, 0.40, 0),  # the brake light is red
        ("coffee", 1, 0.65, 0),  # so is the saucer
        ("chelsea", 1, 0.40, 0),  # and the nose
        ("astronaut", 1, 0.50, 0),  # the suit is orange
        ("composed", 1, 0.34, 2),  # the patch is violet
    ],
)
def test_a_stop_has_the_colour_of_what_it_names(sample_id, stop, least, channel):
    colour = color_at(sample_id, stop)
    assert colour.argmax() == channel
    assert colour[channel] > least


SEEN_AT_STOPS = {
    "bunny": ((156.9, 153.2, 150.4), (159.0, 173.7, 89.6), (145.7, 132.5, 128.3)),
    "bikes": ((224.5, 68.6, 95.2), (56.0, 55.5, 55.9), (39.1, 38.0, 37.4)),
    "composed": ((47.5, 40.6, 28.1), (175.6, 159.1, 177.0), (157.9, 72.8, 33.4)),
    "blurred": ((171.4, 126.2, 90.4), (178.8, 134.4, 99.2), (159.8, 138.7, 174.8)),
}
"""Mean colour of a small square around each stop, on the frame that it means; on others it is another."""


@pytest.mark.parametrize("sample_id", SEEN_AT_STOPS)
def test_a_stop_is_on_the_frame_that_it_means(sample_id):
    frames = frames_of(find_sample(sample_id))
    for stop, colour in zip(find_sample(sample_id).tour, SEEN_AT_STOPS[sample_id], strict=True):
        assert mean_at(frames, stop) == pytest.approx(colour, abs=1.0)


def test_the_flowers_are_yellow():
    red, green, blue = color_at("bunny", 1)
    assert min(red, green) > 1.4 * blue


def test_the_bikes_selection_stays_within_one_shot():
    """From frame to frame the left half, where a car stands still, hardly changes; at the cuts it changes wholly."""
    sample = find_sample("bikes")
    chosen = frames_of(sample).frame_indices
    every = read_frames(sample.open(), Selection(frame_indices=tuple(range(70, 141))))
    left = every.rgb[:, ::4, :320:4].mean(axis=-1).reshape(71, -1)
    alike = {70 + i: np.corrcoef(left[i], left[i + 1])[0, 1] for i in range(70)}
    cuts = {frame for frame, likeness in alike.items() if likeness < 0.5}
    assert cuts == {75, 136}
    assert chosen.min() > 75
    assert chosen.max() <= 136


def test_the_composed_clip_reads_back_exactly():
    clip = compose()
    frames = read_frames(composed_clip(), find_sample("composed").selection)
    assert frames.info.shown_hw == clip.rgb.shape[1:3]
    assert frames.info.duration_seconds == pytest.approx(2.4)
    assert (frames.rgb == clip.rgb[frames.frame_indices]).all()
    for stop, name in zip(find_sample("composed").tour, ("cat", "patch", "cup"), strict=True):
        mask = clip.masks[clip.names.index(name), frames.frame_indices[stop.frame]]
        height, width = mask.shape
        assert mask[int(stop.y * height), int(stop.x * width)], f"the stop lies on the {name}"


def test_of_the_blurred_clip_one_frame_is_as_composed():
    clip, sample = compose(), find_sample("blurred")
    frames = read_frames(blurred_clip(), sample.selection)
    detail = [np.abs(np.diff(frame.astype(float), axis=1)).mean() for frame in frames.rgb]
    (sharp,) = np.flatnonzero(frames.frame_indices == SHARP_FRAME)
    assert (frames.rgb[sharp] == clip.rgb[SHARP_FRAME]).all()
    assert detail[sharp] > 3 * max(value for slot, value in enumerate(detail) if slot != sharp)
    assert (clip.blurred(sharp=SHARP_FRAME, radius_px=3.0).masks == clip.masks).all()
    for stop, name in zip(sample.tour, ("cat", "cat", "patch"), strict=True):
        mask = sample.masks()[name][frames.frame_indices[stop.frame]]
        assert mask[int(stop.y * mask.shape[0]), int(stop.x * mask.shape[1])], f"the stop lies on the {name}"
    assert sample.tour[1].frame == sharp


def test_the_cup_hides_and_the_patch_returns(small):
    visible = {name: small.masks[k].sum(axis=(1, 2)) for k, name in enumerate(small.names)}
    cup, patch, cat = visible["cup"], visible["patch"], visible["cat"]
    assert cup.min() < 0.15 * cup.max()
    assert 0 < cup.argmin() < 12
    assert (patch == 0).any()
    assert patch[0] > 0 < patch[-1]
    assert cat.min() > 0.5 * cat.max()


def test_the_cat_is_in_front_of_the_cup(small):
    hidden = []
    for t, moment in enumerate(np.linspace(0, 1, 13).tolist()):
        both = full_ellipse(CUT_OUTS[0], moment) & full_ellipse(CUT_OUTS[2], moment)
        hidden.append(int(both.sum()))
        assert not (both & small.masks[0, t]).any()
        assert (both <= small.masks[2, t]).all()
    assert max(hidden) > 50


def full_ellipse(cut_out, moment):
    """Pixels well inside the ellipse of a cut-out, from its waypoints, by loops over the two foci's definition."""
    height, width = SIZE
    x, y, size, degrees = place(cut_out, moment)
    a = size * width
    b = a * cut_out.semi_axes[1] / cut_out.semi_axes[0]
    long, short, turn = (a, b, 0.0) if a >= b else (b, a, 90.0)
    focus = np.sqrt(long**2 - short**2) * np.exp(-1j * np.deg2rad(degrees + turn))
    inside = np.zeros(SIZE, bool)
    for row in range(height):
        for col in range(width):
            point = complex(col + 0.5 - x * width, row + 0.5 - y * height)
            inside[row, col] = abs(point - focus) + abs(point + focus) < 2 * long - 3.0
    return inside


@pytest.mark.parametrize("k", range(3))
def test_a_mask_is_the_ellipse_less_what_hides_it(small, k):
    for t, moment in enumerate(np.linspace(0, 1, 13).tolist()):
        inner = full_ellipse(CUT_OUTS[k], moment)
        in_front = small.masks[k + 1 :, t].any(axis=0)
        missing = inner & ~small.masks[k, t] & ~in_front
        assert missing.sum() <= 0.03 * max(inner.sum(), 34), "at most the soft edge of what lies in front"
        area = np.pi * (place(CUT_OUTS[k], moment)[2] * SIZE[1]) ** 2
        area *= CUT_OUTS[k].semi_axes[1] / CUT_OUTS[k].semi_axes[0]
        assert small.masks[k, t].sum() <= area * 1.06


def test_pixels_and_masks_follow_the_law_of_composition(small):
    """Again from the layers, one pixel at a time and from front to back, the other way round than the code."""
    rng = np.random.default_rng(0)
    for t in (0, 4, 6, 9, 12):
        moment = t / 12
        ground = background(moment, SIZE)
        layers = []
        for cut_out in CUT_OUTS:
            part = layer(cut_out, moment, SIZE)
            opacity, rgb = np.zeros(SIZE), np.zeros((*SIZE, 3))
            opacity[part.window], rgb[part.window] = part.opacity, part.rgb
            layers.append((opacity, rgb))
        for row, col in rng.integers(0, SIZE, (400, 2)):
            through, seen, shares = 1.0, np.zeros(3), [0.0] * 3
            for k in (2, 1, 0):
                opacity, rgb = layers[k]
                shares[k] = through * opacity[row, col]
                seen += shares[k] * rgb[row, col]
                through *= 1 - opacity[row, col]
            seen += through * ground[row, col]
            assert np.abs(small.rgb[t, row, col] - seen).max() <= 0.5 + 1e-9
            assert [bool(m) for m in small.masks[:, t, row, col]] == [share >= 0.5 for share in shares]


def test_masks_never_share_a_pixel(small):
    assert small.masks.sum(axis=0).max() == 1


@pytest.mark.parametrize("k", range(3))
def test_an_object_shows_its_photograph(k):
    """Its middle has the colour of the middle of the cut in the photograph, averaged over the same patch."""
    cut_out = CUT_OUTS[k]
    with Image.open(cut_out.photo.locate()) as opened:
        photo = np.asarray(opened.convert("RGB"), float)
    moment, size = 0.0, (288, 432)
    part = layer(cut_out, moment, size)
    x, y, scale, _ = place(cut_out, moment)
    reach = 0.2 * cut_out.semi_axes[1]
    rows, cols = np.mgrid[: photo.shape[0], : photo.shape[1]] + 0.5
    disc = np.hypot(cols - cut_out.center[0], rows - cut_out.center[1]) < reach
    zoom = scale * size[1] / cut_out.semi_axes[0]
    rows, cols = np.mgrid[part.window] + 0.5
    shown = np.hypot(cols - x * size[1], rows - y * size[0]) < reach * zoom
    assert part.rgb[shown].mean(axis=0) == pytest.approx(photo[disc].mean(axis=0), abs=4.0)


MEASURED_ON = [
    ((7845.6, 85.95, 379.23, 218.7, 162.8, 114.6), (4681.1, 91.66, 51.34, 218.3, 162.2, 114.2)),
    ((2873.2, 229.90, 258.71, 143.0, 103.6, 153.9), (2874.0, 45.58, 267.34, 142.9, 103.6, 153.9)),
    ((14872.8, 189.56, 69.20, 146.0, 106.6, 76.2), (16808.3, 189.58, 310.54, 146.2, 106.8, 76.4)),
]
"""Area in pixels, middle (row, column) and mean colour of each object in the first and the last frame of 288 x 432."""


@pytest.mark.parametrize("k", range(3))
def test_the_clip_is_the_one_that_the_cards_were_measured_on(k):
    for moment, (area, *others) in zip((0.0, 1.0), MEASURED_ON[k], strict=True):
        part = layer(CUT_OUTS[k], moment, (288, 432))
        rows, cols = np.mgrid[part.window]
        share = part.opacity / part.opacity.sum()
        assert part.opacity.sum() == pytest.approx(area, rel=2e-3)
        middle = (share * rows).sum(), (share * cols).sum()
        assert (*middle, *(share[..., None] * part.rgb).sum(axis=(0, 1))) == pytest.approx(others, abs=0.3)


@pytest.mark.parametrize("k", range(3))
@pytest.mark.parametrize("axis", [0, 1], ids=["lying", "standing"])
def test_fine_patterns_of_an_object_do_not_alias(monkeypatch, axis, k):
    """A photograph is shrunk before its points are taken: stripes of one pixel become an even grey."""
    cut_out = CUT_OUTS[k]
    with Image.open(cut_out.photo.locate()) as opened:
        width, height = opened.size
    stripes = (np.indices((height, width))[axis] % 2 * 255).astype(np.uint8)
    monkeypatch.setattr("nonlocal_core.media.composed._photo", lambda _: Image.fromarray(stripes).convert("RGB"))
    part = layer(cut_out, 0.0, (96, 144))
    assert np.abs(part.rgb[part.opacity == 1] - 127.5).max() < 8


@pytest.mark.parametrize("k", range(3))
def test_the_edge_of_an_object_is_a_pixel_and_a_half_wide(k):
    """Along the short axis the opacity falls from 1 to 0 within 0.75 pixels to either side of the rim."""
    cut_out, size = CUT_OUTS[k], (288, 432)
    part = layer(cut_out, 0.0, size)
    x, y, scale, degrees = place(cut_out, 0.0)
    short = min(cut_out.semi_axes) * scale * size[1] / cut_out.semi_axes[0]
    offsets = np.array([-2.0, -0.3, 0.0, 0.3, 2.0])
    turn, lies = np.deg2rad(degrees), cut_out.semi_axes[0] >= cut_out.semi_axes[1]
    down, across = (np.cos(turn), np.sin(turn)) if lies else (-np.sin(turn), np.cos(turn))
    rows, cols = y * size[0] + (short + offsets) * down, x * size[1] + (short + offsets) * across
    top, left = part.window[0].start, part.window[1].start
    seen = map_coordinates(part.opacity, [rows - 0.5 - top, cols - 0.5 - left], order=1)
    assert seen == pytest.approx(np.clip(0.5 - offsets / 1.5, 0, 1), abs=0.12)


def test_objects_and_background_move(small):
    centres = []
    for k in range(3):
        rows, cols = np.nonzero(small.masks[k, 0])
        later_rows, later_cols = np.nonzero(small.masks[k, -1])
        centres.append(np.hypot(cols.mean() - later_cols.mean(), rows.mean() - later_rows.mean()))
    assert min(centres) > 20
    still = ~small.masks[:, [0, -1]].any(axis=(0, 1))
    assert np.abs(small.rgb[0].astype(int) - small.rgb[-1])[still].mean() > 5


def test_composing_twice_gives_the_same_bytes(small):
    again = compose(frames=13, size_hw=SIZE)
    assert (again.rgb == small.rgb).all()
    assert (again.masks == small.masks).all()
    assert again.encoded() == small.encoded()


def test_waypoints_are_met():
    for cut_out in CUT_OUTS:
        for i, waypoint in enumerate(cut_out.path):
            assert place(cut_out, i / (len(cut_out.path) - 1)) == pytest.approx(waypoint, abs=1e-6)
