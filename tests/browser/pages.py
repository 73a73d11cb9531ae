"""Pages to drive: clips whose attention is known by construction, and the browser contexts to open them in."""

from contextlib import contextmanager

import numpy as np

from nonlocal_core.bundle import (
    ClipWords,
    ModelLabel,
    Question,
    Storage,
    TourStop,
    View,
    encode_bundle,
    encode_columns,
)
from nonlocal_core.capture.record import BlockCapture, Capture, ClassScore
from nonlocal_core.geometry import Cell, QueryGrid
from nonlocal_core.media import Frames, MediaInfo
from nonlocal_core.viewer import export_html

MODEL = ModelLabel(id="known", title="Known network", status="trained")


def target_of(grid, cell):
    """Where the ``mapped`` block makes each cell look: the next frame, turned by half a picture."""
    return Cell((cell.t + 1) % grid.steps, (cell.y + grid.rows // 2) % grid.rows, (cell.x + grid.cols // 2) % grid.cols)


def mapped_block(grid, *, name="mapped", **facts):
    """A Gaussian block in which each query gives all its weight to one key, ``target_of`` the query.

    Every key has a random direction and every query has that of its target, so that theta.phi is 1 there only.
    """
    rng = np.random.default_rng(4)
    phi = rng.normal(size=(grid.size, 48)).astype(np.float32)
    phi /= np.linalg.norm(phi, axis=1, keepdims=True)
    order = [grid.index(target_of(grid, grid.cell(i))) for i in range(grid.size)]
    return BlockCapture(
        **{
            "name": name,
            "title": f"Block {name}",
            "pairwise": "gaussian",
            "scale": 80.0,
            "theta": phi[order],
            "phi": phi,
            "query_grid": grid,
            "key_grid": grid.pooled((1, 1, 1)),
            "rebuild_error": 1e-7,
        }
        | facts
    )


def clip_bytes(
    *,
    frames=3,
    size_hw=(360, 640),
    cells=(9, 16),
    name="clip.mp4",
    blocks=None,
    texts="plain",
    tour=True,
    apart=False,
    warnings=(),
    remarks=(),
):
    """A clip of flat, different colours; ``blocks(grid)`` makes the blocks, one ``mapped`` block when left out.

    ``apart``: return what "who looks here" needs as bytes of its own, as the app sends it.
    """
    grid = QueryGrid.over_clip(clip_frames=frames, steps=frames, rows=cells[0], cols=cells[1])
    height, width = size_hw
    rgb = np.empty((frames, height, width, 3), np.uint8)
    rgb[:] = np.linspace(90, 200, frames).astype(np.uint8)[:, None, None, None]
    info = MediaInfo(
        name=name,
        kind="video" if frames > 1 else "image",
        byte_count=1,
        sha256="0" * 64,
        shown_hw=size_hw,
        frame_count=frames,
        rate=None,
        duration_seconds=None,
        codec="h264",
        remarks=remarks,
    )
    stops = (
        TourStop(question=Question(frame=0, x=0.1, y=0.1), caption=f"{texts} first"),
        TourStop(question=Question(frame=frames - 1, x=0.9, y=0.9), caption=f"{texts} last"),
    )
    capture = Capture(blocks=blocks(grid) if blocks else (mapped_block(grid),), classes=(ClassScore(texts, 0.5),))
    whole = encode_bundle(
        Frames(
            rgb=rgb, pts_seconds=np.arange(frames) / 4, frame_indices=np.arange(frames), info=info, warnings=warnings
        ),
        capture,
        model=MODEL,
        view=View(question=Question(frame=0, x=0.5, y=0.5), tour=stops if tour else ()),
        words=ClipWords(caption=texts, licence=texts),
        storage=Storage(columns=not apart),
    )
    return (whole, encode_columns(capture)) if apart else whole


class Watched:
    """A page and all that it did which it should not do."""

    def __init__(self, page):
        self.page = page
        self.requests, self.complaints, self.dialogs = [], [], []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))

    @property
    def facts(self):
        """What the viewer says of itself: data-q, data-cell, data-shown, data-pinned, data-block, data-direction."""
        return self.page.locator(".nlv").evaluate("(root) => ({ ...root.dataset })")

    def settle(self):
        """Wait until the viewer has drawn what it was told last."""
        self.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def point(self, picture, x, y):
        """Move the mouse to a part of a picture, in units of it."""
        box = picture.bounding_box()
        self.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        self.settle()

    @property
    def asks(self):
        return self.page.locator(".nlv-asks .nlv-picture")

    @property
    def answers(self):
        return self.page.locator(".nlv-answers .nlv-picture")

    def film(self, frame):
        return self.page.locator(f".nlv-film [data-frame='{frame}']")


@contextmanager
def opened(chromium, tmp_path, data, *, width=1280, height=860, title="Known", **context):
    """Export a bundle, open the file and wait until it is ready."""
    path = tmp_path / "page.html"
    path.write_text(export_html(data, title=title), encoding="utf-8")
    own = chromium.new_context(viewport={"width": width, "height": height}, **context)
    try:
        watched = Watched(own.new_page())
        watched.page.goto(path.as_uri())
        watched.page.wait_for_selector(".nlv[data-ready]")
        watched.settle()
        yield watched
    finally:
        own.close()
