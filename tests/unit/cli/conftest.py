"""Fixtures of the tests of the shell."""

import pytest
from small_clip import small_session


@pytest.fixture(scope="session")
def session():
    return small_session()
