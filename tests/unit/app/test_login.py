"""The wall before the pages of a closed class."""

from streamlit.testing.v1 import AppTest

from nonlocal_core.app.widgets import login


def draw():
    import streamlit as st

    from nonlocal_core.app.widgets import login

    if not login.wall():
        st.write("the pages")


def test_pages_are_open_unless_the_server_was_told_otherwise(monkeypatch):
    monkeypatch.delenv(login.ASKED, raising=False)
    assert [said.value for said in AppTest.from_function(draw).run().markdown] == ["the pages"]


def test_a_visitor_who_has_not_signed_in_sees_the_way_in_alone(monkeypatch):
    monkeypatch.setenv(login.ASKED, "1")
    page = AppTest.from_function(draw).run()
    assert [button.label for button in page.button] == ["Sign in"]
    assert not page.markdown
    assert not page.exception
