"""Live pages saved from any network, one alone or several side by side: their bundles open as they are."""

from pathlib import PurePath

import numpy as np
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from nonlocal_core import BundleError
from nonlocal_core.ancestors.filters import is_filter
from nonlocal_core.bundle import Bundle, decode_bundle
from nonlocal_core.capture.record import Capture
from nonlocal_core.measures import measure_block
from nonlocal_core.viewer import bundle_of_page
from nonlocal_core.vocabulary import MOST_SIDES

from ..server.byte_store import BUNDLES
from ..server.memory import remembered
from ..server.tours import KeptTour
from . import block_figures, cautions, unmarked
from .menus import menu
from .viewer_component import Pane, side_by_side, viewer

MAX_PAGE_MB = 64


def draw() -> None:
    """Draw the upload, and the answers of the pages under one pointer, or the whole viewer for a single page.

    Any other file gets an explanation.
    """
    files = st.file_uploader(
        "Live pages that were saved (.html), of any network",
        type="html",
        accept_multiple_files=True,
        max_upload_size=MAX_PAGE_MB,
        key="compare-pages",
    )
    cautions.oversize(MAX_PAGE_MB, "Save the page again with fewer frames or blocks, or with its tables in 8 bits.")
    if len(files) < 2:
        st.caption(
            "One page opens with all of its blocks, two or more beside each other: `session.save('page.html', ...)` "
            "writes one, and so does Keep, as a live page."
        )
        if files:
            _alone(files[0])
        return
    panes = [pane for file in files[:MOST_SIDES] if (pane := _pane(file)) is not None]
    if len(files) > MOST_SIDES:
        st.caption(f"The first {MOST_SIDES} are shown.")
    if panes:
        _answer(tuple(panes))


@st.fragment
def _alone(file: UploadedFile) -> None:
    """Draw the viewer on the bundle of one page, as in the page itself."""
    read = _read(file)
    if read is not None:
        token = BUNDLES.put(read[0])
        viewer(token, first=None, tour=KeptTour(clip=read[1].clip, stops=()), is_saved=True)
        if st.toggle("Figures of a block", help="How widely and how far its positions look", key="page-figures"):
            _figures(token, read[1])


def _figures(token: str, bundle: Bundle) -> None:
    """Draw the figures of a chosen block of a page, from the tables in it."""
    titles = _titles(bundle)
    first = bundle.view.block if bundle.view.block in titles else next(reversed(titles))
    name = menu("Block", titles, first=first, key=f"page-figures-{token}", width=520, labelled=True)
    block = _capture(bundle).block(name)
    measured = remembered(
        (token, name, "measures"),
        "Asking a sample of positions",
        lambda tell: measure_block(
            block,
            shown_hw=bundle.media.shown_hw,
            pts_seconds=np.asarray(bundle.media.pts_seconds),
            progress=tell,
        ),
    )
    block_figures.draw(block, measured, adds=not is_filter(bundle.model.id))


@st.fragment
def _answer(panes: tuple[Pane, ...]) -> None:
    side_by_side(panes, first=None, tour=KeptTour(clip=panes[0].clip, stops=()))


def _read(file: UploadedFile) -> tuple[bytes, Bundle] | None:
    """Return a page's bundle, packed and read, or draw the reason and return None for any other file."""
    try:
        packed = bundle_of_page(file.getvalue())
        bundle = decode_bundle(packed)
    except BundleError as error:
        unmarked.failure(f"{file.name}: {error}")
        return None
    if not bundle.blocks:
        unmarked.failure(f"{file.name} shows no block.")
        return None
    return packed, bundle


def _pane(file: UploadedFile) -> Pane | None:
    """Return a page's pane and draw the menu of its blocks, or None if it has none."""
    read = _read(file)
    if read is None:
        return None
    packed, bundle = read
    titles = _titles(bundle)
    title = PurePath(file.name).stem
    first = bundle.view.block if bundle.view.block in titles else next(reversed(titles))
    label = f"Block of {unmarked.as_it_is(title)}"
    block = menu(label, titles, first=first, key=f"compare-page-{file.file_id}", width=296, labelled=True)
    return Pane(token=BUNDLES.put(packed), block=block, title=title, clip=bundle.clip, is_saved=True)


def _titles(bundle: Bundle) -> dict[str, str]:
    return {block.name: block.title for block in _capture(bundle).named}


def _capture(bundle: Bundle) -> Capture:
    return Capture(blocks=tuple(each.capture for each in bundle.blocks))
