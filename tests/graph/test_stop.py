import asyncio

from conversations import runs
from conversations.models import Effect, Run
from conversations.services import runs as run_services
from tests.fakes import Script, Stream, call, to
from tests.talk import in_database


async def test_stop_in_the_middle_keeps_what_was_said(open_talk):
    gate = asyncio.Event()
    script = Script(router=[to("orders")], orders=[Stream("Your order ", gate, "is lost.")])
    talk = await open_talk(script)
    await talk.send("Where is it?")
    await talk.until("token", content="Your order ")
    runs.stop(talk.conversation.pk)
    await talk.settled()
    assert talk.said == ["Your order "]
    assert "".join(f["content"] for f in talk.of("token")) == "Your order "
    assert talk.outcomes == ["stopped"]


async def test_stop_before_the_first_word_ends_the_run_without_a_message(open_talk):
    gate = asyncio.Event()
    began = asyncio.Event()

    def silent(messages):
        began.set()
        return Stream(gate, "Never.")

    talk = await open_talk(Script(router=[to("orders")], orders=[silent]))
    await talk.send("Where is it?")
    await asyncio.wait_for(began.wait(), 5)
    runs.stop(talk.conversation.pk)
    await talk.settled()
    assert talk.said == []
    assert talk.outcomes == ["stopped"]


async def test_stop_ends_the_plan_too(open_talk):
    gate = asyncio.Event()
    script = Script(
        router=[to("orders", "payments")],
        orders=[Stream("Your order ", gate)],
        payments=["Never."],
    )
    talk = await open_talk(script)
    await talk.send("Two things")
    await talk.until("token")
    runs.stop(talk.conversation.pk)
    await talk.settled()
    assert talk.said == ["Your order "]
    assert talk.asked("payments") == []


async def test_the_next_message_is_not_stopped(open_talk):
    gate = asyncio.Event()
    script = Script(router=[to("orders")], orders=[Stream("Half ", gate), "Whole."])
    talk = await open_talk(script)
    await talk.send("First")
    await talk.until("token")
    await talk.send("Second")
    runs.stop(talk.conversation.pk)
    await talk.settled()
    assert talk.outcomes == ["stopped", "completed"]
    assert talk.said == ["Half ", "Whole."]


async def test_a_stop_asked_for_in_another_process_is_heard_with_the_heartbeat(open_talk, settings):
    settings.LEASE_SECONDS = 0.3
    gate = asyncio.Event()
    talk = await open_talk(Script(router=[to("orders")], orders=[Stream("Half ", gate)]))
    await talk.send("First")
    await talk.until("token")
    await in_database(run_services.request_stop, talk.conversation.pk)
    await talk.settled()
    assert talk.outcomes == ["stopped"]


async def test_a_heartbeat_keeps_a_long_run_s_lease(open_talk, settings):
    settings.LEASE_SECONDS = 0.3
    gate = asyncio.Event()
    talk = await open_talk(Script(router=[to("orders")], orders=[Stream("Long ", gate, "story.")]))
    await talk.send("Tell me")
    await talk.until("token")
    [first] = [r.lease_expires_at async for r in Run.objects.all()]

    async with asyncio.timeout(5):
        while (await Run.objects.aget()).lease_expires_at <= first:
            pass
    gate.set()
    await talk.settled()
    assert talk.said == ["Long story."]


async def test_a_stop_while_an_approval_waits_changes_nothing(open_talk, shop):
    script = Script(
        router=[to("orders")], orders=[call("cancel_order", order_number="1043"), "Cancelled."]
    )
    talk = await open_talk(script)
    await talk.say("Cancel 1043")
    runs.stop(talk.conversation.pk)
    await in_database(run_services.request_stop, talk.conversation.pk)
    await talk.answer(True)
    assert talk.results == [("cancel_order", "ok")]
    assert talk.said == ["Cancelled."]
    assert await Effect.objects.acount() == 1


async def test_tool_calls_of_a_stopped_answer_are_dropped(open_talk, shop):
    from langchain_core.messages import AIMessageChunk

    gate = asyncio.Event()
    wish = AIMessageChunk(
        "",
        tool_call_chunks=[
            {"name": "cancel_order", "args": '{"order_number": "1043"}', "id": "c1", "index": 0}
        ],
    )
    talk = await open_talk(Script(router=[to("orders")], orders=[Stream("Well, ", wish, gate)]))
    await talk.send("Cancel 1043")
    await talk.until("token")
    runs.stop(talk.conversation.pk)
    await talk.settled()
    assert talk.of("interrupt") == []
    assert talk.outcomes == ["stopped"]
