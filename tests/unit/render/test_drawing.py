"""The figure of arrows: where they lead, and the two formats it is written in, read by rules of their own."""

import io
import re
import zlib
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from render_rows import make_frames, make_row

from nonlocal_core.errors import RenderError
from nonlocal_core.render import Caption, arrow_figure, pdf_bytes, svg_bytes
from nonlocal_core.render.banner import with_banner
from nonlocal_core.render.drawing import Drawing, Outline, Photo, Words, box, disc
from nonlocal_core.render.text import font

CAPTION = Caption(clip="clip.mp4", model="Network", block="res4/5")
SVG = "{http://www.w3.org/2000/svg}"
TIMES = np.arange(5) * 0.4
CLOSE = 1.5  # units of 2400 across the page


def draw(row, *, count=20, caption=CAPTION, frames=None):
    frames = make_frames() if frames is None else frames
    return arrow_figure(frames, np.arange(len(frames)) * 0.4, row, caption, most_arrows=count)


def shafts(drawing):
    """The coloured lines: curves that are stroked, not closed, and not the dark rim below them."""
    lines = [shape for shape in drawing.shapes if isinstance(shape, Outline) and shape.stroke and not shape.closed]
    return lines[1::2]


def middle_of(drawing, grid, cell):
    """Centre of a cell on the page, from the box of the photograph that it lies in."""
    left, top, width, height = [shape.box for shape in drawing.shapes if isinstance(shape, Photo)][cell[0]]
    x0, y0, x1, y1 = grid.box
    x = x0 + (cell[2] + 0.5) / grid.cols * (x1 - x0)
    y = y0 + (cell[1] + 0.5) / grid.rows * (y1 - y0)
    return np.array([left + x * width, top + y * height]), min(width / grid.cols, height / grid.rows) / 2


@pytest.mark.parametrize("pairwise", ["embedded_gaussian", "dot_product"])
def test_arrows_lead_from_the_query_to_the_strongest_keys_elsewhere(pairwise):
    heat = np.full((5, 6, 8), 1e-5)
    heat[1, 0, 0] = 0.9  # the query's own frame, which gets no arrow
    heat[4, 4, 6], heat[0, 5, 1], heat[3, 2, 7] = 0.5, 0.3, 0.2
    if pairwise == "dot_product":
        heat[0, 5, 1] *= -1
    row = make_row(heat, query=(1, 2, 3), pairwise=pairwise)
    drawing = draw(row, count=3)
    start, _ = middle_of(drawing, row.query_grid, row.query)
    strongest_last = [(3, 2, 7), (0, 5, 1), (4, 4, 6)]
    assert len(shafts(drawing)) == 3
    heads = [s for s in drawing.shapes if isinstance(s, Outline) and s.closed and len(s.steps) == 2][1::2]
    for shaft, head, cell in zip(shafts(drawing), heads, strongest_last, strict=True):
        target, half_cell = middle_of(drawing, row.key_grid, cell)
        assert np.linalg.norm(np.array(shaft.start) - start) < CLOSE
        assert np.linalg.norm(np.array(head.start) - target) == pytest.approx(half_cell, abs=CLOSE)
        assert np.linalg.norm(np.array(shaft.steps[0][-1]) - target) > half_cell
    widths = [shaft.width for shaft in shafts(drawing)]
    assert widths == sorted(widths)
    red, _, blue = shafts(drawing)[1].stroke
    assert (blue > red) == (pairwise == "dot_product"), "a negative weight is cold"


def test_photographs_stay_as_they_are():
    drawing, frames = draw(make_row()), make_frames()
    photos = [shape for shape in drawing.shapes if isinstance(shape, Photo)]
    for photo, frame in zip(photos, frames, strict=True):
        shown = Image.open(io.BytesIO(photo.jpeg))
        assert shown.size == (83, 47), "small frames are not enlarged"
        light = [np.asarray(picture.convert("L"), float).ravel() for picture in (shown, Image.fromarray(frame))]
        assert np.corrcoef(*light)[0, 1] > 0.95  # of noise; 0.99 seen, and about 0 for another frame
        _, _, width, height = photo.box
        assert height / width == pytest.approx(47 / 83, rel=0.05)


def words_of(drawing):
    return [shape.text for shape in drawing.shapes if isinstance(shape, Words)]


def test_the_words_say_what_is_drawn():
    heat = np.full((5, 6, 8), 0.001)
    heat[1, 2, 3], heat[4, 4, 6], heat[0, 0, 0] = 0.5, 0.25, 0.01
    row = make_row(heat, query=(1, 2, 3))
    said = words_of(draw(row, count=7))
    assert said[:3] == [
        "clip.mp4",
        "Network · res4/5 · Embedded Gaussian",
        "Query in frame 2 of 5 at 0.40 s, row 3 of 6, column 4 of 8",
    ]
    text = " ".join(said)
    assert "Arrows: the 2 strongest keys outside the query's own frame." in text
    times = 0.25 * 240 / heat.sum()
    assert f"the strongest leads to a weight of 0.25, {times:.1f} times an even share." in text
    assert f"{100 * heat[4].sum() / heat.sum():.1f} %" in said
    assert "Colour" not in text
    assert "Arrow: the strongest key outside the query's own frame." in " ".join(words_of(draw(row, count=1)))
    warned = Caption(clip="clip.mp4", model="Network", block="res4/5", warning="Untrained weights.")
    assert "Untrained weights." in words_of(draw(row, caption=warned))


@pytest.mark.parametrize(
    "row",
    [
        make_row(np.zeros((5, 6, 8))),
        make_row(np.full((5, 6, 8), 1 / 240)),
        make_row(np.full((5, 6, 8), np.nan)),
        make_row(grid=(5, 6, 8), subsample=(2, 2, 2), query=(4, 5, 7)),
        make_row(grid=(5, 7, 9), subsample=(1, 2, 2), box=(0.1, -0.2, 0.9, 1.3)),
    ],
    ids=["zero", "even", "nan", "pooled in time", "margins"],
)
def test_every_kind_of_row_has_a_figure(row):
    drawing = draw(row)
    assert b"<svg" in svg_bytes(drawing)
    assert pdf_bytes(drawing).endswith(b"%%EOF\n")
    if row.key_grid.shape == (5, 6, 8):
        assert shafts(drawing) == []


def test_a_still_image_has_arrows_within_itself_and_no_time():
    heat = np.full((1, 6, 8), 1e-4)
    heat[0, 5, 7], heat[0, 1, 1] = 0.3, 0.6
    row = make_row(heat, grid=(1, 6, 8), query=(0, 1, 1))
    drawing = draw(row, frames=make_frames(1), count=2)
    (shaft,) = shafts(drawing)
    target, half_cell = middle_of(drawing, row.key_grid, (0, 5, 7))
    assert np.linalg.norm(np.array(shaft.steps[0][-1]) - target) < 2 * half_cell
    assert "Arrow: the strongest key outside the query's own place." in " ".join(words_of(drawing))
    assert not [text for text in words_of(drawing) if text.endswith(" s")]


def test_frames_of_another_clip_are_refused():
    with pytest.raises(RenderError, match="5 frames"):
        draw(make_row(), frames=make_frames(3))


# Formats

SHAPES = Drawing(
    size_hw=(120, 240),
    per_inch=60,
    title="Ünder <b>\u65e5",
    shapes=(
        Photo(box=(10, 20, 60, 40), jpeg=draw(make_row()).shapes[3].jpeg),
        box(80, 20, 30, 10, fill=(255, 0, 0)),
        Outline(start=(5, 5), steps=(((1, 2), (3, 4), (50.5, 60.25)),), stroke=(0, 0, 255), width=2.5, opacity=0.25),
        disc((150, 60), 12, fill=(255, 255, 255), stroke=(0, 0, 0), pen=1),
        Words(at=(100, 90), text="a <b> & \u65e5\x00", size=12, colour=(1, 2, 3), anchor="middle"),
    ),
)


def test_an_svg_is_what_the_drawing_says():
    root = ElementTree.fromstring(svg_bytes(SHAPES, provenance='{"a": "<b>"}'))
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == ("4in", "2in", "0 0 240 120")
    assert root.find(f"{SVG}title").text == SHAPES.title
    assert root.find(f"{SVG}metadata").text == '{"a": "<b>"}'
    filled, curve, circle = root.findall(f"{SVG}path")
    assert filled.attrib == {"d": "M80 20L110 20L110 30L80 30Z", "fill": "#ff0000"}
    assert curve.get("d") == "M5 5C1 2 3 4 50.5 60.25"
    assert (curve.get("opacity"), curve.get("stroke-width"), curve.get("fill")) == ("0.25", "2.5", "none")
    assert circle.get("d").startswith("M162 60C")
    text = root.find(f"{SVG}text")
    assert (text.text, text.get("text-anchor"), text.get("x")) == ("a <b> & \u65e5", "middle", "100")


def objects_of(pdf):
    """Objects by number, each found where the table of the file says."""
    start = int(re.search(rb"startxref\n(\d+)\n%%EOF\n$", pdf).group(1))
    assert pdf[start : start + 5] == b"xref\n"
    entries = re.findall(rb"(\d{10}) 00000 n \n", pdf[start:])
    count = int(re.match(rb"xref\n0 (\d+)\n", pdf[start:]).group(1))
    assert count == len(entries) + 1
    found = {}
    for number, offset in enumerate(map(int, entries), start=1):
        label = b"%d 0 obj\n" % number
        assert pdf[offset : offset + len(label)] == label
        found[number] = pdf[offset + len(label) : pdf.index(b"\nendobj\n", offset)]
    return found, pdf[start:]


def stream_of(body):
    length = int(re.search(rb"/Length (\d+)", body).group(1))
    start = body.index(b"stream\n") + 7
    assert body[start + length :] == b"\nendstream"
    data = body[start : start + length]
    return zlib.decompress(data) if b"/FlateDecode" in body else data


def test_a_pdf_is_what_the_drawing_says():
    found, trailer = objects_of(pdf_bytes(SHAPES, provenance='{"a": 1}'))
    root = int(re.search(rb"/Root (\d+) 0 R", trailer).group(1))
    pages = found[int(re.search(rb"/Pages (\d+) 0 R", found[root]).group(1))]
    page = found[int(re.search(rb"/Kids \[(\d+) 0 R\]", pages).group(1))]
    assert b"/MediaBox [0 0 288.000 144.000]" in page  # 4 x 2 inches of 72 points
    about = found[int(re.search(rb"/Info (\d+) 0 R", trailer).group(1))]
    title, record = (bytes.fromhex(word.decode()).decode("utf-16") for word in re.findall(rb"<(feff\w+)>", about))
    assert (title, record) == (SHAPES.title, '{"a": 1}')
    content = stream_of(found[int(re.search(rb"/Contents (\d+) 0 R", page).group(1))]).decode("ascii")
    assert content.startswith("1.20000 0 0 -1.20000 0 144.000 cm\n"), "y runs downwards"
    assert "q 60.00 0 0 -40.00 10.00 60.00 cm /I0 Do Q" in content
    assert "1.000 0.000 0.000 rg 80.00 20.00 m 110.00 20.00 l 110.00 30.00 l 80.00 30.00 l h f" in content
    assert "0.000 0.000 1.000 RG 2.50 w 5.00 5.00 m 1.00 2.00 3.00 4.00 50.50 60.25 c S" in content
    assert content.count(" h B") == 1
    photo = found[int(re.search(rb"/I0 (\d+) 0 R", page).group(1))]
    assert b"/Width 83 /Height 47" in photo
    assert stream_of(photo) == SHAPES.shapes[0].jpeg
    states = re.findall(rb"/G\d << /CA ([\d.]+) /ca ([\d.]+) >>", page)
    assert states == [(b"0.250", b"0.250"), (b"1.000", b"1.000")]


def test_the_words_of_a_pdf_stand_where_their_font_says():
    found, _ = objects_of(pdf_bytes(SHAPES))
    face = next(body for body in found.values() if b"/Subtype /TrueType" in body)
    widths = list(map(int, re.search(rb"/Widths \[([\d ]+)\]", face).group(1).split()))
    first = int(re.search(rb"/FirstChar (\d+)", face).group(1))
    program = stream_of(next(body for body in found.values() if b"/Length1" in body))
    assert program == font(12).font_bytes
    content = next(stream_of(b) for b in found.values() if b"/FlateDecode" in b and b"/Length1" not in b).decode()
    x, y, text = re.search(r"1 0 0 -1 ([\d.]+) ([\d.]+) Tm <(\w+)> Tj", content).groups()
    letters = bytes.fromhex(text)
    assert letters == b"a <b> & ?", "what the font lacks is a question mark"
    length = 12 * sum(widths[letter - first] for letter in letters) / 1000
    assert float(x) == pytest.approx(100 - length / 2, abs=0.01)
    assert float(y) == 90
    assert length == pytest.approx(font(120).getlength(letters.decode()) / 10, rel=0.03)  # which moves pairs closer


# The strip of words under a film


def strips(row, caption=CAPTION, width=400):
    pictures = [np.full((40, width, 3), 9 * n, np.uint8) for n in range(5)]
    films = list(with_banner(pictures, row, TIMES, caption))
    for picture, film in zip(pictures, films, strict=True):
        assert (film[:40] == picture).all()
    return [film[40:].astype(int) for film in films]


def test_a_strip_of_words_is_the_same_for_all_but_the_number_of_the_frame():
    made = strips(make_row())
    assert len({strip.shape for strip in made}) == 1
    changed = np.any([strip != made[0] for strip in made], axis=(0, 3))
    assert changed.any()
    assert not changed[:, :200].any()
    assert not changed[len(changed) // 2 :].any()


def test_a_strip_of_words_warns_of_untrained_weights():
    plain = strips(make_row())[0]
    warned = strips(make_row(), Caption(clip="c", model="N", block="b", warning="Untrained: random weights."))[0]
    assert len(warned) > len(plain)
    orange = (warned[..., 0] - warned[..., 2]) > 90
    assert orange[len(plain) - 4 :].sum() > 30
    assert not ((plain[..., 0] - plain[..., 2]) > 90).any()


@pytest.mark.parametrize("heat", [np.zeros((5, 6, 8)), np.full((5, 6, 8), np.nan)])
def test_a_strip_of_words_stands_under_any_row(heat):
    assert len(strips(make_row(heat), width=64)) == 5
