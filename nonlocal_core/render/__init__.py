"""Pictures of an answer: heat over frames, figures, films, and files of numbers."""

from nonlocal_core.render.address import jpeg_address, png_address
from nonlocal_core.render.banner import ON_PANEL, PANEL, WARNING_ON_PANEL, with_banner, words_strip
from nonlocal_core.render.drawing import Drawing
from nonlocal_core.render.figure import SHARPNESS, figure
from nonlocal_core.render.movies import Progress, durations, write_gif, write_mp4
from nonlocal_core.render.notes import Caption
from nonlocal_core.render.overlay import paint, paint_clip, paint_mask
from nonlocal_core.render.pdf import pdf_bytes
from nonlocal_core.render.raster import pixels
from nonlocal_core.render.svg import svg_bytes
from nonlocal_core.render.text import number
from nonlocal_core.render.writing import replacing, write_csv, write_npz, write_png

__all__ = [
    "ON_PANEL",
    "PANEL",
    "SHARPNESS",
    "WARNING_ON_PANEL",
    "Caption",
    "Drawing",
    "Progress",
    "durations",
    "figure",
    "jpeg_address",
    "number",
    "paint",
    "paint_clip",
    "paint_mask",
    "pdf_bytes",
    "pixels",
    "png_address",
    "replacing",
    "svg_bytes",
    "with_banner",
    "words_strip",
    "write_csv",
    "write_gif",
    "write_mp4",
    "write_npz",
    "write_png",
]
