"""Transactions of many conversations in one: what one of them meets is no other's business."""

import asyncio
import dataclasses
import threading
import uuid
from contextlib import contextmanager

import pytest
from django.db import DatabaseError, OperationalError, transaction

from conversations import gathering, runs, unit
from conversations.database import in_thread
from conversations.errors import FenceLost, Forbidden
from conversations.events import PlanMade
from conversations.gathering import gathered, together
from conversations.identity import Identity
from conversations.models import Conversation, Message, Run, Visitor
from conversations.selectors import conversations_to_lock
from conversations.services import messages, visitors
from conversations.services import runs as run_services
from conversations.services.runs import Progress
from tests import factories
from tests.talk import in_database

pytestmark = pytest.mark.django_db(transaction=True)

receive = gathered(messages.receive_message, lambda *, thread_id, **_: thread_id)
finish = gathered(run_services.finish, lambda claim, *_: claim.conversation_id)
record = gathered(run_services.record, lambda claim, progress: claim.conversation_id)


@pytest.fixture
def batches(monkeypatch):
    """The keys of each transaction."""
    seen = []
    carry_out = gathering._Gatherer._carry_out

    def note(self, works):
        seen.append([work.key for work in works])
        try:
            return carry_out(self, works)
        except Exception:
            seen.append("broke off, and each tried alone")
            raise

    monkeypatch.setattr(gathering._Gatherer, "_carry_out", note)
    return seen


async def make_conversations(count):
    version = await in_database(factories.make_version)
    return [await in_database(factories.make_conversation, version=version) for _ in range(count)]


def say(conversation, content="Where is my order?", **values):
    return receive(
        visitor_id=values.pop("visitor_id", conversation.visitor_id),
        thread_id=conversation.thread_id,
        content=content,
        template="shop",
        **values,
    )


async def test_what_comes_meanwhile_is_stored_together(batches):
    conversations = await make_conversations(6)
    accepted = await asyncio.gather(*(say(one) for one in conversations))
    assert [one.conversation_id for one in accepted] == [one.pk for one in conversations]
    assert [one.frame["seq"] for one in accepted] == [1] * 6
    assert await Message.objects.acount() == await Run.objects.acount() == 6
    assert len(batches) < 6


async def test_two_of_one_conversation_follow_each_other(batches):
    [conversation] = await make_conversations(1)
    accepted = await asyncio.gather(say(conversation, "One"), say(conversation, "Two"))
    assert [one.frame["seq"] for one in accepted] == [1, 2]
    assert all(len(set(keys)) == len(keys) for keys in batches)


def begin(visitor, thread_id, content="Hello"):
    return receive(
        visitor_id=visitor.pk, thread_id=thread_id, content=content, template="shop", takes_up=True
    )


async def test_conversations_are_begun_together(batches):
    await in_database(factories.make_version)
    visitor = await in_database(factories.make_visitor)
    threads = [f"thread-{number}" for number in range(5)]
    accepted = await asyncio.gather(*(begin(visitor, thread_id) for thread_id in threads))
    assert sorted(map(len, batches)) == [5]
    assert all(one.claim and one.claim.visitor == visitor for one in accepted)
    assert sorted([c.thread_id async for c in Conversation.objects.all()]) == threads
    assert [one.frame["seq"] for one in accepted] == [1] * 5


async def test_a_conversation_that_another_process_begins_meanwhile_is_the_same(
    batches, monkeypatch
):
    [conversation] = await make_conversations(1)
    hold = unit.Unit.hold

    def hold_too_early(self, keys):
        held = hold(self, [key for key in keys if key != conversation.thread_id])
        self._absent.add(conversation.thread_id)
        return {*held, conversation.thread_id}

    monkeypatch.setattr(unit.Unit, "hold", hold_too_early)
    accepted = await begin(conversation.visitor, conversation.thread_id)
    assert batches[-1] == "broke off, and each tried alone"
    assert accepted.conversation_id == conversation.pk
    assert await Conversation.objects.acount() == 1


async def test_the_same_message_at_once_is_accepted_once():
    [conversation] = await make_conversations(1)
    first, second = await asyncio.gather(
        *(say(conversation, client_message_id="one") for _ in range(2))
    )
    assert first.frame == second.frame
    assert [first.is_new, second.is_new] == [True, False]
    assert await Message.objects.acount() == 1


async def test_an_expected_error_is_its_own(batches):
    conversations = await make_conversations(3)
    stranger = await in_database(factories.make_visitor)
    outcomes = await asyncio.gather(
        say(conversations[0]),
        say(conversations[1], visitor_id=stranger.pk),
        say(conversations[2]),
        return_exceptions=True,
    )
    assert isinstance(outcomes[1], Forbidden)
    assert {m.conversation_id async for m in Message.objects.all()} == {
        conversations[0].pk,
        conversations[2].pk,
    }


async def test_an_unexpected_error_undoes_nothing_of_the_others(monkeypatch):
    conversations = await make_conversations(3)
    accept = messages._accept

    def fail(unit, conversation, content, *rest):
        accepted = accept(unit, conversation, content, *rest)
        if content == "bad":
            raise RuntimeError("out of order")
        return accepted

    monkeypatch.setattr(messages, "_accept", fail)
    words = ("good", "bad", "good")
    outcomes = await asyncio.gather(
        *(say(one, word) for one, word in zip(conversations, words, strict=True)),
        return_exceptions=True,
    )
    assert isinstance(outcomes[1], RuntimeError)
    assert [m.content async for m in Message.objects.all()] == ["good", "good"]
    assert (await Conversation.objects.aget(pk=conversations[1].pk)).last_seq == 0


async def test_who_has_lost_the_run_hears_it_and_stores_nothing():
    [conversation] = await make_conversations(1)
    claim = await in_database(factories.make_claim, conversation)
    await Run.objects.aupdate(fence=claim.fence + 1)
    with pytest.raises(FenceLost):
        await record(claim, Progress([PlanMade(["orders"])]))
    assert (await Conversation.objects.aget()).last_seq == 1


@pytest.mark.postgres
async def test_a_locked_conversation_keeps_no_other_waiting():
    locked, free = await make_conversations(2)
    is_locked, let_go = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            conversations_to_lock().get(pk=locked.pk)
            is_locked.set()
            let_go.wait(10)

    holding = asyncio.create_task(in_thread(hold)())
    await asyncio.to_thread(is_locked.wait, 10)
    waiting = asyncio.create_task(say(locked))
    assert (await asyncio.wait_for(say(free), 5)).is_new
    assert not waiting.done()
    let_go.set()
    await holding
    assert (await waiting).is_new


@pytest.mark.postgres
async def test_a_process_that_stands_still_gives_its_locks_back(monkeypatch):
    [conversation] = await make_conversations(1)
    soon = dataclasses.replace(unit.LIMIT, sql=unit.LIMIT.sql.replace("10s", "300ms"))
    monkeypatch.setattr(unit, "LIMIT", soon)
    has_begun, goes_on = threading.Event(), threading.Event()

    def stand_still():
        with unit.unit_of_work() as its:
            its.lock(conversation.pk)
            has_begun.set()
            goes_on.wait(10)

    standing = asyncio.create_task(in_thread(stand_still)())
    await asyncio.to_thread(has_begun.wait, 10)
    assert (await asyncio.wait_for(say(conversation), 5)).is_new
    goes_on.set()
    with pytest.raises(DatabaseError):
        await standing


async def test_a_message_that_nothing_comes_before_is_claimed_with_it():
    [conversation] = await make_conversations(1)
    first = await say(conversation, "One", takes_up=True)
    second = await say(conversation, "Two", takes_up=True)
    assert first.claim is not None
    assert (first.claim.text, first.claim.fence) == ("One", 1)
    assert second.claim is None
    rows = Run.objects.order_by("position")
    assert [run.status async for run in rows] == ["running", "pending"]


async def test_a_process_that_closes_takes_nothing_up(monkeypatch):
    [conversation] = await make_conversations(1)
    monkeypatch.setattr(runs, "_is_closing", True)
    accepted = await runs.receive_message(
        visitor_id=conversation.visitor_id,
        thread_id=conversation.thread_id,
        content="Hello",
        template="shop",
    )
    assert accepted.claim is None
    assert (await Run.objects.aget()).status == "pending"


async def test_an_end_and_the_next_message_may_meet_in_one_transaction(batches):
    [conversation] = await make_conversations(1)
    first = await say(conversation, "One", takes_up=True)
    more, second = await asyncio.gather(
        finish(first.claim, Progress(checkpoint=b"after one"), "completed"),
        say(conversation, "Two", takes_up=True),
    )
    assert len(batches) == 2
    assert second.claim is not None  # the first was over by then
    assert second.claim.checkpoint == b"after one"
    assert not more
    rows = Run.objects.order_by("position")
    assert [run.status async for run in rows] == ["completed", "running"]
    assert [e.type async for e in conversation.events.all()] == [
        "message_accepted",
        "message_complete",
        "message_accepted",
    ]


async def test_a_broken_connection_is_not_kept(monkeypatch):
    [conversation] = await make_conversations(1)
    closed = []
    monkeypatch.setattr(gathering, "close_old_connections", lambda: closed.append(True))

    @contextmanager
    def broken():
        raise OperationalError("the server has gone away")
        yield

    monkeypatch.setattr(gathering, "unit_of_work", broken)
    await asyncio.gather(say(conversation), say(conversation))
    assert await Message.objects.acount() == 2  # each has tried alone
    assert len(closed) == 2  # although the second was waiting when the first broke


# --- what is asked for many at once ---


async def test_visitors_who_come_at_once_are_looked_up_together():
    calls = []

    def recognise(known):
        calls.append(len(known))
        return visitors.recognise_customers(known)

    recognise_one = together(recognise)
    said = [(Identity(f"customer-{n % 4}", f"Name {n}", ""), "en") for n in range(8)]
    found = await asyncio.gather(*(recognise_one(one) for one in said))
    assert [visitor.customer_id for visitor in found] == [one.customer_id for one, _ in said]
    assert len(calls) < 4
    assert await Visitor.objects.acount() == 4
    again = await recognise_one((Identity("customer-1", "New name", ""), "de"))
    assert (again.pk, again.name, again.locale) == (found[1].pk, "New name", "de")


async def test_who_is_not_known_any_more_is_nobody_else():
    known = await in_database(factories.make_visitor)
    find = together(visitors.find_visitors)
    found = await asyncio.gather(find(known.pk), find(uuid.uuid4()), find(known.pk))
    assert found == [known, None, known]


async def test_what_fails_for_one_is_tried_alone_for_each():
    def halve(numbers):
        if 3 in numbers:
            raise ValueError("three")
        return [number // 2 for number in numbers]

    halves = together(halve)
    outcomes = await asyncio.gather(*(halves(n) for n in (2, 3, 4)), return_exceptions=True)
    assert (outcomes[0], outcomes[2]) == (1, 2)
    assert isinstance(outcomes[1], ValueError)
