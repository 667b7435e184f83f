"""From a committed fact, or a piece of text, to the sockets that show it.

In this process directly; to other processes by the channel layer, in one message for all conversations that have news:
how far their events go, which the others then read from the table, and pieces of text. Every process hears every
message, and looks whether it shows one of these conversations: a group for each would cost more (ADR 0023). The channel
layer carries no truth, and nothing waits for it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections import defaultdict
from collections.abc import Coroutine
from contextlib import suppress
from contextvars import Context
from typing import Any, Protocol, TypeVar

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from conversations.database import in_thread
from conversations.models import Conversation

logger = logging.getLogger(__name__)

T = TypeVar("T")

PROCESS = uuid.uuid4().hex
GROUP = "web"
SEND_TIMEOUT_SECONDS = 2
# What is due for others is collected for so long.
NEWS_SECONDS = 0.1
RETRY_SECONDS = 1
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


class News:
    """What other processes do not know yet.

    Attributes:
        seqs: How far a conversation's events go.
        texts: (conversation, passing frame), in order.
    """

    def __init__(self) -> None:
        self.seqs: dict[str, int] = {}
        self.texts: list[tuple[str, str]] = []

    def as_message(self) -> dict[str, Any]:
        return {"type": "news", "from": PROCESS, "seqs": self.seqs, "texts": self.texts}


class Hub:
    """The sockets of this process, by conversation."""

    def __init__(self) -> None:
        self._views: dict[uuid.UUID, set[View]] = defaultdict(set)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._news = News()
        self._listening = asyncio.Event()
        self._always: list[asyncio.Task[None]] = []

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop that serves this process's sockets; None where there are none, as in a worker."""
        return self._loop if self._loop is not None and self._loop.is_running() else None

    def open(self) -> None:
        """Take the running loop as the one that serves sockets."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop = loop
            self._listening = asyncio.Event()
            self._always = [
                loop.create_task(forever(), context=Context())
                for forever in (self._listen_forever, self._poll_forever)
            ]

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
        self._tell_soon().texts.append((conversation_id.hex, text))

    def deliver(self, conversation_id: uuid.UUID, events: list[Numbered]) -> None:
        """Send stored events to this process's sockets, and tell the others of them."""
        for view in tuple(self._views.get(conversation_id, ())):
            view.push_events(conversation_id, events)
        seqs, key = self._tell_soon().seqs, conversation_id.hex
        seqs[key] = max(events[-1][0], seqs.get(key, 0))

    def _tell_soon(self) -> News:
        if not self._news.seqs and not self._news.texts:
            asyncio.get_running_loop().call_later(NEWS_SECONDS, self._tell)
        return self._news

    def _tell(self) -> None:
        news, self._news = self._news, News()
        if news.seqs or news.texts:
            self.spawn(_send(news))

    async def flush(self) -> None:
        """Tell what is due, and wait until it has gone out: this process ends."""
        self._tell()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=SEND_TIMEOUT_SECONDS)

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run something beside, and keep hold of it until it is done."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def wait_until_listening(self) -> None:
        """Wait until nothing that other processes tell is missed; while the channel layer is away, for 2 s."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._listening.wait(), SEND_TIMEOUT_SECONDS)

    async def _listen_forever(self) -> None:
        """Hear what other processes tell."""
        while True:
            try:
                layer = get_channel_layer()
                channel = await layer.new_channel()
                await layer.group_add(GROUP, channel)
                self._listening.set()
                await self._catch_up()  # with what was told before
                while True:
                    self._hear(await layer.receive(channel))
            except Exception as error:
                logger.warning("channel layer: not listening (%s)", type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)

    def _hear(self, news: dict[str, Any]) -> None:
        if news["from"] == PROCESS:
            return
        for key, text in news["texts"]:
            for view in tuple(self._views.get(uuid.UUID(key), ())):
                view.push(text)
        for key, seq in news["seqs"].items():
            self._bring_up_to(uuid.UUID(key), seq)

    async def _poll_forever(self) -> None:
        """Close gaps that lost messages left."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            await self._catch_up()

    async def _catch_up(self) -> None:
        """Look how far the events go, with one query for all sockets of the process."""
        try:
            for conversation_id, seq in (await _last_seqs(list(self._views))).items():
                self._bring_up_to(conversation_id, seq)
        except Exception:
            logger.exception("looking for missed events failed; trying again")

    def _bring_up_to(self, conversation_id: uuid.UUID, seq: int) -> None:
        for view in tuple(self._views.get(conversation_id, ())):
            view.catch_up(conversation_id, seq)


@in_thread
def _last_seqs(conversation_ids: list[uuid.UUID]) -> dict[uuid.UUID, int]:
    found: dict[uuid.UUID, int] = {}
    for start in range(0, len(conversation_ids), 500):
        part = conversation_ids[start : start + 500]
        found.update(Conversation.objects.filter(pk__in=part).values_list("pk", "last_seq"))
    return found


async def _send(news: News) -> None:
    layer = get_channel_layer()
    try:
        async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
            await layer.group_send(GROUP, news.as_message())
    except Exception as error:
        logger.warning("channel layer: news not sent (%s)", type(error).__name__)


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
        news = News()
        news.seqs[conversation.pk.hex] = frames[-1]["seq"]
        async_to_sync(_send)(news)
