"""Masks of a visitor are decoded in another process, all in one, which ends with them."""

import io

import numpy as np
import psutil
import pytest
from PIL import Image

from nonlocal_core import MediaError
from nonlocal_core.app.server import masks
from nonlocal_core.app.server.queue import Queue
from nonlocal_core.media import apart


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def started(monkeypatch) -> list[psutil.Process]:
    """The processes that were started, in a server that cannot decode."""
    seen, start = [], apart._started

    def noted():
        process = start()
        seen.append(process)
        return process

    def refuse(*_args, **_kwargs):
        raise AssertionError("decoded in the server")

    monkeypatch.setattr(apart, "_started", noted)
    monkeypatch.setattr(Image, "open", refuse)
    return seen


def test_masks_are_read_in_one_process_that_ends_with_them(started):
    first, second = np.zeros((12, 20), np.uint8), np.zeros((6, 10, 3), np.uint8)
    first[:6, :10], second[3:, 5:] = 3, (0, 0, 128)
    files, steps = [png(first), png(second)], []
    expected = np.zeros((2, 6, 10), bool)
    expected[0, :3, :5] = expected[1, 3:, 5:] = True
    np.testing.assert_array_equal(masks.read_masks(files, (6, 10), lambda *told: steps.append(told)), expected)
    with pytest.raises(MediaError, match="mask 2"):
        masks.read_masks([files[0], b"no picture"], (6, 10), lambda *_: None)
    assert len(started) == 2
    assert all(process.poll() is not None for process in started)
    assert set(steps) == {(0, 2), (1, 2)}


def test_whoever_waits_is_told_the_place(monkeypatch):
    line, told = Queue(1, "the files of others"), []
    monkeypatch.setattr(masks, "turn", lambda progress: line.turn(lambda place: progress(place.words, 0, 1)))

    def leave(_done, _total, words):
        told.append(words)
        raise KeyboardInterrupt

    with line.turn(lambda _: None), pytest.raises(KeyboardInterrupt):
        masks.read_masks([b"anything"], (6, 10), leave)
    assert told == ["Waiting for the files of others: 1st of 1"]
