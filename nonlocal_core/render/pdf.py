"""A drawing as one PDF page: vector lines, text with an embedded font, photographs as JPEG, heat as
pixels with a soft mask.

One page of paths, text and images needs only a small part of the format (ISO 32000-1), and Pillow writes no vectors.
Objects are numbered in the order in which they are added.
"""

import zlib
from functools import cache

from nonlocal_core.render.drawing import Drawing, Outline, Picture, Words
from nonlocal_core.render.marks import Colour
from nonlocal_core.render.text import EM, drawable, font

POINTS_PER_INCH = 72
_CODES = range(32, 256)
_ENCODING = "cp1252"  # what PDF calls WinAnsiEncoding


def pdf_bytes(drawing: Drawing, *, provenance: str = "") -> bytes:
    """Return the drawing as a PDF file with ``provenance`` in its document information."""
    file = _File()
    height, width = (side / drawing.per_inch * POINTS_PER_INCH for side in drawing.size_hw)
    photos = [_add_picture(file, shape) for shape in drawing.shapes if isinstance(shape, Picture)]
    opacities = sorted({shape.opacity for shape in drawing.shapes if isinstance(shape, Outline)})
    states = [f"/G{i} << /CA {value:.3f} /ca {value:.3f} >>" for i, value in enumerate(opacities)]
    images = [f"/I{i} {number} 0 R" for i, number in enumerate(photos)]
    resources = (
        f"<< /Font << /F {_add_font(file)} 0 R >> /XObject << {' '.join(images)} >> "
        f"/ExtGState << {' '.join(states)} >> >>"
    )
    content = file.add(_stream("", _content(drawing, opacities).encode("ascii")))
    page, pages = file.next + 1, file.next
    file.add(f"<< /Type /Pages /Kids [{page} 0 R] /Count 1 >>".encode())
    file.add(
        f"<< /Type /Page /Parent {pages} 0 R /MediaBox [0 0 {width:.3f} {height:.3f}] /Contents {content} 0 R "
        f"/Resources {resources} >>".encode()
    )
    catalog = file.add(f"<< /Type /Catalog /Pages {pages} 0 R /Lang (en) >>".encode())
    about = file.add(f"<< /Title {_hex_text(drawing.title)} /Provenance {_hex_text(provenance)} >>".encode())
    return file.close(catalog=catalog, about=about)


class _File:
    """Writer of numbered objects and the table of their offsets."""

    def __init__(self) -> None:
        self._data = bytearray(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n")
        self._starts: list[int] = []

    @property
    def next(self) -> int:
        """Number of the next object."""
        return len(self._starts) + 1

    def add(self, body: bytes) -> int:
        """Add an object and return its number."""
        number = self.next
        self._starts.append(len(self._data))
        self._data += b"%d 0 obj\n%b\nendobj\n" % (number, body)
        return number

    def close(self, *, catalog: int, about: int) -> bytes:
        """Return the file."""
        lines = [b"%010d 00000 n \n" % start for start in self._starts]
        table = b"xref\n0 %d\n0000000000 65535 f \n%b" % (self.next, b"".join(lines))
        trailer = b"trailer\n<< /Size %d /Root %d 0 R /Info %d 0 R >>\n" % (self.next, catalog, about)
        return bytes(self._data + table + trailer + b"startxref\n%d\n%%%%EOF\n" % len(self._data))


def _stream(entries: str, content: bytes, *, compress: bool = True) -> bytes:
    if compress:
        entries, content = f"{entries} /Filter /FlateDecode", zlib.compress(content, 9)
    return f"<< {entries} /Length {len(content)} >>\nstream\n".encode() + content + b"\nendstream"


def _add_picture(file: _File, shape: Picture) -> int:
    """Add an image, with its opacity as a soft mask, and return its number."""
    height, width = shape.rgb.shape[:2]
    entries = f"/Type /XObject /Subtype /Image /Width {width} /Height {height} /BitsPerComponent 8"
    colour = f"{entries} /ColorSpace /DeviceRGB"
    if shape.opacity is None:
        return file.add(_stream(f"{colour} /Filter /DCTDecode", shape.jpeg, compress=False))
    mask = file.add(_stream(f"{entries} /ColorSpace /DeviceGray", shape.opacity.tobytes()))
    return file.add(_stream(f"{colour} /SMask {mask} 0 R", shape.rgb.tobytes()))


def _add_font(file: _File) -> int:
    """Add Pillow's font, which figures in pixels use as well, and return its number."""
    face = font(EM)
    ascent, descent = face.getmetrics()
    program = file.add(_stream(f"/Length1 {len(face.font_bytes)}", face.font_bytes))
    name = "".join((face.getname()[0] or "Font").split())
    described = file.add(
        f"<< /Type /FontDescriptor /FontName /{name} /Flags 32 /FontBBox [-200 {-descent} 1200 {ascent}] "
        f"/ItalicAngle 0 /Ascent {ascent} /Descent {-descent} /CapHeight 700 /StemV 80 "
        f"/FontFile2 {program} 0 R >>".encode()
    )
    return file.add(
        f"<< /Type /Font /Subtype /TrueType /BaseFont /{name} /Encoding /WinAnsiEncoding /FirstChar {_CODES.start} "
        f"/LastChar {_CODES.stop - 1} /Widths [{' '.join(map(str, _widths().values()))}] "
        f"/FontDescriptor {described} 0 R >>".encode()
    )


@cache
def _widths() -> dict[int, int]:
    """Return the width of each code of the encoding in thousandths of the size of type, 0 for unused codes."""
    letters = {code: bytes([code]).decode(_ENCODING, errors="ignore") for code in _CODES}
    return {code: round(font(EM).getlength(letter)) for code, letter in letters.items()}


def _content(drawing: Drawing, opacities: list[float]) -> str:
    scale = POINTS_PER_INCH / drawing.per_inch
    lines = [f"{scale:.5f} 0 0 {-scale:.5f} 0 {drawing.size_hw[0] * scale:.3f} cm"]  # y downwards from here on
    photos = 0
    for shape in drawing.shapes:
        match shape:
            case Picture(box=(left, top, width, height)):
                lines.append(f"q {width:.2f} 0 0 {-height:.2f} {left:.2f} {top + height:.2f} cm /I{photos} Do Q")
                photos += 1
            case Outline():
                lines.append(f"q /G{opacities.index(shape.opacity)} gs {_outline(shape)} Q")
            case Words():
                lines.append(_words(shape))
    return "\n".join(lines)


def _outline(shape: Outline) -> str:
    parts = [f"{shape.start[0]:.2f} {shape.start[1]:.2f} m"]
    for step in shape.steps:
        parts.append(" ".join(f"{x:.2f} {y:.2f}" for x, y in step) + (" l" if len(step) == 1 else " c"))
    if shape.closed:
        parts.append("h")
    if shape.fill:
        parts.insert(0, f"{_rgb(shape.fill)} rg")
    if shape.stroke:
        parts.insert(0, f"{_rgb(shape.stroke)} RG {shape.width:.2f} w")
    parts.append("B" if shape.fill and shape.stroke else "f" if shape.fill else "S")
    return " ".join(parts)


def _words(shape: Words) -> str:
    code = drawable(shape.text).encode(_ENCODING)
    length = sum(_widths()[letter] for letter in code) / EM * shape.size
    x = shape.at[0] - {"start": 0.0, "middle": 0.5, "end": 1.0}[shape.anchor] * length
    place = f"1 0 0 -1 {x:.2f} {shape.at[1]:.2f} Tm"
    return f"BT {_rgb(shape.colour)} rg /F {shape.size:.2f} Tf {place} <{code.hex()}> Tj ET"


def _rgb(colour: Colour) -> str:
    return " ".join(f"{part / 255:.3f}" for part in colour)


def _hex_text(text: str) -> str:
    return "<" + ("\ufeff" + text).encode("utf-16-be", errors="replace").hex() + ">"
