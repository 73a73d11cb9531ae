"""The page's pixels (`viewer/model/scaling.js`) are Pillow's: node scales random frames, down and up, byte for byte."""

import shutil
import subprocess

import numpy as np
import pytest
from lock import ROOT
from PIL import Image

SCALE = """
import { readFileSync, writeFileSync } from "node:fs";
const [module, from, to, ...sides] = process.argv.slice(2);
const { scaled } = await import(module);
const [height, width, rows, columns] = sides.map(Number);
writeFileSync(to, scaled(new Uint8Array(readFileSync(from)), [height, width], [rows, columns]));
"""
MODULE = ROOT / "nonlocal_core" / "viewer" / "model" / "scaling.js"


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed; it runs the viewer's modules")
@pytest.mark.parametrize(("size", "wanted"), [((97, 131), (32, 64)), ((40, 33), (96, 64)), ((64, 90), (64, 32))])
def test_scaling_gives_the_bytes_of_pillow(size, wanted, tmp_path):
    rgba = np.random.default_rng(7).integers(0, 256, (*size, 4), dtype=np.uint8)
    script, source, target = (tmp_path / name for name in ("scale.mjs", "frame", "scaled"))
    script.write_text(SCALE)
    source.write_bytes(rgba.tobytes())
    subprocess.run(["node", script, MODULE, source, target, *map(str, (*size, *wanted))], check=True, timeout=60)
    found = np.frombuffer(target.read_bytes(), np.uint8).reshape(*wanted, 3)
    picture = Image.fromarray(np.ascontiguousarray(rgba[..., :3]))
    expected = np.asarray(picture.resize(wanted[::-1], Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(found, expected)
