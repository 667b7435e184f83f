import pytest

from agents.verticals.ecommerce import demo


@pytest.fixture
def shop(db):
    """The demo shop, freshly loaded."""
    demo.load()
