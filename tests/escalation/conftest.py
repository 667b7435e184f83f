import pytest

from tests import factories
from tests.conversations.conftest import make_waiting
from tests.talk import open_talk, shop

__all__ = ["make_waiting", "open_talk", "shop"]


@pytest.fixture(autouse=True)
def layer_in_memory(settings):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


@pytest.fixture
def conversation(transactional_db):
    return factories.make_conversation()


@pytest.fixture
def sam(transactional_db):
    return factories.make_staff("sam", may_take_over=True)


@pytest.fixture
def kim(transactional_db):
    """A colleague of Sam's, with the same permission."""
    return factories.make_staff("kim", may_take_over=True)


@pytest.fixture
def olga(transactional_db):
    return factories.make_staff("olga")


def frames(conversation, *kinds):
    """The stored events of these types: (type, payload less the time), in order."""
    events = conversation.events.order_by("seq")
    return [
        (e.type, {name: value for name, value in e.payload.items() if name != "created_at"})
        for e in events
        if not kinds or e.type in kinds
    ]


def said(conversation, role):
    rows = conversation.messages.filter(role=role).order_by("created_at")
    return [message.content for message in rows]
