"""A whole dialogue of the shop through the real client: streams, structured output, tools, sensible answers."""

import pytest

from agents.spec import TemplateSpec
from agents.verticals.ecommerce.models import Order
from tests import factories
from tests.model.conftest import FromOutside
from tests.openai_server.offline import OfflineAnswerer, read_shipped
from tests.talk import in_database

EXAMPLES = 4


@pytest.fixture(scope="module")
def shop_template():
    data = read_shipped("ecommerce").model_dump()
    for intent in [i for part in [*data["agents"], data["human"]] for i in part["intents"]]:
        # Learning them all takes ten seconds, and how well it understands is tested elsewhere.
        intent["examples"] = intent["examples"][:EXAMPLES]
    return TemplateSpec.model_validate(data)


@pytest.fixture(scope="module")
def answerer(shop_template, tmp_path_factory):
    return OfflineAnswerer(shop_template, tmp_path_factory.mktemp("offline"))


@pytest.fixture
def offline(server, answerer):
    server.app.answerer = answerer
    yield server
    server.app.answerer = None


def status_of(number):
    return Order.objects.get(number=number).status


async def test_a_customer_s_whole_dialogue(offline, open_talk, shop_template, shop):
    version = await in_database(factories.make_version, shop_template)
    talk = await open_talk(FromOutside(), version=version)

    # Small talk, by the router alone.
    await talk.say("hello there")
    assert talk.said == [shop_template.texts.hello]

    # A look-up.
    await talk.say("where is my order 1043?")
    assert talk.results[-1][1] == "ok"
    assert "1043" in talk.said[-1]

    # A write that waits, and is approved.
    await talk.say("please cancel order 1043")
    [waiting] = talk.waiting
    assert (waiting["action"], waiting["params"]["order_number"]) == ("cancel_order", "1043")
    assert await in_database(status_of, "1043") == "processing"
    await talk.answer(True)
    assert talk.results[-1] == ("cancel_order", "ok")
    assert await in_database(status_of, "1043") == "cancelled"
    assert "1043" in talk.said[-1]

    # Two requests in one message.
    before = len(talk.of("routing"))
    await talk.say("where is order 1044? and what is my newest invoice?")
    assert len(talk.of("routing")[before]["agents"]) == 2

    # What is unclear is asked about.
    asked = len(talk.of("clarification")) + len(talk.said)
    await talk.say("it is not right")
    assert len(talk.of("clarification")) + len(talk.said) > asked

    assert set(talk.outcomes) == {"completed"}
    requests = offline.app.requests
    assert all(request.get("stream") for request in offline.asked("agent"))
    assert all(
        request["response_format"]["type"] == "json_schema" for request in offline.asked("router")
    )
    assert len(requests) > 8


async def test_what_it_asked_for_it_understands_as_the_answer(
    offline, open_talk, shop_template, shop
):
    version = await in_database(factories.make_version, shop_template)
    talk = await open_talk(FromOutside(), version=version)
    await talk.say("i want to change my email address")
    assert talk.waiting == []
    await talk.say("ana.new@example.com")
    [waiting] = talk.waiting
    assert "ana.new@example.com" in waiting["params"].values()
    await talk.answer(False)
    assert talk.results[-1] == ("update_email", "rejected")
