"""Customers: each with a WebSocket of its own, who writes again as soon as the answer is whole."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from dataclasses import dataclass, field

from websockets.asyncio.client import ClientConnection, connect

from bench.answers import TOKENS, answer, question

TURN_SECONDS = 60


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
    async def arrive(cls, url: str, *, says_hello: bool = True) -> Customer:
        """Connect, and wait for the session where there is one."""
        customer = cls(await connect(url, compression=None, max_size=None, ping_interval=None))
        if not says_hello:
            return customer
        await customer.socket.send('{"type":"hello"}')
        session = json.loads(await customer.socket.recv())
        if session["type"] != "session":
            raise RuntimeError(f"no session, but {session}")
        return customer

    async def leave(self) -> None:
        await self.socket.close()

    async def ask(self, tokens: int = TOKENS) -> Turn:
        """Send one message and read until its run is over; raises unless the answer is whole and right."""
        frame = {"type": "message", "thread_id": self.thread_id, "content": question(tokens)}
        turn = Turn()
        began = time.perf_counter()
        await self.socket.send(json.dumps({**frame, "client_message_id": uuid.uuid4().hex}))
        while not turn.complete:
            self._read(turn, json.loads(await self.socket.recv()), time.perf_counter() - began)
        if "".join(turn.text) != answer(tokens):
            raise RuntimeError(f"the pieces are not the answer: {turn.text}")
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
        done = []
        for _ in range(turns):
            async with asyncio.timeout(TURN_SECONDS):
                done.append(await self.ask(tokens))
        return done


async def gather_customers(url: str, count: int, *, says_hello: bool = True) -> list[Customer]:
    """Open so many sockets, a few at a time."""
    gate = asyncio.Semaphore(16)

    async def arrive() -> Customer:
        async with gate:
            return await Customer.arrive(url, says_hello=says_hello)

    return list(await asyncio.gather(*(arrive() for _ in range(count))))
