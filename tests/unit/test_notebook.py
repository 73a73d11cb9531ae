"""What a notebook shows: a session as the live viewer of limited weight, an answer as its figure, records as a line."""

import base64
import html
import io
import pickle
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from exits import pen
from kept_files import bundle_in
from PIL import Image

from nonlocal_core import AffinityColumn, AffinityRow, Cell, Session
from nonlocal_core.bundle import decode_bundle
from nonlocal_core.capture.rows import many_row_weights
from nonlocal_core.query import row
from nonlocal_core.viewer import notebook

POINT = {"frame": 1, "x": 0.3, "y": 0.6}
SVG, LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
JPEG_ERROR = 6  # of 255, of smooth photographs; worst seen 3
LONGEST_LINE = 160


@pytest.fixture(scope="module")
def session():
    """A clip of smooth colours that move, so that photographs lose little in JPEG."""
    t, y, x = np.meshgrid(np.arange(3), np.linspace(0, 1, 96), np.linspace(0, 1, 160), indexing="ij")
    waves = [np.sin(6 * x + 2 * t), np.cos(5 * y - t), np.sin(4 * (x + y) + t)]
    clip = np.stack([120 + 70 * wave for wave in waves], axis=-1).astype(np.uint8)
    return Session.open(clip, frames=3, short_side=64)


@pytest.fixture(scope="module")
def bunny():
    return Session.open("sample:bunny")


# One line


def test_records_are_one_line_without_arrays(session):
    for record in (session, session.frames, session.capture, session.query(**POINT), session.column(**POINT)):
        text = repr(record)
        assert text.startswith(type(record).__name__ + "(")
        assert len(text) < LONGEST_LINE
        assert "\n" not in text
        assert "array(" not in text


def test_the_line_of_a_session_says_clip_frames_network_and_blocks(bunny):
    assert repr(bunny) == (
        "Session('Big Buck Bunny', 8 frames, lite0-embedded-gaussian, 3 blocks: stride16, mend, stride8+16)"
    )
    assert repr(bunny.query(frame=0, x=0.0, y=0.0, block="mend")) == (
        "AffinityRow('mend', embedded_gaussian, query (0, 0, 0), float32 weights on 8x14x24 cells)"
    )
    several = bunny.column(points=[(0, 0.0, 0.0), (1, 0.0, 0.0)], minus=[(2, 0.0, 0.0)], block="mend")
    assert "key (0, 0, 0) and 1 more less 1" in repr(several)


# The figure


@pytest.mark.parametrize("direction", ["row", "column"])
def test_an_answer_shows_itself_as_the_figure_that_is_saved(session, tmp_path, direction):
    answer = (session.query if direction == "row" else session.column)(**POINT)
    with pen() as written:
        path = session.save(tmp_path / "a.png", **POINT, direction=direction)
    saved = np.asarray(Image.open(path)).astype(int)
    drawing = ElementTree.fromstring(answer._repr_svg_().encode())
    assert [word.text for word in drawing.iter(f"{SVG}text")] == written
    pictures = list(drawing.iter(f"{SVG}image"))
    bar, photographs, layers = pictures[0], pictures[1::2], pictures[2::2]
    assert LINK in bar.attrib
    assert len(photographs) == len(layers) == 3
    _, rows, cols = answer.grid.shape
    wrong = heated = 0
    for photograph, layer in zip(photographs, layers, strict=True):
        left, top, width, height = (int(layer.attrib[name]) for name in ("x", "y", "width", "height"))
        below, above = (pixels_of(picture) for picture in (photograph, layer))
        for y, x in np.ndindex(rows, cols):
            part = ((y + 0.5) / rows, (x + 0.5) / cols)
            colour, opacity = at(above, part)[:3], at(above, part)[3] / 255
            shown = opacity * colour + (1 - opacity) * at(below, part)[:3]
            pixel = saved[top + int(part[0] * height), left + int(part[1] * width), :3]
            wrong += bool(np.abs(shown - pixel).max() > JPEG_ERROR)
            heated += bool(opacity > 0.1)
    assert heated > 10
    assert wrong < 0.06 * 3 * rows * cols  # arrows and the box of the asked cell lie over a few


def pixels_of(picture):
    content = base64.b64decode(picture.attrib[LINK].partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(content))).astype(float)


def at(pixels, part):
    return pixels[int(part[0] * pixels.shape[0]), int(part[1] * pixels.shape[1])]


def test_boxes_and_cells_taken_away_are_in_the_figure(session):
    single = session.query(**POINT)
    several = session.query(boxes=[(0, 0.1, 0.1, 0.5, 0.5)], minus=[(2, 0.9, 0.9)])
    assert len(several.asked_cells) > 1
    said = [
        " ".join(word.text for word in ElementTree.fromstring(answer._repr_svg_().encode()).iter(f"{SVG}text"))
        for answer in (single, several)
    ]
    assert f"{len(several.asked_cells)} " in said[1]
    assert said[0] != said[1]


def test_a_question_of_more_points_than_a_pin_holds_is_text(monkeypatch, bunny):
    monkeypatch.setattr("nonlocal_core.session.MOST_POINTS", 400)
    many = bunny.query(boxes=[(t, 0.0, 0.0, 1.0, 1.0) for t in (0, 1)], block="stride16")
    assert len(many.asked_cells) > 400
    assert many._repr_svg_() is None


@pytest.mark.parametrize("kind", [AffinityRow, AffinityColumn])
def test_a_pickled_answer_leaves_its_clip_behind(session, kind):
    answer = session.query(**POINT) if kind is AffinityRow else session.column(**POINT)
    written = pickle.dumps(answer)
    assert len(written) < session.frames.rgb.nbytes / 4
    again = pickle.loads(written)
    assert again._repr_svg_() is None
    assert repr(again) == repr(answer)
    np.testing.assert_array_equal(again.values, answer.values)


def test_a_row_that_knows_no_clip_is_text(session):
    assert row(session.block(), Cell(0, 1, 2))._repr_svg_() is None


def test_a_figure_is_light(bunny):
    asked = bunny.first_question()
    assert len(bunny.query(frame=asked.frame, x=asked.x, y=asked.y)._repr_svg_().encode()) < 400_000


# The session


@pytest.fixture(scope="module")
def cell(bunny):
    return bunny._repr_html_()


def test_a_displayed_session_weighs_at_most_two_megabytes(cell):
    assert len(cell.encode()) <= 2_000_000


def test_the_page_says_which_blocks_are_left_out_and_how_to_get_them(bunny, cell):
    page = html.unescape(cell)
    header = html.unescape(re.search(r"<header>.*?</header>", page, re.DOTALL)[0])
    (kept,) = decode_bundle(bundle_in(page)).blocks
    assert kept.capture.name == "stride16"
    assert "not in it: stride8+16 (elsewhere the first to be shown), mend." in header
    call = re.search(r"session\.query\((.*?)\) shows one answer", header)[1]
    asked = eval(f"dict({call})", {"__builtins__": {"dict": dict}})
    first = bunny.first_question()
    assert bunny.query(**asked).query == bunny.query(frame=first.frame, x=first.x, y=first.y).query
    assert bunny.query(**asked).block == "stride8+16"


def test_every_row_is_as_exact_as_the_page_states(bunny, cell):
    (kept,) = decode_bundle(bundle_in(html.unescape(cell))).blocks
    assert kept.dtype == "int8"
    true, stored = (
        many_row_weights(block, np.arange(block.query_grid.size)) for block in (bunny.block("stride16"), kept.capture)
    )
    worst = (np.abs(stored - true).max(axis=1) / true.max(axis=1)).max()
    assert worst == pytest.approx(kept.row_error, rel=1e-3)
    assert f"within {100 * kept.row_error:.1f} % of the largest" in html.unescape(html.unescape(cell))


def test_pictures_are_as_large_as_a_cell_shows_them(cell):
    pictures = [Image.open(io.BytesIO(data)) for data in decode_bundle(bundle_in(html.unescape(cell))).frames]
    assert {(picture.format, picture.size) for picture in pictures} == {("WEBP", (480, 270))}
    assert len(pictures) == 8


def test_what_fits_is_all_there_and_nothing_is_said(session):
    page = html.unescape(session._repr_html_())
    bundle = decode_bundle(bundle_in(page))
    assert [block.capture.name for block in bundle.blocks] == [block.name for block in session.capture.blocks]
    assert bundle.view.block == session.block().name
    assert "not in it" not in page


def test_a_cell_that_cannot_be_light_says_so(session, monkeypatch):
    monkeypatch.setattr(notebook, "MOST_BYTES", 1000)
    page = html.unescape(session._repr_html_())
    bundle = decode_bundle(bundle_in(page))
    assert [block.capture.name for block in bundle.blocks] == ["stride16"]
    assert "It weighs more all the same" in bundle.media.caption
