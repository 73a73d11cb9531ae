"""Formats of a saved answer, chosen by the suffix of the file."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from nonlocal_core.capture.record import BlockCapture
from nonlocal_core.errors import UnknownNameError
from nonlocal_core.geometry import ViewTransform
from nonlocal_core.look import Answer, answer_words, lettered
from nonlocal_core.media import Frames
from nonlocal_core.pin import Pin
from nonlocal_core.render import (
    SHARPNESS,
    Caption,
    Drawing,
    durations,
    figure,
    paint_clip,
    pdf_bytes,
    pixels,
    replacing,
    svg_bytes,
    with_banner,
    write_csv,
    write_gif,
    write_mp4,
    write_npz,
    write_png,
)
from nonlocal_core.render.layout import UNITS, lay_out
from nonlocal_core.running.prepared import NetworkCard
from nonlocal_core.saving.provenance import Provenance
from nonlocal_core.viewer import export_html
from nonlocal_core.vocabulary import Progress

CELL_PIXELS = 500_000
"""Number of pixels of all photographs in a figure for a notebook, about 300 kB: sharp at the width of a cell."""
CELL_INCHES = 10.0
"""Width of a figure in a notebook, at 96 pixels an inch."""
Write = Callable[[Path, Progress], None]
"""Function that writes the prepared answer; the file is whole or absent, even if the callback raises."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuestionAnswer:
    """Question, its answer, and the facts for a file. ``device``: the device that the network ran on, in words."""

    frames: Frames
    view: ViewTransform
    card: NetworkCard
    device: str
    block: BlockCapture
    pin: Pin
    shown: tuple[Answer, ...]
    """Answer to every pin, A first, from the tables as the viewer stores them, so that it is the same on screen."""
    exact: tuple[Answer, ...]
    """Answer to every pin, from the tables as captured, for files of numbers."""
    unreadable: tuple[tuple[str, str], ...]
    """Name and reason of each part of the network that could not be shown."""
    bundle: Callable[[], bytes]
    """Function that packs the clip and the tables of every block, which only the live page needs."""

    @property
    def caption(self) -> Caption:
        """The text of a figure."""
        return Caption(
            clip=self.frames.info.name,
            model=self.card.title,
            block=self.block.title,
            warning=" ".join(self.frames.warnings),
        )

    @property
    def about(self) -> str:
        """Sentences after the note in a file of bare numbers: the answer, the clip's warnings, the proof."""
        said = lettered([answer_words(answer) for answer in self.shown])
        return " ".join((*said, *self.frames.warnings, *self.frames.info.remarks, self.block.proof))

    @property
    def provenance(self) -> Provenance:
        """Record of the clip, network and settings that gave the answer."""
        frames, asked = self.frames, self.pin
        return Provenance(
            clip_name=frames.info.name,
            clip_sha256=frames.info.sha256,
            frame_indices=tuple(frames.frame_indices.tolist()),
            pts_seconds=tuple(frames.pts_seconds.tolist()),
            warnings=frames.warnings,
            remarks=frames.info.remarks,
            shown_hw=frames.info.shown_hw,
            input_hw=self.view.input_hw,
            input_crop=self.view.crop,
            model=self.card.id,
            weights=dict(self.card.weights),
            device=self.device,
            unreadable=self.unreadable,
            block=self.block.name,
            step=self.block.step,
            block_status=self.block.status,
            note=self.block.warning,
            proof=self.block.proof,
            rebuild_error=self.block.rebuild_error,
            pairwise=self.block.pairwise,
            query_grid=self.block.query_grid.shape,
            key_grid=self.block.key_grid.shape,
            query=(asked.frame, asked.x, asked.y),
            also=asked.also,
            minus=asked.minus,
            beside=asked.beside,
            temperature=asked.temperature,
            hops=asked.hops,
            asker=self.block.asker,
            asked_cell=self.exact[-1].asked,
            direction=self.exact[-1].direction,
            view=asked.view,
        )


def save(path: Path, answered: QuestionAnswer, tell: Progress) -> Path:
    """Write an answer and return the path; the suffix selects the format.

    An error raised by ``tell`` ends the writing and leaves nothing behind.
    Raises UnknownNameError for a suffix that is not in ``FORMATS``, RenderError, BundleError.
    """
    prepare = _PREPARE.get(path.suffix.lower())
    if prepare is None:
        raise UnknownNameError("file format", path.suffix or path.name, FORMATS)
    tell("Preparing the file", 0, 1)
    write = prepare(answered)
    tell("Preparing the file", 1, 1)
    write(path, tell)
    return path


def figure_svg(answered: QuestionAnswer) -> str:
    """Return the figure for the cell of a notebook.

    It is SVG, in which heat keeps its colours and text stays sharp: the same figure takes 2.5 MB as PNG, and JPEG
    blurs both. The photographs have the size at which a cell shows them.
    """
    tiles = lay_out(len(answered.frames.rgb), answered.frames.rgb.shape[1:3], width_px=UNITS).tiles
    area = sum(tile.width * tile.height for tile in tiles)
    drawing = _figure(answered, sharpness=(CELL_PIXELS / area) ** 0.5)
    drawing = replace(drawing, per_inch=drawing.size_hw[1] / CELL_INCHES)
    return svg_bytes(drawing, provenance=answered.provenance.as_json()).decode()


def _html(answered: QuestionAnswer) -> Write:
    page = export_html(
        answered.bundle(), title=answered.frames.info.name, provenance=answered.provenance.as_json()
    ).encode()
    return lambda path, tell: _write_bytes(path, page)


def _png(answered: QuestionAnswer) -> Write:
    picture = pixels(_figure(answered, sharpness=1.0))
    return lambda path, tell: write_png(path, picture, provenance=answered.provenance.as_json())


def _svg(answered: QuestionAnswer) -> Write:
    content = svg_bytes(_figure(answered), provenance=answered.provenance.as_json())
    return lambda path, tell: _write_bytes(path, content)


def _pdf(answered: QuestionAnswer) -> Write:
    content = pdf_bytes(_figure(answered), provenance=answered.provenance.as_json())
    return lambda path, tell: _write_bytes(path, content)


def _figure(answered: QuestionAnswer, sharpness: float = SHARPNESS) -> Drawing:
    frames, (*beside, shown) = answered.frames, answered.shown
    look = answered.pin.look
    return figure(
        frames.rgb, frames.pts_seconds, shown, answered.caption, look=look, sharpness=sharpness, beside=beside
    )


def _gif(answered: QuestionAnswer) -> Write:
    return _movie(answered, write_gif)


def _mp4(answered: QuestionAnswer) -> Write:
    return _movie(answered, write_mp4)


def _movie(answered: QuestionAnswer, write: Callable[..., None]) -> Write:
    times, (*beside, shown) = answered.frames.pts_seconds, answered.shown
    pictures = paint_clip(answered.frames.rgb, shown, answered.pin.look, beside=beside)
    return lambda path, tell: write(
        path,
        with_banner(pictures, shown, times, answered.caption, beside=beside),
        durations(times),
        lambda done, total: tell("Drawing frames", done, total),
        provenance=answered.provenance.as_json(),
    )


def _npz(answered: QuestionAnswer) -> Write:
    return lambda path, tell: write_npz(
        path,
        answered.exact[-1],
        beside=answered.exact[:-1],
        pts_seconds=answered.frames.pts_seconds,
        about=answered.about,
        provenance=answered.provenance.as_json(),
    )


def _csv(answered: QuestionAnswer) -> Write:
    return lambda path, tell: write_csv(path, answered.exact[-1], about=answered.about, beside=answered.exact[:-1])


def _json(answered: QuestionAnswer) -> Write:
    return lambda path, tell: _write_bytes(path, f"{answered.provenance.as_json()}\n".encode())


def _write_bytes(path: Path, content: bytes) -> None:
    with replacing(path) as part:
        part.write_bytes(content)


_PREPARE: dict[str, Callable[[QuestionAnswer], Write]] = {
    ".html": _html,
    ".png": _png,
    ".svg": _svg,
    ".pdf": _pdf,
    ".gif": _gif,
    ".mp4": _mp4,
    ".npz": _npz,
    ".csv": _csv,
    ".json": _json,
}
FORMATS = tuple(_PREPARE)
"""Suffixes that ``save`` writes: the live page, figures, the clip with heat, numbers, and their provenance."""
