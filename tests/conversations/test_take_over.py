"""What a dead process left, another ends. A death: nothing more is written, neither rows nor checkpoints."""

import asyncio
from datetime import timedelta

import pytest
from django.utils import timezone
from langchain_core.messages import AIMessage, ToolMessage

from agents.verticals.ecommerce.models import Order, Refund
from conversations import runs
from conversations.models import Effect, Interrupt, Run
from conversations.services import runs as run_services
from conversations.voice import RunVoice
from tests.fakes import Script, Stream, call, to
from tests.talk import in_database, read_state

pytestmark = pytest.mark.django_db(transaction=True)


class DiedError(BaseException):
    """Past every `except Exception`, as SIGKILL is."""


class Deaths:
    """Lets this process die at a point, and another take over."""

    def __init__(self, monkeypatch):
        self._monkeypatch = monkeypatch
        self._is_dead = False

    def now(self, messages=None):
        """Die. In a script: the process dies while the model is asked."""
        self._is_dead = True
        raise DiedError

    def at(self, target, name, *, after=False):
        """Die when `target.name` is called the next time, or right after it."""
        do = getattr(target, name)

        async def die(*args, **kwargs):
            self._monkeypatch.setattr(target, name, do)
            if after:
                await do(*args, **kwargs)
            self.now()

        self._monkeypatch.setattr(target, name, die)

    async def bury(self, talk):
        """Let the sweep find the run that the dead process left."""
        self._is_dead = False
        await in_database(
            Run.objects.filter(status="running").update,
            lease_expires_at=timezone.now() - timedelta(seconds=1),
        )
        return await in_database(run_services.recover)

    async def take_over(self, talk):
        """Let another process find the run and end it."""
        assert await self.bury(talk) == [talk.conversation.pk]
        await talk.settled()


@pytest.fixture
def deaths(monkeypatch):
    return Deaths(monkeypatch)


async def die(work):
    with pytest.raises(DiedError):
        await work


CANCEL = call("cancel_order", order_number="1043")


def cancels(*answers):
    return Script(router=[to("orders")], orders=[CANCEL, *answers])


async def test_an_answer_that_was_not_stored_is_given_anew(open_talk, deaths):
    talk = await open_talk(Script(router=[to("orders")], orders=["Once.", "Twice.", "Next."]))
    deaths.at(runs, "_finish")
    await die(talk.say("Where is it?"))
    assert await read_state(talk.conversation.pk) == {}, "rows and checkpoint are one commit"
    talk.frames[:] = [frame for frame in talk.frames if frame["type"] != "token"]
    await deaths.take_over(talk)
    assert talk.said == ["Twice."]
    assert talk.outcomes == ["completed"]
    await talk.say("And now?")
    history = [m.text for m in talk.asked("orders")[-1][1:]]
    assert history == ["Where is it?", "Twice.", "And now?"]


async def test_an_answer_whose_end_was_stored_is_not_said_again(open_talk, deaths):
    talk = await open_talk(Script(router=[to("orders")], orders=["Once.", "Next."]))
    deaths.at(runs, "_finish", after=True)
    await die(talk.say("Where is it?"))
    assert await in_database(run_services.recover) == []
    deaths._is_dead = False
    await talk.say("And now?")
    assert talk.said == ["Once.", "Next."]


async def test_a_run_that_only_read_is_run_again(open_talk, shop, deaths):
    script = Script(router=[to("orders")], orders=[call("get_order", order_number="1043")])
    script.roles["orders"] += [deaths.now, "Here."]
    talk = await open_talk(script)
    await die(talk.say("What is in 1043?"))
    script.roles["orders"].insert(0, call("get_order", order_number="1043"))
    await deaths.take_over(talk)
    assert talk.said == ["Here."]
    assert talk.outcomes == ["completed"]
    assert (await Run.objects.aget()).fence == 2


async def test_a_call_of_a_dead_try_gets_a_result(open_talk, shop, deaths):
    talk = await open_talk(
        Script(router=[to("orders")], orders=[call("get_order", order_number="1043")])
    )
    deaths.at(RunVoice, "announce_result")
    await die(talk.say("What is in 1043?"))
    talk.script.roles["orders"] = [call("get_order", order_number="1043"), "Here."]
    await deaths.take_over(talk)
    called = [frame["tool_call_id"] for frame in talk.of("tool_call")]
    results = {frame["tool_call_id"]: frame["status"] for frame in talk.of("tool_result")}
    assert results == {called[0]: "error", called[1]: "ok"}


async def test_messages_that_were_stored_are_neither_said_nor_kept_twice(open_talk, shop, deaths):
    script = Script(router=[to("orders", "payments")], orders=["Orders."])
    script.roles["payments"] = [
        call("refund_order", order_number="9999"),
        deaths.now,
        "Payments.",
    ]
    talk = await open_talk(script)
    await die(talk.say("Two things"))
    assert talk.said == ["Orders."]
    script.roles["payments"].insert(0, call("refund_order", order_number="9999"))
    await deaths.take_over(talk)
    assert talk.said == ["Orders.", "Payments."]
    stored = [m.content async for m in talk.conversation.messages.filter(role="agent")]
    assert sorted(stored) == ["Orders.", "Payments."]


async def test_a_question_that_was_not_stored_is_asked_once(open_talk, deaths):
    from agents.routing import RouteDecision

    ask = RouteDecision(is_ambiguous=True, clarification_question="Which one?")
    talk = await open_talk(Script(router=[ask, ask]))
    deaths.at(runs, "_finish")
    await die(talk.say("Help"))
    await deaths.take_over(talk)
    assert [f["message"] for f in talk.of("clarification")] == ["Which one?"]
    assert talk.outcomes == ["completed"]


async def test_a_pause_that_was_not_stored_is_come_to_anew(open_talk, shop, deaths):
    again = call("cancel_order", order_number="1043")
    talk = await open_talk(cancels(again, "It is cancelled."))
    deaths.at(runs, "_pause")
    await die(talk.say("Cancel 1043"))
    assert await Interrupt.objects.acount() == 0
    await deaths.take_over(talk)
    [frame] = talk.waiting
    assert frame["tool_call_id"] == again["id"], "what nobody was asked about was never decided"
    await talk.answer(True)
    assert talk.said == ["It is cancelled."]
    assert await Refund.objects.acount() == 1


async def test_a_pause_with_rows_is_not_paused_again(open_talk, shop, deaths):
    talk = await open_talk(cancels("It is cancelled."))
    deaths.at(runs, "_pause", after=True)
    await die(talk.say("Cancel 1043"))
    assert await in_database(run_services.recover) == [], "it waits, and nobody died for it"
    deaths._is_dead = False
    await talk.answer(True)
    assert len(talk.of("interrupt")) == 1
    assert talk.said == ["It is cancelled."]


async def test_a_write_that_the_policy_grants_is_done_once(open_talk, shop, deaths):
    script = Script(
        router=[to("payments")],
        payments=[call("apply_discount", order_number="1043", percent=5), "Five percent off."],
    )
    talk = await open_talk(script)
    deaths.at(runs, "_pause", after=True)
    await die(talk.say("A discount?"))
    assert await Effect.objects.acount() == 0
    await deaths.take_over(talk)
    assert talk.said == ["Five percent off."]
    assert (await Effect.objects.acount(), await Refund.objects.acount()) == (1, 1)
    assert len(talk.asked("payments")) == 2


async def test_an_effect_before_its_result_was_told_is_not_repeated(open_talk, shop, deaths):
    talk = await open_talk(cancels("It is cancelled."))
    await talk.say("Cancel 1043")
    deaths.at(RunVoice, "announce_result")
    await die(talk.answer(True))
    assert (await Order.objects.aget(number="1043")).status == "cancelled"
    await deaths.take_over(talk)
    assert talk.results == [("cancel_order", "ok")]
    assert talk.said == ["It is cancelled."]
    assert (await Effect.objects.acount(), await Refund.objects.acount()) == (1, 1)


async def test_an_effect_before_the_last_word_is_not_repeated(open_talk, shop, deaths):
    script = cancels()
    script.roles["orders"] += [deaths.now, "It is cancelled."]
    talk = await open_talk(script)
    await talk.say("Cancel 1043")
    await die(talk.answer(True))
    await deaths.take_over(talk)
    assert talk.said == ["It is cancelled."]
    assert talk.results == [("cancel_order", "ok")], "told once, although the tools ran again"
    assert (await Effect.objects.acount(), await Refund.objects.acount()) == (1, 1)


async def test_what_was_said_behind_a_pause_is_not_said_again(open_talk, shop, deaths):
    script = Script(router=[to("orders", "payments")], orders=[CANCEL, "It is cancelled."])
    script.roles["payments"] = [call("refund_order", order_number="9999"), deaths.now]
    talk = await open_talk(script)
    await talk.say("Cancel 1043, and then")
    await die(talk.answer(True))
    assert talk.said == ["It is cancelled."]
    script.roles["orders"] = ["It is cancelled."]
    script.roles["payments"] = [call("refund_order", order_number="9999"), "Paid."]
    await deaths.take_over(talk)
    assert talk.said == ["It is cancelled.", "Paid."]
    assert await Effect.objects.acount() == 1


@pytest.mark.parametrize("approved", [True, False])
async def test_a_decision_that_found_no_process_is_carried_out_by_another(
    open_talk, shop, deaths, approved
):
    talk = await open_talk(cancels("Answered."))
    await talk.say("Cancel 1043")
    deaths.at(runs, "_prepare")
    await die(talk.answer(approved))
    assert await Effect.objects.acount() == 0
    await deaths.take_over(talk)
    assert talk.results == [("cancel_order", "ok" if approved else "rejected")]
    assert await Effect.objects.acount() == int(approved)


async def test_a_conversation_goes_on_after_a_run_that_nobody_could_end(open_talk, shop, deaths):
    talk = await open_talk(cancels("Never.", "Here."))
    await talk.say("Cancel 1043")
    for death in range(3):
        deaths.at(runs, "_prepare")
        await die(talk.answer(True) if death == 0 else talk.settled())
        await deaths.bury(talk)
    assert talk.outcomes == ["failed"]
    assert talk.results == [("cancel_order", "error")]
    assert await Effect.objects.acount() == 0
    talk.script.roles["orders"] = ["Here."]
    await talk.say("And now?")
    history = talk.asked("orders")[-1]
    wanted = [c["id"] for m in history if isinstance(m, AIMessage) for c in m.tool_calls]
    told = {m.tool_call_id: m.text for m in history if isinstance(m, ToolMessage)}
    assert wanted == [CANCEL["id"]] == list(told)
    assert talk.said[-1] == "Here."


async def test_a_second_pause_of_a_run_survives_too(open_talk, shop, deaths):
    from tests.factories import make_order

    await in_database(make_order, "1045")
    second, again = (call("cancel_order", order_number="1045") for _ in range(2))
    talk = await open_talk(cancels(second, again, "Both."))
    await talk.say("Cancel both, one by one")
    deaths.at(runs, "_pause")
    await die(talk.answer(True))
    await deaths.take_over(talk)
    assert [f["params"]["order_number"] for f in talk.waiting] == ["1045"]
    await talk.answer(True)
    assert talk.said == ["Both."]
    assert await Effect.objects.acount() == 2


async def test_an_orderly_stop_gives_the_run_back_and_another_ends_it(open_talk):
    gate = asyncio.Event()
    script = Script(router=[to("orders")], orders=[Stream("Half ", gate), "Whole."])
    talk = await open_talk(script)
    await talk.send("Where is it?")
    await talk.until("token")
    runs._drives[asyncio.get_running_loop(), talk.conversation.pk].task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await talk.settled()
    run = await Run.objects.aget()
    assert (run.status, run.failed_attempts) == ("pending", 0)
    talk.frames[:] = [frame for frame in talk.frames if frame["type"] != "token"]
    await talk.settled()
    assert talk.said == ["Whole."]
    assert talk.outcomes == ["completed"]


async def test_a_process_that_slept_through_its_lease_changes_nothing(open_talk):
    asleep = asyncio.Event()
    script = Script(
        router=[to("orders")],
        orders=[Stream("Old ", asleep, "answer."), "New answer.", "Second.", "Third."],
    )
    talk = await open_talk(script)
    sleeper = await in_database(lambda: _claim(talk, "First"))
    work = asyncio.create_task(runs.execute_run(sleeper, {}))
    await talk.until("token", content="Old ")
    await in_database(Run.objects.update, lease_expires_at=timezone.now() - timedelta(seconds=1))
    await in_database(run_services.recover)
    await talk.settled()
    await talk.say("And?")
    asleep.set()
    await work
    assert talk.said == ["New answer.", "Second."]
    await talk.say("And then?")
    history = [m.text for m in talk.asked("orders")[-1][1:]]
    assert history == ["First", "New answer.", "And?", "Second.", "And then?"]
    talk.frames[:] = [frame for frame in talk.frames if frame["type"] != "token"]


async def test_a_process_that_has_lost_its_run_saves_no_checkpoint(open_talk):
    asleep = asyncio.Event()
    talk = await open_talk(
        Script(router=[to("orders")], orders=[Stream("Old ", asleep, "answer.")])
    )
    sleeper = await in_database(lambda: _claim(talk, "First"))
    work = asyncio.create_task(runs.execute_run(sleeper, {}))
    await talk.until("token", content="Old ")
    await in_database(Run.objects.update, lease_expires_at=timezone.now() - timedelta(seconds=1))
    await in_database(run_services.recover)
    assert await in_database(run_services.claim_next, talk.conversation.pk)
    asleep.set()
    await work
    assert await read_state(talk.conversation.pk) == {}
    talk.frames.clear()


def _claim(talk, text):
    """A run that this process holds without the drive knowing of it."""
    from conversations.live import hub
    from tests.factories import make_claim

    loop, hub._loop = hub._loop, None  # nobody is woken
    try:
        return make_claim(talk.conversation, text)
    finally:
        hub._loop = loop
