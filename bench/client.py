"""Customers: each with a WebSocket of its own, who writes again as soon as the answer is whole."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from websockets.asyncio.client import ClientConnection, connect

from bench.answers import TOKENS, answer, question

TURN_SECONDS = 60
AT_ONCE = 16
Hello = dict[str, Any]
T = TypeVar("T")
HELLO: Hello = {"type": "hello"}


@dataclass
class Turn:
    """One message and its answer, in seconds since it was sent."""

    accepted: float = 0.0
    first_token: float = 0.0
    complete: float = 0.0
    frames: int = 0
    text: list[str] = field(default_factory=list)


class Customer:
    """One socket and one conversation."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.thread_id = f"bench-{uuid.uuid4().hex}"

    @classmethod
    async def arrive(cls, url: str, hello: Hello | None = HELLO) -> Customer:
        """Connect; say hello where that is the custom (None: it is not), and wait for the session."""
        customer = cls(await connect(url, compression=None, max_size=None, ping_interval=None))
        if hello is not None:
            await customer.socket.send(json.dumps(hello))
            session = json.loads(await customer.socket.recv())
            if session["type"] != "session":
                raise RuntimeError(f"no session, but {session}")
        return customer

    async def leave(self) -> None:
        await self.socket.close()

    async def ask(self, tokens: int = TOKENS) -> Turn:
        """Ask for an answer of so many tokens; raises unless it comes whole and right."""
        turn = await self.say(question(tokens))
        if "".join(turn.text) != answer(tokens):
            raise RuntimeError(f"the pieces are not the answer: {turn.text}")
        return turn

    async def say(self, content: str) -> Turn:
        """Send one message and read until its run is over; raises when that goes wrong or lasts too long."""
        frame = {"type": "message", "thread_id": self.thread_id, "content": content}
        turn = Turn()
        began = time.perf_counter()
        async with asyncio.timeout(TURN_SECONDS):
            await self.socket.send(json.dumps({**frame, "client_message_id": uuid.uuid4().hex}))
            while not turn.complete:
                received = json.loads(await self.socket.recv())
                self._read(turn, received, time.perf_counter() - began)
        return turn

    def _read(self, turn: Turn, frame: dict[str, str], at: float) -> None:
        turn.frames += 1
        match frame["type"]:
            case "message_accepted":
                turn.accepted = at
            case "token":
                turn.first_token = turn.first_token or at
                turn.text.append(frame["content"])
            case "message_complete" if frame["status"] == "completed":
                turn.complete = at
            case "message_complete" | "error":
                raise RuntimeError(f"a turn went wrong: {frame}")

    async def converse(self, turns: int, tokens: int = TOKENS) -> list[Turn]:
        """Ask so many times, each time as soon as the answer is whole."""
        return [await self.ask(tokens) for _ in range(turns)]


async def gather_customers(url: str, count: int, hello: Hello | None = HELLO) -> list[Customer]:
    """Open so many sockets, a few at a time."""
    return await a_few_at_a_time(Customer.arrive(url, hello) for _ in range(count))


async def a_few_at_a_time(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Return the results of all, of which never more than `AT_ONCE` are being worked on."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def pass_gate(work: Coroutine[Any, Any, T]) -> T:
        async with gate:
            return await work

    return list(await asyncio.gather(*map(pass_gate, works)))
