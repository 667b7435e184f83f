"""What an API asks for with Retry-After, and a customer who does not want to wait for it."""

import asyncio
import time

import pytest

from conversations import runs
from tests.openai_server.answers import fail, route, say


@pytest.mark.parametrize(
    ("retry_after", "tries"),
    [
        ("0", 2),
        ("0.2", 2),
        ("6", 1),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 2),
        ("Wed, 21 Oct 2105 07:28:00 GMT", 1),
        ("soon", 2),
        ("-1", 2),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_it_may_be_seconds_or_a_date(server, chat, status, retry_after, tries):
    busy = fail(status, headers={"retry-after": retry_after})
    server.play(router=route("orders"), agent=busy)
    talk = await chat()
    await talk.say("Where is it?")
    assert len(server.asked("agent")) == tries


async def test_the_wait_leaves_time_for_the_answer(server, chat, settings):
    settings.LLM_TIMEOUT_SECONDS = 3
    server.play(router=route("orders"), agent=fail(429, headers={"retry-after": "2"}))
    talk = await chat()
    await talk.say("Where is it?")
    assert len(server.asked("agent")) == 1


async def test_stop_ends_the_wait(server, chat):
    busy = fail(429, headers={"retry-after": "4"})
    server.play(router=route("orders"), agent=[busy, say("Never.")])
    talk = await chat()
    has_asked, loop = asyncio.Event(), asyncio.get_running_loop()
    server.app.on_request = lambda role: (
        role == "agent" and loop.call_soon_threadsafe(has_asked.set)
    )
    await talk.send("Where is it?")
    working = runs.wake(talk.conversation.pk)
    await has_asked.wait()
    begun = time.monotonic()
    runs.stop(talk.conversation.pk)
    await working
    assert time.monotonic() - begun < 3
    assert talk.outcomes == ["stopped"]
    assert talk.said == []
