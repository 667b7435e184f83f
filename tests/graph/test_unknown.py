"""A foreign system that does not say whether it has done what it was asked for."""

import dataclasses

from langchain_core.messages import ToolMessage

from agents.compiled import find_compiled
from conversations.models import Conversation, Effect
from conversations.services import effects
from tests.factories import make_sam
from tests.fakes import Script, call, to
from tests.talk import in_database

WILL_CHECK = "A colleague will check, and tell you here."


async def break_off(ctx, order_number):
    raise TimeoutError


async def wait_for_provider(talk):
    """Say yes to a cancellation that a provider carries out, which breaks off."""
    template = find_compiled(await in_database(lambda: talk.conversation.version))
    tools = template.agents["orders"].tools
    tools["cancel_order"] = dataclasses.replace(
        tools["cancel_order"], function=break_off, external="once"
    )
    await talk.answer(True)


def cancels(*more):
    return Script(router=[to("orders")], orders=[call("cancel_order", order_number="1043"), *more])


async def test_the_customer_is_told_that_a_person_will_check(open_talk, shop):
    talk = await open_talk(cancels("Never said.", "Goes on."))
    await talk.say("Cancel 1043")
    await wait_for_provider(talk)
    assert talk.results == [("cancel_order", "unknown")]
    [message] = talk.of("message")
    assert message["role"] == "system"
    assert WILL_CHECK in message["content"]
    assert talk.outcomes == ["completed"]
    assert (await Conversation.objects.aget()).wants_person


async def test_the_conversation_goes_on_and_the_agent_knows(open_talk, shop):
    talk = await open_talk(cancels("Goes on."))
    await talk.say("Cancel 1043")
    await wait_for_provider(talk)
    await talk.say("And now?")
    assert talk.said[-1] == "Goes on."
    [result] = [m for m in talk.asked("orders")[-1] if isinstance(m, ToolMessage)]
    assert "Nobody knows whether this was done." in result.text


async def test_staff_find_out_and_the_customer_hears_of_it(open_talk, shop):
    talk = await open_talk(cancels("Goes on."))
    await talk.say("Cancel 1043")
    await wait_for_provider(talk)
    effect = await Effect.objects.aget()
    sam = await in_database(make_sam)
    await in_database(effects.settle, effect.pk, was_done=True, user=sam)
    await talk.until("message", role="staff", author="Sam")
    assert talk.said[-1].startswith("A colleague has checked, and it was done: Cancel order 1043")
    await talk.say("Thank you")
    history = [m.text for m in talk.asked("orders")[-1]]
    assert any("[Sam of our team, a person, wrote:] A colleague has checked" in t for t in history)


async def test_what_else_was_done_is_worded_by_the_agent(open_talk, shop):
    both = [call("cancel_order", order_number="1043"), call("get_order", order_number="1044")]
    talk = await open_talk(Script(router=[to("orders")], orders=[both, "About 1044."]))
    await talk.say("Cancel 1043, and what of 1044?")
    await wait_for_provider(talk)
    assert sorted(talk.results) == [("cancel_order", "unknown"), ("get_order", "ok")]
    assert WILL_CHECK in talk.said[0]
    assert talk.said[1] == "About 1044."
