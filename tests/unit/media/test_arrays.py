"""Arrays as pictures: the shapes and types that are taken, and the grey of each number."""

import numpy as np
import pytest

from nonlocal_core.errors import MediaError
from nonlocal_core.media.arrays import frames_of_array, picture_of_array


@pytest.mark.parametrize(
    ("shape", "count", "frame"),
    [
        ((7, 9), 1, (7, 9)),
        ((7, 9, 3), 1, (7, 9, 3)),
        ((7, 9, 4), 1, (7, 9, 4)),
        ((5, 7, 9), 5, (7, 9)),
        ((5, 7, 2), 5, (7, 2)),
        ((5, 7, 9, 3), 5, (7, 9, 3)),
        ((5, 7, 9, 4), 5, (7, 9, 4)),
        ((2, 3), 1, (2, 3)),
        ((2, 4), 1, (2, 4)),
    ],
)
def test_what_an_array_is_follows_from_its_shape(shape: tuple[int, ...], count: int, frame: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    frames = frames_of_array(array, "it")
    assert (len(frames), frames[0].shape) == (count, frame)
    assert (np.stack(frames).reshape(shape) == array).all()


@pytest.mark.parametrize(
    ("shape", "hint"),
    [
        ((3,), "Reshape it."),
        ((4, 5, 7, 9), "Reshape it."),
        ((5, 3, 7, 9), "Put the channels last"),
        ((5, 4, 7, 2), "Put the channels last"),
        ((2, 5, 7, 9, 3), "Reshape it."),
        ((2, 5, 3, 9, 9), "Put the channels last"),
        ((0, 9), "Reshape it."),
        ((5, 0, 9, 3), "Reshape it."),
    ],
)
def test_other_shapes_are_refused_with_what_to_do(shape: tuple[int, ...], hint: str) -> None:
    with pytest.raises(MediaError, match=r"it: expected uint8 of shape .* got uint8 of shape") as caught:
        frames_of_array(np.zeros(shape, np.uint8), "it")
    assert hint in str(caught.value)


def test_floats_lie_between_black_and_white() -> None:
    frames_of_array(np.array([[0.0, 1.0]]), "it")
    for value, told in ((-1e-6, "-1e-06 to 1"), (1.5, "0 to 1.5"), (np.nan, "nan to nan")):
        with pytest.raises(MediaError, match=f"from 0 .black. to 1 .white.; got {told}"):
            frames_of_array(np.array([[0.0, 1.0, value]]), "it")
    for dtype in (np.int8, np.uint16, bool):
        with pytest.raises(MediaError, match=f"or floats from 0 to 1; got {np.dtype(dtype)}"):
            frames_of_array(np.zeros((7, 9), dtype), "it")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_float_is_rounded_to_the_nearest_of_256_levels(dtype: type) -> None:
    levels = np.arange(256).reshape(16, 16)
    assert (np.asarray(picture_of_array((levels / 255).astype(dtype))) == levels).all()
    assert np.asarray(picture_of_array(np.array([[0.49, 0.51, 1.0]], dtype) / 255)).tolist() == [[0, 1, 1]]


def test_whole_numbers_stay_and_channels_with_them() -> None:
    array = np.arange(7 * 9 * 4, dtype=np.uint8).reshape(7, 9, 4)
    assert (np.asarray(picture_of_array(array)) == array).all()
    assert (np.asarray(picture_of_array(array[:, ::2])) == array[:, ::2]).all()
