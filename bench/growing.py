"""The process that fills a database and measures on it for `bench.growth`: one question a line in, one answer out."""

from __future__ import annotations

import asyncio
import json
import sys
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402 - after the setup
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402
from django.utils import timezone  # noqa: E402

from bench import copies  # noqa: E402
from bench.numbers import in_ms  # noqa: E402
from conversations import retention, runs  # noqa: E402
from conversations.database import in_thread  # noqa: E402
from conversations.models import Conversation, Interrupt, Visitor  # noqa: E402
from conversations.selectors import list_events  # noqa: E402
from conversations.services import interrupts, messages, purge, visitors  # noqa: E402
from conversations.services import runs as run_services  # noqa: E402
from escalation import selectors  # noqa: E402
from escalation.models import Escalation  # noqa: E402
from escalation.services import attempts, endpoints, summaries, takeovers  # noqa: E402
from escalation.webhooks.retries import Answer  # noqa: E402

# What customers of a shop write; "*" approves what waits. Every tenth asks for a person, every fifth changes something.
SAMPLES = (
    ("Where is my order 1042?", "And when will it be here?", "Thank you"),
    ("Show me my orders", "What was in order 1044?"),
    ("How long does delivery take?", "Do you ship to Austria?"),
    ("Please cancel order 1043", "*", "When do I get my money back?"),
    ("Where is my order 1042?", "What is the status of order 1045?"),
    ("What is your return policy?", "How do I return order 1044?"),
    ("Save this address: Rosenweg 7, 50667 Cologne, Germany", "*"),
    ("remind me what was in order 1044", "How do I pay?", "Which cards do you take?"),
    ("My parcel is late", "Where is my order 1042?", "I want to talk to a person"),
    ("Hello", "Where is my order 1042?"),
)


# --- sample conversations, held by the product itself -------------------------------------------------------


async def sample() -> dict[str, Any]:
    """Hold the sample conversations, end them, deliver their webhooks; return what they weigh."""
    await in_thread(_open)()
    conversations = [await _converse(says) for says in SAMPLES]
    await in_thread(_settle)()
    rows = await in_thread(copies.count_rows)()
    turns = sum(len([said for said in says if said != "*"]) for says in SAMPLES)
    return {"conversations": len(conversations), "messages_of_customers": turns, "rows": rows}


def _open() -> None:
    call_command("load_verticals", demo=True, verbosity=0)
    User.objects.create_superuser("sam", password="unused")
    url = "https://crm.example/hooks"
    endpoints.create_endpoint(url=url, event_types=["message.created", "escalation.requested"])


async def _converse(says: tuple[str, ...]) -> uuid.UUID:
    [visitor] = await in_thread(visitors.create_visitors)(["en"])
    thread_id = uuid.uuid4().hex
    for said in says:
        if said == "*":
            await in_thread(_approve)(thread_id)
        else:
            await in_thread(_receive)(visitor, thread_id, said)
        conversation = await Conversation.objects.aget(thread_id=thread_id)
        if (task := runs.wake(conversation.pk)) is not None:
            await task
    await in_thread(_decline)(thread_id)
    if (task := runs.wake(conversation.pk)) is not None:
        await task
    return conversation.pk


def _receive(visitor: Visitor, thread_id: str, content: str) -> messages.Accepted:
    return messages.receive_message(
        visitor_id=visitor.pk,
        thread_id=thread_id,
        content=content,
        template="ecommerce",
        client_message_id=uuid.uuid4().hex,
    )


def _approve(thread_id: str) -> None:
    row = Interrupt.objects.get(conversation__thread_id=thread_id, status="pending")
    interrupts.decide(row.pk, approved=True, by="customer")


def _decline(thread_id: str) -> None:
    for row in Interrupt.objects.filter(conversation__thread_id=thread_id, status="pending"):
        interrupts.decide(row.pk, approved=False, by="customer")


def _settle() -> None:
    """Let staff answer who asked for a person, and webhooks arrive."""
    sam = User.objects.get(username="sam")
    for row in Escalation.objects.all():
        takeovers.take_over(row.conversation_id, sam)
        takeovers.reply(row.conversation_id, sam, "Hello, this is Sam. It comes tomorrow.")
        takeovers.resolve(row.conversation_id, sam)
    Conversation.objects.exclude(status="closed").update(status="expired")
    [endpoint] = selectors.list_due_endpoints(timezone.now())
    while (claim := attempts.claim_next(endpoint)) is not None:
        attempts.record(claim, Answer(status_code=200, body=b"ok", duration_ms=80))


def multiply(copies_of_each: int) -> dict[str, Any]:
    """Copy the samples, spread over the year before."""
    started = time.monotonic()
    copies.multiply(copies_of_each)
    return {
        "seconds": round(time.monotonic() - started),
        "conversations": Conversation.objects.count(),
        "rows": sum(copies.count_rows().values()),
        "bytes": copies.count_bytes(),
    }


# --- what is measured ---------------------------------------------------------------------------------------


def measure(times: int) -> dict[str, Any]:
    """Return the milliseconds of each hot query, by the product's own functions; of pages, those of their SQL."""
    watch = Stopwatch()
    for thread_id in _pick_threads(times):
        [visitor] = watch.time("visitor", visitors.create_visitors, ["en"])
        thread = uuid.uuid4().hex
        accepted = watch.time("accept_new", _receive, visitor, thread, "Where is it?")
        claim = watch.time("claim", run_services.claim_next, accepted.conversation_id)
        assert claim is not None
        progress = run_services.Progress([run_services.Spoken(uuid.uuid4(), "orders", "It comes.")])
        progress.usage["orders", "fake"] = run_services.Tally(1, 400, 50)
        watch.time("finish", run_services.finish, claim, progress, "completed")
        watch.time("accept_next", _receive, visitor, thread, "And when?")
        watch.time("replay", _replay, thread_id)
        watch.time("expire_interrupts", interrupts.expire_due)
        watch.time("recover_runs", run_services.recover)
        watch.time("lapsed_webhooks", attempts.recover_lapsed)
        watch.time("due_endpoints", selectors.list_due_endpoints, timezone.now())
        watch.time("summaries", summaries.claim_unsummarised)
        watch.time("purge_finds_nothing", purge.list_due, _long_ago(), limit=200)
        run_services.claim_next(accepted.conversation_id)
    for name, path in _pages().items():
        for _ in range(max(3, times // 20)):
            watch.time_page(name, path)
    return watch.result()


def _pick_threads(count: int) -> list[str]:
    rows = Conversation.objects.filter(id__gte=uuid.uuid4()).order_by("id")
    picked = [rows.values_list("thread_id", flat=True).first() for _ in range(count)]
    first = Conversation.objects.values_list("thread_id", flat=True)[0]
    return [thread_id or first for thread_id in picked]


def _replay(thread_id: str) -> None:
    conversation = Conversation.objects.get(thread_id=thread_id)
    list_events(conversation.pk, 0)


def _long_ago() -> Any:
    return timezone.now() - timedelta(days=3650)


def _pages() -> dict[str, str]:
    thread_id = Conversation.objects.values_list("thread_id", flat=True)[0]
    conversations = reverse("admin:conversations_conversation_changelist")
    return {
        "page_index": reverse("admin:index"),
        "page_queue": reverse("admin:escalation_escalation_changelist"),
        "page_conversations": conversations,
        "page_open_conversations": f"{conversations}?status__exact=open",
        "page_find_thread": f"{conversations}?q={thread_id}",
        "page_find_words": f"{conversations}?q=austria+ship",
        "page_interrupts": reverse("admin:conversations_interrupt_changelist"),
        "page_effects": reverse("admin:conversations_effect_changelist"),
        "page_runs": reverse("admin:conversations_run_changelist"),
        "page_visitors": reverse("admin:conversations_visitor_changelist"),
        "page_ratings": reverse("admin:escalation_rating_changelist"),
        "page_deliveries": reverse("admin:escalation_webhookdelivery_changelist"),
    }


class Stopwatch:
    """Times by name."""

    def __init__(self) -> None:
        self._seconds: dict[str, list[float]] = {}
        self._in_sql = 0.0
        self._client = Client(headers={"host": "127.0.0.1"})
        self._client.force_login(User.objects.get(username="sam"))

    def time(self, name: str, do: Callable[..., Any], *given: Any, **named: Any) -> Any:
        started = time.perf_counter()
        result = do(*given, **named)
        self._seconds.setdefault(name, []).append(time.perf_counter() - started)
        return result

    def time_page(self, name: str, path: str) -> None:
        """Load a page, and count what its statements take: the rest is the same for each size."""
        self._in_sql = 0.0
        with connection.execute_wrapper(self._add):
            page = self._client.get(path)
        assert page.status_code == 200, path
        self._seconds.setdefault(name, []).append(self._in_sql)

    def _add(self, execute: Any, *args: Any) -> Any:
        started = time.perf_counter()
        try:
            return execute(*args)
        finally:
            self._in_sql += time.perf_counter() - started

    def result(self) -> dict[str, Any]:
        return {name: in_ms(seconds) for name, seconds in self._seconds.items()}


def purge_some(count: int) -> dict[str, Any]:
    """Delete the oldest conversations, as the sweep does, and return how fast that went."""
    before = sum(copies.count_rows().values())
    oldest = Conversation.objects.order_by("last_activity_at")
    until = oldest.values_list("last_activity_at", flat=True)[count]
    started, cpu = time.monotonic(), time.process_time()

    purged = retention.purge_before(until, at_most=count)
    seconds = time.monotonic() - started
    rows = before - sum(copies.count_rows().values())
    return {
        "conversations": purged.conversations,
        "rows": rows,
        "seconds": round(seconds, 1),
        "conversations_per_second": round(purged.conversations / seconds),
        "rows_per_second": round(rows / seconds),
        "cpu_ms_each": round((time.process_time() - cpu) * 1000 / max(1, purged.conversations), 3),
    }


DO: dict[str, Callable[..., Any]] = {
    "sample": lambda: asyncio.run(sample()),
    "multiply": multiply,
    "measure": measure,
    "purge": purge_some,
}


def main() -> None:
    for line in sys.stdin:
        question = json.loads(line)
        answer = DO[question.pop("do")](**question)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
