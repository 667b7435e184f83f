import pytest

from tests import factories
from tests.talk import open_talk, shop

__all__ = ["open_talk", "shop"]


@pytest.fixture(autouse=True)
def layer_in_memory(settings):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


@pytest.fixture
def conversation(transactional_db):
    return factories.make_conversation()


@pytest.fixture
def claim(conversation):
    """A message's run, in this process's hands."""
    return factories.make_claim(conversation)


@pytest.fixture
def waiting(conversation):
    """An interrupt for the customer, at which a run waits."""
    return make_waiting(conversation)


def make_waiting(conversation, **values):
    from agents.context import ProposedWrite
    from conversations.services import runs

    claim = factories.make_claim(conversation, "Cancel order 1043")
    write = ProposedWrite(
        tool_call_id="call_1",
        agent="orders",
        tool="cancel_order",
        args={"order_number": "1043"},
        message="Cancel order 1043.",
        approver=values.pop("approver", "customer"),
    )
    runs.pause(claim, runs.Progress(), [write])
    interrupt = conversation.interrupts.get()
    if values:
        conversation.interrupts.update(**values)
        interrupt.refresh_from_db()
    return interrupt
