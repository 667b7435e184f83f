import pytest

from agents.verticals.ecommerce.models import Order, Refund
from conversations.models import Effect, Interrupt
from tests.factories import make_order
from tests.fakes import Script, call, to
from tests.talk import in_database

DISCOUNT = "apply_discount"


def open_order():
    return Order.objects.get(number="1043")


def discount(percent):
    return Script(
        router=[to("payments")],
        payments=[call(DISCOUNT, order_number="1043", percent=percent), "Answered."],
    )


def refund(**args):
    return Script(
        router=[to("payments")],
        payments=[call("refund_order", order_number="1044", **args), "Answered."],
    )


@pytest.mark.parametrize(
    ("percent", "approver"), [(5, "none"), (6, "customer"), (10, "customer"), (11, "staff")]
)
async def test_the_size_of_a_write_decides_who_approves(open_talk, shop, percent, approver):
    talk = await open_talk(discount(percent))
    await talk.say("A discount?")
    row = await Interrupt.objects.aget()
    assert row.approver == approver
    assert row.args == {"order_number": "1043", "percent": percent}
    if approver == "none":
        assert talk.of("interrupt") == []
        assert (row.status, row.decided_by) == ("approved", "system")
        assert talk.results == [(DISCOUNT, "ok")]
    else:
        assert talk.of("interrupt")[0]["approver"] == approver
        assert (await in_database(open_order)).discount_percent == 0


async def test_a_write_beyond_all_limits_is_refused_and_nobody_is_asked(open_talk, shop):
    talk = await open_talk(discount(21))
    await talk.say("A lot off?")
    assert talk.of("interrupt") == []
    assert talk.results == [(DISCOUNT, "error")]
    assert "the percent may be 20 at most" in talk.asked("payments")[-1][-1].text
    assert await Effect.objects.acount() == 0


async def test_limits_look_at_what_the_server_worked_out_not_at_the_model_s_words(open_talk, shop):
    talk = await open_talk(refund())
    await talk.say("All my money back")
    [frame] = talk.waiting
    assert frame["params"] == {"order_number": "1044", "amount": "114.70", "reason": "other"}
    assert frame["approver"] == "staff"


async def test_slices_of_a_refund_count_together(open_talk, shop):
    def twice(messages):
        return call("refund_order", order_number="1044", amount="30.00")

    talk = await open_talk(Script(router=[to("payments")], payments=[twice, "Done.", twice, "…"]))
    await talk.say("30 back")
    assert talk.waiting[0]["approver"] == "customer"
    await talk.answer(True)
    await talk.say("30 more")
    assert talk.waiting[0]["approver"] == "staff"


async def test_a_limit_whose_measure_is_missing_refuses(open_talk, shop):
    agent = {
        "name": "orders",
        "label": "Orders",
        "description": "…",
        "prompt": "…",
        "tools": [{"name": "cancel_order", "limits": {"measure": "weight", "customer": "5"}}],
    }
    script = Script(router=[to("orders")], orders=[call("cancel_order", order_number="1043"), "No"])
    talk = await open_talk(script, agents=[agent])
    await talk.say("Cancel 1043")
    assert talk.results == [("cancel_order", "error")]
    assert await Interrupt.objects.acount() == 0


async def test_what_is_approved_is_done_once_and_worded(open_talk, shop):
    talk = await open_talk(discount(10))
    await talk.say("Ten percent?")
    [frame] = talk.waiting
    assert "Take 10 percent off order 1043" in frame["message"]
    assert talk.outcomes == [], "a run that waits sends nothing after its interrupt"
    assert (await talk.conversation.runs.aget()).status == "waiting"
    await talk.answer(True)
    assert talk.of("interrupt_resolved")[0]["outcome"] == "approved"
    assert talk.results == [(DISCOUNT, "ok")]
    assert talk.said == ["Answered."]
    assert talk.outcomes == ["completed"]
    assert (await in_database(open_order)).discount_percent == 10
    assert await Refund.objects.acount() == 1


async def test_what_is_rejected_is_not_done_and_the_agent_knows(open_talk, shop):
    talk = await open_talk(discount(10))
    await talk.say("Ten percent?")
    await talk.answer(False)
    assert talk.results == [(DISCOUNT, "rejected")]
    assert (
        talk.asked("payments")[-1][-1].text == "All right, I have not done it. Nothing was changed."
    )
    assert talk.outcomes == ["completed"]
    assert (await in_database(open_order)).discount_percent == 0


async def test_the_world_may_change_while_an_approval_waits(open_talk, shop):
    talk = await open_talk(discount(10))
    await talk.say("Ten percent?")
    await in_database(lambda: Order.objects.filter(number="1043").update(status="shipped"))
    await talk.answer(True)
    assert talk.results == [(DISCOUNT, "error")]
    assert "is shipped" in talk.asked("payments")[-1][-1].text
    assert (await Effect.objects.aget()).status == "refused"


async def test_a_message_supersedes_what_waits_and_its_answer_knows(open_talk, shop):
    script = Script(
        router=[to("payments"), to("orders")],
        payments=[call(DISCOUNT, order_number="1043", percent=10), "Never said."],
        orders=["About your order."],
    )
    talk = await open_talk(script)
    await talk.say("Ten percent?")
    await talk.say("Where is my order?")
    assert talk.of("interrupt_resolved")[0]["outcome"] == "superseded"
    assert talk.results == [(DISCOUNT, "superseded")]
    assert talk.outcomes == ["interrupted", "completed"]
    assert talk.said == ["About your order."]
    history = [m.text for m in talk.asked("orders")[0]]
    assert "All right, I have left that undone." in history
    assert (await in_database(open_order)).discount_percent == 0


async def test_a_rejected_write_may_be_proposed_anew_under_a_new_approval(open_talk, shop):
    def ask(messages):
        return call(DISCOUNT, order_number="1043", percent=10)

    talk = await open_talk(Script(router=[to("payments")], payments=[ask, "No.", ask, "Yes."]))
    await talk.say("Ten percent?")
    await talk.answer(False)
    await talk.say("I want it after all")
    await talk.answer(True)
    assert talk.results == [(DISCOUNT, "rejected"), (DISCOUNT, "ok")]
    assert await Interrupt.objects.acount() == 2


@pytest.mark.parametrize("ids", [("call_0", "call_0"), (None, None), ("", "")])
async def test_calls_are_told_apart_although_the_model_repeats_their_ids(open_talk, shop, ids):
    await in_database(make_order, "1045")
    first, second = (
        {"name": "cancel_order", "args": {"order_number": n}, "id": i, "type": "tool_call"}
        for n, i in zip(("1043", "1045"), ids, strict=True)
    )
    talk = await open_talk(Script(router=[to("orders")], orders=[first, second, "Both."]))
    await talk.say("Cancel 1043 and 1045")
    await talk.answer(True)
    await talk.answer(True)
    assert talk.results == [("cancel_order", "ok")] * 2
    assert talk.said == ["Both."]
    assert await Effect.objects.acount() == 2


@pytest.mark.parametrize("ids", [("call_0", "call_0"), (None, None)])
async def test_calls_at_once_are_told_apart_although_the_model_repeats_their_ids(
    open_talk, shop, ids
):
    calls = [
        {"name": "get_order", "args": {"order_number": n}, "id": i, "type": "tool_call"}
        for n, i in zip(("1043", "1044"), ids, strict=True)
    ]
    talk = await open_talk(Script(router=[to("orders")], orders=[calls, "Both."]))
    await talk.say("1043 and 1044")
    assert talk.results == [("get_order", "ok")] * 2
    assert len({frame["tool_call_id"] for frame in talk.of("tool_call")}) == 2
    assert talk.said == ["Both."]


async def test_two_messages_of_one_conversation_never_run_at_once(open_talk, shop):
    talk = await open_talk(Script(router=[to("orders")], orders=["One.", "Two.", "Three."]))
    for text in ("1", "2", "3"):
        await talk.send(text)
    await talk.settled()
    kinds = [frame["type"] for frame in talk.frames if frame["type"] != "message_accepted"]
    assert [k for k in kinds if k != "token"] == ["routing", "message", "message_complete"] * 3
    assert talk.said == ["One.", "Two.", "Three."]
