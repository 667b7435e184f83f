"""Terms that run out. Time itself is tested here, so these tests wait for it."""

import asyncio

import pytest

from tests.protocol.client import Client

pytestmark = pytest.mark.database  # its site is its own, so conftest.py cannot tell


@pytest.fixture(scope="module")
def brief_site(learned):
    """A site whose sessions end after a second of silence, and whose interrupts after three."""
    site = learned.make(
        worker=True, SESSION_TTL_SECONDS=1, INTERRUPT_TTL_SECONDS=3, SWEEP_SECONDS=0.5
    )
    yield site
    learned.remove(site)


@pytest.fixture
async def brief(brief_site):
    async with Client(brief_site.ws_url) as chat:
        yield chat


async def test_a_session_ends_after_its_silence(brief, thread):
    await brief.ask(thread, "Hello")
    await asyncio.sleep(1.2)
    await brief.say(thread, "Are you there?")
    await brief.error("session_expired")
    assert brief.types[-2:] == ["status", "error"]
    assert brief.frames[-2]["status"] == "expired"
    for frame in (
        {"kind": "message", "content": "Hello?"},
        {"kind": "interrupt_response", "approved": True},
    ):
        await brief.send(**frame, thread_id=thread)
        error = await brief.error("session_expired")
        assert error["thread_id"] == thread
    await brief.ask(thread + "-2", "Hello")


async def test_a_pending_interrupt_keeps_the_session_alive(brief, thread):
    await brief.ask(thread, "Cancel order 1043")
    await asyncio.sleep(1.5)
    await brief.answer(thread, False)
    assert (await brief.wait("interrupt_resolved"))["outcome"] == "rejected"
    await brief.wait("message_complete")


async def test_the_sweep_expires_what_nobody_answered_and_a_late_answer_hears_why(
    brief, brief_site, thread
):
    token = (await brief.hello())["token"]
    frames = await brief.ask(thread, "Cancel order 1043")
    interrupt = frames[-1]
    resolved = await brief.wait("interrupt_resolved")
    assert (resolved["outcome"], resolved["by"]) == ("expired", "system")
    prompt = await brief.wait("interrupt_expired")
    assert prompt["interrupt_id"] == interrupt["interrupt_id"]
    assert prompt["action"] == "cancel_order"
    assert prompt["params"] == {"order_number": "1043"}
    assert "ask me again" in prompt["message"]
    assert (await brief.wait("tool_result"))["status"] == "expired"
    assert (await brief.wait("message_complete"))["status"] == "interrupted"
    await brief.answer(thread, True, interrupt_id=interrupt["interrupt_id"])
    assert await brief.wait("interrupt_expired", "error") == prompt
    await brief.answer(thread, True)
    assert await brief.wait("interrupt_expired", "error") == prompt
    async with Client(brief_site.ws_url) as later:
        await later.hello(token=token, thread_id=thread, after_seq=0)
        await later.wait("message_complete")
        assert later.threads[thread].events[: brief.threads[thread].seq] == (
            brief.threads[thread].events
        )
        assert later.threads[thread].calls == brief.threads[thread].calls


async def test_what_expired_was_not_done_and_may_be_asked_again(brief, thread):
    await brief.ask(thread, "Cancel order 1043")
    await brief.wait("message_complete", status="interrupted")
    await brief.ask(thread, "Cancel order 1043")
    assert brief.types[-1] == "interrupt", "it can still be cancelled"
    await brief.answer(thread, False)
    await brief.wait("message_complete")
