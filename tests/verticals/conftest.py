import pytest

from agents.verticals.ecommerce import demo
from agents.verticals.fintech import demo as bank_demo


@pytest.fixture
def shop(db):
    """The demo shop, freshly loaded."""
    demo.load()


@pytest.fixture
def bank(db):
    """The demo bank, freshly loaded."""
    bank_demo.load()
