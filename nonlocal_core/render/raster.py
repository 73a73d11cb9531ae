"""A drawing as pixels, one per unit."""

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from nonlocal_core.render.drawing import PAPER, Drawing, Outline, Picture, Place, Words
from nonlocal_core.render.overlay import over
from nonlocal_core.render.text import drawable, font

FINER = 4  # supersampling of curves, since Pillow's lines have no soft edges
PIECES = 24  # straight pieces per curve
_ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}


def pixels(drawing: Drawing) -> UInt8[np.ndarray, "height width 3"]:
    """Return the drawing on white paper."""
    height, width = (round(side) for side in drawing.size_hw)
    canvas = Image.new("RGB", (width, height), PAPER)
    for shape in drawing.shapes:
        match shape:
            case Picture():
                _paste(canvas, shape)
            case Outline():
                _draw(canvas, shape)
            case Words(at=(x, y)):
                ImageDraw.Draw(canvas).text(
                    (x, y),
                    drawable(shape.text),
                    font=font(round(shape.size)),
                    fill=shape.colour,
                    anchor=_ANCHORS[shape.anchor],
                )
    return np.asarray(canvas)


def _paste(canvas: Image.Image, shape: Picture) -> None:
    """Paste pixels into their box: photographs resampled smoothly, layers so that cells keep sharp edges."""
    left, top, width, height = (round(side) for side in shape.box)
    rgb = Image.fromarray(shape.rgb)
    if shape.opacity is None:
        smooth = Image.Resampling.LANCZOS
        canvas.paste(rgb if rgb.size == (width, height) else rgb.resize((width, height), smooth), (left, top))
        return
    sharp = Image.Resampling.NEAREST
    colours = np.asarray(rgb.resize((width, height), sharp))
    opacity = np.asarray(Image.fromarray(shape.opacity).resize((width, height), sharp))
    below = np.asarray(canvas.crop((left, top, left + width, top + height)))
    canvas.paste(Image.fromarray(over(below, colours, opacity)), (left, top))


def _draw(canvas: Image.Image, shape: Outline) -> None:
    """Fill and stroke a path with soft edges, clipped to the canvas."""
    points = np.array(_flattened(shape))
    reach = shape.width + 2
    left, top = np.maximum(np.floor(points.min(axis=0) - reach), 0).astype(int)
    right, bottom = np.minimum(np.ceil(points.max(axis=0) + reach), canvas.size).astype(int)
    if right <= left or bottom <= top:
        return
    size, place = (right - left, bottom - top), (int(left), int(top))
    finer = [(float(x), float(y)) for x, y in (points - (left, top)) * FINER - 0.5]
    for colour, fills in ((shape.fill, True), (shape.stroke, False)):
        if colour is None:
            continue
        mask = Image.new("L", (size[0] * FINER, size[1] * FINER))
        pen, ink = ImageDraw.Draw(mask), round(255 * shape.opacity)
        if fills:
            pen.polygon(finer, fill=ink)
        else:
            closed = [*finer, *finer[:2]] if shape.closed else finer
            pen.line(closed, fill=ink, width=max(1, round(shape.width * FINER)), joint="curve")
        canvas.paste(colour, (*place, *(a + b for a, b in zip(place, size, strict=True))), mask.reduce(FINER))


def _flattened(shape: Outline) -> list[Place]:
    """Return the corners of a path, with curves as short straight pieces."""
    points: list[Place] = [shape.start]
    for step in shape.steps:
        if len(step) == 1:
            points.append(step[0])
            continue
        begin, first, second, end = (np.array(place, float) for place in (points[-1], *step))
        s = np.linspace(0, 1, PIECES + 1)[1:, None]
        curve = (1 - s) ** 3 * begin + 3 * s * (1 - s) ** 2 * first + 3 * s**2 * (1 - s) * second + s**3 * end
        points += [(float(x), float(y)) for x, y in curve]
    return points
