"""Layout of a figure, in pixels."""

from dataclasses import dataclass
from typing import NamedTuple

from nonlocal_core.errors import RenderError

UNITS = 2400  # a figure is this many units wide
MARGIN = 56  # in units
HEADER = 236  # in units
ONE_ROW = 5  # most frames in one row: with more, the cells of a fine grid are too small in print
LONG_ROW = 8


class Rect(NamedTuple):
    """Pixels [left, right) x [top, bottom)."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.bottom - self.top


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The places of a figure: header above, the film strip, notes below.

    ``unit`` is one 2400th of the width, in pixels. Every size of type and line is a multiple of it.
    """

    size_hw: tuple[int, int]
    unit: float
    margin: int
    legend: Rect
    tiles: tuple[Rect, ...]
    columns: int
    bar_height: int
    notes_top: int

    def px(self, units: int) -> int:
        """Return a length in whole pixels, at least one."""
        return max(1, round(units * self.unit))


def lay_out(frames: int, frame_hw: tuple[int, int], *, width_px: int, notes: int = 0, header: int = HEADER) -> Layout:
    """Return the layout of a film strip: one row up to five frames, else balanced rows of at most eight.

    ``notes``: lines of text under the strip; ``header``: units above it.
    Raises RenderError if the tiles would come out smaller than 8 pixels.
    """
    rows = 1 if frames <= ONE_ROW else max(2, -(-frames // LONG_ROW))
    columns = -(-frames // rows)
    unit = width_px / UNITS
    margin, gap, bar, labels = (round(n * unit) for n in (MARGIN, 10, 64, 84))
    if frames == 1:
        bar = labels = 0  # a still image has no time axis
    header, headroom, row_gap, note_line = (round(n * unit) for n in (header, 36, 30, 38))

    inner = width_px - 2 * margin
    aspect = frame_hw[0] / frame_hw[1]
    tile_w = min((inner - gap * (columns - 1)) // columns, round(1150 * unit / aspect))
    tile_h = round(tile_w * aspect)
    if min(tile_w, tile_h) < 8:
        raise RenderError(
            f"A frame would be drawn {tile_w} x {tile_h} pixels small; at least 8 x 8 are needed. "
            f"Ask for a figure wider than {width_px} pixels."
        )

    left = margin + (inner - (tile_w + gap) * columns + gap) // 2
    top = margin + header
    step = tile_h + bar + labels + row_gap
    tiles = tuple(
        Rect(x, y, x + tile_w, y + tile_h)
        for x, y in ((left + i % columns * (tile_w + gap), top + headroom + i // columns * step) for i in range(frames))
    )
    notes_top = top + headroom + rows * step - row_gap + round(30 * unit)
    height = notes_top + notes * note_line + margin - round(20 * unit) * bool(notes)
    legend_w = round(720 * unit)
    legend = Rect(width_px - margin - legend_w, margin, width_px - margin, margin + round(150 * unit))
    return Layout(
        size_hw=(height, width_px),
        unit=unit,
        margin=margin,
        legend=legend,
        tiles=tiles,
        columns=columns,
        bar_height=bar,
        notes_top=notes_top,
    )
