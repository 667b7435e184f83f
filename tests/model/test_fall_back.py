import pytest

from conversations.models import Usage
from tests.openai_server.answers import fail, route, say
from tests.openai_server.misbehaviours import OF_AN_AGENT

FIRST = "agent@gpt-4.1-mini"
SPARE = "agent@spare"


def models(server):
    return [request["model"] for request in server.asked("agent")]


async def test_a_fallback_answers_after_both_tries_of_the_first_model(server, chat, caplog):
    server.play(**{"router": route("orders"), FIRST: fail(503), SPARE: say("Here.")})
    talk = await chat(fallback_model="spare")
    await talk.say("Where is it?")
    assert talk.said == ["Here."]
    assert talk.outcomes == ["completed"]
    assert models(server) == ["gpt-4.1-mini", "gpt-4.1-mini", "spare"]
    [line] = [r.getMessage() for r in caplog.records if r.name == "agents.graph.calls"]
    assert line.startswith("model spare answered after model gpt-4.1-mini: its API has an error")
    assert await Usage.objects.filter(agent="orders", model="spare", output_tokens__gt=0).acount()


async def test_the_environment_names_a_fallback_and_a_template_another(server, chat, settings):
    settings.LLM_FALLBACK_MODEL = "spare"
    server.play(**{"router": route("orders"), FIRST: fail(503), "agent": say("Here.")})
    await (await chat()).say("Where is it?")
    await (await chat(fallback_model="other")).say("Where is it?")
    assert [name for name in models(server) if name != "gpt-4.1-mini"] == ["spare", "other"]


async def test_the_router_has_the_same_fallback(server, chat):
    server.play(
        **{
            "router@gpt-4.1-mini": fail(503),
            "router@spare": route("orders"),
            "agent": say("Here."),
        }
    )
    talk = await chat(fallback_model="spare")
    await talk.say("Where is it?")
    assert talk.said == ["Here."]


async def test_what_is_not_retried_goes_to_the_fallback_at_once(server, chat, caplog):
    """A model without tools: it routes well, and its API says 404 to every agent."""
    server.play(**{"router": route("orders"), FIRST: fail(404), SPARE: say("Here.")})
    talk = await chat(fallback_model="spare")
    await talk.say("Where is it?")
    await talk.say("Where is it?")
    assert talk.said == ["Here.", "Here."]
    assert models(server) == ["gpt-4.1-mini", "spare"] * 2
    lines = [r.getMessage() for r in caplog.records if r.name.startswith("agents")]
    assert len(lines) == 1, "once, not with every message"
    assert "gpt-4.1-mini: its API knows no such model" in lines[0]


async def test_a_fallback_that_fails_too_is_asked_once(server, chat, caplog):
    server.play(**{"router": route("orders"), FIRST: fail(503), SPARE: fail(500)})
    talk = await chat(fallback_model="spare")
    await talk.say("Where is it?")
    assert talk.outcomes == ["failed"]
    assert models(server) == ["gpt-4.1-mini", "gpt-4.1-mini", "spare"]
    [line] = [r.getMessage() for r in caplog.records if r.name == "conversations.runs"]
    assert "model gpt-4.1-mini" in line
    assert "model spare" in line
    assert (await talk.conversation.runs.aget()).error_code == "model_unavailable"


@pytest.mark.parametrize("name", ["cut in the text", "content filter in the text", "refusal"])
async def test_a_fallback_is_not_asked_after_words_or_for_what_was_declined(server, chat, name):
    server.play(**{"router": route("orders"), FIRST: OF_AN_AGENT[name], SPARE: say("Here.")})
    talk = await chat(fallback_model="spare")
    await talk.say("Where is it?")
    assert models(server) == ["gpt-4.1-mini"]


async def test_a_model_is_no_fallback_of_itself(server, chat):
    server.play(router=route("orders"), agent=fail(503))
    talk = await chat(fallback_model="gpt-4.1-mini")
    await talk.say("Where is it?")
    assert len(server.asked("agent")) == 2
