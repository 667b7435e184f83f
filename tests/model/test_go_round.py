"""Models that come to no end, and tool calls that no strict reader would take."""

import json

import pytest

from agents.graph.calls import read_arguments
from conversations.models import Effect
from tests.openai_server.answers import Answer, Call, call, calls, route, say
from tests.talk import in_database


@pytest.mark.parametrize(
    "wish", [call("refund_everything"), Answer(calls=[Call(name="get_order", arguments="{")])]
)
async def test_a_model_that_calls_what_is_not_there_for_ever_fails_the_run(
    server, chat, caplog, wish
):
    server.play(router=route("orders"), agent=wish)
    talk = await chat()
    await talk.say("Refund all")
    assert talk.outcomes == ["failed"]
    assert (await talk.conversation.runs.aget()).error_code == "model_looped"
    [line] = [r for r in caplog.records if r.name == "conversations.runs"]
    assert line.exc_info is None
    assert len(server.asked("agent")) <= 13


async def test_half_a_number_is_never_a_whole_one(server, chat, shop):
    """LangChain reads '{"order_number": "1043' as a call for 1043; here it could have gone on as 10432."""
    half = Answer(calls=[Call(name="cancel_order", arguments='{"order_number": "1043')])
    server.play(router=route("orders"), agent=[half, say("Which order?")])
    talk = await chat()
    await talk.say("Cancel 10432")
    assert talk.said == ["Which order?"]
    assert talk.of("interrupt") == []
    assert [frame["args"] for frame in talk.of("tool_call")] == [{}]
    assert await in_database(Effect.objects.count) == 0
    [result] = [m for m in server.asked("agent")[-1]["messages"] if m["role"] == "tool"]
    assert "do not fit" in result["content"]


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1',
        "[1]",
        "null",
        '{"a": NaN}',
        '{"a": "\\u0000"}',
        '{"a": "\\ud83d"}',
        "[" * 100_000,
        "{'a': 1}",
        '{"a": 1} and more',
    ],
)
def test_arguments_are_a_json_object_that_can_be_stored(text):
    assert read_arguments(text) is None


def test_good_arguments_stay_what_they_are():
    args = {"name": "Grüße 📦", "amount": "12.50", "lines": [1, None, {"a": True}]}
    assert read_arguments(json.dumps(args)) == args
    assert read_arguments(json.dumps(args, ensure_ascii=False)) == args


async def test_ids_that_are_missing_or_come_again_are_told_apart(server, chat, shop):
    twice = calls(
        call("get_order", order_number="1043"), call("get_order", order_number="1044")
    ).model_copy(deep=True)
    for one in twice.calls:
        one.id = "call_0" * 50
    server.play(router=route("orders"), agent=[twice, say("Here.")])
    talk = await chat()
    await talk.say("Both?")
    ids = [frame["tool_call_id"] for frame in talk.of("tool_call")]
    assert len(set(ids)) == 2
    assert all(len(one) <= 100 for one in ids)
    assert talk.results == [("get_order", "ok")] * 2


async def test_a_write_through_the_real_client_waits_and_is_done_once(server, chat, shop):
    wish = Answer(text="I can do that.", calls=call("cancel_order", order_number="1043").calls)
    server.play(router=route("orders"), agent=[wish, say("It is cancelled.")])
    talk = await chat()
    await talk.say("Cancel 1043")
    assert [frame["params"]["order_number"] for frame in talk.of("interrupt")] == ["1043"]
    await talk.answer(True)
    assert talk.said == ["I can do that.", "It is cancelled."]
    assert talk.results == [("cancel_order", "ok")]
    assert await in_database(Effect.objects.count) == 1
