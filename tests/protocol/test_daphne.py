"""The same contract through the other server."""

import pytest

from tests.protocol.client import Client

pytestmark = pytest.mark.database  # its site is its own, so conftest.py cannot tell


@pytest.fixture
def daphne(learned):
    site = learned.make(start=False)
    address = ["-b", "127.0.0.1", "-p", str(site.port)]
    site.web = site._launch(["-m", "daphne", *address, "supportsite.asgi:application"])
    site.wait_until_ready()
    yield site
    site.kill()  # it takes its time to end by itself
    learned.remove(site)


async def test_a_chat_through_daphne(daphne, thread):
    async with Client(daphne.ws_url) as chat:
        token = (await chat.hello())["token"]
        await chat.ask(thread, "Where is my order 1042?")
        await chat.ask(thread, "Cancel order 1043")
        await chat.answer(thread, True)
        assert (await chat.wait("tool_result"))["status"] == "ok"
        await chat.wait("message_complete")
        for frame, code in (
            ("{", "invalid_json"),
            (b"{}", "invalid_json"),
            ("x" * 40_000, "message_too_large"),
        ):
            await chat.send_raw(frame)
            await chat.error(code)
        events = chat.threads[thread].events
    async with Client(daphne.ws_url) as chat:
        await chat.hello(token=token, thread_id=thread, after_seq=0)
        await chat.settled()
        assert chat.threads[thread].events == events
    async with Client(daphne.ws_url) as chat:
        await chat.send("hello", token="forged")
        await chat.error("invalid_token")
        await chat.closed(4401)
