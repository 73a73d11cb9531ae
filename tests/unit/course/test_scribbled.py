"""Scribbles: the browser passes them on as mean field does, on the pixels and by the kernels that it is given."""

import json
import shutil
import subprocess
from base64 import b64decode, b64encode
from pathlib import Path

import numpy as np
import pytest

from nonlocal_core import Session
from nonlocal_core.ancestors.filters import DenseCrf
from nonlocal_core.ancestors.mean_field import UNLABELLED, mean_field, scribbled
from nonlocal_core.course.scribbled import LONGEST, SHOWN, SIDE, shown, small_frame
from nonlocal_core.errors import CaptureError

ROWS, COLS = 96, 150
SCRIPT = Path(__file__).parents[1] / "viewer" / "mean_fields.mjs"
NODE = shutil.which("node")


@pytest.fixture(scope="module")
def halves():
    """Blue on the left third, orange on the right, with some noise."""
    frame = np.zeros((ROWS, COLS, 3), np.uint8)
    frame[:, :50] = (20, 40, 220)
    frame[:, 50:] = (220, 140, 30)
    return frame + np.random.default_rng(0).integers(0, 30, frame.shape, np.uint8)


@pytest.fixture(scope="module")
def asked(halves):
    return shown(Session.open(halves, "pixels-crf:colour=0.1:near=0.08"), 0)


def passed_on(folder, asked, labels, steps=SHOWN[-1]):
    if NODE is None:
        pytest.skip("node is not installed; it runs the viewer's modules")
    colours = list(b64decode(asked["pixels"]))
    path = folder / "asked.json"
    path.write_text(json.dumps({**asked, "colours": colours, "labels": labels, "steps": steps}), encoding="utf-8")
    done = subprocess.run([NODE, SCRIPT, path], capture_output=True, text=True, check=True, timeout=120)
    return np.array(json.loads(done.stdout))


def test_the_browser_passes_labels_on_as_mean_field_does(tmp_path, halves, asked):
    cols = asked["cols"]
    labels = [[row * cols + 4, 0] for row in range(10, 20)] + [[row * cols + 40, 1] for row in range(5, 25)]
    known = np.full((1, SIDE, cols), UNLABELLED)
    for cell, label in labels:
        known.flat[cell] = label
    kernels = DenseCrf(colour=0.1, near=0.08)
    steps = mean_field(small_frame(halves)[None], scribbled(known, count=2), kernels, steps=SHOWN[-1])
    found = passed_on(tmp_path, asked, labels)
    assert len(found) == SHOWN[-1] + 1
    for step, expected in zip(found, steps, strict=True):
        np.testing.assert_allclose(step, expected[..., 0].ravel(), atol=1e-9)
    assert abs((found[-1] > 0.5).mean() - 1 / 3) < 0.02


def test_an_upright_picture_of_one_column_and_a_lone_pixel_pass_on_too(tmp_path, asked):
    for rows, cols in ((7, 1), (1, 1)):
        rgb = np.random.default_rng(1).integers(0, 256, (rows, cols, 3), np.uint8)
        known = np.full((1, rows, cols), UNLABELLED)
        known.flat[0] = 1
        facts = {**asked, "rows": rows, "cols": cols, "pixels": rgb.tobytes()}
        facts["pixels"] = b64encode(facts["pixels"]).decode()
        steps = mean_field(rgb[None], scribbled(known, count=2), DenseCrf(colour=0.1, near=0.08), steps=2)
        found = passed_on(tmp_path, facts, [[0, 1]], steps=2)
        np.testing.assert_allclose(found, [step[..., 0].ravel() for step in steps], atol=1e-9)


def test_the_page_gets_the_small_frame_and_the_kernels_of_the_network(halves, asked):
    small = small_frame(halves)
    assert (asked["rows"], asked["cols"]) == (SIDE, 50)
    assert b64decode(asked["pixels"]) == small.tobytes()
    kernels = asked["kernels"]
    assert (kernels["colour"], kernels["near"], kernels["space"]) == (0.1, 0.08, DenseCrf().space)


def test_pictures_that_differ_are_told_apart_and_settings_do_not_part_them(halves, asked):
    again = shown(Session.open(halves, "pixels-crf"), 0)
    other = shown(Session.open(halves[::-1].copy(), "pixels-crf"), 0)
    assert again["id"] == asked["id"] != other["id"]


def test_a_small_frame_is_bounded_on_both_sides(halves):
    assert small_frame(halves).shape == (SIDE, 50, 3)
    assert small_frame(np.zeros((10, 2000, 3), np.uint8)).shape == (1, LONGEST, 3)


def test_another_network_is_refused(halves):
    with pytest.raises(CaptureError, match="kernels of the dense CRF"):
        shown(Session.open(halves, "pixels-nl-means", short_side=16), 0)
