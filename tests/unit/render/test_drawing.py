"""Formats of a drawing: pixels, SVG and PDF, each read by rules of its own; and the strip of words under a film."""

import base64
import io
import re
import zlib
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from render_rows import make_frames, make_row

from nonlocal_core.render import Caption, pdf_bytes, pixels, svg_bytes
from nonlocal_core.render.banner import with_banner
from nonlocal_core.render.drawing import Drawing, Outline, Picture, Words, box, disc
from nonlocal_core.render.text import font

CAPTION = Caption(clip="clip.mp4", model="Network", block="res4/5")
SVG = "{http://www.w3.org/2000/svg}"
TIMES = np.arange(5) * 0.4

# Formats

LAYER = np.zeros((4, 6, 4), np.uint8)
LAYER[1, 2] = (200, 100, 50, 255)
LAYER[3, 5] = (0, 0, 250, 102)
SHAPES = Drawing(
    size_hw=(120, 240),
    per_inch=60,
    title="Ünder <b>\u65e5",
    shapes=(
        Picture(box=(10, 20, 60, 40), rgb=make_frames()[0]),
        Picture(box=(10, 20, 60, 40), rgb=LAYER[..., :3], opacity=LAYER[..., 3]),
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
    photo, layer = root.findall(f"{SVG}image")
    assert (photo.get("x"), photo.get("y"), photo.get("width"), photo.get("height")) == ("10", "20", "60", "40")
    links = [image.get("{http://www.w3.org/1999/xlink}href") for image in (photo, layer)]
    assert [link.partition(";")[0] for link in links] == ["data:image/jpeg", "data:image/png"]
    stored = Image.open(io.BytesIO(base64.b64decode(links[1].partition(",")[2])))
    assert (np.asarray(stored) == LAYER).all(), "heat is stored without loss"
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
    assert "q 60.00 0 0 -40.00 10.00 60.00 cm /I0 Do Q\nq 60.00 0 0 -40.00 10.00 60.00 cm /I1 Do Q" in content
    assert "1.000 0.000 0.000 rg 80.00 20.00 m 110.00 20.00 l 110.00 30.00 l 80.00 30.00 l h f" in content
    assert "0.000 0.000 1.000 RG 2.50 w 5.00 5.00 m 1.00 2.00 3.00 4.00 50.50 60.25 c S" in content
    assert content.count(" h B") == 1
    photo = found[int(re.search(rb"/I0 (\d+) 0 R", page).group(1))]
    assert b"/Width 83 /Height 47" in photo
    assert stream_of(photo) == SHAPES.shapes[0].jpeg
    layer = found[int(re.search(rb"/I1 (\d+) 0 R", page).group(1))]
    mask = found[int(re.search(rb"/SMask (\d+) 0 R", layer).group(1))]
    assert stream_of(layer) == LAYER[..., :3].tobytes()
    assert stream_of(mask) == LAYER[..., 3].tobytes()
    states = re.findall(rb"/G\d << /CA ([\d.]+) /ca ([\d.]+) >>", page)
    assert states == [(b"0.250", b"0.250"), (b"1.000", b"1.000")]


def test_the_words_of_a_pdf_stand_where_their_font_says():
    found, _ = objects_of(pdf_bytes(SHAPES))
    face = next(body for body in found.values() if b"/Subtype /TrueType" in body)
    widths = list(map(int, re.search(rb"/Widths \[([\d ]+)\]", face).group(1).split()))
    first = int(re.search(rb"/FirstChar (\d+)", face).group(1))
    program = stream_of(next(body for body in found.values() if b"/Length1" in body))
    assert program == font(12).font_bytes
    content = next(stream_of(b) for b in found.values() if re.match(rb"<<  /Filter", b)).decode()
    x, y, text = re.search(r"1 0 0 -1 ([\d.]+) ([\d.]+) Tm <(\w+)> Tj", content).groups()
    letters = bytes.fromhex(text)
    assert letters == b"a <b> & ?", "what the font lacks is a question mark"
    length = 12 * sum(widths[letter - first] for letter in letters) / 1000
    assert float(x) == pytest.approx(100 - length / 2, abs=0.01)
    assert float(y) == 90
    assert length == pytest.approx(font(120).getlength(letters.decode()) / 10, rel=0.03)  # which moves pairs closer


def test_pixels_are_what_the_drawing_says():
    picture = pixels(SHAPES).astype(int)
    assert picture.shape == (120, 240, 3)
    assert (picture[25, 95] == (255, 0, 0)).all()
    assert (picture[0, 0] == 255).all()
    assert (picture[35, 35] == (200, 100, 50)).all(), "the second row and third column of the layer, opaque"
    under = pixels(Drawing(size_hw=(120, 240), per_inch=60, title="", shapes=SHAPES.shapes[:1])).astype(int)
    assert picture[55, 65] == pytest.approx(under[55, 65] * 0.6 + np.array((0, 0, 250)) * 0.4, abs=1)
    assert (picture[45, 15] == under[45, 15]).all()
    assert (picture[60, 150] == 255).all(), "the disc is white within"
    ring = picture[60, 161:164].mean()
    assert ring < 200, "and has a rim"
    for s in (0.25, 0.5, 0.75):
        x, y = (
            (1 - s) ** 3 * a + 3 * s * (1 - s) ** 2 * b + 3 * s**2 * (1 - s) * c + s**3 * d
            for a, b, c, d in ((5, 1, 3, 50.5), (5, 2, 4, 60.25))
        )
        here = picture[int(y), int(x)]
        assert here[2] > here[0] + 20, "the curve is blue where it runs"


def test_opacity_of_a_path_lets_the_ground_shine_through():
    shapes = (
        box(0, 0, 40, 40, fill=(0, 0, 0)),
        Outline(
            start=(10, 10),
            steps=(((30, 10),), ((30, 30),), ((10, 30),)),
            closed=True,
            fill=(255, 255, 255),
            opacity=0.4,
        ),
    )
    picture = pixels(Drawing(size_hw=(40, 40), per_inch=60, title="", shapes=shapes))
    assert picture[20, 20].tolist() == [102, 102, 102]


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


@pytest.mark.parametrize("heat", [np.zeros((5, 6, 8)), np.full((5, 6, 8), 0.1)])
def test_a_strip_of_words_stands_under_any_row(heat):
    assert len(strips(make_row(heat), width=64)) == 5
