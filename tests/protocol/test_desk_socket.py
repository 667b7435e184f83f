"""The socket of staff's own page: for staff, from the site's own pages, and for typing signs alone."""

import asyncio
import json

import pytest
import websockets

from tests.protocol.client import SECONDS

pytestmark = pytest.mark.database

LOGIN = """
import json
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.backends.db import SessionStore
from conversations.models import Conversation
from escalation.services.takeovers import take_over
keys = {}
for name, codes in (("sam", ["take_over", "view_conversation"]), ("olga", ["view_conversation"]), ("ivo", [])):
    user, _ = User.objects.get_or_create(username=name, is_staff=True, first_name=name.title())
    user.user_permissions.set(Permission.objects.filter(codename__in=codes))
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    keys[name] = session.session_key
conversation = Conversation.objects.get(thread_id={thread!r})
take_over(conversation.pk, User.objects.get(username="sam"))
print(json.dumps(dict(keys=keys, pk=str(conversation.pk))))
"""


@pytest.fixture
async def desk(site, chat, thread):
    """Open the socket as somebody: `await desk("sam")`; the conversation is Sam's."""
    await chat.ask_for_person(thread)
    made = await asyncio.to_thread(site.shell, LOGIN.replace("{thread!r}", repr(thread)))
    await chat.wait("status", status="handed_off")
    opened = []

    async def open_desk(name=None, *, origin=site.url, pk=made["pk"]):
        headers = {"Cookie": f"sessionid={made['keys'][name]}"} if name else {}
        url = f"{site.ws_url}/ws/desk/{pk}/"
        opened.append(await websockets.connect(url, origin=origin, additional_headers=headers))
        return opened[-1]

    yield open_desk
    for socket in opened:
        await socket.close()


async def receive(socket):
    return json.loads(await asyncio.wait_for(socket.recv(), SECONDS))


async def listen(desk, name):
    """Open the socket, and wait for the frame that says: from here on nothing is missed."""
    socket = await desk(name)
    assert await receive(socket) == {"type": "news"}
    return socket


async def test_whoever_has_it_hears_of_news_and_of_typing(desk, chat, thread):
    sam = await listen(desk, "sam")
    await chat.say(thread, "Hello?")
    await chat.wait("message_accepted")
    assert (await receive(sam))["type"] == "news"
    await chat.send("typing", thread_id=thread)
    assert await receive(sam) == {"type": "typing"}


async def test_the_customer_sees_that_sam_writes_and_not_that_olga_does(desk, chat, thread):
    olga, sam = await listen(desk, "olga"), await listen(desk, "sam")
    await olga.send(json.dumps({"type": "typing"}))
    await chat.say(thread, "Hello?")
    assert (await receive(olga))["type"] == "news", "she may look; her sign has been read by now"
    await sam.send(json.dumps({"type": "typing"}))
    assert (await chat.wait("typing"))["author"] == "Sam"
    assert [f["author"] for f in chat.frames if f["type"] == "typing"] == ["Sam"]


@pytest.mark.parametrize("name", [None, "ivo"])
async def test_whoever_may_not_read_conversations_is_refused(desk, name):
    socket = await desk(name)
    await asyncio.wait_for(socket.wait_closed(), SECONDS)
    assert socket.close_code == 4403


async def test_a_conversation_that_does_not_exist_is_refused(desk):
    socket = await desk("sam", pk="00000000-0000-4000-8000-000000000000")
    await asyncio.wait_for(socket.wait_closed(), SECONDS)
    assert socket.close_code == 4403


@pytest.mark.parametrize("origin", ["https://evil.example", None])
async def test_another_site_s_page_is_refused(desk, origin):
    with pytest.raises(websockets.InvalidStatus):
        await desk("sam", origin=origin)


@pytest.mark.parametrize("data", ["", "{", "[]", '{"type":"message"}', "x" * 40_000, b"typing"])
async def test_what_is_no_sign_is_ignored(desk, chat, thread, data):
    sam = await listen(desk, "sam")
    await sam.send(data)
    await chat.say(thread, "Hello?")
    assert (await receive(sam))["type"] == "news"
    assert "typing" not in chat.types
