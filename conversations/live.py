"""From a committed fact, or a piece of text, to the sockets that show it.

In this process directly; to other processes by the channel layer: a doorbell for stored events, which they then read
from the table, and batches for pieces of text. The channel layer carries no truth, and nothing waits for it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections import defaultdict
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from conversations.database import in_thread
from conversations.models import Conversation

logger = logging.getLogger(__name__)

T = TypeVar("T")

PROCESS = uuid.uuid4().hex
SEND_TIMEOUT_SECONDS = 2
# A doorbell says how far the events go, so one stands for all that are due in this time.
DOORBELL_SECONDS = 0.1
POLL_SECONDS = 20

Numbered = tuple[int, str]


class View(Protocol):
    """One socket that shows a conversation."""

    def push(self, text: str) -> None:
        """Send a passing frame."""
        ...

    def push_events(self, conversation_id: uuid.UUID, events: list[Numbered]) -> None:
        """Send stored events (seq, frame), in order, without gaps or doubles."""
        ...

    def catch_up(self, conversation_id: uuid.UUID, seq: int) -> None:
        """Read what is lacking up to `seq` from the table."""
        ...


def encode(frame: dict[str, Any]) -> str:
    """Return a frame as it goes over the wire."""
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"))


def group(conversation_id: uuid.UUID) -> str:
    """Return the channel-layer group of a conversation."""
    return f"conversation.{conversation_id.hex}"


class Hub:
    """The sockets of this process, by conversation."""

    def __init__(self) -> None:
        self._views: dict[uuid.UUID, set[View]] = defaultdict(set)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._doorbells: dict[uuid.UUID, int] = {}
        self._poll: asyncio.Task[None] | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop that serves this process's sockets; None where there are none, as in a worker."""
        return self._loop if self._loop is not None and self._loop.is_running() else None

    def open(self) -> None:
        """Take the running loop as the one that serves sockets."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop = loop
            self._poll = loop.create_task(self._poll_forever())

    def attach(self, conversation_id: uuid.UUID, view: View) -> None:
        self._views[conversation_id].add(view)

    def detach(self, conversation_id: uuid.UUID, view: View) -> None:
        views = self._views.get(conversation_id)
        if views is not None:
            views.discard(view)
            if not views:
                del self._views[conversation_id]

    def pass_on(self, conversation_id: uuid.UUID, frame: dict[str, Any]) -> str:
        """Send a passing frame to this process's sockets; return it encoded."""
        text = encode(frame)
        for view in tuple(self._views.get(conversation_id, ())):
            view.push(text)
        return text

    def relay(self, conversation_id: uuid.UUID, text: str) -> None:
        """Send an encoded passing frame to other processes' sockets."""
        self.spawn(_send(conversation_id, {"type": "relay", "text": text, "from": PROCESS}))

    def deliver(self, conversation_id: uuid.UUID, events: list[Numbered]) -> None:
        """Send stored events to this process's sockets, and ring for the others'."""
        for view in tuple(self._views.get(conversation_id, ())):
            view.push_events(conversation_id, events)
        if conversation_id not in self._doorbells:
            loop = asyncio.get_running_loop()
            loop.call_later(DOORBELL_SECONDS, self._ring, conversation_id)
        seq = max(events[-1][0], self._doorbells.get(conversation_id, 0))
        self._doorbells[conversation_id] = seq

    def _ring(self, conversation_id: uuid.UUID) -> None:
        seq = self._doorbells.pop(conversation_id, None)
        if seq is not None:
            self.spawn(_send(conversation_id, _doorbell(seq)))

    async def flush(self) -> None:
        """Ring for what is due, and wait until it has gone out: this process ends."""
        for conversation_id in list(self._doorbells):
            self._ring(conversation_id)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=SEND_TIMEOUT_SECONDS)

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run something beside, and keep hold of it until it is done."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _poll_forever(self) -> None:
        """Close gaps that lost doorbells left, with one query for all sockets of the process."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                for conversation_id, seq in (await _last_seqs(list(self._views))).items():
                    for view in tuple(self._views.get(conversation_id, ())):
                        view.catch_up(conversation_id, seq)
            except Exception:
                logger.exception("polling for missed events failed; trying again")


@in_thread
def _last_seqs(conversation_ids: list[uuid.UUID]) -> dict[uuid.UUID, int]:
    found: dict[uuid.UUID, int] = {}
    for start in range(0, len(conversation_ids), 500):
        part = conversation_ids[start : start + 500]
        found.update(Conversation.objects.filter(pk__in=part).values_list("pk", "last_seq"))
    return found


def _doorbell(seq: int) -> dict[str, Any]:
    return {"type": "doorbell", "seq": seq, "from": PROCESS}


async def _send(conversation_id: uuid.UUID, message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    try:
        async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
            await layer.group_send(
                group(conversation_id), {**message, "conversation": conversation_id.hex}
            )
    except Exception as error:
        logger.warning("channel layer: %s not sent (%s)", message["type"], type(error).__name__)


hub = Hub()


def staff_side(conversation_id: uuid.UUID) -> uuid.UUID:
    """Return the key under which staff, and no customer, listen to a conversation."""
    return uuid.uuid5(conversation_id, "staff")


def tell_staff(conversation: Conversation, frame: dict[str, Any]) -> None:
    """Show a passing frame to staff who have the conversation open; in the loop that serves sockets."""
    key = staff_side(conversation.pk)
    hub.relay(key, hub.pass_on(key, frame))


def tell_views(conversation_id: uuid.UUID, frame: dict[str, Any]) -> None:
    """Show a passing frame in every view of a conversation; in the loop that serves sockets."""
    hub.relay(conversation_id, hub.pass_on(conversation_id, frame))


def announce(conversation: Conversation, frames: list[dict[str, Any]]) -> None:
    """Bring a transaction's events to the sockets, after its commit; from any thread."""
    loop = hub.loop
    if loop is not None:
        events = [(frame["seq"], encode(frame)) for frame in frames]
        loop.call_soon_threadsafe(hub.deliver, conversation.pk, events)
    else:
        async_to_sync(_send)(conversation.pk, _doorbell(frames[-1]["seq"]))
