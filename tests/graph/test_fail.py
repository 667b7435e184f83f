import asyncio

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, ToolMessage

from agents.routing import RouteDecision
from conversations.models import Usage
from tests.fakes import Script, Stream, call, to

FAILED = "I am sorry, something went wrong on our side"


class BrokenError(Exception):
    pass


async def test_an_agent_s_model_that_fails_once_is_asked_again(open_talk):
    talk = await open_talk(Script(router=[to("orders")], orders=[BrokenError("key=1"), "Here."]))
    await talk.say("Hello?")
    assert talk.said == ["Here."]
    assert talk.outcomes == ["completed"]


async def test_a_router_that_fails_once_is_asked_again(open_talk):
    talk = await open_talk(Script(router=[BrokenError(), to("orders")], orders=["Here."]))
    await talk.say("Hello?")
    assert talk.said == ["Here."]


async def test_a_router_without_a_usable_decision_is_asked_again(open_talk):
    talk = await open_talk(Script(router=[None, to("orders")], orders=["Here."]))
    await talk.say("Hello?")
    assert talk.said == ["Here."]
    usage = await Usage.objects.aget(agent="router")
    assert usage.calls == 2, "what was paid for is counted"


@pytest.mark.parametrize(
    "roles",
    [
        {"router": [BrokenError("key=hunter2")]},
        {"router": [None]},
        {"router": [to("orders")], "orders": [BrokenError("key=hunter2")]},
    ],
)
async def test_a_model_that_fails_twice_fails_the_run_and_says_so(open_talk, caplog, roles):
    talk = await open_talk(Script(**roles))
    await talk.say("Hello?")
    assert talk.outcomes == ["failed"]
    assert talk.said[-1].startswith(FAILED)
    assert talk.of("error")[0]["code"] == "internal_error"
    assert "hunter2" not in str(talk.frames)
    assert (await talk.conversation.runs.aget()).error_code == "model_failed"


async def test_a_conversation_goes_on_after_a_failed_run(open_talk):
    talk = await open_talk(
        Script(router=[to("orders")], orders=[BrokenError(), BrokenError(), "Here."])
    )
    await talk.say("First")
    await talk.say("Second")
    assert talk.outcomes == ["failed", "completed"]
    assert talk.said[-1] == "Here."


async def test_a_model_that_breaks_off_is_not_asked_again_and_what_was_said_stays(open_talk):
    script = Script(
        router=[to("orders")], orders=[Stream("Your order is ", BrokenError()), "Never."]
    )
    talk = await open_talk(script)
    await talk.say("Where is it?")
    assert [f["content"] for f in talk.of("token")] == ["Your order is "]
    assert talk.said[0] == "Your order is "
    assert talk.said[1].startswith(FAILED)
    assert talk.outcomes == ["failed"]
    assert len(talk.asked("orders")) == 1


async def test_a_model_that_stalls_is_asked_again(open_talk, settings):
    settings.LLM_TIMEOUT_SECONDS = 0.05
    never = asyncio.Event()
    talk = await open_talk(Script(router=[to("orders")], orders=[Stream(never), "Here."]))
    await talk.say("Hello?")
    assert talk.said == ["Here."]


async def test_a_model_that_always_stalls_fails_the_run(open_talk, settings):
    settings.LLM_TIMEOUT_SECONDS = 0.05
    never = asyncio.Event()
    talk = await open_talk(Script(router=[to("orders")], orders=[Stream(never)]))
    await talk.say("Hello?")
    assert talk.outcomes == ["failed"]
    assert len(talk.asked("orders")) == 2


async def test_a_run_has_an_end_even_if_its_model_has_none(open_talk, settings):
    settings.RUN_TIMEOUT_SECONDS = 0.3
    never = asyncio.Event()
    talk = await open_talk(Script(router=[to("orders")], orders=[Stream(never)]))
    await talk.say("Hello?")
    assert talk.outcomes == ["failed"]


@pytest.mark.parametrize("empty", ["", "   ", AIMessageChunk(""), Stream()])
async def test_an_empty_answer_is_asked_for_again(open_talk, empty):
    talk = await open_talk(Script(router=[to("orders")], orders=[empty, "Here."]))
    await talk.say("Hello?")
    assert talk.said == ["Here."]
    assert "".join(f["content"] for f in talk.of("token")) == "Here."


async def test_white_space_before_a_tool_call_is_no_message(open_talk, shop):
    wish = call("get_order", order_number="1043")
    chunk = AIMessageChunk("\n\n", tool_calls=[wish])
    talk = await open_talk(Script(router=[to("orders")], orders=[chunk, " Here."]))
    await talk.say("What is in 1043?")
    assert talk.said == [" Here."]
    assert "".join(f["content"] for f in talk.of("token")) == " Here."


async def test_only_empty_answers_fail_the_run(open_talk):
    talk = await open_talk(Script(router=[to("orders")], orders=[""]))
    await talk.say("Hello?")
    assert talk.outcomes == ["failed"]


async def test_what_was_done_before_a_failure_stays_and_is_told(open_talk, shop):
    script = Script(
        router=[to("orders")],
        orders=[
            call("cancel_order", order_number="1043"),
            BrokenError(),
            BrokenError(),
            "It is cancelled.",
        ],
    )
    talk = await open_talk(script)
    await talk.say("Cancel 1043")
    await talk.answer(True)
    assert talk.results == [("cancel_order", "ok")]
    assert talk.outcomes == ["failed"]
    await talk.say("And?")
    history = talk.asked("orders")[-1]
    wanted = {c["id"] for m in history if isinstance(m, AIMessage) for c in m.tool_calls}
    told = {m.tool_call_id: m.text for m in history if isinstance(m, ToolMessage)}
    assert wanted == set(told)
    assert not any("not done" in text for text in told.values()), told


async def test_the_first_of_two_agents_is_heard_although_the_second_fails(open_talk):
    script = Script(router=[to("orders", "payments")], orders=["Orders."], payments=[BrokenError()])
    talk = await open_talk(script)
    await talk.say("Two things")
    assert talk.said[0] == "Orders."
    assert talk.said[1].startswith(FAILED)
    assert talk.outcomes == ["failed"]


async def test_tokens_are_counted_for_each_agent_and_told_at_the_end(open_talk):
    script = Script(router=[to("orders", "payments")], orders=["Orders."], payments=["Payments."])
    talk = await open_talk(script)
    await talk.say("Two things")
    rows = {u.agent: (u.calls, u.input_tokens, u.output_tokens) async for u in Usage.objects.all()}
    assert rows == {"router": (1, 10, 5), "orders": (1, 10, 5), "payments": (1, 10, 5)}
    assert talk.of("message_complete")[0]["usage"] == {"input_tokens": 30, "output_tokens": 15}


async def test_a_decision_of_nothing_at_all_is_out_of_scope(open_talk):
    talk = await open_talk(Script(router=[RouteDecision()]))
    await talk.say("Hm")
    assert talk.said[0].startswith("I am afraid that I cannot help with that")
