"""A conversation in this process, without a socket: real services, runs, graph, checkpoints and rows; a scripted model.

async def test_reply(open_talk):
    talk = await open_talk(Script(router=[to("orders")], orders=["On its way."]))
    await talk.say("Where is my order?")
    assert talk.said == ["On its way."]
"""

import asyncio
import json

import pytest

from agents import compiled
from agents.saver import KeptCheckpoint
from conversations import runs
from conversations.database import in_thread
from conversations.live import hub
from conversations.models import Checkpoint
from conversations.services import interrupts
from tests import factories

SECONDS = 10


async def read_state(conversation_id):
    """Return the values of the graph's state as they are stored; {} where nothing is."""
    row = await Checkpoint.objects.filter(conversation=conversation_id).afirst()
    return KeptCheckpoint(row.content).read()[0]["channel_values"] if row else {}


class Talk:
    """One conversation, seen as a socket sees it. `frames` are all that came, in order."""

    def __init__(self, conversation, script):
        self.conversation = conversation
        self.script = script
        self.frames = []
        self._news = asyncio.Event()
        hub.open()
        hub.attach(conversation.pk, self)

    # --- what a view does ---

    def push(self, text):
        self.frames.append(json.loads(text))
        self._news.set()

    def push_events(self, conversation_id, events):
        for _, text in events:
            self.push(text)

    def catch_up(self, conversation_id, seq):
        """Nothing: every event comes by `push_events`, and `check` finds a gap."""

    async def close(self):
        hub.detach(self.conversation.pk, self)
        drives = [d.task for key, d in runs._drives.items() if key[1] == self.conversation.pk]
        for task in drives:
            task.cancel()
            await asyncio.wait({task})

    # --- what a customer does ---

    async def send(self, content, **values):
        """Send a message and go on at once."""
        conversation = self.conversation
        return await runs.receive_message(
            visitor_id=conversation.visitor_id,
            thread_id=conversation.thread_id,
            content=content,
            template="shop",  # of a conversation that there is, it does not matter
            **values,
        )

    async def say(self, content, **values):
        """Send a message and wait until nothing goes on any more; returns the frames since."""
        before = len(self.frames)
        await self.send(content, **values)
        await self.settled()
        return self.frames[before:]

    async def answer(self, approved, tool=None, *, by="customer"):
        """Answer what waits: the call of that tool, or the only one; returns the frames since."""
        before = len(self.frames)
        [frame] = [f for f in self.waiting if tool in (None, f["action"])]
        user = await in_thread(factories.make_sam)() if by == "staff" else None
        await in_thread(interrupts.decide)(
            frame["interrupt_id"], approved=approved, by=by, user=user
        )
        await self.settled()
        return self.frames[before:]

    async def settled(self):
        """Wait until this process has nothing more to do in the conversation."""
        await asyncio.wait_for(runs.wake(self.conversation.pk), SECONDS)

    async def until(self, kind, **fields):
        """Wait for a frame; returns it."""

        async def look():
            while True:
                for frame in self.frames:
                    if frame["type"] == kind and fields.items() <= frame.items():
                        return frame
                self._news.clear()
                await self._news.wait()

        return await asyncio.wait_for(look(), SECONDS)

    def check(self):
        """Hold what came to what is promised of every run."""
        seqs = [frame["seq"] for frame in self.frames if "seq" in frame]
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs))) if seqs else True
        contents = {frame["message_id"]: frame["content"] for frame in self.of("message")}
        pieces = {}
        for frame in self.of("token"):
            pieces.setdefault(frame["message_id"], []).append(frame["content"])
        for message_id, parts in pieces.items():
            assert "".join(parts) == contents.get(message_id, "".join(parts))
        if self.outcomes:
            assert pieces.keys() <= contents.keys() or self.types[-1] == "token"

    # --- what came of it ---

    def of(self, kind):
        return [frame for frame in self.frames if frame["type"] == kind]

    @property
    def types(self):
        return [frame["type"] for frame in self.frames]

    @property
    def stored(self):
        return [frame["type"] for frame in self.frames if "seq" in frame]

    @property
    def said(self):
        return [frame["content"] for frame in self.of("message")]

    @property
    def results(self):
        return [(frame["tool"], frame["status"]) for frame in self.of("tool_result")]

    @property
    def outcomes(self):
        return [frame["status"] for frame in self.of("message_complete")]

    @property
    def waiting(self):
        resolved = {frame["interrupt_id"] for frame in self.of("interrupt_resolved")}
        return [frame for frame in self.of("interrupt") if frame["interrupt_id"] not in resolved]

    def asked(self, role):
        """Return the messages of each call of this role's model."""
        return [messages for name, messages in self.script.asked if name == role]


@pytest.fixture
async def open_talk(transactional_db, settings, monkeypatch):
    """Open conversations: `await open_talk(Script(…))`, or with a `version`, or top-level keys of the template."""
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    talks = []

    async def open_talk(script, *, version=None, **changes):
        monkeypatch.setattr("agents.compiled.build_chat_model", script.build)
        compiled._compiled.clear()

        def make():
            return factories.make_conversation(
                version=version or factories.make_version(factories.make_spec(**changes))
            )

        talks.append(Talk(await in_thread(make)(), script))
        return talks[-1]

    yield open_talk
    try:
        for talk in talks:
            await talk.close()
    finally:
        compiled._compiled.clear()
    for talk in talks:
        talk.check()


@pytest.fixture
def shop(transactional_db):
    """Ana's orders: 1043 can be cancelled, 1044 can be refunded."""
    factories.make_order("1043")
    factories.make_order("1044", status="delivered", total="114.70")


async def in_database(function, *args, **kwargs):
    """Run a function that uses the database from an async test."""
    return await in_thread(function)(*args, **kwargs)
