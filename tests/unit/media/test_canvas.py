"""The canvas of an animation against the formulas of the PNG specification, pixel by pixel."""

from fractions import Fraction

import numpy as np
import pytest

from nonlocal_core.media.canvas import Canvas, Disposal, Part

RNG = np.random.default_rng(6)


def part(hw: tuple[int, int], at: tuple[int, int] = (0, 0), *, over: bool = True, disposal: Disposal = "keep") -> Part:
    return Part(still=bytes, hw=hw, at=at, delay_seconds=Fraction(1, 10), over=over, disposal=disposal)


def over(front: np.ndarray, back: np.ndarray) -> list[int]:
    """Return one pixel over another, by the definition, with colours of the whole that are not multiplied by alpha."""
    a, b = front[3] / 255, back[3] / 255
    alpha = a + b * (1 - a)
    if alpha == 0:
        return [0, 0, 0, 0]
    colours = [(front[c] * a + back[c] * b * (1 - a)) / alpha for c in range(3)]
    return [round(float(value)) for value in (*colours, 255 * alpha)]


@pytest.mark.parametrize("alphas", [(0, 255), (0, 1, 100, 200, 255)], ids=["all or nothing", "between"])
def test_a_frame_is_blended_over_what_is_there(alphas: tuple[int, ...]) -> None:
    canvas = Canvas((6, 9))
    under, above = (RNG.integers(0, 256, (6, 9, 4)).astype(np.uint8) for _ in range(2))
    for pixels in (under, above):
        pixels[..., 3] = RNG.choice(alphas, (6, 9))
    canvas.draw(part((6, 9), over=False), under)
    np.testing.assert_array_equal(canvas.rgba, under)
    canvas.draw(part((6, 9)), above)
    for y, x in np.ndindex(6, 9):
        expected = over(above[y, x], under[y, x])
        seen = canvas.rgba[y, x].astype(int).tolist()
        assert seen[3] == pytest.approx(expected[3], abs=1)
        assert seen[3] == 255 or under[y, x, 3] < 255, "over what is opaque all is"
        if expected[3]:
            assert seen[:3] == pytest.approx(expected[:3], abs=1)


@pytest.mark.parametrize("disposal", ["keep", "clear", "restore"])
def test_what_a_frame_leaves_behind(disposal: Disposal) -> None:
    canvas = Canvas((5, 7))
    ground, small = np.full((5, 7, 4), 90, np.uint8), np.full((2, 3, 4), 255, np.uint8)
    canvas.draw(part((5, 7), over=False), ground)
    undo = canvas.draw(part((2, 3), (1, 2), disposal=disposal), small)
    expected = ground.copy()
    expected[1:3, 2:5] = 255
    np.testing.assert_array_equal(canvas.rgba, expected)
    canvas.dispose(undo)
    expected[1:3, 2:5] = {"keep": 255, "clear": 0, "restore": 90}[disposal]
    np.testing.assert_array_equal(canvas.rgba, expected)


def test_what_lies_outside_is_cut_off() -> None:
    canvas = Canvas((4, 4))
    pixels = np.arange(3 * 3 * 4, dtype=np.uint8).reshape(3, 3, 4)
    pixels[..., 3] = 255
    canvas.draw(part((3, 3), (2, 3)), pixels)
    np.testing.assert_array_equal(canvas.rgba[2:, 3:], pixels[:2, :1])
    assert not canvas.rgba[:2].any()
    assert not canvas.rgba[:, :3].any()


def test_what_is_wholly_transparent_leaves_pixels_as_they_are() -> None:
    """Colours under an alpha of 0 as well, where no alpha lies between nothing and all."""
    canvas = Canvas((1, 3))
    under = np.array([[[9, 8, 7, 0], [9, 8, 7, 0], [9, 8, 7, 90]]], np.uint8)
    above = np.array([[[1, 2, 3, 0], [1, 2, 3, 255], [1, 2, 3, 0]]], np.uint8)
    canvas.draw(part((1, 3), over=False), under)
    canvas.draw(part((1, 3)), above)
    assert canvas.rgba.tolist() == [[[9, 8, 7, 0], [1, 2, 3, 255], [9, 8, 7, 90]]]
