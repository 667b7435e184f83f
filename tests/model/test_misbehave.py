"""Each misbehaviour, through the real client, graph, rows and frames."""

import logging

import pytest

from agents import model_health
from agents.model_faults import KINDS
from conversations.models import Message
from tests.model.cases import CASES, said_in
from tests.openai_server.answers import route, say
from tests.openai_server.misbehaviours import ALL, OF_THE_ROUTER, TEXT

# Of providers, of the platform's inside, and of what the scripted models think.
NOT_FOR_CUSTOMERS = [
    "hunter2",
    "policy 17",
    "annoying",
    "think>",
    "HTTP",
    "OpenAI",
    "gpt",
    "invalid_json",
    "refund_everything",
    "Traceback",
    "error_code",
    "surrogate",
]


def play(server, name, *, once):
    """Let a role misbehave, once or as long as it is asked."""
    good = {"router": route("orders"), "agent": say(TEXT)}
    role = "router" if name in OF_THE_ROUTER else "agent"
    server.play(**good | {role: [ALL[name], good[role]] if once else ALL[name]})
    return role


@pytest.fixture(autouse=True)
def _are_quick(request, settings):
    if "stall" in request.node.name:
        settings.LLM_TIMEOUT_SECONDS = 1


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.INFO)
    return caplog


def check_log(log, case):
    """One line for each fault; no content, no key, no traceback."""
    lines = [r for r in log.records if r.name.startswith(("agents", "conversations"))]
    assert len(lines) == bool(case.code), [r.getMessage() for r in lines]
    for record in lines:
        assert record.exc_info is None
        assert KINDS[case.code].text in record.getMessage()
    for secret in ("hunter2", "parcel", "policy 17"):
        assert secret not in log.text


async def check_stored(talk, case):
    run = await talk.conversation.runs.aget()
    assert (run.status, run.error_code) == (case.status, case.code)
    rows = Message.objects.filter(conversation=talk.conversation).exclude(role="customer")
    assert [row.content async for row in rows.order_by("created_at")] == [
        frame.get("content") or frame["message"]
        for frame in talk.frames
        if frame["type"] in ("message", "clarification")
    ]


@pytest.mark.parametrize("name", CASES)
async def test_while_it_lasts_and_afterwards(name, server, chat, shop, log):
    case = CASES[name]
    role = play(server, name, once=not case.is_fault)
    talk = await chat()
    await talk.say("Where is my parcel?")
    asked = [frame["message"] for frame in talk.of("clarification")]
    assert talk.said + asked == said_in(name)
    assert talk.outcomes == [case.status]
    assert len(server.asked(role)) == case.tries
    assert not [word for word in NOT_FOR_CUSTOMERS if word in str(talk.frames)]
    assert talk.of("interrupt") == [], "nothing half is ever proposed"
    await check_stored(talk, case)
    check_log(log, case)
    assert ("health page" in case.staff) == (model_health.describe() != "ok")
    assert ("timeline" in case.staff) == bool(talk.of("tool_call"))
    server.play(router=route("orders"), agent=say("Here it is."))
    await talk.say("And now?")
    assert talk.said[-1] == "Here it is.", "the conversation goes on"
    assert talk.outcomes[-1] == "completed"


@pytest.mark.parametrize(
    "name", [name for name, case in CASES.items() if case.tries == 2 and case.is_fault]
)
async def test_once_is_not_noticed(name, server, chat, shop, log):
    role = play(server, name, once=True)
    talk = await chat()
    await talk.say("Where is my parcel?")
    assert talk.said == [TEXT]
    assert "".join(frame["content"] for frame in talk.of("token")) == TEXT
    assert len(server.asked(role)) == 2
    run = await talk.conversation.runs.aget()
    assert (run.status, run.error_code) == ("completed", "")
    [line] = [r.getMessage() for r in log.records if r.name == "agents.graph.calls"]
    assert "answered after" in line
    assert "hunter2" not in log.text
