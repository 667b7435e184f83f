import pytest
from langchain_core.messages import AIMessage, HumanMessage

from agents.routing import RouteDecision
from tests.fakes import Script, to


async def test_one_request_goes_to_one_agent(open_talk):
    talk = await open_talk(Script(router=[to("orders")], orders=["It is on its way."]))
    await talk.say("Where is my order?")
    assert talk.of("routing")[0]["agents"] == ["orders"]
    assert talk.said == ["It is on its way."]
    assert talk.outcomes == ["completed"]
    assert talk.stored == ["message_accepted", "routing", "message", "message_complete"]


async def test_several_requests_are_answered_in_the_order_of_the_plan(open_talk):
    script = Script(router=[to("payments", "orders")], orders=["Orders."], payments=["Payments."])
    talk = await open_talk(script)
    await talk.say("A discount, and where is my order?")
    assert talk.of("routing")[0]["agents"] == ["payments", "orders"]
    assert [(f["agent"], f["content"]) for f in talk.of("message")] == [
        ("payments", "Payments."),
        ("orders", "Orders."),
    ]
    assert talk.outcomes == ["completed"]


async def test_an_agent_reads_its_part_as_a_message_of_its_own(open_talk):
    plan = RouteDecision(
        intents=[
            {"agent": "payments", "request": "a discount"},
            {"agent": "orders", "request": "where it is"},
        ]
    )
    talk = await open_talk(Script(router=[plan], orders=["Orders."], payments=["Payments."]))
    await talk.say("A discount, and where is it?")
    [seen] = talk.asked("orders")
    assert [m.text for m in seen if isinstance(m, HumanMessage)] == [
        "A discount, and where is it?",
        "where it is",
    ]
    kept = await talk.say("And now?")
    assert kept[-1]["type"] == "message_complete"
    assert "where it is" not in [m.text for m in talk.asked("router")[-1]]


async def test_an_ambiguous_message_is_asked_back_and_the_answer_understood_with_it(open_talk):
    ask = RouteDecision(is_ambiguous=True, clarification_question="Which one?")
    talk = await open_talk(
        Script(router=[ask, to("orders")], orders=["Cancelled? No: on its way."])
    )
    first = await talk.say("It does not work")
    assert [f["type"] for f in first] == ["message_accepted", "clarification", "message_complete"]
    assert first[1]["message"] == "Which one?"
    await talk.say("The order")
    history = [(type(m), m.text) for m in talk.asked("router")[1][1:]]
    assert history == [
        (HumanMessage, "It does not work"),
        (AIMessage, "Which one?"),
        (HumanMessage, "The order"),
    ]
    assert talk.said == ["Cancelled? No: on its way."]


async def test_an_ambiguous_message_without_a_question_gets_the_template_s(open_talk):
    talk = await open_talk(Script(router=[RouteDecision(is_ambiguous=True)]))
    await talk.say("Help")
    assert talk.of("clarification")[0]["message"].startswith("I want to be sure")


async def test_agents_that_do_not_exist_are_left_out_of_the_plan(open_talk):
    talk = await open_talk(Script(router=[to("astrology", "orders")], orders=["Orders."]))
    await talk.say("My stars, and my order")
    assert talk.of("routing")[0]["agents"] == ["orders"]
    assert talk.said == ["Orders."]


async def test_a_plan_of_unknown_agents_only_is_asked_back(open_talk):
    talk = await open_talk(Script(router=[to("astrology")]))
    await talk.say("My stars")
    assert talk.types == ["message_accepted", "clarification", "message_complete"]


@pytest.mark.parametrize("kind", ["hello", "thanks", "abuse", "out_of_scope", None])
async def test_what_asks_for_nothing_gets_the_template_s_words(open_talk, kind):
    talk = await open_talk(Script(router=[RouteDecision(other=kind)]))
    await talk.say("…")
    [message] = talk.of("message")
    texts = talk.conversation.version.spec["texts"]
    expected = texts[kind or "out_of_scope"].replace("{topics}", "orders, payments")
    assert message["content"] == expected
    assert talk.of("routing")[0]["agents"] == ["support"]
    assert talk.outcomes == ["completed"]


async def test_the_router_reads_who_said_what_and_no_tool_results(open_talk, shop):
    from tests.fakes import call

    script = Script(
        router=[to("orders")], orders=[call("list_orders"), "You have two.", "Still two."]
    )
    talk = await open_talk(script)
    await talk.say("My orders")
    await talk.say("And now?")
    last = talk.asked("router")[-1]
    assert [m.text for m in last[1:]] == ["My orders", "You have two.", "And now?"]


async def test_a_plan_has_five_steps_at_most(open_talk):
    talk = await open_talk(Script(router=[to(*["orders"] * 9)], orders=["Done."]))
    await talk.say("Nine things")
    assert talk.said == ["Done."] * 5
