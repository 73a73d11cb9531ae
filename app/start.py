"""The server: pages, the route of bundles, the gate before both. Start it with ``streamlit run app/start.py``.

Streamlit runs this file and ``main.py`` as scripts outside any package, so they import by installed names.
"""

import streamlit as st
from starlette.middleware import Middleware

from nonlocal_core.app.server.byte_store import ROUTES
from nonlocal_core.app.server.gate import Gate
from nonlocal_core.app.server.service import lifespan
from nonlocal_core.app.server.uploading import Uploading
from nonlocal_core.threads import share_cores, use_one_heap

share_cores()
use_one_heap()
app = st.App("main.py", routes=ROUTES, middleware=[Middleware(Gate), Middleware(Uploading)], lifespan=lifespan)
