import asyncio

import pytest

from tests.protocol.client import Client, Thread


@pytest.fixture
async def told(site, thread):
    """A conversation with a look-up and a rejected write: its visitor's token and its events."""
    async with Client(site.ws_url) as chat:
        token = (await chat.hello())["token"]
        await chat.ask(thread, "Where is my order 1042?")
        await chat.ask(thread, "Cancel order 1043")
        await chat.answer(thread, False)
        await chat.wait("message_complete")
        return token, chat.threads[thread].events


async def test_a_resume_from_every_number_brings_exactly_what_comes_after_it(site, thread, told):
    token, events = told
    assert len(events) > 10
    async with Client(site.ws_url) as chat:
        await chat.hello(token=token)
        for after in range(len(events) + 1):
            await chat.resume(thread, after)
            await chat.settled()
            assert chat.threads[thread].events == events[after:]


async def test_a_hello_may_resume_at_once(site, thread, told):
    token, events = told
    async with Client(site.ws_url) as chat:
        await chat.hello(token=token, thread_id=thread, after_seq=4)
        await chat.settled()
        assert chat.threads[thread].events == events[4:]
        await chat.ask(thread, "Hello")
        assert chat.threads[thread].seq > len(events)


async def test_whoever_resumes_gets_what_comes_later_too(site, thread, told):
    token, events = told
    async with Client(site.ws_url) as old, Client(site.ws_url) as new:
        await old.hello(token=token, thread_id=thread, after_seq=len(events))
        await new.hello(token=token, thread_id=thread, after_seq=0)
        await new.ask(thread, "Hello")
        await old.wait("message_complete")
        assert old.threads[thread].events == new.threads[thread].events[len(events) :]


async def test_a_number_that_was_never_given_is_as_good_as_the_last(site, thread, told):
    token, events = told
    async with Client(site.ws_url) as chat:
        await chat.hello(token=token)
        await chat.resume(thread, 2**31 - 1)
        await chat.settled()
        assert chat.threads[thread].events == []
        chat.threads[thread] = Thread(len(events))
        await chat.ask(thread, "Hello")


async def test_two_tabs_see_the_same(site, thread):
    async with Client(site.ws_url) as one, Client(site.ws_url) as two:
        token = (await one.hello())["token"]
        await one.say(thread, "Where is my order 1042?")
        await one.wait("message_complete")
        await two.hello(token=token, thread_id=thread, after_seq=0)
        await two.wait("message_complete")
        await two.say(thread, "Cancel order 1043")
        for tab in (one, two):
            await tab.wait("interrupt")
        await one.answer(thread, False)
        for tab in (one, two):
            await tab.wait("message_complete")
        assert one.threads[thread].events == two.threads[thread].events
        assert one.threads[thread].transcript == two.threads[thread].transcript


async def test_two_threads_of_one_connection_are_numbered_apart(chat, thread):
    await chat.say(thread, "Hello")
    await chat.say(thread + "-2", "Hello")
    await chat.wait("message_complete")
    await chat.wait("message_complete")
    assert [chat.threads[t].events[0]["seq"] for t in (thread, thread + "-2")] == [1, 1]


async def test_the_same_message_sent_again_is_handled_once(site, thread):
    async with Client(site.ws_url) as chat:
        token = (await chat.hello())["token"]
        for _ in range(3):
            await chat.say(thread, "Where is my order 1042?", client_message_id="m1")
        await chat.wait("message_complete")
        await chat.settled()
        accepted = [f for f in chat.frames if f["type"] == "message_accepted"]
        assert accepted == [accepted[0]] * 3
        assert chat.threads[thread].ended == 1
    async with Client(site.ws_url) as chat:
        await chat.hello(token=token)
        await chat.say(thread, "Something else", client_message_id="m1")
        again = await chat.wait("message_accepted")
        assert again == accepted[0]
        assert chat.threads[thread].transcript[0] == ("customer", "Where is my order 1042?")


async def test_an_answer_reaches_whoever_comes_back_although_the_connection_was_cut(site, thread):
    async with Client(site.ws_url) as chat:
        token = (await chat.hello())["token"]
        await chat.say(thread, "Where is my order 1042?")
        await chat.wait("message_accepted")
        chat.socket.transport.abort()
    async with Client(site.ws_url) as chat:
        await chat.hello(token=token, thread_id=thread, after_seq=0)
        await chat.wait("message_complete")
        assert [who for who, _ in chat.threads[thread].transcript] == ["customer", "agent"]


async def test_a_connection_that_is_idle_for_15_seconds_stays_open_and_hears(site, thread):
    async with Client(site.ws_url) as idle, Client(site.ws_url) as other:
        token = (await idle.hello())["token"]
        await idle.ask(thread, "Hello")
        # The time itself is what is tested: redis 8 dropped idle connections after 5 s.
        await asyncio.sleep(15)
        assert idle.close_code is None
        await other.hello(token=token, thread_id=thread, after_seq=0)
        await other.settled()
        await other.ask(thread, "Hello again")
        await idle.wait("message_complete")
        assert idle.threads[thread].events == other.threads[thread].events
