"""Customers' sockets in this process: the product's consumer, and the client that holds each frame to the protocol."""

import asyncio
import json

from channels.testing import WebsocketCommunicator

from conversations import runs
from conversations.consumers import ChatConsumer
from tests.protocol.client import Client

SECONDS = 30


class Socket(Client):
    """One customer's connection. `texts` are the frames as they came."""

    def __init__(self):
        super().__init__("")
        self.texts = []

    async def __aenter__(self):
        self.socket = WebsocketCommunicator(ChatConsumer.as_asgi(), "/ws/chat/")
        accepted, _ = await self.socket.connect()
        assert accepted
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_):
        self._reader.cancel()
        await self.socket.disconnect()
        self.check()

    def check(self):
        """Raise what was wrong with the frames."""
        if self._problem is not None:
            raise self._problem

    async def _read(self):
        try:
            while True:
                message = await self.socket.output_queue.get()
                if message["type"] == "websocket.close":
                    self.close_code = message.get("code")
                else:
                    self.texts.append(message["text"])
                    self._take(json.loads(message["text"], parse_constant=_refuse))
                self._news.set()
        except AssertionError as problem:
            self._problem = problem
            self._news.set()

    async def send(self, kind, **fields):
        await self.send_raw(json.dumps({"type": kind, **fields}))

    async def send_raw(self, data):
        await self.socket.send_to(text_data=data)

    async def idle(self, conversation_id):
        """Wait until this process has nothing more to do in the conversation, and all frames have come."""
        await self.settled()
        work = runs.wake(conversation_id)
        await asyncio.wait_for(work, SECONDS)
        await self.settled()

    def waiting(self, thread_id, tool=None):
        """Return the interrupt frames that nobody has resolved."""
        thread = self.threads.get(thread_id)
        frames = thread.events if thread else []
        return [
            frame
            for frame in frames
            if frame["type"] == "interrupt"
            and thread.interrupts[frame["interrupt_id"]] == "pending"
            and tool in (None, frame["action"])
        ]

    def of(self, kind):
        return [frame for frame in self.frames if frame["type"] == kind]


def _refuse(name):
    raise AssertionError(f"{name} in a frame is no JSON")
