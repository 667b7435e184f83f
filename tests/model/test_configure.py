"""A wrong key, model or address: one line in the log, and the health page; not a traceback with each message."""

import json

import pytest
from django.http import HttpRequest

from supportsite.health import ready
from supportsite.valkey import free_port
from tests.model.conftest import KEY
from tests.openai_server.answers import fail, route, say


async def model_entry():
    answer = await ready(HttpRequest())
    assert answer.status_code == 200, "a site whose model fails is still there for its people"
    return json.loads(answer.content)["model"]


def lines(caplog):
    return [r for r in caplog.records if r.name.startswith(("agents", "conversations"))]


@pytest.mark.parametrize(
    ("names", "advice"),
    [
        ({"keys": {"another"}}, "its API refused the key; check OPENAI_API_KEY (HTTP 401)"),
        ({"models": {"another"}}, "its API knows no such model or address; check LLM_MODEL"),
    ],
)
async def test_a_bad_configuration_is_one_line_however_many_messages(
    server, chat, caplog, names, advice
):
    vars(server.app).update(names)
    server.play(router=route("orders"), agent=say("Here."))
    talk = await chat()
    for _ in range(3):
        await talk.say("Where is it?")
    assert talk.outcomes == ["failed"] * 3
    [line] = lines(caplog)
    assert line.levelname == "ERROR"
    assert line.exc_info is None
    assert line.getMessage().startswith(f"model gpt-4.1-mini: {advice}")
    assert KEY not in caplog.text
    assert advice in await model_entry()


async def test_its_end_is_told_too(server, chat, caplog):
    server.play(router=fail(401), agent=say("Here."))
    talk = await chat()
    await talk.say("Where is it?")
    server.play(router=route("orders"), agent=say("Here."))
    await talk.say("Where is it?")
    assert [line.getMessage() for line in lines(caplog)][1:] == ["model gpt-4.1-mini answers again"]
    assert await model_entry() == "ok"


async def test_the_health_page_asks_no_model(server, chat):
    assert await model_entry() == "not asked yet"
    server.play(router=route("orders"), agent=say("Here."))
    await (await chat()).say("Where is it?")
    asked = len(server.app.requests)
    assert [await model_entry() for _ in range(3)] == ["ok"] * 3
    assert len(server.app.requests) == asked


async def test_the_health_page_names_each_model_that_fails(server, chat):
    server.play(**{"router": route("orders"), "agent": fail(503)})
    talk = await chat(router_model="small", model="big")
    await talk.say("Where is it?")
    assert await model_entry() == "big: its API has an error of its own (HTTP 503)"


async def test_an_address_where_nobody_listens_is_said_so(server, chat, settings, caplog):
    settings.OPENAI_BASE_URL = f"http://127.0.0.1:{free_port()}/v1"
    talk = await chat()
    await talk.say("Where is it?")
    assert talk.outcomes == ["failed"]
    assert (await talk.conversation.runs.aget()).error_code == "model_unreachable"
    [line] = lines(caplog)
    assert line.exc_info is None
    assert "its API cannot be reached; check OPENAI_BASE_URL" in line.getMessage()


async def test_the_offline_model_is_always_well(db, settings):
    settings.USES_OFFLINE_MODEL = True
    assert await model_entry() == "ok"
