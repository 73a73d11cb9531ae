"""What tests of the course share."""

import pytest
from loud_networks import loud_session


@pytest.fixture(scope="session")
def session():
    """A session whose blocks matter, opened once; nobody changes it."""
    return loud_session()
