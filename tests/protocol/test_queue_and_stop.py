"""What happens while an answer is being given: the model says each piece when the test lets it."""

import asyncio

import pytest

from tests.browser.gated_model import GatedModel
from tests.protocol.client import Client

pytestmark = pytest.mark.database  # its site is its own, so conftest.py cannot tell


@pytest.fixture(scope="module")
def gates():
    with GatedModel() as model:
        yield model


@pytest.fixture(scope="module")
def slow_site(learned, gates):
    site = learned.make(OPENAI_BASE_URL=gates.url)
    yield site
    learned.remove(site)


@pytest.fixture
async def slow(slow_site, gates):
    """A connection; whatever is still being said is let out at the end."""
    async with Client(slow_site.ws_url) as chat:
        yield chat
        gates.let_all()


async def begin(chat, gates, thread, *pieces):
    """Ask something and wait for the first piece of the answer."""
    gates.answers("orders", *pieces)
    gates.let()
    await chat.say(thread, "Where is it?")
    await chat.wait("token", content=pieces[0])


async def test_an_answer_comes_piece_by_piece_as_the_model_says_it(slow, gates, thread):
    await begin(slow, gates, thread, "It is ", "on ", "its way.")
    assert "message" not in slow.types
    gates.let(2)
    message = await slow.wait("message")
    assert message["content"] == "It is on its way."
    assert (await slow.wait("message_complete"))["usage"]["input_tokens"] > 0


async def test_stop_keeps_what_was_said(slow, gates, thread):
    await begin(slow, gates, thread, "It is ", "lost.")
    await slow.send("stop", thread_id=thread)
    assert (await slow.wait("message"))["content"] == "It is "
    assert (await slow.wait("message_complete"))["status"] == "stopped"


async def test_another_tab_may_stop(slow, slow_site, gates, thread):
    token = (await slow.hello())["token"]
    await begin(slow, gates, thread, "It is ", "lost.")
    async with Client(slow_site.ws_url) as tab:
        await tab.hello(token=token, thread_id=thread)
        await tab.send("stop", thread_id=thread)
        await tab.wait("message_complete", status="stopped")
    assert (await slow.wait("message_complete"))["status"] == "stopped"


async def test_a_stop_where_nothing_goes_on_does_nothing(slow, gates, thread):
    await begin(slow, gates, thread, "Here.")
    await slow.wait("message_complete")
    before = len(slow.frames)
    await slow.send("stop", thread_id=thread)
    assert await slow.settled() == before + 1


async def test_messages_wait_their_turn_and_a_sixth_in_the_queue_is_busy(slow, gates, thread):
    await begin(slow, gates, thread, "Here ", "it is.")
    for at in range(5):
        await slow.say(thread, f"And {at}?")
        await slow.wait("message_accepted")
    await slow.say(thread, "And 5?")
    await slow.error("busy")
    gates.let(20)
    for _ in range(6):
        assert (await slow.wait("message_complete"))["status"] == "completed"
    said = slow.threads[thread].transcript
    assert [text for who, text in said if who == "customer"] == [
        "Where is it?",
        *[f"And {at}?" for at in range(5)],
    ]
    assert [text for who, text in said if who == "agent"] == ["Here it is."] * 6
    kinds = [frame["type"] for frame in slow.threads[thread].events]
    runs = [kind for kind in kinds if kind in ("routing", "message_complete")]
    assert runs == ["routing", "message_complete"] * 6, "one run at a time"


async def test_every_tab_sees_the_pieces(slow, slow_site, gates, thread):
    token = (await slow.hello())["token"]
    async with Client(slow_site.ws_url) as tab:
        await tab.hello(token=token)
        gates.answers("orders", "It is ", "on its way.")
        await slow.say(thread, "Where is it?")
        await slow.wait("message_accepted")
        await tab.resume(thread, 0)
        await tab.wait("message_accepted")
        gates.let()
        for view in (slow, tab):
            await view.wait("token", content="It is ")
        gates.let()
        for view in (slow, tab):
            await view.wait("message_complete")
        assert slow.threads[thread].events == tab.threads[thread].events


async def test_an_answer_goes_on_without_its_listener(slow, slow_site, gates, thread):
    async with Client(slow_site.ws_url) as chat:
        token = (await chat.hello())["token"]
        await begin(chat, gates, thread, "It is ", "on its way.")
        chat.socket.transport.abort()
    gates.let()
    await slow.hello(token=token, thread_id=thread, after_seq=0)
    await slow.wait("message_complete")
    assert slow.threads[thread].transcript == [
        ("customer", "Where is it?"),
        ("agent", "It is on its way."),
    ]


async def test_whoever_comes_in_the_middle_still_ends_with_the_whole(
    slow, slow_site, gates, thread
):
    token = (await slow.hello())["token"]
    await begin(slow, gates, thread, "It is ", "on its way.")
    async with Client(slow_site.ws_url) as tab:
        await tab.hello(token=token)
        await tab.resume(thread, 0)
        await tab.wait("routing")
        gates.let()
        await tab.wait("message_complete")
        await slow.wait("message_complete")
        assert tab.threads[thread].transcript == slow.threads[thread].transcript


async def test_a_reader_who_does_not_read_harms_nobody(slow, slow_site, gates, thread):
    """A tab that stops reading neither holds up the answer nor another tab."""
    token = (await slow.hello())["token"]
    async with Client(slow_site.ws_url, max_queue=1) as deaf:
        await deaf.hello(token=token)
        deaf._reader.cancel()
        await asyncio.wait({deaf._reader})
        deaf.socket.transport.pause_reading()
        pieces = ["x" * 4_000 + " "] * 200
        gates.answers("orders", *pieces)
        gates.let(len(pieces))
        await slow.say(thread, "Tell me everything")
        await slow.wait("message_accepted")
        await deaf.send("resume", thread_id=thread, after_seq=0)
        message = await slow.wait("message")
        assert message["content"] == "".join(pieces)
        await slow.wait("message_complete")
        deaf.socket.transport.abort()
    await begin(slow, gates, thread, "Still here.")
    await slow.wait("message_complete")


async def test_typing_is_neither_stored_nor_answered(slow, gates, thread):
    await begin(slow, gates, thread, "Here.")
    await slow.wait("message_complete")
    before = len(slow.frames)
    await slow.send("typing", thread_id=thread)
    assert await slow.settled() == before + 1


async def test_a_model_that_cannot_be_reached_fails_the_run_and_leaks_nothing(make_site, thread):
    site = make_site(OPENAI_BASE_URL="http://127.0.0.1:9/v1", OPENAI_API_KEY="sk-hunter2")
    async with Client(site.ws_url) as chat:
        await chat.say(thread, "Where is it?")
        assert (await chat.wait("message_complete"))["status"] == "failed"
        await chat.error("internal_error")
        assert chat.threads[thread].transcript[-1][0] == "system"
        assert "127.0.0.1:9" not in str(chat.frames)
    assert "hunter2" not in site.log
