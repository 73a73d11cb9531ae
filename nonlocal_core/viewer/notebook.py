"""A session in a notebook cell: the live viewer with the blocks that fit into a page of limited size."""

from collections.abc import Callable
from dataclasses import replace
from html import escape

from nonlocal_core.bundle import PictureStorage, Question, Storage, blocks_within
from nonlocal_core.capture.record import Capture
from nonlocal_core.viewer.export import export_html

MOST_BYTES = 2_000_000
"""Maximum size of a cell in bytes. A notebook keeps it in its file, and again for each saved run."""
CELL_HEIGHT = 900
"""Height of the viewer in a cell, in pixels."""
CELL_STORAGE = Storage(
    precision="int8", pictures=PictureStorage(long_side=480, codec="webp", quality=80)
)  # a cell is about 1000 pixels wide and shows two pictures side by side
_NAMED = 3
_TOO_HEAVY = "It weighs more all the same, since its smallest block does; fewer frames weigh less."

Pack = Callable[[Capture, str], bytes]
"""Function that packs a bundle of these blocks in ``CELL_STORAGE``, with a sentence under the clip."""


def notebook_cell(capture: Capture, pack: Pack, *, title: str, question: Question) -> str:
    """Return the live viewer in an isolated frame, of at most ``MOST_BYTES``.

    Blocks that do not fit are left out, and a sentence on the page says so. If none fits, the smallest is kept.
    """

    def cell(kept: Capture, said: str) -> str:
        return framed(export_html(pack(kept, said), title=title))

    nothing = replace(capture, blocks=())
    beside = _weight(cell(nothing, _left_out(capture, nothing, question) + _TOO_HEAVY))
    kept = blocks_within(capture, (MOST_BYTES - beside) * 3 // 4, CELL_STORAGE)  # base64 makes 4 letters of 3 bytes
    said = _left_out(capture, kept, question)
    drawn = cell(kept, said)
    return drawn if _weight(drawn) <= MOST_BYTES else cell(kept, f"{said} {_TOO_HEAVY}".strip())


def framed(page: str) -> str:
    """Return a page in an isolated frame."""
    return (
        f'<iframe title="Where does this position look?" sandbox="allow-scripts" srcdoc="{escape(page)}" '
        f'style="width: 100%; height: {CELL_HEIGHT}px; border: 0"></iframe>'
    )


def _left_out(capture: Capture, kept: Capture, asked: Question) -> str:
    """Return the sentences about the blocks that are not in the cell, empty if all are."""
    first, there = capture.block().name, {block.name for block in kept.blocks}
    names = sorted((block.name for block in capture.blocks if block.name not in there), key=lambda name: name != first)
    if not names:
        return ""
    named = [f"{name} (elsewhere the first to be shown)" if name == first else name for name in names[:_NAMED]]
    listed = ", ".join(named) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    point = f"frame={asked.frame}, x={asked.x:.3f}, y={asked.y:.3f}"
    return (
        f"A notebook's cell weighs at most {MOST_BYTES / 1e6:g} MB; these blocks are not in it: {listed}. "
        f'session.save("page.html", {point}) writes a page with every block, and '
        f"session.query({point}, block={names[0]!r}) shows one answer."
    )


def _weight(html: str) -> int:
    return len(html.encode())
