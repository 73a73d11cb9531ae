"""PDF of a drawing, read by rules of its own."""

import re
import zlib

import pytest
from drawn_shapes import LAYER, SHAPES

from nonlocal_core.render import pdf_bytes
from nonlocal_core.render.text import font


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
