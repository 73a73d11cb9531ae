"""Login before the pages of a closed class, if the server was started with one."""

import os

import streamlit as st

ASKED = "NONLOCAL_LOGIN"
"""Environment variable that requires a login, with any value; ``[auth]`` in Streamlit's secrets has the accounts."""


def wall() -> bool:
    """Draw the login for a visitor who must sign in first, and return whether the pages stay closed."""
    if not os.environ.get(ASKED) or st.user.get("is_logged_in"):
        return False
    st.html("<div class='nlv-heading'><h1>Sign in first</h1><p>This viewer is open to a closed class.</p></div>")
    st.button("Sign in", type="primary", on_click=st.login)
    return True
