"""The page's pixels of a video (`viewer/model/planes.js`) are Python's: node makes them of the same planes."""

import base64
import json
import shutil
import subprocess
from fractions import Fraction

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange
from lock import ROOT

from nonlocal_core.media.frame_view import FrameView
from nonlocal_core.media.samples import find_sample

MAKE = """
import { readFileSync, writeFileSync } from "node:fs";
const [module, from, to] = process.argv.slice(2);
const { pixelsOfPlanes } = await import(module);
const { planes, size, ...told } = JSON.parse(readFileSync(from, "utf8"));
const own = planes.map(({ bytes, ...sides }) => ({ ...sides, bytes: new Uint8Array(Buffer.from(bytes, "base64")) }));
writeFileSync(to, pixelsOfPlanes({ planes: own, ...told }, size));
"""
MODULE = ROOT / "nonlocal_core" / "viewer" / "model" / "planes.js"
NUMBERS = {"bt709": 1, None: 2, "bt470bg": 5, "smpte170m": 6, "bt2020-ncl": 9}
"""Numbers of colour matrices (ITU-T H.273), by the names that browsers give them."""
MOST_APART, MEAN_APART = 2, 0.03
"""Levels of 255; worst seen 2 and 0.017."""

needs_node = pytest.mark.skipif(
    shutil.which("node") is None, reason="node is not installed; it runs the viewer's modules"
)


def drifting(order, hw):
    """A frame of smooth, coloured noise in an order of planes."""
    height, width = hw
    coarse = np.random.default_rng(3).integers(0, 256, (height // 8 + 2, width // 8 + 2, 3)).astype(float)
    rows, columns = (np.arange(side) / 8 for side in hw)
    top, left = rows.astype(int), columns.astype(int)
    down, across = (rows - top)[:, None, None], (columns - left)[:, None]
    corners = [coarse[np.ix_(top + y, left + x)] for y in (0, 1) for x in (0, 1)]
    upper, lower = corners[0] * (1 - across) + corners[1] * across, corners[2] * (1 - across) + corners[3] * across
    rgb = (upper * (1 - down) + lower * down).round().astype(np.uint8)
    return av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format=order)


def planes_of(frame):
    parts = [(np.frombuffer(part, np.uint8).reshape(part.height, part.line_size), part.width) for part in frame.planes]
    return [
        {"bytes": base64.b64encode(rows[:, :width].tobytes()).decode(), "width": width, "height": len(rows)}
        for rows, width in parts
    ]


def apart_from_python(frame, wanted, told, folder):
    """Levels of 255 by which node's pixels differ from Python's."""
    view = FrameView("film", frame, Fraction(1), alpha_is_told=False, notes=[], remarks=[])
    true = view.picture(frame, Fraction(1), wanted).astype(int)
    script, source, target = (folder / name for name in ("make.mjs", "planes.json", "pixels"))
    script.write_text(MAKE)
    source.write_text(json.dumps(told | {"planes": planes_of(frame), "size": wanted}))
    subprocess.run(["node", script, MODULE, source, target], check=True, timeout=60)
    found = np.frombuffer(target.read_bytes(), np.uint8).reshape(*wanted, 4)
    assert (found[..., 3] == 255).all()
    return np.abs(found[..., :3] - true)


@needs_node
@pytest.mark.parametrize(
    ("order", "hw", "wanted", "matrix", "is_full"),
    [
        ("yuv420p", (90, 146), (90, 146), "smpte170m", False),
        ("yuv420p", (90, 146), (61, 97), "bt709", False),
        ("yuv420p", (91, 145), (53, 120), "bt709", True),
        ("yuv422p", (90, 146), (72, 117), "bt2020-ncl", False),
        ("yuv444p", (90, 146), (72, 117), "bt470bg", True),
        ("yuv420p", (720, 64), (512, 46), None, False),
        ("yuv420p", (718, 64), (512, 46), None, False),
    ],
)
def test_pixels_of_planes_are_those_of_python(order, hw, wanted, matrix, is_full, tmp_path):
    frame = drifting(order, hw)
    frame.colorspace = NUMBERS[matrix]
    frame.color_range = ColorRange.JPEG if is_full else ColorRange.MPEG
    told = {"isFull": is_full, "isCentred": True} | ({"matrix": matrix} if matrix else {})
    apart = apart_from_python(frame, wanted, told, tmp_path)
    assert apart.max() <= MOST_APART
    assert apart.mean() < MEAN_APART


@needs_node
def test_pixels_of_a_film_whose_colours_lie_on_the_left_are_those_of_python(tmp_path):
    with av.open(str(find_sample("bikes").open())) as film:
        frame = next(film.decode(video=0))
    apart = apart_from_python(frame, (200, 470), {"isFull": False, "isCentred": False}, tmp_path)
    assert apart.max() <= MOST_APART
    assert apart.mean() < MEAN_APART
