import pytest

from tests.fakes import Script, call, to


def transfer(agent):
    return call("transfer_to_agent", agent=agent, reason="not mine")


async def test_a_transfer_lets_another_agent_answer(open_talk):
    script = Script(router=[to("orders")], orders=[transfer("payments")], payments=["Paid back."])
    talk = await open_talk(script)
    await talk.say("My money")
    assert [(f["agent"], f["content"]) for f in talk.of("message")] == [("payments", "Paid back.")]
    assert talk.of("tool_call") == [], "a transfer is no business of the customer's"
    assert talk.outcomes == ["completed"]


async def test_a_transfer_comes_before_the_rest_of_the_plan(open_talk):
    script = Script(
        router=[to("orders", "orders")],
        orders=[transfer("payments"), "Second part."],
        payments=["First part."],
    )
    talk = await open_talk(script)
    await talk.say("Two things")
    assert talk.said == ["First part.", "Second part."]


async def test_a_transfer_to_a_person_hands_off(open_talk):
    from conversations.models import Conversation

    talk = await open_talk(Script(router=[to("orders")], orders=[transfer("human")]))
    await talk.say("I want a person")
    [message] = talk.of("message")
    assert message["role"] == "system"
    assert "agent" not in message
    assert "a person will read it" in message["content"]
    assert talk.outcomes == ["handed_off"]
    assert (await Conversation.objects.aget()).wants_person


async def test_the_router_may_send_straight_to_a_person(open_talk):
    talk = await open_talk(Script(router=[to("human")]))
    await talk.say("A person, now")
    assert talk.of("routing")[0]["agents"] == ["human"]
    assert talk.outcomes == ["handed_off"]


@pytest.mark.parametrize("target", ["astrology", "orders", None, 7, ["payments"], {"a": 1}])
async def test_a_transfer_to_nobody_is_refused_and_the_agent_answers_itself(open_talk, target):
    talk = await open_talk(Script(router=[to("orders")], orders=[transfer(target), "I answer."]))
    await talk.say("Hm")
    assert talk.said == ["I answer."]
    assert "not possible" in talk.asked("orders")[-1][-1].text


async def test_two_agents_who_send_the_customer_to_each_other_are_stopped(open_talk):
    def back_to(agent, answer):
        def reply(messages):
            return answer if "not possible" in messages[-1].text else transfer(agent)

        return reply

    script = Script(
        router=[to("orders")],
        orders=[back_to("payments", "Orders answers.")],
        payments=[back_to("orders", "Payments answers.")],
    )
    talk = await open_talk(script)
    await talk.say("Ping")
    assert talk.said == ["Payments answers."]
    assert len(talk.asked("orders")) + len(talk.asked("payments")) == 5
    assert talk.outcomes == ["completed"]


async def test_of_two_transfers_at_once_the_first_counts(open_talk):
    script = Script(
        router=[to("orders")],
        orders=[[transfer("payments"), transfer("human")]],
        payments=["Paid back."],
    )
    talk = await open_talk(script)
    await talk.say("My money")
    assert talk.said == ["Paid back."]
    assert talk.outcomes == ["completed"]


async def test_a_transfer_beside_a_write_waits_for_its_answer(open_talk, shop):
    script = Script(
        router=[to("orders")],
        orders=[[call("cancel_order", order_number="1043"), transfer("payments")]],
        payments=["Payments goes on."],
    )
    talk = await open_talk(script)
    await talk.say("Cancel 1043, then my money")
    assert talk.types[-1] == "interrupt"
    await talk.answer(True)
    assert talk.results == [("cancel_order", "ok")]
    assert talk.said == ["Payments goes on."]
