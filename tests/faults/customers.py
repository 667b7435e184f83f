"""Customers who do not give up: they connect again, resume after their last `seq`, send again what was not accepted.

Each holds every stored event to the next number, and keeps them all, to be compared with the table.
"""

import asyncio
import json
import random
import time
from collections import deque
from contextlib import suppress

import websockets

from tests.fakes import Script
from tests.faults.scenarios import call, to

SILENCE_SECONDS = 40  # longer than a lease, a sweep and a poll together
PATIENCE_SECONDS = 90
ORDERS_EACH = 100


class Customer:
    """One customer in one thread.

    Attributes:
        seq: The last event that came.
        events: (seq, type) of all that came.
        accepted: What was accepted: client_message_id → seconds it took.
        answered: What was answered: client_message_id → seconds from saying it to the end of its run.
        complaints: What broke the protocol's promises.
        ended: Runs that came to an end.
    """

    def __init__(
        self,
        url,
        thread_id,
        *,
        token=None,
        is_silent=False,
        on_open=None,
        think_seconds=0.0,
        tls=None,
    ):
        self._think_seconds = think_seconds
        self._tls = tls
        self._url = url + "/ws/chat/"
        self.thread_id = thread_id
        self._token = token
        self._is_silent = is_silent
        self._on_open = on_open
        self._open = None
        self._sent_at = 0.0
        self._turn = asyncio.Event()
        self._undecided = {}
        self.seq = 0
        self.events = []
        self.accepted = {}
        self.answered = {}
        self.complaints = []
        self.drops = 0
        self.ended = 0
        self.last_frames = deque(maxlen=10)

    @property
    def token(self):
        return self._token

    async def live(self, texts, is_over):
        """Say one text after the other, each when the one before is through, until `is_over()`."""
        reading = asyncio.create_task(self._stay_connected())
        try:
            for at, text in enumerate(texts):
                if is_over():
                    return
                self._turn.clear()
                message_id = f"{self.thread_id}-{at}"
                self._open = (message_id, text)
                self._sent_at = time.monotonic()
                await self._send_open()
                await asyncio.wait_for(self._turn.wait(), PATIENCE_SECONDS)
                self.answered[message_id] = time.monotonic() - self._sent_at
                await asyncio.sleep(random.uniform(0, 2 * self._think_seconds))
        except TimeoutError:
            self.complaints.append(
                f"{self.thread_id}: {text!r} was not answered in {PATIENCE_SECONDS} s: "
                f"{list(self.last_frames)}"
            )
        finally:
            await _end(reading)

    async def watch(self, is_over):
        """Only look on, as a second tab does, until `is_over()` and everything has come."""
        reading = asyncio.create_task(self._stay_connected())
        while not is_over(self):  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(0.05)
        await _end(reading)

    async def _stay_connected(self):
        while True:
            try:
                async with websockets.connect(
                    self._url, open_timeout=10, close_timeout=1, ping_interval=None, ssl=self._tls
                ) as self._socket:
                    await self._greet()
                    while True:
                        text = await asyncio.wait_for(self._socket.recv(), SILENCE_SECONDS)
                        await self._take(json.loads(text))
            except (OSError, TimeoutError, EOFError, websockets.WebSocketException):
                self.drops += 1
                self._socket = None
                await asyncio.sleep(random.uniform(0.02, 0.1))

    async def _greet(self):
        hello = {"type": "hello", "thread_id": self.thread_id, "after_seq": self.seq}
        await self._send(**hello, **({"token": self._token} if self._token else {}))

    async def _send(self, **frame):
        await self._socket.send(json.dumps(frame))

    async def _send_open(self):
        if self._open and getattr(self, "_socket", None) and self._token:
            message_id, text = self._open
            # If this one is gone, the next connection sends it again.
            with suppress(OSError, websockets.WebSocketException):
                await self._send(
                    type="message",
                    thread_id=self.thread_id,
                    content=text,
                    client_message_id=message_id,
                )

    async def _take(self, frame):
        self.last_frames.append(frame)
        kind = frame["type"]
        if kind == "session":
            self._token = frame["token"]
            if self._on_open:
                self._on_open(self)
            await self._send_open()
            for interrupt_id in self._undecided:
                await self._decide(interrupt_id)
        elif kind == "error":
            await self._take_error(frame)
        elif "seq" in frame:
            await self._take_event(frame)

    async def _take_error(self, frame):
        if frame["code"] in ("internal_error", "busy", "rate_limited") and self._open:
            await asyncio.sleep(0.2)
            await self._send_open()
        elif frame["code"] not in ("no_pending_interrupt", "internal_error"):
            self.complaints.append(f"{self.thread_id}: {frame}")

    async def _take_event(self, frame):
        kind = frame["type"]
        if frame["seq"] <= self.seq and kind in ("message_accepted", "interrupt_expired"):
            return self._take_accepted(frame)  # the answer to what was sent again
        if frame["seq"] != self.seq + 1:
            self.complaints.append(f"{self.thread_id}: {frame['seq']} came after {self.seq}")
        self.seq = frame["seq"]
        self.events.append((frame["seq"], kind))
        if kind == "message_accepted":
            self._take_accepted(frame)
        elif kind == "interrupt" and frame["approver"] == "customer" and not self._is_silent:
            self._undecided[frame["interrupt_id"]] = None
            await self._decide(frame["interrupt_id"])
        elif kind == "interrupt_resolved":
            self._undecided.pop(frame["interrupt_id"], None)
        elif kind == "message_complete":
            self.ended += 1
            if not self._open:
                self._turn.set()
        return None

    def _take_accepted(self, frame):
        if self._open and frame.get("client_message_id") == self._open[0]:
            self.accepted[self._open[0]] = time.monotonic() - self._sent_at
            self._open = None

    async def _decide(self, interrupt_id):
        await self._send(
            type="interrupt_response",
            thread_id=self.thread_id,
            interrupt_id=interrupt_id,
            approved=True,
        )


async def _end(task):
    """Cancel a task until it has ended: Python 3.11's wait_for may lose a cancellation."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=1)


# --- what they ask for, and a model that hears it ---


def texts(customer, kinds):
    """What a customer says, one after the other; each write on an order of its own."""
    for at in range(ORDERS_EACH):
        number = 2000 + customer * ORDERS_EACH + at
        yield f"{kinds[at % len(kinds)]} {number}"


def hear(messages):
    """Be the agent: do what the last message says, then say that it is done."""
    for message in reversed(messages):
        if message.type == "human":
            break
        if message.type == "tool":
            return "That is done now, thank you for waiting."
    kind, _, number = message.content.partition(" ")
    if kind == "Cancel":
        return call("cancel_order", order_number=number)
    if kind == "Reduce":
        return call("apply_discount", order_number=number, percent=5)
    if kind == "Refund":
        return call("refund_order", order_number=number, amount="80.00")
    return call("list_orders")


def route(messages):
    said = [message.content for message in messages if message.type == "human"]
    return to("payments" if said[-1].startswith(("Reduce", "Refund")) else "orders")


def make_script(delay_seconds=0.03):
    script = Script(router=[route], **{"*": [hear]})
    script.delay_seconds = delay_seconds
    return script


def stock(copy, customers, kinds):
    """Give Ana the orders that these customers will ask about: delivered where money is to go back."""
    copy.use()
    from agents.verticals.ecommerce.models import Order
    from tests import factories

    models = {
        True: factories.make_order("1998", status="delivered"),
        False: factories.make_order("1999"),
    }
    names = [f.attname for f in Order._meta.fields if f.attname != "id"]
    orders = []
    for n in range(customers * ORDERS_EACH):
        model = models[kinds[n % ORDERS_EACH % len(kinds)] == "Refund"]
        fields = {name: getattr(model, name) for name in names}
        orders.append(Order(**{**fields, "number": str(2000 + n)}))
    Order.objects.bulk_create(orders)


def run_customers(url, count, kinds, is_over):
    """Let customers live until `is_over()`, in this forked process; returns what each has seen."""

    async def all_of_them():
        people = [Customer(url, f"customer-{at}") for at in range(count)]
        await asyncio.gather(
            *[person.live(texts(at, kinds), is_over) for at, person in enumerate(people)]
        )
        return [report(person) for person in people]

    return asyncio.run(all_of_them())


def report(person):
    return {
        "thread": person.thread_id,
        "events": person.events,
        "accepted": person.accepted,
        "answered": person.answered,
        "complaints": person.complaints,
        "drops": person.drops,
    }


def compare(copy, reports, *, is_whole=False):
    """Hold what customers saw to the table; returns what is wrong. `is_whole`: nobody left before the end."""
    complaints = [text for seen in reports for text in seen["complaints"]]
    for seen in reports:
        rows = copy.rows(
            "SELECT e.seq, e.type FROM conversations_event e"
            " JOIN conversations_conversation c ON c.id = e.conversation_id"
            " WHERE c.thread_id = ? ORDER BY e.seq",
            seen["thread"],
        )
        stored = [(row["seq"], row["type"]) for row in rows]
        if seen["events"] != stored[: len(seen["events"])]:
            complaints.append(f"{seen['thread']}: saw other events than are stored")
        if is_whole and len(seen["events"]) != len(stored):
            complaints.append(f"{seen['thread']}: saw {len(seen['events'])} of {len(stored)}")
        kept = {
            row["client_message_id"]
            for row in copy.rows(
                "SELECT client_message_id FROM conversations_message WHERE role = 'customer'"
            )
        }
        lost = seen["accepted"].keys() - kept
        if lost:
            complaints.append(f"{seen['thread']}: accepted, and lost: {lost}")
    return complaints
