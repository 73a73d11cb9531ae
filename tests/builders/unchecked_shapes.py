"""A fixture for tests of error sentences; import it by name."""

import pytest
from shape_checks import switch


@pytest.fixture
def unchecked():
    """Switch off the test run's own shape checks: a user's run has only the sentences of the library."""
    switch["on"] = False
    yield
    switch["on"] = True
