"""A drawing as one SVG file with embedded photographs and font, without scripts or external references."""

import base64
import re
from xml.etree import ElementTree

from nonlocal_core.render.drawing import Drawing, Length, Outline, Picture, Shape, Words
from nonlocal_core.render.marks import Colour
from nonlocal_core.render.text import EM, font

FALLBACK_FONTS = "Helvetica, Arial, sans-serif"
FAMILY = "figure"
_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML cannot hold, not even escaped."""


def svg_bytes(drawing: Drawing, *, provenance: str = "") -> bytes:
    """Return the drawing as an SVG file in UTF-8 with ``provenance`` in its metadata."""
    height, width = drawing.size_hw
    root = ElementTree.Element(
        "svg",
        {
            "xmlns": _SVG,
            "xmlns:xlink": _XLINK,
            "width": f"{width / drawing.per_inch:g}in",
            "height": f"{height / drawing.per_inch:g}in",
            "viewBox": f"0 0 {width:g} {height:g}",
            "font-family": f"{FAMILY}, {FALLBACK_FONTS}",
        },
    )
    ElementTree.SubElement(root, "title").text = _text(drawing.title)
    if provenance:
        ElementTree.SubElement(root, "metadata").text = _text(provenance)
    face = base64.b64encode(font(EM).font_bytes).decode("ascii")
    style = f"@font-face {{ font-family: {FAMILY}; src: url(data:font/ttf;base64,{face}); }}"
    ElementTree.SubElement(root, "style").text = style
    for shape in drawing.shapes:
        _add(root, shape)
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _add(root: ElementTree.Element, shape: Shape) -> None:
    match shape:
        case Picture():
            left, top, width, height = map(_number, shape.box)
            place = {"x": left, "y": top, "width": width, "height": height, "preserveAspectRatio": "none"}
            kind, content = ("jpeg", shape.jpeg) if shape.opacity is None else ("png", shape.png)
            data = f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"
            ElementTree.SubElement(root, "image", place | {"xlink:href": data})
        case Outline():
            ElementTree.SubElement(root, "path", _outline(shape))
        case Words():
            x, y = map(_number, shape.at)
            style = {"font-size": _number(shape.size), "fill": _hex(shape.colour), "text-anchor": shape.anchor}
            ElementTree.SubElement(root, "text", {"x": x, "y": y} | style).text = _text(shape.text)


def _outline(shape: Outline) -> dict[str, str]:
    steps = (
        ("L" if len(step) == 1 else "C") + " ".join(f"{_number(x)} {_number(y)}" for x, y in step)
        for step in shape.steps
    )
    x, y = map(_number, shape.start)
    drawn = {"d": f"M{x} {y}{''.join(steps)}{'Z' * shape.closed}"}
    drawn["fill"] = _hex(shape.fill) if shape.fill else "none"
    if shape.stroke:
        drawn |= {"stroke": _hex(shape.stroke), "stroke-width": _number(shape.width)}
    if shape.opacity < 1:
        drawn["opacity"] = _number(shape.opacity)
    return drawn


def _number(value: Length) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _text(text: str) -> str:
    return _FORBIDDEN.sub("", text)
