"""What a model asks for twice is in force once."""

import dataclasses

import pytest

from agents import registry
from conversations.models import Effect
from tests.fakes import Script, call, to

IN_FORCE = "The same is already waiting for approval, under way or done"


@pytest.fixture(autouse=True)
def refunds_have_a_key(monkeypatch):
    find = registry.get_tool

    def get_tool(name, vertical=""):
        tool = find(name, vertical)
        if name != "refund_order":
            return tool
        return dataclasses.replace(tool, key=lambda args: f"refund:order-{args['order_number']}")

    monkeypatch.setattr(registry, "get_tool", get_tool)


def ask(messages):
    return refund()


def refund(amount="30.00"):
    return call("refund_order", order_number="1044", amount=amount)


async def test_twice_in_one_answer_is_proposed_once(open_talk, shop):
    talk = await open_talk(
        Script(router=[to("payments")], payments=[[refund("30.00"), refund("40.00")], "Answered."])
    )
    await talk.say("30 back, and 40")
    [frame] = talk.waiting
    assert frame["params"]["amount"] == "30.00"
    await talk.answer(True)
    assert sorted(talk.results) == [("refund_order", "error"), ("refund_order", "ok")]
    results = [m.text for m in talk.asked("payments")[-1]]
    assert any(IN_FORCE in text for text in results)
    assert await Effect.objects.acount() == 1


async def test_what_waits_in_another_conversation_is_not_proposed_again(open_talk, shop):
    script = Script(router=[to("payments")], payments=[lambda m: refund(), "Answered."])
    first = await open_talk(script)
    await first.say("30 back")
    second = await open_talk(
        Script(router=[to("payments")], payments=[lambda m: refund(), "Answered."])
    )
    await second.say("30 back")
    assert second.waiting == []
    assert second.results == [("refund_order", "error")]
    await first.answer(True)
    assert await Effect.objects.acount() == 1


async def test_what_was_rejected_may_be_asked_for_again(open_talk, shop):
    talk = await open_talk(Script(router=[to("payments")], payments=[ask, "No.", ask, "Yes."]))
    await talk.say("30 back")
    await talk.answer(False)
    await talk.say("I want it after all")
    await talk.answer(True)
    assert [status for _, status in talk.results] == ["rejected", "ok"]


async def test_what_was_superseded_may_be_asked_for_again(open_talk, shop):
    talk = await open_talk(Script(router=[to("payments")], payments=[ask, ask, "Yes."]))
    await talk.say("30 back")
    await talk.say("I mean: 30 back")
    await talk.answer(True)
    assert [status for _, status in talk.results] == ["superseded", "ok"]


async def test_the_rest_may_be_asked_for_when_a_part_was_done(open_talk, shop):
    talk = await open_talk(
        Script(
            router=[to("payments")],
            payments=[lambda m: refund("20.00"), "One.", lambda m: refund("10.00"), "Two."],
        )
    )
    for text in ("20 back", "And 10 more"):
        await talk.say(text)
        await talk.answer(True)
    assert [status for _, status in talk.results] == ["ok", "ok"]
