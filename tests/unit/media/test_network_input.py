"""From frames to a network's input: sizes that cells tile, the crop told truly, numbers as the network expects."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_frames import frames_of
from PIL import Image

from nonlocal_core.errors import GeometryError
from nonlocal_core.media import InputSpec, network_input

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def spec(**how: object) -> InputSpec:
    return InputSpec(**{"short_side": 64, "multiple_of": 16, "mean": MEAN, "std": STD, **how})


@settings(deadline=None)
@given(
    st.integers(1, 5000),
    st.integers(1, 5000),
    st.sampled_from([1, 8, 16, 32]),
    st.integers(32, 600),
    st.sampled_from(["none", "center"]),
)
def test_cells_tile_every_input_and_stay_within_the_long_side(
    height: int, width: int, multiple_of: int, short_side: int, crop: str
) -> None:
    made = spec(short_side=short_side, multiple_of=multiple_of, crop=crop, max_long_side=1024)
    view = made.view_of((height, width))
    assert view.shown_hw == (height, width)
    assert all(side % multiple_of == 0 and multiple_of <= side <= 1024 for side in view.input_hw)
    if crop == "center":
        assert view.input_hw[0] == view.input_hw[1]
        x0, y0, x1, y1 = view.crop
        assert (x1 - x0) * width == pytest.approx(min(height, width))
        assert (y1 - y0) * height == pytest.approx(min(height, width))
        assert (x0 + x1, y0 + y1) == pytest.approx((1, 1))
    else:
        assert view.crop == (0.0, 0.0, 1.0, 1.0)
        exact = min(short_side / min(height, width), 1024 / max(height, width))
        ends = (multiple_of, 1024 // multiple_of * multiple_of)
        for side, length in zip(view.input_hw, (height, width), strict=True):
            assert abs(side - length * exact) <= multiple_of / 2 or side in ends


@pytest.mark.parametrize(
    ("shown_hw", "how", "input_hw"),
    [
        ((720, 1280), {"short_side": 256}, (256, 448)),  # 455.1 rounds to 28 cells
        ((1280, 720), {"short_side": 256}, (448, 256)),
        ((300, 451), {"short_side": 224, "multiple_of": 32}, (224, 352)),
        ((480, 640), {"short_side": 250}, (256, 336)),  # 250 itself is no multiple
        ((30, 50), {"short_side": 64}, (64, 112)),  # small frames are enlarged
        ((500, 8000), {"short_side": 256}, (64, 1024)),  # a panorama is fed smaller
        ((1, 5000), {"short_side": 256}, (16, 1024)),  # and never without a cell
        ((720, 1280), {"short_side": 250, "crop": "center"}, (256, 256)),
    ],
)
def test_sizes(shown_hw: tuple[int, int], how: dict[str, object], input_hw: tuple[int, int]) -> None:
    assert spec(**how).view_of(shown_hw).input_hw == input_hw


def test_numbers_are_normalised_per_channel_on_either_scale() -> None:
    colours = np.random.default_rng(1).integers(0, 256, (5, 3))
    rgb = np.broadcast_to(colours[:, None, None].astype(np.uint8), (5, 48, 80, 3)).copy()
    unit, _ = network_input(frames_of(rgb), spec(short_side=32))
    full, _ = network_input(frames_of(rgb), spec(short_side=32, value_range=255, mean=(110.0, 112.0, 114.0)))
    assert unit.shape == full.shape == (1, 3, 5, 32, 48)
    assert unit.dtype == full.dtype == np.float32
    for t in range(5):
        for c in range(3):
            assert unit[0, c, t] == pytest.approx((colours[t, c] / 255 - MEAN[c]) / STD[c], abs=1e-5)
            assert full[0, c, t] == pytest.approx((colours[t, c] - (110, 112, 114)[c]) / STD[c], rel=1e-5)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6])
def test_a_network_of_other_channels_is_fed_grey_or_the_colours_in_turn(count: int) -> None:
    colour = np.array([200, 100, 50], dtype=np.uint8)
    rgb = np.broadcast_to(colour, (2, 64, 64, 3)).copy()
    clip, _ = network_input(frames_of(rgb), spec(mean=(0.0,) * count, std=(1.0,) * count))
    grey = (0.299 * 200 + 0.587 * 100 + 0.114 * 50) / 255
    wanted = [grey] if count == 1 else [colour[channel % 3] / 255 for channel in range(count)]
    np.testing.assert_allclose(clip[0, :, 0, 5, 5], wanted, atol=1e-3)


def test_a_network_that_takes_marks_is_told_the_share_of_each_pixel_that_wears_one() -> None:
    marks = np.zeros((2, 128, 128), np.uint8)
    marks[1, :64, :65] = 2
    marks[1, 64:, :] = 1
    frames = replace(frames_of(np.zeros((2, 128, 128, 3), np.uint8)), marks=marks)
    clip, _ = network_input(frames, spec(marks=2))
    assert clip.shape == (1, 5, 2, 64, 64)
    worn = clip[0, 3:]
    assert not worn[:, 0].any()
    assert (worn[0, 1, 32:] == 1).all()
    assert (worn[1, 1, :32, :32] == 1).all()
    assert worn[1, 1, :32, 32] == pytest.approx(0.5, abs=0.01)
    assert not worn[1, 1, :32, 33:].any()
    without, _ = network_input(frames_of(frames.rgb), spec(marks=2))
    assert not without[0, 3:].any()


def test_the_whole_frame_lands_where_the_view_says() -> None:
    rows, cols = np.indices((96, 160))
    rgb = np.stack([rows * 255 // 95, cols * 255 // 159, np.zeros_like(rows)], axis=-1)[None].astype(np.uint8)
    clip, view = network_input(frames_of(rgb), spec(short_side=48, mean=(0.0,) * 3, std=(1.0,) * 3))
    assert view.input_hw == (48, 80)
    ramp = (np.arange(48) + 0.5) / 48 - 0.5 / 96  # where the centre of each row of the input lies in the frame
    assert np.abs(clip[0, 0, 0] - ramp[:, None] * 96 / 95).max() < 0.01
    assert np.abs(clip[0, 2, 0]).max() == 0


@pytest.mark.parametrize("turned", [False, True])
def test_a_centre_crop_is_the_middle_of_the_scaled_frame_and_says_so(turned: bool) -> None:
    rgb = np.random.default_rng(3).integers(0, 256, (2, 60, 100, 3), dtype=np.uint8)
    rgb = np.ascontiguousarray(rgb.transpose(0, 2, 1, 3)) if turned else rgb
    shown_hw = (rgb.shape[1] * 10, rgb.shape[2] * 10)  # frames are read smaller than they are shown
    centre = spec(short_side=30, multiple_of=15, crop="center", mean=(0.0,) * 3, std=(1.0,) * 3, value_range=255)
    clip, view = network_input(frames_of(rgb, shown_hw), centre)
    assert view.crop == pytest.approx((0.0, 0.2, 1.0, 0.8) if turned else (0.2, 0.0, 0.8, 1.0))
    assert clip.shape == (1, 3, 2, 30, 30)
    for t in range(2):  # oracle: scale the whole frame to half, then cut
        whole = np.asarray(Image.fromarray(rgb[t]).resize((30, 50) if turned else (50, 30), Image.Resampling.BICUBIC))
        middle = whole[10:40] if turned else whole[:, 10:40]
        assert np.abs(clip[0, :, t].transpose(1, 2, 0) - middle).max() <= 2  # Pillow rounds between its two passes


def test_fine_patterns_do_not_alias() -> None:
    checkerboard = (np.indices((400, 700)).sum(axis=0) % 2 * 255).astype(np.uint8)
    rgb = np.repeat(checkerboard[None, ..., None], 3, axis=3)
    clip, _ = network_input(frames_of(rgb), spec(short_side=64, mean=(0.5,) * 3, std=(1.0,) * 3))
    assert np.abs(clip).max() < 0.02


def test_frames_are_left_as_they_were() -> None:
    rgb = np.random.default_rng(2).integers(0, 256, (2, 48, 80, 3), dtype=np.uint8)
    before = rgb.copy()
    network_input(frames_of(rgb), spec(short_side=48))
    assert (rgb == before).all()


def test_the_grid_of_the_view_covers_the_crop() -> None:
    view = spec(short_side=64, crop="center").view_of((600, 1000))
    grid = view.query_grid(clip_frames=8, steps=4, rows=4, cols=4)
    assert grid.box == pytest.approx((0.2, 0.0, 0.8, 1.0))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"short_side": 8}, "multiple_of <= short_side"),
        ({"multiple_of": 0}, "1 <= multiple_of"),
        ({"max_long_side": 63}, "short_side <= max_long_side"),
        ({"std": (1.0, 0.0, 1.0)}, "std is larger than 0"),
        ({"std": (1.0, 1.0)}, "Every channel has a mean and a std"),
        ({"mean": (), "std": ()}, "Every channel has a mean and a std"),
        ({"size_hw": (0, 64)}, "at least one pixel"),
        ({"size_hw": (64, 0)}, "at least one pixel"),
        ({"crop_fraction": 0.0}, "above 0 and up to 1"),
        ({"crop_fraction": 1.01}, "above 0 and up to 1"),
    ],
)
def test_inputs_that_cannot_be_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(GeometryError, match=message):
        spec(**wrong)


def test_the_smallest_and_the_whole_of_what_can_be_are_taken() -> None:
    assert spec(size_hw=(1, 1), multiple_of=1, crop_fraction=1.0).size_hw == (1, 1)
    assert spec(short_side=16, multiple_of=16, max_long_side=16).view_of((30, 90)).input_hw == (16, 16)
    assert spec(short_side=1, multiple_of=1).max_long_side == 1024


@pytest.mark.parametrize(
    ("shown_hw", "input_hw"),
    [((64, 88), (64, 96)), ((64, 87), (64, 80)), ((64, 4_000), (16, 1024)), ((4_000, 20), (1024, 16))],
)
def test_sides_go_to_the_nearest_cell_halves_up(shown_hw: tuple[int, int], input_hw: tuple[int, int]) -> None:
    assert spec(short_side=64, multiple_of=16).view_of(shown_hw).input_hw == input_hw


def test_a_fraction_of_the_largest_crop_lies_in_the_middle() -> None:
    view = spec(crop="center", size_hw=(40, 20), crop_fraction=0.5).view_of((100, 200))
    assert view.crop == pytest.approx((0.4375, 0.25, 0.5625, 0.75))  # 50 rows and 25 columns
    assert view.input_hw == (40, 20)
