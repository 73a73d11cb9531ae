"""Visitors as Streamlit knows them: the one whose page runs, and those still connected."""

from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx


def here() -> str | None:
    """Return the id of the visitor whose page runs in this thread, or None if there is none, as at the start."""
    context = get_script_run_ctx(suppress_warning=True)
    return None if context is None else context.session_id


def is_here(visitor: str) -> bool:
    """Return whether a visitor is connected."""
    return runtime.exists() and runtime.get_instance().is_active_session(visitor)
