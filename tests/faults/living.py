"""A customer and a site in one forked process: what is said, decided and swept, by the product's own services."""

import asyncio
import uuid

from tests.faults.databases import LONG_AGO
from tests.faults.scenarios import SECOND

THREAD = "the-thread"
SECONDS = 30
MAX_DECISIONS = 8


def begin(copy, script):
    """Make this forked process one of the site's, on that database, with that model."""
    from agents import compiled
    from conversations import live
    from tests.faults import foreign

    copy.use()
    foreign.use(copy)
    compiled.build_chat_model = script.build
    # Else it would take its siblings' doorbells for its own.
    live.PROCESS = uuid.uuid4().hex


def live(copy, scenario, *, takes_over=False):
    """Go through a scenario to its end; with `takes_over`, after the sweeps that a site makes all the time."""
    begin(copy, scenario.script())
    asyncio.run(_live(copy, scenario, takes_over))


async def _live(copy, scenario, takes_over):
    from conversations.live import hub

    hub.open()
    if takes_over:
        await sweep()
    await say("m1", scenario.says)
    await settled()
    for _ in range(MAX_DECISIONS):
        waiting = await find_waiting()
        if waiting is None:
            return
        await answer(copy, waiting, scenario.answers[waiting["tool"]])
        await settled()
    raise AssertionError("something waits for ever")


async def sweep():
    """Do what beat has a worker do every few seconds."""
    from conversations import runs
    from conversations.database import in_thread
    from conversations.services import interrupts
    from conversations.services import runs as run_services

    await in_thread(interrupts.expire_due)()
    for conversation_id in await in_thread(run_services.recover)():
        await asyncio.wait_for(runs.wake(conversation_id), SECONDS)


async def settled():
    """Wait until this process drives nothing any more."""
    from conversations import runs

    while tasks := [drive.task for drive in runs._drives.values()]:
        _, late = await asyncio.wait(tasks, timeout=SECONDS)
        assert not late, "a run does not end"


async def say(message_id, text, thread=THREAD):
    from conversations import runs

    await runs.receive_message(
        visitor_id=await visitor_id(),
        thread_id=thread,
        content=text,
        template="shop",
        client_message_id=message_id,
    )


async def visitor_id():
    from conversations.database import in_thread
    from conversations.models import Visitor

    return await in_thread(lambda: Visitor.objects.get(name="Ana").pk)()


async def find_waiting():
    """Return what waits first for a decision, as a dict; None when nothing does."""
    from conversations.database import in_thread
    from conversations.models import Interrupt

    pending = Interrupt.objects.filter(status="pending").order_by("created_at", "tool")
    return await in_thread(lambda: pending.values("id", "tool", "approver").first())()


def find_sam():
    """Return the member of staff who may decide."""
    from django.contrib.auth.models import User

    return User.objects.get(username="sam")


async def answer(copy, waiting, how):
    from conversations.database import in_thread
    from conversations.errors import InterruptExpired
    from conversations.services import interrupts

    if how == "yes":
        await say("m2", "yes")
    elif how == "go on":
        await say("m2", SECOND)
    elif how == "expire":
        copy.run(
            f"UPDATE conversations_interrupt SET expires_at = '{LONG_AGO}' WHERE status = 'pending'"
        )
        await in_thread(interrupts.expire_due)()
    else:
        try:
            await in_thread(interrupts.decide)(
                waiting["id"],
                approved=how == "approve",
                by=waiting["approver"],
                user=await in_thread(find_sam)() if waiting["approver"] == "staff" else None,
            )
        except InterruptExpired:
            raise AssertionError("it has not expired") from None


def describe_end(copy):
    """Return what a customer and the shop are left with; the same, however often processes died on the way."""
    from tests.faults.databases import as_json

    runs = copy.rows("SELECT status FROM conversations_run ORDER BY position")
    effects = copy.rows("SELECT tool, status FROM conversations_effect ORDER BY tool")
    orders = copy.rows("SELECT * FROM ecommerce_order ORDER BY number")
    results = copy.rows("SELECT payload FROM conversations_event WHERE type = 'tool_result'")
    decided = copy.rows("SELECT tool, status FROM conversations_interrupt ORDER BY tool")
    said = copy.rows("SELECT role, content FROM conversations_message ORDER BY created_at, role")
    return {
        "runs": [run["status"] for run in runs],
        "effects": [tuple(effect.values()) for effect in effects],
        "decided": [tuple(row.values()) for row in decided],
        "orders": [
            (o["number"], o["status"], float(o["refunded_amount"]), o["discount_percent"])
            for o in orders
        ],
        "writes": sorted(
            (p["tool"], p["status"])
            for p in (as_json(row["payload"]) for row in results)
            if p["tool"] != "list_orders"
        ),
        "said": [tuple(row.values()) for row in said],
    }
