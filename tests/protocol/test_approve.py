import asyncio

import pytest

from tests.protocol.client import Client

CANCEL = "Cancel order 1043"


async def test_a_write_waits_for_the_customer_and_is_done_when_they_agree(chat, thread):
    frames = await chat.ask(thread, "Cancel order 1045")
    interrupt = frames[-1]
    assert interrupt["type"] == "interrupt"
    assert interrupt["action"] == "cancel_order"
    assert interrupt["params"] == {"order_number": "1045"}
    assert interrupt["approver"] == "customer"
    assert "Cancel order 1045" in interrupt["message"]
    before = await chat.settled()
    assert chat.types[before - 2 :] == ["interrupt", "pong"], "nothing after the interrupt"
    await chat.answer(thread, True, interrupt_id=interrupt["interrupt_id"], comment="Please do")
    assert (await chat.wait("interrupt_resolved"))["outcome"] == "approved"
    assert (await chat.wait("tool_result"))["status"] == "ok"
    assert "1045 is cancelled" in (await chat.wait("message"))["content"]
    assert (await chat.wait("message_complete"))["status"] == "completed"


async def test_a_rejected_write_is_not_done(chat, thread):
    await chat.ask(thread, CANCEL)
    await chat.answer(thread, False)
    assert (await chat.wait("interrupt_resolved"))["by"] == "customer"
    assert (await chat.wait("tool_result"))["status"] == "rejected"
    await chat.wait("message_complete")
    await chat.ask(thread, "What is the status of order 1043?")
    assert "cancelled" not in chat.threads[thread].transcript[-1][1]


@pytest.mark.parametrize("word", ["no", " NO\n", "No, thanks"])
async def test_a_no_in_words_rejects(chat, thread, word):
    await chat.ask(thread, CANCEL)
    await chat.say(thread, word)
    assert (await chat.wait("interrupt_resolved"))["outcome"] == "rejected"
    await chat.wait("message_complete")
    assert chat.threads[thread].ended == 1, "the word is no request of its own"


async def test_a_yes_in_words_approves(chat, thread):
    await chat.ask(thread, "Save this address: Rosenweg 7, 50667 Cologne, Germany")
    assert chat.types[-1] == "interrupt"
    await chat.say(thread, "Yes, please")
    assert (await chat.wait("interrupt_resolved"))["outcome"] == "approved"
    assert (await chat.wait("tool_result"))["status"] == "ok"
    await chat.wait("message_complete")


async def test_any_other_message_supersedes_what_waits_and_is_answered(chat, thread):
    await chat.ask(thread, CANCEL)
    await chat.say(thread, "Where is my order 1042?")
    assert (await chat.wait("interrupt_resolved"))["outcome"] == "superseded"
    assert (await chat.wait("tool_result"))["status"] == "superseded"
    assert (await chat.wait("message_complete"))["status"] == "interrupted"
    assert (await chat.wait("message_complete"))["status"] == "completed"
    assert "1042" in chat.threads[thread].transcript[-1][1]
    await chat.answer(thread, True)
    await chat.error("no_pending_interrupt")


async def test_of_two_answers_the_first_wins(chat, thread):
    await chat.ask(thread, CANCEL)
    await chat.answer(thread, False)
    await chat.answer(thread, True)
    await chat.error("no_pending_interrupt")
    assert chat.threads[thread].interrupts.popitem()[1] == "rejected"


async def test_of_answers_from_six_tabs_one_wins(site, thread):
    async with Client(site.ws_url) as chat:
        token = (await chat.hello())["token"]
        await chat.ask(thread, CANCEL)
        tabs = [Client(site.ws_url) for _ in range(6)]
        await asyncio.gather(*[tab.__aenter__() for tab in tabs])
        for tab in tabs:
            await tab.hello(token=token, thread_id=thread)
            await tab.wait("interrupt")
        await asyncio.gather(*[tab.answer(thread, False) for tab in tabs])
        for tab in tabs:
            await tab.wait("message_complete")
            await tab.settled()
        losers = [tab for tab in tabs if "error" in tab.types]
        assert len(losers) == 5
        assert chat.threads[thread].ended <= 1
        for tab in tabs:
            assert tab.types.count("interrupt_resolved") == 1
            await tab.__aexit__()


@pytest.mark.parametrize(
    "name", ["x", "00000000-0000-0000-0000-000000000000", "interrupt", "x" * 64]
)
async def test_an_answer_to_what_does_not_exist_is_refused(chat, thread, name):
    await chat.ask(thread, CANCEL)
    await chat.answer(thread, True, interrupt_id=name)
    await chat.error("no_pending_interrupt")
    assert chat.threads[thread].is_waiting
    await chat.answer(thread, False)
    await chat.wait("message_complete")


async def test_an_answer_where_nothing_waits_is_refused(chat, thread):
    await chat.ask(thread, "Hello")
    await chat.answer(thread, True)
    await chat.error("no_pending_interrupt")


async def test_an_interrupt_of_another_thread_is_unknown_here(chat, thread):
    frames = await chat.ask(thread, CANCEL)
    await chat.ask(thread + "-2", "Hello")
    await chat.answer(thread + "-2", True, interrupt_id=frames[-1]["interrupt_id"])
    await chat.error("no_pending_interrupt")
    await chat.answer(thread, False)
    await chat.wait("message_complete")


async def test_a_stranger_cannot_approve(chat, site, thread):
    frames = await chat.ask(thread, CANCEL)
    async with Client(site.ws_url) as stranger:
        await stranger.answer(thread, True, interrupt_id=frames[-1]["interrupt_id"])
        await stranger.error("forbidden")
    assert chat.threads[thread].is_waiting
    await chat.answer(thread, False)
    await chat.wait("message_complete")


async def test_a_customer_cannot_approve_what_waits_for_staff(chat, thread):
    frames = await chat.ask(thread, "I want my money back for order 1044")
    interrupt = frames[-1]
    assert interrupt["approver"] == "staff", frames
    assert "refunded_before" not in interrupt["params"]
    await chat.answer(thread, True)
    await chat.error("not_allowed")
    await chat.answer(thread, False, interrupt_id=interrupt["interrupt_id"])
    await chat.error("not_allowed")
    await chat.say(thread, "yes")
    told = await chat.wait("message")
    assert told["role"] == "system"
    assert "colleague" in told["content"]
    assert chat.threads[thread].is_waiting
    await chat.say(thread, "Never mind, where is my order 1042?")
    assert (await chat.wait("interrupt_resolved"))["outcome"] == "superseded"
    await chat.wait("message_complete", status="completed")
