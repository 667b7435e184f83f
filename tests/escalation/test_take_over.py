"""A person steps in: from then on no agent speaks, whatever was going on."""

import asyncio
import uuid

import pytest
from django.contrib.auth.models import AnonymousUser

from conversations import errors as chat_errors
from conversations.models import Conversation, Interrupt, Message, Run
from conversations.services import interrupts
from conversations.services import runs as run_services
from escalation import errors
from escalation.models import Escalation
from escalation.models.escalations import MOVES
from escalation.services.takeovers import take_over
from tests.conversations.race import race, winners
from tests.escalation.conftest import frames, make_waiting, said
from tests.escalation.test_request_handoff import ask
from tests.factories import make_claim, make_message, make_staff
from tests.fakes import Script, Stream, call, to
from tests.talk import in_database

pytestmark = pytest.mark.django_db(transaction=True)


def test_sam_takes_over_what_the_customer_asked_for(conversation, sam):
    ask(conversation)
    row = take_over(conversation.pk, sam)
    assert (row.status, row.assignee) == ("assigned", sam)
    assert row.assigned_at is not None
    assert row.due_at == row.respond_by, "the first word is still to come"
    conversation.refresh_from_db()
    assert (conversation.status, conversation.wants_person) == ("handed_off", False)
    assert frames(conversation, "handoff", "status")[1:] == [
        ("handoff", {"status": "assigned", "agent_name": "Sam"}),
        ("status", {"status": "handed_off"}),
    ]


def test_sam_may_step_in_unasked(conversation, sam):
    make_message(conversation)
    row = take_over(conversation.pk, sam)
    assert (row.reason, row.status) == ("staff", "assigned")


def test_taking_over_what_one_has_changes_nothing(conversation, sam):
    take_over(conversation.pk, sam)
    before = frames(conversation)
    take_over(conversation.pk, sam)
    assert frames(conversation) == before
    assert Escalation.objects.count() == 1


def test_the_second_is_told_who_has_it(conversation, sam, kim):
    take_over(conversation.pk, sam)
    with pytest.raises(errors.AlreadyTaken, match="Sam has this conversation"):
        take_over(conversation.pk, kim)
    assert Escalation.objects.get().assignee == sam


def test_of_eight_at_once_one_wins_and_the_others_are_told_who(conversation):
    people = [make_staff(f"p{at}", may_take_over=True) for at in range(8)]
    ask(conversation)
    results = race(*[lambda person=person: take_over(conversation.pk, person) for person in people])
    assert winners(results, errors.AlreadyTaken) == 1
    winner = Escalation.objects.get().assignee
    lost = [str(result) for result in results if isinstance(result, Exception)]
    assert lost == [f"{winner.first_name} has this conversation."] * 7
    assert len(frames(conversation, "handoff")) == 2


def test_olga_and_strangers_are_refused(conversation, olga):
    gone = make_staff("gone", may_take_over=True)
    gone.is_active = False
    for person in (olga, gone, AnonymousUser()):
        with pytest.raises(errors.NotPermitted):
            take_over(conversation.pk, person)
    assert Escalation.objects.count() == 0
    assert frames(conversation) == []


def test_a_message_to_a_person_is_stored_and_starts_no_run(conversation, sam):
    take_over(conversation.pk, sam)
    accepted = make_message(conversation, "Are you there?", client_message_id="m1")
    assert accepted.frame["type"] == "message_accepted"
    message = Message.objects.get(role="customer")
    assert (message.run, message.is_for_person) == (None, True)
    assert Run.objects.count() == 0
    again = make_message(conversation, "Are you there?", client_message_id="m1")
    assert again.frame == accepted.frame


def test_yes_to_a_person_answers_no_interrupt(conversation, sam):
    waiting = make_waiting(conversation)
    take_over(conversation.pk, sam)
    make_message(conversation, "yes")
    waiting.refresh_from_db()
    assert waiting.status == "superseded"
    assert said(conversation, "system") == []


def test_a_full_queue_and_a_spent_budget_do_not_keep_a_customer_from_a_person(conversation, sam):
    for _ in range(5):
        make_message(conversation)
    take_over(conversation.pk, sam)
    for _ in range(7):
        make_message(conversation)
    assert Message.objects.count() == 12


def test_a_conversation_with_a_person_does_not_expire(conversation, sam):
    from datetime import timedelta

    from django.utils import timezone

    take_over(conversation.pk, sam)
    Conversation.objects.update(last_activity_at=timezone.now() - timedelta(days=2))
    assert make_message(conversation).is_new


def test_what_waits_is_withdrawn_and_its_call_has_a_result(conversation, sam):
    waiting = make_waiting(conversation)
    take_over(conversation.pk, sam)
    kinds = [kind for kind, _ in frames(conversation)]
    assert kinds[-5:] == [
        "interrupt_resolved",
        "tool_result",
        "message_complete",
        "handoff",
        "status",
    ]
    assert frames(conversation, "tool_result")[0][1]["status"] == "superseded"
    assert frames(conversation, "message_complete")[0][1]["status"] == "handed_off"
    assert "waiting" not in [p["status"] for _, p in frames(conversation, "status")][1:]
    for by in ("customer", "staff"):
        with pytest.raises((chat_errors.NoPendingInterrupt, chat_errors.NotAllowed)):
            interrupts.decide(waiting.pk, approved=True, by=by)
    assert Run.objects.get().status == "handed_off"
    assert run_services.claim_next(conversation.pk) is None


def test_queued_messages_are_for_the_person_too(conversation, sam):
    claim = make_claim(conversation, "First")
    make_message(conversation, "Second")
    take_over(conversation.pk, sam)
    assert set(Run.objects.values_list("status", flat=True)) == {"handed_off"}
    assert Message.objects.filter(is_for_person=True).count() == 2
    assert run_services.recover() == []
    for late in (
        lambda: run_services.record(claim, run_services.Progress()),
        lambda: run_services.finish(claim, run_services.Progress(), "completed"),
        lambda: run_services.fail(claim, run_services.Progress(), "x"),
        lambda: run_services.pause(claim, run_services.Progress(), []),
        lambda: run_services.try_again(claim, "database"),
    ):
        with pytest.raises(chat_errors.FenceLost):
            late()
    run_services.release(claim)
    assert Run.objects.filter(status="pending").count() == 0


def test_other_processes_hear_that_their_run_is_over(conversation, sam):
    claim = make_claim(conversation)
    assert run_services.extend_leases({claim.run_id: claim.fence}) == set()
    take_over(conversation.pk, sam)
    assert run_services.extend_leases({claim.run_id: claim.fence}) == {claim.run_id}


def test_a_takeover_and_the_end_of_a_run_at_once_leave_no_word_after_it(conversation, sam):
    from conversations.services.runs import Progress, Spoken

    for _ in range(6):
        Conversation.objects.update(status="open")
        Escalation.objects.all().delete()
        claim = make_claim(conversation)
        spoken = Progress([Spoken(uuid.uuid4(), "orders", "Late.")])
        results = race(
            lambda claim=claim, spoken=spoken: run_services.finish(claim, spoken, "completed"),
            lambda: take_over(conversation.pk, sam),
        )
        assert not isinstance(results[1], Exception)
        kinds = [(kind, p.get("role"), p.get("status")) for kind, p in frames(conversation)]
        at = max(n for n, one in enumerate(kinds) if one == ("handoff", None, "assigned"))
        assert kinds[at + 1 :] == [("status", None, "handed_off")]
        assert Run.objects.filter(status__in=["pending", "running", "waiting"]).count() == 0


def test_a_message_and_a_takeover_at_once_start_no_run_that_is_answered(conversation, sam):
    for _ in range(6):
        Conversation.objects.update(status="open")
        Escalation.objects.all().delete()
        results = race(lambda: make_message(conversation), lambda: take_over(conversation.pk, sam))
        assert winners(results) == 2
        assert run_services.claim_next(conversation.pk) is None
        assert Run.objects.exclude(status="handed_off").count() == 0
        assert Message.objects.filter(role="customer", is_for_person=False).count() == 0


def test_a_decision_and_a_takeover_at_once_never_leave_a_run_to_go_on(conversation, sam):
    for _ in range(4):
        Conversation.objects.update(status="open")
        Escalation.objects.all().delete()
        Run.objects.update(status="completed")
        Interrupt.objects.all().delete()
        waiting = make_waiting(conversation)
        race(
            lambda waiting=waiting: interrupts.decide(waiting.pk, approved=True, by="customer"),
            lambda: take_over(conversation.pk, sam),
        )
        waiting.refresh_from_db()
        assert waiting.status in ("approved", "superseded")
        assert run_services.claim_next(conversation.pk) is None


async def test_a_run_that_speaks_is_stopped_and_not_heard_again(open_talk, sam):
    gate = asyncio.Event()
    script = Script(router=[to("orders")], orders=[Stream("Half ", gate, "an answer.")])
    talk = await open_talk(script)
    await talk.send("Where is it?")
    await talk.until("token")
    await in_database(take_over, talk.conversation.pk, sam)
    await talk.until("status", status="handed_off")
    gate.set()
    await talk.settled()
    assert talk.said == []
    assert [f["content"] for f in talk.of("token")] == ["Half "]
    assert talk.outcomes == ["handed_off"]
    assert talk.stored[-2:] == ["handoff", "status"]
    talk.frames[:] = [f for f in talk.frames if f["type"] != "token"]


async def test_an_approved_write_is_not_done_after_a_takeover(open_talk, shop, sam):
    from agents.verticals.ecommerce.models import Order

    script = Script(
        router=[to("orders")], orders=[call("cancel_order", order_number="1043"), "Done."]
    )
    talk = await open_talk(script)
    await talk.say("Cancel 1043")
    await in_database(take_over, talk.conversation.pk, sam)
    await talk.settled()
    assert talk.results == [("cancel_order", "superseded")]
    assert (await Order.objects.aget(number="1043")).status == "processing"


def test_what_is_over_can_be_taken_only_if_somebody_asked(conversation, sam):
    Conversation.objects.update(status="closed")
    with pytest.raises(errors.MoveRefused, match="over"):
        take_over(conversation.pk, sam)


def test_the_table_of_moves_knows_each_status():
    statuses = set(Escalation.Status.values)
    assert set(MOVES) == statuses
    assert all(targets <= statuses for targets in MOVES.values())
    assert MOVES["resolved"] == MOVES["released"] == frozenset()
