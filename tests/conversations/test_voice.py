"""What a run lets the customer hear, and when: no text before the plan is stored, none of it lost."""

import asyncio
import json

import pytest

from agents.saver import KeptCheckpoint
from agents.selectors import get_spec
from conversations import voice as voices
from conversations.live import hub
from tests import factories
from tests.talk import in_database

pytestmark = pytest.mark.django_db(transaction=True)


class View:
    def __init__(self):
        self.tokens = []

    def push(self, text):
        self.tokens.append(json.loads(text)["content"])


@pytest.fixture
async def spoken(settings):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    conversation = await in_database(factories.make_conversation)
    claim = await in_database(factories.make_claim, conversation)
    voice, view = voices.RunVoice(claim, get_spec(claim.version), KeptCheckpoint()), View()
    hub.open()
    hub.attach(conversation.pk, view)
    yield voice, view
    hub.detach(conversation.pk, view)


def store_when(gate, monkeypatch, error=None):
    async def record(claim, progress):
        await gate.wait()
        if error is not None:
            raise error

    monkeypatch.setattr(voices, "_record", record)


async def test_text_waits_for_the_plan_and_comes_then(spoken, monkeypatch):
    voice, view = spoken
    gate = asyncio.Event()
    store_when(gate, monkeypatch)
    await voice.announce_plan(["orders"])
    voice.say("orders", "On its ")
    voice.say("orders", "way.")
    await asyncio.sleep(0.05)
    assert view.tokens == []
    gate.set()
    await voice.finish_message("orders", "On its way.")
    assert "".join(view.tokens) == "On its way."


async def test_an_answer_that_ends_in_the_moment_the_plan_is_stored_is_shown(spoken, monkeypatch):
    voice, view = spoken
    gate = asyncio.Event()
    gate.set()
    store_when(gate, monkeypatch)
    await voice.announce_plan(["orders"])
    voice.say("orders", "On its way.")
    await asyncio.sleep(0)  # stored by now, and its callback not called
    await voice.finish_message("orders", "On its way.")
    assert view.tokens == ["On its way."]


async def test_of_a_plan_that_was_not_stored_nothing_is_shown(spoken, monkeypatch):
    voice, view = spoken
    gate = asyncio.Event()
    store_when(gate, monkeypatch, OSError("no database"))
    await voice.announce_plan(["orders"])
    voice.say("orders", "On its way.")
    gate.set()
    with pytest.raises(OSError, match="no database"):
        await voice.finish_message("orders", "On its way.")
    voice.silence()
    assert view.tokens == []
