"""SVG of a drawing, read by an XML parser."""

import base64
import io
from xml.etree import ElementTree

import numpy as np
from drawn_shapes import LAYER, SHAPES
from PIL import Image

from nonlocal_core.render import svg_bytes

SVG = "{http://www.w3.org/2000/svg}"


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
