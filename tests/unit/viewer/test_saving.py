"""Files that the page writes by itself: read by NumPy, Pillow and the bundle's reader, and compared with Python's."""

import base64
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from bundles import MODEL, make_block, make_bundle, make_frames
from PIL import Image

from nonlocal_core.bundle import decode_bundle
from nonlocal_core.geometry import Cell
from nonlocal_core.look import Look, arrow_cells, heats_of, question_words
from nonlocal_core.query import column, row
from nonlocal_core.render.figure import header_units
from nonlocal_core.render.layout import UNITS, lay_out
from nonlocal_core.render.movies import durations, write_gif
from nonlocal_core.render.notes import Caption, cautions, network_words, notes
from nonlocal_core.render.writing import write_npz
from nonlocal_core.viewer import export_html
from nonlocal_core.viewer.export import MARKS, export_frame
from nonlocal_core.vocabulary import RULE_TITLES

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed; it runs the viewer's modules")
SCRIPT = Path(__file__).parent / "saving.mjs"
FRAMES = 5
BLACK = np.zeros((1, 1, 1, 3), np.uint8)
WARNING = "It is cut short."


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of which block, and how it is drawn."""

    pairwise: str
    direction: str = "row"
    cells: tuple[tuple[int, int, int], ...] = ((1, 2, 3),)
    minus: tuple[tuple[int, int, int], ...] = ()
    beside: tuple[tuple[int, int, int], ...] = ()
    look: str = ""


QUESTIONS = (
    Question(pairwise="embedded_gaussian"),
    Question(pairwise="gaussian", direction="column", look="each-smooth-over3"),
    Question(pairwise="dot_product", look="root-negatives"),
    Question(pairwise="dot_product", cells=((0, 1, 2), (3, 5, 7)), minus=((4, 0, 0),), look="linear-plain"),
    Question(pairwise="concatenation", look="bare"),
    Question(pairwise="embedded_gaussian", beside=((0, 0, 0), (4, 5, 7)), look="arrows8"),
)


def written(folder, asked, size=1.0, film=BLACK):
    """The folder after node wrote into it, what node said, and the block. ``film``: frames (h, w, 3) of a GIF."""
    block = make_block(
        asked.pairwise, subsample=(1, 2, 2), note="A note.", size=size, effect=np.full(240, 0.5, np.float32)
    )
    frames = make_frames(FRAMES, warnings=(WARNING,))
    (folder / "clip.nlvb").write_bytes(make_bundle(block, frames=frames))
    grid = block.query_grid if asked.direction == "row" else block.key_grid

    def points(cells):
        centres = (grid.center(Cell(*cell)) for cell in cells)
        return [{"frame": cell[0], "x": x, "y": y} for cell, (x, y) in zip(cells, centres, strict=True)]

    question = {
        "block": block.name,
        "direction": asked.direction,
        "points": points(asked.cells),
        "minus": points(asked.minus),
        "beside": [points([cell]) for cell in asked.beside],
        "look": asked.look,
    }
    (folder / "question.json").write_text(json.dumps(question))
    (folder / "film.json").write_text(json.dumps([pixels_of(frame) for frame in film]))
    rng = np.random.default_rng(8)
    for number in range(3):
        Image.fromarray(rng.integers(0, 256, (13, 17, 3), np.uint8)).save(folder / f"{number}.png")
    done = subprocess.run([NODE, SCRIPT, folder], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), frames, decode_bundle((folder / "clip.nlvb").read_bytes()).blocks[0]


def pixels_of(frame):
    """A frame as the browser's ImageData has it."""
    opaque = np.dstack([frame, np.full(frame.shape[:2], 255)]).astype(np.uint8)
    return {"width": frame.shape[1], "height": frame.shape[0], "bytes": base64.b64encode(opaque.tobytes()).decode()}


def gif_of(folder, film):
    """Duration in ms and pixels of each frame of the GIF that node wrote, and its comment, as Pillow reads them."""
    written(folder, QUESTIONS[0], film=film)
    with Image.open(folder / "film.gif") as read:
        frames = []
        for index in range(read.n_frames):
            read.seek(index)
            frames.append((read.info["duration"], np.asarray(read.convert("RGB"), int)))
        read.seek(0)
        return frames, read.info["comment"].decode()


def answers_of(asked, stored):
    """The answers as Python gives them, A first, from the same stored tables."""
    block = stored.capture
    first, *also = (Cell(*cell) for cell in asked.cells)
    minus = [Cell(*cell) for cell in asked.minus]
    if asked.direction == "row":
        return [*(row(block, Cell(*cell)) for cell in asked.beside), row(block, first, also=also, minus=minus)]
    normaliser = None if stored.log_normaliser is None else stored.log_normaliser.astype(np.float64)
    return [column(block, first, normaliser, also=also, minus=minus)]


@needs_node
@pytest.mark.parametrize("asked", QUESTIONS, ids=lambda asked: f"{asked.pairwise} {asked.look}")
def test_numbers_and_words_are_those_of_pythons_files(asked, tmp_path):
    said, frames, stored = written(tmp_path, asked)
    *beside, answer = answers_of(asked, stored)
    write_npz(tmp_path / "python.npz", answer, pts_seconds=frames.pts_seconds, beside=beside)
    with np.load(tmp_path / "answer.npz") as ours, np.load(tmp_path / "python.npz") as theirs:
        assert set(ours) == set(theirs)
        for name in set(theirs) - {"note", "provenance"}:
            assert (ours[name].dtype.kind, ours[name].shape) == (theirs[name].dtype.kind, theirs[name].shape), name
            if theirs[name].dtype.kind == "U":
                assert str(ours[name]) == str(theirs[name])
            else:
                np.testing.assert_allclose(ours[name], theirs[name], rtol=2e-4, atol=1e-7, err_msg=name)
        assert str(ours["note"]).startswith("A note. ")
        assert WARNING in str(ours["note"])
        told = json.loads(str(ours["provenance"]))
    assert told == json.loads((tmp_path / "answer.json").read_text())
    assert told["query"][0] == asked.cells[0][0]
    assert (len(told["also"]), len(told["minus"]), len(told["beside"])) == (
        len(asked.cells) - 1,
        len(asked.minus),
        len(asked.beside),
    )
    assert (told["block"], told["direction"], told["view"]) == ("stride16", asked.direction, asked.look)

    look = Look.parse(asked.look)
    answers = (*beside, answer)
    heats = heats_of(answers, look)
    most = look.arrow_count(FRAMES) // len(answers)
    arrows = max(len(arrow_cells(*drawn, most)) for drawn in zip(answers, heats, strict=True))
    caption = Caption(clip="clip.mp4", model=MODEL.title, block="Block stride16", warning=WARNING)
    seconds = float(frames.pts_seconds[answer.asked_grid.span(answer.asked.t)[0]])
    assert said["question"] == question_words(answer, frames=FRAMES, seconds=seconds)
    assert said["network"] == network_words(caption, answer)
    assert RULE_TITLES[asked.pairwise] in said["network"]
    assert said["cautions"] == cautions(caption, answer)
    assert said["notes"] == notes(answers, heats, arrows=arrows)
    np.testing.assert_allclose(said["durations"], durations(frames.pts_seconds))


@needs_node
def test_places_of_a_figure_are_those_of_pythons(tmp_path):
    said, _, _ = written(tmp_path, QUESTIONS[0])
    for frames, ours in zip((1, 2, 5, 6, 9, 17), said["layouts"], strict=True):
        theirs = lay_out(frames, (270, 480), width_px=UNITS, notes=frames % 3, header=header_units(1 + frames % 2))
        assert (ours["height"], ours["columns"], ours["bar"], ours["notesTop"]) == (
            theirs.size_hw[0],
            theirs.columns,
            theirs.bar_height,
            theirs.notes_top,
        )
        tiles = [(tile["left"], tile["top"], tile["width"], tile["height"]) for tile in ours["tiles"]]
        assert tiles == [(tile.left, tile.top, tile.width, tile.height) for tile in theirs.tiles]


@needs_node
@pytest.mark.parametrize(
    ("pairwise", "size", "dtype"),
    [
        ("gaussian", 1.0, "float16"),
        ("gaussian", 1e-4, "float16"),
        ("embedded_gaussian", 8.0, "float32"),
        ("concatenation", 1.0, "float32"),
    ],
)
def test_a_bundle_of_the_page_is_one_of_pythons(pairwise, size, dtype, tmp_path):
    """Also that its id is the hash of its content, which the reader checks."""
    written(tmp_path, Question(pairwise=pairwise), size)
    before, after = (decode_bundle((tmp_path / name).read_bytes()) for name in ("clip.nlvb", "again.nlvb"))
    assert (after.media, after.frames, after.model, after.view) == (
        before.media,
        before.frames,
        before.model,
        before.view,
    )
    (ours,), (theirs,) = after.blocks, before.blocks
    assert ours.dtype == theirs.dtype == dtype
    for name in ("theta", "phi", "effect"):
        np.testing.assert_array_equal(getattr(ours.capture, name), getattr(theirs.capture, name))
    assert ours.row_error <= theirs.row_error + 1e-6


@needs_node
def test_a_film_is_an_animation_of_its_pictures(tmp_path):
    written(tmp_path, QUESTIONS[0])
    with Image.open(tmp_path / "film.png") as film:
        assert (film.n_frames, film.text) == (3, {"provenance": "from\na test"})
        for number, milliseconds in enumerate((250, 40, 1000)):
            film.seek(number)
            assert film.info["duration"] == milliseconds
            expected = np.asarray(Image.open(tmp_path / f"{number}.png"))
            np.testing.assert_array_equal(np.asarray(film.convert("RGB")), expected)


@needs_node
def test_a_gif_shows_each_picture_for_its_own_time_in_its_own_colours(tmp_path):
    film = np.random.default_rng(9).integers(0, 256, (4, 5, 7, 3), np.uint8).repeat(11, axis=1).repeat(13, axis=2)
    frames, comment = gif_of(tmp_path, film)
    assert [milliseconds for milliseconds, _ in frames] == [330, 340, 330, 20], "rounding adds up, or it is too fast"
    for (_, read), drawn in zip(frames, film, strict=True):
        np.testing.assert_array_equal(read, drawn)
    assert comment == "from\na test" * 30


@needs_node
def test_a_gif_of_many_colours_keeps_small_heat_and_the_mean_of_the_rest(tmp_path):
    """As Python's does, beside which it is measured."""
    rows, columns = np.mgrid[:150, :200]
    photograph = np.stack([40 + rows // 2, 60 + columns // 3, 90 + (rows + columns) // 5], axis=-1)
    noise = np.random.default_rng(0).integers(-20, 21, (3, 150, 200, 1))
    film = np.clip(photograph + noise, 0, 255).astype(np.uint8)
    film[1, 40:48, 70:78] = [247, 171, 57]
    frames, _ = gif_of(tmp_path, film)
    write_gif(tmp_path / "python.gif", film, np.full(3, 0.5))
    with Image.open(tmp_path / "python.gif") as theirs:
        for index, (_, read) in enumerate(frames):
            theirs.seek(index)
            true = film[index].astype(int)
            apart, pythons = (np.abs(seen - true).mean() for seen in (read, np.asarray(theirs.convert("RGB"), int)))
            assert apart <= 1.2 * pythons
            assert np.abs((read - true).mean(axis=(0, 1))).max() < 0.5
    assert np.abs(frames[1][1][41:47, 71:77] - [247, 171, 57]).mean() < 8


def test_the_frame_of_a_page_is_the_exported_page_with_marks():
    """Filled in as the browser does it, it is Python's page to the letter."""
    bundle = make_bundle(make_block())
    page = export_html(bundle, title="A & B", provenance='{"a": "<b>"}')
    frame = export_frame()
    assert all(f"@@{name}@@" in frame for name in MARKS)
    between = frame.replace("@@title@@", "A &amp; B").replace("@@provenance@@", '{"a": "\\u003cb>"}').split("@@")
    assert all(part in page for part in between[::2])
