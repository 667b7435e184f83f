"""A person in the conversation, as a client sees it."""

import asyncio
import json

import pytest

from tests.browser.gated_model import GatedModel
from tests.protocol.client import Client

pytestmark = pytest.mark.database  # its site is its own, so conftest.py cannot tell

SAM = """
from django.contrib.auth.models import Permission, User
sam, is_new = User.objects.get_or_create(username="sam", is_staff=True, first_name="Sam")
sam.user_permissions.add(Permission.objects.get(codename="take_over"))
from conversations.models import Conversation
from escalation.services.takeovers import release, reply, resolve, take_over
conversation = Conversation.objects.get(thread_id={thread!r})
"""


@pytest.fixture(scope="module")
def gates():
    with GatedModel() as model:
        yield model


@pytest.fixture(scope="module")
def site(learned, gates):
    """Also the whole site's processes hear of what another process, here a shell, does."""
    site = learned.make(OPENAI_BASE_URL=gates.url)
    yield site
    learned.remove(site)


@pytest.fixture
async def chat(site, gates):
    async with Client(site.ws_url) as chat:
        yield chat
        gates.let_all()


def sam(site, thread, *acts):
    """Let Sam act in a process of its own: `sam(site, thread, "take_over", ("reply", "Hello"))`."""
    lines = []
    for act in acts:
        verb, *args = (act,) if isinstance(act, str) else act
        lines.append(f"{verb}(conversation.pk, sam{''.join(f', {arg!r}' for arg in args)})")
    return asyncio.to_thread(site.shell, SAM.format(thread=thread) + "\n".join(lines))


async def answer(chat, gates, thread, text, *pieces):
    gates.answers("orders", *pieces)
    gates.let_all()
    await chat.say(thread, text)
    await chat.wait("message_complete")


async def test_asking_for_a_person_is_answered_at_once_and_asks_no_model(chat, thread):
    frame = await chat.ask_for_person(thread, reason="I am lost")
    assert (frame["seq"], "agent_name" in frame) == (1, False)
    said = await chat.wait("message")
    assert said["role"] == "system"
    assert await chat.settled() == len(chat.frames)
    assert chat.threads[thread].ended == 0
    await chat.send("handoff", thread_id=thread)
    before = len(chat.frames)
    assert await chat.settled() == before + 1, "asking again is no news"


async def test_a_takeover_a_talk_and_the_way_back(chat, site, gates, thread):
    await answer(chat, gates, thread, "Where is it?", "On its way.")
    await chat.ask_for_person(thread)
    await sam(site, thread, "take_over", ("reply", "I am **Sam**."))
    assert (await chat.wait("handoff", status="assigned"))["agent_name"] == "Sam"
    await chat.wait("status", status="handed_off")
    said = await chat.wait("message", role="staff")
    assert (said["author"], said["content"]) == ("Sam", "I am **Sam**.")
    assert "<strong>Sam</strong>" in said["html"]
    await chat.say(thread, "Hello Sam")
    await chat.wait("message_accepted")
    before = len(chat.frames)
    assert await chat.settled() == before + 1, "nobody but Sam answers"
    await sam(site, thread, ("reply", "Bye."), "release")
    await chat.wait("handoff", status="released")
    await chat.wait("status", status="open")
    await answer(chat, gates, thread, "And now?", "Now I am back.")
    assert [who for who, _ in chat.threads[thread].transcript] == [
        "customer",
        "agent",
        "system",
        "staff",
        "customer",
        "staff",
        "customer",
        "agent",
    ]


async def test_an_answer_that_a_person_breaks_off_is_void(chat, site, gates, thread):
    gates.answers("orders", "It is ", "lost.")
    gates.let()
    await chat.say(thread, "Where is it?")
    await chat.wait("token", content="It is ")
    await sam(site, thread, "take_over")
    assert (await chat.wait("message_complete"))["status"] == "handed_off"
    await chat.wait("status", status="handed_off")
    gates.let_all()
    await chat.say(thread, "Hello?")
    await chat.wait("message_accepted")
    await sam(site, thread, ("reply", "Here I am."))
    await chat.wait("message", role="staff")
    assert [f["role"] for f in chat.frames if f["type"] == "message"] == ["staff"]
    assert chat.threads[thread].transcript == [
        ("customer", "Where is it?"),
        ("customer", "Hello?"),
        ("staff", "Here I am."),
    ]


async def test_whoever_comes_back_later_sees_the_same(chat, site, thread):
    token = (await chat.hello())["token"]
    await chat.ask_for_person(thread)
    await sam(site, thread, "take_over", ("reply", "Here."), "resolve")
    await chat.wait("status", status="closed")
    async with Client(site.ws_url) as later:
        await later.hello(token=token, thread_id=thread, after_seq=0)
        await later.wait("status", status="closed")
        assert later.threads[thread].events == chat.threads[thread].events


async def test_a_closed_conversation_is_rated_once_more_to_change_it(chat, site, thread):
    await chat.ask_for_person(thread)
    await sam(site, thread, "resolve")
    await chat.wait("status", status="closed")
    await chat.say(thread, "One more thing")
    await chat.error("session_expired")
    for rating in (2, 5):
        await chat.send("feedback", thread_id=thread, rating=rating, comment="Fine")
        frame = await chat.wait("feedback")
        assert (frame["rating"], frame["comment"]) == (rating, "Fine")


@pytest.mark.parametrize("rating", [0, 6, 1.5, "5", True, None, [], 2**70])
async def test_a_rating_is_a_whole_number_from_1_to_5(chat, thread, rating):
    await chat.ask_for_person(thread)
    await chat.send_raw(json.dumps({"type": "feedback", "thread_id": thread, "rating": rating}))
    assert (await chat.error("invalid_field"))["message"] == "Invalid rating"


async def test_feedback_needs_a_rating(chat, thread):
    await chat.send("feedback", thread_id=thread)
    assert (await chat.error("invalid_field"))["message"] == "Invalid rating"


async def test_feedback_makes_no_conversation(chat, thread):
    await chat.send("feedback", thread_id=thread, rating=5)
    await chat.error("forbidden")


@pytest.mark.parametrize(("kind", "fields"), [("handoff", {}), ("feedback", {"rating": 1})])
async def test_another_visitor_s_conversation_is_forbidden(chat, site, thread, kind, fields):
    await chat.ask_for_person(thread)
    async with Client(site.ws_url) as stranger:
        await stranger.send(kind, thread_id=thread, **fields)
        await stranger.error("forbidden")


@pytest.mark.parametrize("reason", [5, {}, "a\0b", "x" * 8_001])
async def test_a_reason_is_a_text(chat, thread, reason):
    await chat.send("handoff", thread_id=thread, reason=reason)
    assert (await chat.error("invalid_field"))["message"] == "Invalid reason"


async def test_typing_is_not_answered_and_shown_to_no_customer(chat, site, thread):
    token = (await chat.hello())["token"]
    await chat.ask_for_person(thread)
    await sam(site, thread, "take_over")
    await chat.wait("status", status="handed_off")
    async with Client(site.ws_url) as tab:
        await tab.hello(token=token, thread_id=thread)
        await tab.wait("status", status="handed_off")
        await chat.send("typing", thread_id=thread)
        await chat.settled()
        await tab.settled()
        assert "typing" not in chat.types + tab.types
