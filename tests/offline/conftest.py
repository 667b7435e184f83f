import pytest

from tests.offline.library import Desk


@pytest.fixture(scope="session")
def offline_cache(tmp_path_factory):
    """One folder for the session, so that the library is learned once."""
    return tmp_path_factory.mktemp("offline")


@pytest.fixture
def desk(offline_cache):
    return Desk(offline_cache)
