"""Every way in which an answer leaves the library or shows on a page, as a function that returns all that it says.

Each takes a session, the name of one of its blocks and a folder to write into; one that draws returns its words.
"""

import csv
import html
import json
import shutil
import subprocess
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest.mock import patch
from xml.etree import ElementTree

import numpy as np
from kept_files import bundle_in, inflated, provenance_of, streams
from PIL import ImageDraw
from streamlit.testing.v1 import AppTest

from nonlocal_core import Session
from nonlocal_core.app.server.visit import Pin
from nonlocal_core.app.widgets import cautions, charts
from nonlocal_core.bundle import decode_bundle
from nonlocal_core.cli import query as query_verb
from nonlocal_core.geometry import box_mask
from nonlocal_core.measures import affinity_matrix, measure_block, measure_row
from nonlocal_core.measures.tracking import carry
from nonlocal_core.saving.formats import FORMATS

POINT = {"frame": 1, "x": 0.3, "y": 0.6}
NODE = shutil.which("node")
WORDS = Path(__file__).parents[1] / "unit" / "viewer" / "words.mjs"
PATIENCE_SECONDS = 60

Exit = Callable[[Session, str, Path], str]


def row(session: Session, block: str, _folder: Path) -> str:
    return session.query(**POINT, block=block).note


def column(session: Session, block: str, _folder: Path) -> str:
    return session.column(**POINT, block=block).note


def row_measures(session: Session, block: str, _folder: Path) -> str:
    frames = session.frames
    asked = session.query(**POINT, block=block)
    return measure_row(asked, shown_hw=frames.info.shown_hw, pts_seconds=frames.pts_seconds).note


def block_measures(session: Session, block: str, _folder: Path) -> str:
    frames, asked = session.frames, session.block(block)
    return measure_block(asked, shown_hw=frames.info.shown_hw, pts_seconds=frames.pts_seconds, count=8).note


def matrix(session: Session, block: str, _folder: Path) -> str:
    return affinity_matrix(session.block(block), most=16).note


def tracking(session: Session, block: str, _folder: Path) -> str:
    mask = box_mask((0.2, 0.2, 0.6, 0.6), session.frames.rgb.shape[1:3])
    return carry(session.block(block), mask, frame=0).note


def bundle(session: Session, block: str, _folder: Path) -> str:
    return in_bundle(session.bundle(block=block), block)


def in_bundle(data: bytes, block: str) -> str:
    read = decode_bundle(data)
    shown = next(kept for kept in read.blocks if kept.capture.name == block)
    assert read.view.block == block
    return " ".join((shown.warning, shown.proof, *read.media.warnings, read.media.caption))


def notebook(session: Session, block: str, folder: Path) -> str:
    page = html.unescape(session._repr_html_())
    return in_viewer(bundle_in(page), block, folder) + html.unescape(page)


def live_page(session: Session, block: str, folder: Path) -> str:
    path = session.save(folder / "a.html", **POINT, block=block)
    page = path.read_text()
    return in_viewer(bundle_in(page), block, folder) + provenance_of(path) + html.unescape(page)


def viewer(session: Session, block: str, folder: Path) -> str:
    return in_viewer(session.bundle(block=block), block, folder)


def in_viewer(data: bytes, block: str, folder: Path, part: str = "report") -> str:
    """Return what the viewer's own modules write about a block, by one part of ``words.mjs``."""
    (folder / "a.nlvb").write_bytes(data)
    done = subprocess.run([NODE, WORDS, folder / "a.nlvb", block], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.dumps(json.loads(done.stdout)[part])


def pane(session: Session, block: str, folder: Path) -> str:
    """A pane of Compare with the question over it, which tells of the clip."""
    data = session.bundle(block=block)
    return in_viewer(data, block, folder, "pane") + in_viewer(data, block, folder, "question")


def pane_figures(session: Session, block: str, folder: Path) -> str:
    return in_viewer(session.bundle(block=block), block, folder, "figures")


def difference(session: Session, block: str, folder: Path) -> str:
    return in_viewer(session.bundle(block=block), block, folder, "difference")


@contextmanager
def pen() -> Iterator[list[str]]:
    """Collect what is drawn with Pillow's pen, in its order."""
    words, draw = [], ImageDraw.ImageDraw.text
    ImageDraw.ImageDraw.text = lambda self, at, text, **style: (words.append(text), draw(self, at, text, **style))[1]
    try:
        yield words
    finally:
        ImageDraw.ImageDraw.text = draw


def drawn(suffix: str) -> Exit:
    """The words in the pixels of a picture or a film."""

    def write(session: Session, block: str, folder: Path) -> str:
        with pen() as words:
            session.save(folder / f"a{suffix}", **POINT, block=block)
        return " ".join(words)

    return write


def svg(session: Session, block: str, folder: Path) -> str:
    drawing = ElementTree.fromstring(session.save(folder / "a.svg", **POINT, block=block).read_bytes())
    return " ".join(found.text for found in drawing.iter("{http://www.w3.org/2000/svg}text"))


def pdf(session: Session, block: str, folder: Path) -> str:
    return " ".join(map(inflated, streams(session.save(folder / "a.pdf", **POINT, block=block).read_bytes())))


def inside(suffix: str) -> Exit:
    """The record in a file."""
    return lambda session, block, folder: provenance_of(session.save(folder / f"a{suffix}", **POINT, block=block))


def npz(session: Session, block: str, folder: Path) -> str:
    path = session.save(folder / "a.npz", **POINT, block=block)
    with np.load(path) as arrays:
        return str(arrays["note"])


def table(session: Session, block: str, folder: Path) -> str:
    with session.save(folder / "a.csv", **POINT, block=block).open(newline="", encoding="utf-8") as file:
        return " ".join(line["note"] for line in csv.DictReader(file))


def shell(*form: str) -> Exit:
    def ask(session: Session, block: str, _folder: Path) -> str:
        asked = Namespace(
            **POINT,
            block=block,
            direction="row",
            top=2,
            json="json" in form,
            point=None,
            box=None,
            minus=None,
            temperature=1.0,
            hops=1,
            asker=None,
            mask_out=None,
        )
        printed = StringIO()
        with redirect_stdout(printed), patch.object(query_verb, "open_session", lambda options: session):
            query_verb.run(asked)
        return printed.getvalue()

    return ask


def chart(session: Session, block: str, _folder: Path) -> str:
    """The charts and the table under Explore, which a visitor can take along."""
    answers = charts.answers(session, Pin(**POINT, block=block))
    said = cautions.sentences(session.frames, charts.notes(answers))
    figures = (charts.by_frame(answers, 1), charts.concentration(answers))
    return " ".join(words_on(cautions.written_on(figure, said).to_json()) for figure in figures)


def words_on(figure: str) -> str:
    """Return what is written on a chart, and shown where a pointer rests on it, its line breaks undone."""
    written = json.loads(figure)["layout"].get("annotations", [])
    words = " ".join(f"{one['text']} {one.get('hovertext', '')}" for one in written)
    return html.unescape(words.replace("<br>", " ")).replace("\u00a0", " ")


def inspect_page(session, block):
    import streamlit as st

    from nonlocal_core.app.server.opened import OpenedClip, notes_on
    from nonlocal_core.app.server.visit import Choices
    from nonlocal_core.app.views import inspect

    st.query_params["block"] = block
    opened = OpenedClip(token="token", notes=notes_on(session.frames), awaited=lambda: session)
    inspect._inspect(opened, Choices(clip="sample:none"))


def track_page(session, block):
    import streamlit as st

    from nonlocal_core.app.server.opened import OpenedClip, notes_on
    from nonlocal_core.app.server.visit import Choices
    from nonlocal_core.app.views import track

    st.query_params["block"] = block
    st.query_params["find"] = "A box"
    opened = OpenedClip(token="token", notes=notes_on(session.frames), awaited=lambda: session)
    track._track(opened, Choices(clip="sample:none"))


def below_page(session, block):
    from nonlocal_core.app.server.visit import Pin
    from nonlocal_core.app.widgets import pinned

    pinned.tell(session, Pin(frame=1, x=0.3, y=0.6, block=block))


def page(draw: Callable[[Session, str], None]) -> Exit:
    def run(session: Session, block: str, _folder: Path) -> str:
        app = AppTest.from_function(draw, args=(session, block), default_timeout=PATIENCE_SECONDS).run()
        assert not app.exception, app.exception
        said = [html.unescape(found.proto.body) for found in app.get("html")]
        said += [found.value for found in (*app.caption, *app.header, *app.info)]
        said += [option for found in app.selectbox for option in found.options]
        said += [words_on(found.proto.spec) for found in app.get("plotly_chart")]
        said += [found.value.to_csv() for found in app.dataframe]
        return "\n".join(said)

    return run


EXITS: dict[str, Exit] = {
    "row": row,
    "column": column,
    "row measures": row_measures,
    "block measures": block_measures,
    "matrix": matrix,
    "tracking": tracking,
    "bundle": bundle,
    "viewer": viewer,
    "notebook": notebook,
    "html": live_page,
    "png": drawn(".png"),
    "gif": drawn(".gif"),
    "mp4": drawn(".mp4"),
    "svg": svg,
    "pdf": pdf,
    "npz": npz,
    "csv": table,
    **{f"record in {suffix}": inside(suffix) for suffix in FORMATS if suffix != ".csv"},
    "shell": shell(),
    "shell as JSON": shell("json"),
    "Explore's charts": chart,
    "below Explore": page(below_page),
    "Inspect": page(inspect_page),
    "Track": page(track_page),
    "Compare's pane": pane,
    "Compare's table": pane_figures,
    "Compare's difference": difference,
}
