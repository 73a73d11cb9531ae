"""What a visitor was shown is not computed again, a refusal no more than an answer."""

import pytest
from streamlit.testing.v1 import AppTest

from nonlocal_core import CaptureError, MediaError


def page(compute):
    import streamlit as st

    from nonlocal_core.app.server.memory import remembered
    from nonlocal_core.errors import NonlocalError

    try:
        st.text(remembered("key", "Working", compute))
    except NonlocalError as error:
        st.text(str(error))


@pytest.mark.parametrize(
    ("refusal", "times"), [(None, 1), (MediaError("It is damaged."), 1), (CaptureError("Too little memory."), 3)]
)
def test_a_result_and_a_refused_file_are_remembered_and_other_faults_are_tried_again(refusal, times):
    asked = []

    def compute(tell):
        asked.append(tell)
        if refusal is not None:
            raise refusal
        return "answer"

    app = AppTest.from_function(page, args=(compute,)).run()
    for _ in range(2):
        app.run()
        assert [element.value for element in app.text] == [str(refusal or "answer")]
    assert len(asked) == times
