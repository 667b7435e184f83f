import pytest

from agents.routing import RouteDecision
from tests import factories
from tests.fakes import Script, to


def urgent(name, priority=10):
    """The shop's agents, one of them with a priority."""
    agents = factories.make_spec().model_dump(mode="json")["agents"]
    for agent in agents:
        agent["priority"] = priority if agent["name"] == name else 0
    return agents


async def test_an_agent_with_a_priority_acts_first(open_talk):
    script = Script(router=[to("orders", "payments")], orders=["Orders."], payments=["Payments."])
    talk = await open_talk(script, agents=urgent("payments"))
    await talk.say("Where is my order, and somebody used my card!")
    assert talk.of("routing")[0]["agents"] == ["payments", "orders"]
    assert talk.said == ["Payments.", "Orders."]


async def test_an_agent_with_a_negative_priority_acts_last(open_talk):
    script = Script(router=[to("orders", "payments")], orders=["Orders."], payments=["Payments."])
    talk = await open_talk(script, agents=urgent("orders", -1))
    await talk.say("Both")
    assert talk.said == ["Payments.", "Orders."]


async def test_equal_agents_keep_the_customers_order_and_each_request_its_agent(open_talk):
    requests = [("orders", "one"), ("payments", "two"), ("human", "three"), ("payments", "four")]
    plan = RouteDecision(intents=[{"agent": a, "request": r} for a, r in requests])
    script = Script(router=[plan], orders=["Orders."], payments=["A.", "B."])
    talk = await open_talk(script, agents=urgent("payments"))
    await talk.say("One, two, a person, four")
    parts = [messages[-1].text for messages in talk.asked("payments")]
    assert parts == ["two", "four"]
    assert talk.of("routing")[0]["agents"] == ["payments", "orders", "human"]


async def test_what_is_urgent_is_kept_when_a_plan_is_cut(open_talk):
    script = Script(router=[to(*["orders"] * 6, "payments")], orders=["O."], payments=["P."])
    talk = await open_talk(script, agents=urgent("payments"))
    await talk.say("Seven things")
    assert talk.said == ["P.", "O.", "O.", "O.", "O."]


@pytest.mark.parametrize("priority", [101, -101, "high"])
def test_a_priority_that_makes_no_sense_is_refused(priority):
    with pytest.raises(ValueError, match="priority"):
        factories.make_spec(agents=urgent("payments", priority))
