"""A fixture for tests of error sentences; import it by name."""

import pytest
from jaxtyping import config


@pytest.fixture
def unchecked():
    """Switch off the test run's own shape checks: a user's run has only the sentences of the library."""
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)
