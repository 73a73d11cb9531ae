"""Heat on frames, as pictures and files."""

from nonlocal_core.render.affinity import AffinityLike, is_signed, times_uniform_per_unit
from nonlocal_core.render.arrow_figure import arrow_figure
from nonlocal_core.render.banner import with_banner
from nonlocal_core.render.colours import ColourMap, colour_map
from nonlocal_core.render.drawing import Drawing
from nonlocal_core.render.figure import figure
from nonlocal_core.render.movies import Progress, durations, write_gif, write_mp4
from nonlocal_core.render.notes import Caption
from nonlocal_core.render.overlay import paint, paint_clip, paint_mask
from nonlocal_core.render.pdf import pdf_bytes
from nonlocal_core.render.scale import Scale, fit_scale
from nonlocal_core.render.svg import svg_bytes
from nonlocal_core.render.writing import replacing, write_csv, write_npz, write_png

__all__ = [
    "AffinityLike",
    "Caption",
    "ColourMap",
    "Drawing",
    "Progress",
    "Scale",
    "arrow_figure",
    "colour_map",
    "durations",
    "figure",
    "fit_scale",
    "is_signed",
    "paint",
    "paint_clip",
    "paint_mask",
    "pdf_bytes",
    "replacing",
    "svg_bytes",
    "times_uniform_per_unit",
    "with_banner",
    "write_csv",
    "write_gif",
    "write_mp4",
    "write_npz",
    "write_png",
]
