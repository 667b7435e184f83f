"""A process that is told to stop: no new runs, a grace for those that go on, and back with the rest."""

import asyncio
import threading

import pytest

from conversations import runs, tasks
from conversations.live import hub
from conversations.models import Run
from tests.factories import make_message
from tests.fakes import Script, Stream, to
from tests.talk import in_database

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def open_again():
    yield
    runs._is_closing = False


async def test_a_run_that_ends_within_the_grace_is_ended_and_no_other_is_claimed(open_talk):
    gate = asyncio.Event()
    talk = await open_talk(Script(router=[to("orders")], orders=[Stream("One", gate), "Two."]))
    await talk.send("First")
    await talk.send("Second")
    await talk.until("token")
    closing = asyncio.create_task(runs.close(grace_seconds=30))
    await asyncio.sleep(0)  # it has begun
    gate.set()
    await closing
    assert talk.said == ["One"]
    rows = [run.status async for run in Run.objects.order_by("position")]
    assert rows == ["completed", "pending"]


async def test_a_run_that_does_not_is_given_back(open_talk):
    gate = asyncio.Event()
    talk = await open_talk(Script(router=[to("orders")], orders=[Stream("Half ", gate), "Whole."]))
    await talk.send("First")
    await talk.until("token")
    await runs.close(grace_seconds=0)
    run = await Run.objects.aget()
    assert (run.status, run.lease_expires_at, run.failed_attempts) == ("pending", None, 0)
    runs._is_closing = False
    talk.frames[:] = [frame for frame in talk.frames if frame["type"] != "token"]
    await talk.settled()
    assert talk.said == ["Whole."]


async def test_a_worker_gives_its_runs_back_and_its_task_ends_quietly(open_talk, monkeypatch):
    started, gate = threading.Event(), asyncio.Event()

    def hold(messages):
        started.set()
        return Stream("Half ", gate)

    talk = await open_talk(Script(router=[to("orders")], orders=[hold]))
    loop, hub._loop = hub._loop, None  # as in a process without sockets
    try:
        monkeypatch.setattr(tasks.continue_conversation, "apply_async", lambda *a, **k: None)
        await in_database(make_message, talk.conversation, "First")
        work = asyncio.create_task(
            asyncio.to_thread(tasks.continue_conversation, str(talk.conversation.pk))
        )
        assert await asyncio.to_thread(started.wait, 10)
        tasks.stop_runs(grace_seconds=0)
        await work
    finally:
        hub._loop = loop
    assert (await in_database(Run.objects.get)).status == "pending"
    talk.frames[:] = [frame for frame in talk.frames if frame["type"] != "token"]
