"""The server: the pages and the route that serves bundles. Start it with ``streamlit run app/server.py``."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st

from app.store import ROUTES


def _warm_up() -> None:
    from app.resources import warm_up  # with torch, which takes seconds: the page is served meanwhile

    warm_up()


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[dict[str, object]]:
    """Load the default network while the browser is still opening, so that the first picture comes at once."""
    threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()
    yield {}


app = st.App("main.py", routes=ROUTES, lifespan=lifespan)
