"""What other processes hear of this one's conversations, and it of theirs."""

import asyncio

import pytest

from conversations import live
from conversations.live import Hub
from tests import factories
from tests.talk import in_database

pytestmark = pytest.mark.django_db(transaction=True)


class View:
    def __init__(self):
        self.seen = []

    def push(self, text):
        self.seen.append(text)

    def push_events(self, conversation_id, events):
        self.seen += events

    def catch_up(self, conversation_id, seq):
        self.seen.append(seq)


class Layer:
    """A channel layer between hubs, which keeps what is sent and can be away."""

    def __init__(self):
        self.sent = []
        self.queues = {}
        self.is_away = False

    async def new_channel(self):
        if self.is_away:
            raise ConnectionError
        name = f"channel.{len(self.queues)}"
        self.queues[name] = asyncio.Queue()
        return name

    async def group_add(self, group, channel):
        assert group == live.GROUP

    async def receive(self, channel):
        return await self.queues[channel].get()

    async def group_send(self, group, message):
        self.sent.append(message)


@pytest.fixture
async def layer(monkeypatch):
    layer = Layer()
    monkeypatch.setattr(live, "get_channel_layer", lambda: layer)
    monkeypatch.setattr(live, "NEWS_SECONDS", 0.01)
    monkeypatch.setattr(live, "RETRY_SECONDS", 0.01)
    return layer


@pytest.fixture
async def hub(layer):
    hub = Hub()
    yield hub
    for task in hub._always:
        task.cancel()
    await asyncio.gather(*hub._always, return_exceptions=True)


@pytest.fixture
async def conversations():
    version = await in_database(factories.make_version)
    return [await in_database(factories.make_conversation, version=version) for _ in range(2)]


async def test_news_of_all_conversations_go_out_in_one_message(hub, layer, conversations):
    one, other = (conversation.pk for conversation in conversations)
    hub.deliver(one, [(1, "first")])
    hub.deliver(one, [(2, "second"), (3, "third")])
    hub.deliver(other, [(7, "seventh")])
    hub.relay(other, "a piece")
    await asyncio.sleep(0.05)
    [message] = layer.sent
    assert message["seqs"] == {one.hex: 3, other.hex: 7}
    assert message["texts"] == [(other.hex, "a piece")]


async def test_what_is_due_goes_out_before_a_process_ends(hub, layer, conversations):
    hub.deliver(conversations[0].pk, [(1, "first")])
    await hub.flush()
    assert len(layer.sent) == 1


async def test_a_process_hears_of_what_it_shows_and_not_its_own(hub, layer, conversations):
    one, other = (conversation.pk for conversation in conversations)
    view = View()
    hub.open()
    hub.attach(one, view)
    await hub.wait_until_listening()
    await asyncio.sleep(0.05)
    view.seen.clear()  # it has looked how far the events go
    [queue] = layer.queues.values()
    news = {"type": "news", "seqs": {one.hex: 5, other.hex: 9}, "texts": [(one.hex, "a piece")]}
    queue.put_nowait({**news, "from": live.PROCESS})
    queue.put_nowait({**news, "from": "another"})
    await asyncio.sleep(0.01)
    assert view.seen == ["a piece", 5]


async def test_who_listens_late_catches_up(hub, layer, conversations):
    layer.is_away = True
    view = View()
    hub.open()
    hub.attach(conversations[0].pk, view)
    await asyncio.sleep(0.03)
    assert view.seen == []
    layer.is_away = False
    await hub.wait_until_listening()
    for _ in range(100):
        if view.seen:
            break
        await asyncio.sleep(0.01)
    assert view.seen == [0], "how far its events go"
