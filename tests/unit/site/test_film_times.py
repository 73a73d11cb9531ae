"""Times of frames that the page reads from containers (`viewer/model/film_times.js`) are those of PyAV."""

import json
import shutil
import subprocess

import av
import numpy as np
import pytest
from lock import ROOT
from media_files import stamps

from nonlocal_core.media.samples import find_sample

READ = """
import { readFileSync } from "node:fs";
const { filmTimes } = await import(process.argv[2]);
console.log(JSON.stringify(filmTimes(new Uint8Array(readFileSync(process.argv[3])))));
"""
MODULE = ROOT / "nonlocal_core" / "viewer" / "model" / "film_times.js"
UNEVEN = (0, 7, 9, 30, 31, 80, 95, 100, 140, 150, 151, 190)
MADE = {
    "steady": {},
    "out of order": {"options": {"bf": "3", "b_strategy": "0"}},
    "uneven": {"pts": UNEVEN},
    "QuickTime": {"container": "mov"},
    "WebM": {"container": "webm", "codec": "libvpx-vp9"},
    "Matroska, uneven": {"container": "matroska", "pts": UNEVEN},
    "Matroska as it is sent live": {"container": "matroska", "container_options": {"live": "1"}},
}

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed; it runs the modules")


def times_in(folder, content):
    (folder / "read.mjs").write_text(READ)
    (folder / "film").write_bytes(content)
    command = ["node", folder / "read.mjs", MODULE, folder / "film"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout)


def times_by_pyav(path):
    with av.open(str(path)) as film:
        return [float(frame.time) for frame in film.decode(video=0)]


@pytest.mark.parametrize("kind", MADE)
def test_times_are_those_of_the_decoded_frames(kind, tmp_path):
    content = stamps(len(UNEVEN), **MADE[kind])
    found = times_in(tmp_path, content)
    np.testing.assert_allclose(found, times_by_pyav(tmp_path / "film"), atol=1e-6)


@pytest.mark.parametrize("sample", ["bunny", "bikes"])
def test_times_of_real_films(sample, tmp_path):
    path = find_sample(sample).open()
    np.testing.assert_allclose(times_in(tmp_path, path.read_bytes()), times_by_pyav(path), atol=1e-6)


def test_what_tells_no_times_here_has_none(tmp_path):
    whole = stamps(12)
    fragments = stamps(12, container_options={"movflags": "frag_keyframe+empty_moov"})
    assert times_in(tmp_path, whole[: whole.index(b"moov") + 200]) is None
    assert times_in(tmp_path, fragments) is None
    assert times_in(tmp_path, b"\x1a\x45\xdf\xa3\x00") is None
    assert times_in(tmp_path, b"GIF89a and more") is None


def test_a_count_of_frames_that_no_film_has_is_not_believed(tmp_path):
    whole = bytearray(stamps(12))
    first = whole.index(b"stts") + 12  # behind the name, the version and the number of runs
    whole[first : first + 4] = (2**32 - 1).to_bytes(4)
    assert times_in(tmp_path, whole) is None
