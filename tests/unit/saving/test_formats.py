"""Files that leave the viewer, each read back by a reader of its kind: true to the API, whole or absent, and silent
about the machine that made them."""

import csv
import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import av
import numpy as np
import PIL
import pytest
import torch
from kept_files import bundle_in, provenance_of, texts_of
from media_files import stamped, video
from PIL import Image

from nonlocal_core import Pin, Session, UnknownNameError
from nonlocal_core.bundle import decode_bundle
from nonlocal_core.cli import OK, main
from nonlocal_core.look import Look, answer_words
from nonlocal_core.render import paint_clip
from nonlocal_core.saving.formats import FORMATS
from nonlocal_core.weights import find_card

EVIL = "<img src=x onerror=alert(1)>.mp4"
FOLDER = "folder-of-the-visitor"
POINT = {"frame": 1, "x": 0.3, "y": 0.6}
MP4_ERROR = 1.5  # mean absolute difference in grey levels; worst seen 0.41
GIF_ERROR = 0.8  # the same; worst seen 0.20
NODE = shutil.which("node")
ANSWERS = Path(__file__).parents[1] / "viewer" / "answers.mjs"
MODEL = "lite0-parameter-free"
"""All of its blocks can be stored in 8 bits."""
JS_ERROR = 1e-5  # of the row's maximum, between two readers of the same bytes; worst seen 1.6e-6


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp(FOLDER) / EVIL
    path.write_bytes(video([stamped(number) for number in (5, 77, 12345)]))
    return path


@pytest.fixture(scope="module")
def session(clip):
    return Session.open(clip, MODEL, frames=3, short_side=96)


@pytest.fixture(scope="module")
def files(session, tmp_path_factory):
    """One file of each format, by its suffix, and the small live page as ``int8``."""
    folder = tmp_path_factory.mktemp("kept")
    made = {suffix: session.save(folder / f"answer{suffix}", **POINT) for suffix in FORMATS}
    return made | {"int8": session.save(folder / "small.html", precision="int8", **POINT)}


# Where it comes from


def test_the_record_says_what_was_asked_of_what(session, clip, files):
    record = json.loads(files[".json"].read_text())
    assert record["clip_name"] == EVIL
    assert record["clip_sha256"] == hashlib.sha256(clip.read_bytes()).hexdigest()
    assert record["frame_indices"] == [0, 1, 2]
    np.testing.assert_allclose(record["pts_seconds"], [0.0, 0.1, 0.2], atol=1e-6)
    assert record["shown_hw"] == [48, 80]
    assert record["input_hw"] == [96, 160]
    assert record["query"] == [1, 0.3, 0.6]
    t, rows, cols = record["query_grid"]
    assert (record["direction"], record["view"]) == ("row", "")
    assert record["asked_cell"] == [1, int(0.6 * rows), int(0.3 * cols)]
    assert (t, record["block"]) == (3, session.block().name)
    weights = find_card().weights.locate()
    assert record["weights"][weights.name] == hashlib.sha256(weights.read_bytes()).hexdigest()
    versions = {"torch": torch.__version__, "numpy": np.__version__, "av": av.__version__, "pillow": PIL.__version__}
    assert versions.items() <= record["versions"].items()


@pytest.mark.parametrize("kind", [suffix for suffix in FORMATS if suffix not in (".csv", ".json")])
def test_every_file_but_a_table_carries_the_record(files, kind):
    assert json.loads(provenance_of(files[kind])) == json.loads(files[".json"].read_text())


@pytest.mark.parametrize("kind", [*FORMATS, "int8"])
def test_no_file_tells_where_the_clip_lay(clip, files, kind):
    texts = texts_of(files[kind])
    for secret in (FOLDER, str(Path.home()), str(Path(__file__).parents[3]), str(files[".json"].parent)):
        assert not any(secret in text for text in texts), secret
    if kind != ".csv":  # what would be found if it were there: the name, which lies as deep as a path would
        assert any(EVIL in text for text in texts)


def test_names_cannot_become_markup(files):
    page = files[".html"].read_text()
    assert "<img" not in page
    assert page.count("</script>") == 3  # the record, the bundle, the viewer
    drawing = ElementTree.fromstring(files[".svg"].read_bytes())
    tags = {element.tag.rpartition("}")[2] for element in drawing.iter()}
    assert tags == {"svg", "title", "metadata", "style", "image", "path", "text"}
    for element in drawing.iter():
        assert not [name for name in element.attrib if name.startswith("on")]
        assert all(link.startswith("data:") for name, link in element.attrib.items() if name.endswith("href"))


# Numbers


def test_the_table_is_the_row_of_the_api(session, files):
    row = session.query(**POINT)
    with files[".csv"].open(newline="") as file:
        lines = list(csv.DictReader(file))
    np.testing.assert_array_equal(np.array([line["weight"] for line in lines], np.float32), row.values)
    for index in (0, 7, len(lines) - 1):
        cell = row.key_grid.cell(index)
        assert [int(lines[index][name]) for name in ("frame", "row", "column")] == list(cell)
    strongest = row.top(1)[0]
    found = float(lines[row.key_grid.index(strongest.cell)]["times_uniform"])
    assert found == pytest.approx(strongest.times_uniform, rel=1e-5)


def test_the_arrays_are_the_row_of_the_api(session, files):
    row = session.query(**POINT)
    with np.load(files[".npz"], allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["heat"], row.heat)
        assert tuple(arrays["asked_cell"]) == row.query
        assert answer_words(row) in str(arrays["note"])


# Films


def painted(session):
    row = session.query(**POINT)
    return list(paint_clip(session.frames.rgb, row, Look()))


def test_the_mp4_shows_each_frame_with_its_heat_over_a_strip_of_words(session, files):
    with av.open(str(files[".mp4"])) as film:
        read = [(frame.time, frame.to_ndarray(format="rgb24")) for frame in film.decode(video=0)]
    assert [time for time, _ in read] == pytest.approx([0.0, 0.1, 0.2], abs=1e-4)
    for (_, picture), expected in zip(read, painted(session), strict=True):
        height = len(expected)
        assert len(picture) > height
        assert np.abs(picture[:height].astype(int) - expected).mean() < MP4_ERROR
        assert picture[height:].min() < 40
        assert picture[height:].max() > 180


def test_the_gif_shows_the_same(session, files):
    with Image.open(files[".gif"]) as film:
        assert film.n_frames == 3
        for index, expected in enumerate(painted(session)):
            film.seek(index)
            picture = np.asarray(film.convert("RGB"))[: len(expected)].astype(int)
            assert np.abs(picture - expected).mean() < GIF_ERROR


# Whole or absent


class StoppedError(Exception):
    pass


@pytest.mark.parametrize("suffix", FORMATS)
def test_cancelling_at_any_step_leaves_nothing_behind(session, tmp_path, suffix):
    target = tmp_path / f"answer{suffix}"
    target.write_bytes(b"the file of before")
    seen = []

    def stop_at(step):
        def tell(stage, done, total):
            seen.append((stage, done, total))
            if len(seen) == step + 1:
                raise StoppedError

        return tell

    steps = 5 if suffix in (".mp4", ".gif") else 2
    for step in range(steps):
        seen.clear()
        with pytest.raises(StoppedError):
            session.save(target, progress=stop_at(step), **POINT)
        assert len(seen) == step + 1
        assert [path.name for path in tmp_path.iterdir()] == [target.name]
        assert target.read_bytes() == b"the file of before"
    seen.clear()
    session.save(target, progress=stop_at(steps), **POINT)
    assert [done for _, done, _ in seen] == [0, 1, *range(1, steps - 1)]
    assert target.read_bytes() != b"the file of before"


def test_a_suffix_may_be_written_large_and_an_unknown_one_is_answered_with_the_known(session, tmp_path):
    assert json.loads(session.save(tmp_path / "A.JSON", **POINT).read_text())["model"] == session.model.card.id
    with pytest.raises(UnknownNameError, match=r"'\.bmp'.*\.html.*\.svg.*\.csv"):
        session.save(tmp_path / "a.bmp", **POINT)


# The small live page


def bundle_of(path):
    return bundle_in(path.read_text())


def test_the_small_page_states_the_error_that_a_loop_measures(session, files):
    small, large = bundle_of(files["int8"]), bundle_of(files[".html"])
    blocks = decode_bundle(small).blocks
    assert {block.dtype for block in blocks} == {"int8"}
    tables = [sum(b.theta.size for b in session.capture.blocks)]
    assert len(large) - len(small) > 0.9 * tables[0]
    for true, kept in zip(session.capture.blocks, blocks, strict=True):
        worst = 0.0
        for theta, stored in zip(true.theta, kept.capture.theta, strict=True):
            rows = []
            for vector, phi in ((theta, true.phi), (stored, kept.capture.phi)):
                scores = true.scale * (phi.astype(np.float64) @ vector.astype(np.float64))
                weights = np.exp(scores - scores.max())
                rows.append(weights / weights.sum())
            worst = max(worst, np.abs(rows[1] - rows[0]).max() / rows[0].max())
        assert 0 < worst / 3 < kept.row_error <= 1.001 * worst
    stated = max(block.row_error for block in blocks)
    assert f"stored in 8 bits: weights within {100 * stated:.1f} % of the largest" in files["int8"].read_text()
    assert "8 bits" not in files[".html"].read_text().partition("<footer>")[2].partition("</footer>")[0]


def test_the_shell_makes_the_small_page_too(clip, session, tmp_path, capsys):
    target = tmp_path / "small.html"
    small = ["--frames", "3", "--short-side", "96", "--frame", "1", "--x", "0.3", "--y", "0.6", "--precision", "int8"]
    assert main(["render", str(clip), "--model", MODEL, *small, "--out", str(target)]) == OK
    assert capsys.readouterr().out.strip() == str(target)
    assert bundle_of(target) == session.bundle(Pin(**POINT), precision="int8")


@pytest.mark.skipif(NODE is None, reason="node is not installed; it runs the viewer's modules")
def test_the_viewer_reads_bytes_as_python_does(files, tmp_path):
    data = bundle_of(files["int8"])
    (tmp_path / "bundle.nlvb").write_bytes(data)
    blocks = [block.capture for block in decode_bundle(data).blocks]
    cell = {"t": 2, "y": 1, "x": 3}
    questions = [{"block": block.name, "direction": way, "cell": cell} for block in blocks for way in ("row", "column")]
    (tmp_path / "questions.json").write_text(json.dumps(questions))
    command = [NODE, ANSWERS, tmp_path / "bundle.nlvb", tmp_path / "questions.json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    answers = [np.array(answer["values"]) for answer in json.loads(done.stdout)["answers"]]
    for block, row, column in zip(blocks, answers[::2], answers[1::2], strict=True):
        scores = block.scale * (block.theta.astype(np.float64) @ block.phi.astype(np.float64).T)
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        _, rows, cols = block.query_grid.shape
        asked = (2 * rows + 1) * cols + 3
        for given, expected in ((row, weights[asked]), (column, weights[:, asked])):
            np.testing.assert_allclose(given, expected, rtol=0, atol=JS_ERROR * expected.max())
