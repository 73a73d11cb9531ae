"""Figures of rows, and where their parts lie."""

import numpy as np
from render_rows import make_frames

from nonlocal_core.look import Look
from nonlocal_core.render import Caption, figure, pixels
from nonlocal_core.render.drawing import Outline, Picture, Words
from nonlocal_core.render.figure import STRIPE
from nonlocal_core.render.layout import UNITS, lay_out

CAPTION = Caption(clip="clip.mp4", model="Network", block="res4/5")
CLOSE = 1.5  # units of 2400 across the page


def make(row, *, frames=None, words="bare", caption=CAPTION, sharpness=1.0):
    frames = make_frames() if frames is None else frames
    times = np.arange(len(frames)) * 0.4
    return figure(frames, times, row, caption, look=Look.parse(words), sharpness=sharpness)


def draw(row, **asked):
    return pixels(make(row, **asked))


def said(row, **asked):
    return " ".join(shape.text for shape in make(row, **asked).shapes if isinstance(shape, Words))


def tiles_of():
    return lay_out(5, (47, 83), width_px=UNITS).tiles


def shafts(drawing):
    """The coloured lines: curves that are stroked, not closed, and not the dark rim below them."""
    outlines = [shape for shape in drawing.shapes if isinstance(shape, Outline) and shape.stroke != STRIPE]
    lines = [shape for shape in outlines if shape.stroke and not shape.closed]
    return lines[1::2]


def middle_of(drawing, grid, cell):
    """Centre of a cell on the page, from the box of the photograph that it lies in, and half its shorter side."""
    photos = [shape.box for shape in drawing.shapes if isinstance(shape, Picture) and shape.opacity is None][1:]
    left, top, width, height = photos[grid.span(cell[0])[0]]
    x0, y0, x1, y1 = grid.box
    x = x0 + (cell[2] + 0.5) / grid.cols * (x1 - x0)
    y = y0 + (cell[1] + 0.5) / grid.rows * (y1 - y0)
    return np.array([left + x * width, top + y * height]), min(width / grid.cols, height / grid.rows) / 2
