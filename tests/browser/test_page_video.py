"""Pixels of a video of the reader's own: what the page feeds to its network is what Python makes of the same planes."""

from fractions import Fraction

import numpy as np
import pytest
from fed import FED, frames_fed
from media_files import video
from sites import MODELS, hosted, opened

from nonlocal_core.session import Session

pytestmark = pytest.mark.browser

LEVELS_APART = 2
"""Of 255, where the browser gives out the planes."""
DRAWN_APART = 12
"""Mean, where the browser draws a film itself; it was 6.5."""
WITHOUT_PLANES = "delete window.VideoFrame"
TOLD_LATE = """HTMLVideoElement.prototype.requestVideoFrameCallback = function (then) {
    setTimeout(() => then(0, { mediaTime: 0 }));
};"""
"""Script by which each frame is said to be the first, as a busy browser tells now and then of the frame before."""
FILMS = {
    "as it is": {},
    "of 720 rows, which tell no matrix": {"hw": (720, 1280)},
    "of pixels that are not square": {"aspect": Fraction(3, 2)},
    "in WebM": {"container": "webm", "codec": "libvpx-vp9"},
    "of all colours in each pixel": {"pix_fmt": "yuv444p"},
    "turned right": {"rotation": (-90, False, False)},
    "turned left": {"rotation": (90, False, False)},
    "upside down": {"rotation": (180, False, False)},
}


def drifting(hw, count=3):
    """Coloured patches that drift, with edges inside a pair of pixels."""
    rng = np.random.default_rng(6)
    patches = rng.integers(0, 256, (hw[0] // 9 + 1, hw[1] // 13 + 1, 3), dtype=np.uint8)
    picture = patches.repeat(9, axis=0).repeat(13, axis=1)[: hw[0], : hw[1]]
    return [np.roll(picture, 5 * step, axis=1) for step in range(count)]


def fed_and_true(page, address, path):
    """Frames that the page feeds, and those of Python."""
    page.add_init_script(FED)
    page.goto(address)
    shown = opened(page.locator(".nlv"))
    page.locator("input[type=file]").set_input_files(path)
    opened(page.locator(".nlv"), shown)
    return np.stack(frames_fed(page)).astype(int), Session.open(path, MODELS[0], device="cpu").frames.rgb.astype(int)


@pytest.mark.parametrize("kind", FILMS)
def test_frames_of_a_video_are_pythons(page, small, tmp_path, kind):
    how = dict(FILMS[kind])
    path = tmp_path / f"film.{how.get('container', 'mp4')}"
    path.write_bytes(video(drifting(how.pop("hw", (120, 208))), **how))
    with hosted(small) as (address, _):
        fed, true = fed_and_true(page, address, path)
    assert fed.shape == true.shape
    assert np.abs(fed - true).max() <= LEVELS_APART


def test_frames_are_told_apart_by_themselves(page, small, tmp_path):
    path = tmp_path / "film.mp4"
    path.write_bytes(video(drifting((120, 208))))
    page.add_init_script(TOLD_LATE)
    with hosted(small) as (address, _):
        fed, true = fed_and_true(page, address, path)
    assert fed.shape == true.shape
    assert np.abs(fed - true).max() <= LEVELS_APART


@pytest.mark.parametrize("why", ["mirrored", "no planes"])
def test_a_browser_that_gives_no_planes_draws_the_video(page, small, tmp_path, why):
    path = tmp_path / "film.mp4"
    path.write_bytes(video(drifting((120, 208)), rotation=(90, why == "mirrored", False)))
    if why == "no planes":
        page.add_init_script(WITHOUT_PLANES)
    with hosted(small) as (address, _):
        fed, true = fed_and_true(page, address, path)
    assert fed.shape == true.shape == (3, 208, 120, 3)
    assert LEVELS_APART < np.abs(fed - true).mean() <= DRAWN_APART
