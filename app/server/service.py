"""Service around the pages: the libraries load and the first clip opens while the browser is still starting."""

import gc
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from importlib import import_module

import streamlit as st

from .budget import HELD, return_free_memory
from .byte_store import let_picture_go_first
from .first_picture import kept_picture
from .resources import FIRST, warm_up
from .visit import first_choices
from .visitors import is_here


def _warm_up() -> None:
    as_installed = first_choices() == FIRST
    if as_installed and kept_picture() is not None:
        let_picture_go_first()
    gc.disable()  # while importing: none of these many objects will ever be garbage
    with ThreadPoolExecutor(max_workers=1) as beside:
        try:
            if as_installed:
                from .clips import read_first_clip

                _frames = beside.submit(read_first_clip)  # held until the clip is open, where its faults are told

            import_module("nonlocal_core.session")  # with torch, which takes seconds: the page is served meanwhile
        finally:
            gc.freeze()  # nor shall they be searched for any, which Streamlit does after every run of a page
            gc.enable()
        warm_up()


SWEEP_SECONDS = 15.0
"""Seconds between two checks for visitors who have left."""


def _sweep() -> None:
    while True:
        time.sleep(SWEEP_SECONDS)
        if HELD.sweep(is_here):
            return_free_memory()


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[dict[str, object]]:
    """Load the default network while the browser is still opening, so that the first picture comes at once."""
    threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()
    threading.Thread(target=_sweep, name="sweep", daemon=True).start()
    yield {}
