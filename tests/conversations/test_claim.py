from datetime import timedelta

import pytest
from django.utils import timezone

from agents.context import ProposedWrite
from conversations.errors import FenceLost
from conversations.events import PlanMade
from conversations.models import Conversation, Event, Interrupt, Message, Run
from conversations.services import runs
from conversations.services.interrupts import decide
from conversations.services.runs import Progress, Spoken, Tally
from tests.conversations.conftest import make_waiting
from tests.conversations.race import race, winners
from tests.factories import make_claim, make_message, make_sam

pytestmark = pytest.mark.django_db(transaction=True)

WRITE = ProposedWrite("call_1", "orders", "cancel_order", {"order_number": "1043"}, "…", "customer")


def spoken(text="Here.", **values):
    import uuid

    return Spoken(uuid.uuid4(), "orders", text, **values)


def kinds(conversation):
    return [e.type for e in Event.objects.filter(conversation=conversation).order_by("seq")]


def test_a_claim_holds_the_run_for_a_while(conversation, settings):
    settings.LEASE_SECONDS = 15
    make_message(conversation, "Where is it?")
    claim = runs.claim_next(conversation.pk)
    run = Run.objects.get()
    assert (run.status, run.fence, claim.fence) == ("running", 1, 1)
    assert timedelta(seconds=10) < run.lease_expires_at - timezone.now() <= timedelta(seconds=15)
    assert claim.text == "Where is it?"
    assert not claim.is_paused


def test_nothing_is_claimed_while_a_run_goes_on(conversation):
    make_claim(conversation)
    make_message(conversation)
    assert runs.claim_next(conversation.pk) is None


def test_nothing_is_claimed_while_a_run_waits(conversation, waiting):
    Run.objects.create(
        conversation=conversation, position=99, created_at=timezone.now(), ready_at=timezone.now()
    )
    assert runs.claim_next(conversation.pk) is None


def test_nothing_is_claimed_where_nothing_is_pending(conversation):
    assert runs.claim_next(conversation.pk) is None


def test_runs_are_claimed_in_the_order_of_acceptance(conversation):
    for text in ("one", "two", "three"):
        make_message(conversation, text)
    texts = []
    while claim := runs.claim_next(conversation.pk):
        texts.append(claim.text)
        runs.finish(claim, Progress(), "completed")
    assert texts == ["one", "two", "three"]


def test_a_run_that_was_woken_goes_before_those_that_came_after_it(conversation, waiting):
    make_message(conversation, "Something else")
    claim = runs.claim_next(conversation.pk)
    assert claim.run_id == waiting.run_id
    assert claim.is_paused


def test_eight_processes_claim_at_once_and_one_gets_the_run(conversation):
    make_message(conversation)
    results = race(*[lambda: runs.claim_next(conversation.pk)] * 8)
    assert winners(results) == 8
    assert sum(claim is not None for claim in results) == 1


def test_the_database_itself_refuses_a_second_active_run(conversation):
    from django.db import IntegrityError, transaction

    make_claim(conversation)
    make_message(conversation)
    for status in ("running", "waiting"):
        with pytest.raises(IntegrityError), transaction.atomic():
            Run.objects.filter(status="pending").update(status=status)


STALE = {
    "record": lambda claim: runs.record(claim, Progress([spoken()])),
    "pause": lambda claim: runs.pause(claim, Progress([spoken()]), [WRITE]),
    "finish": lambda claim: runs.finish(claim, Progress([spoken()]), "completed"),
    "fail": lambda claim: runs.fail(claim, Progress([spoken()]), "internal_error"),
    "try_again": lambda claim: runs.try_again(claim, "database"),
}


@pytest.mark.parametrize("verb", STALE)
@pytest.mark.parametrize("lost", [{"fence": 2}, {"status": "pending"}, {"status": "completed"}])
def test_whoever_lost_the_run_writes_nothing(conversation, verb, lost):
    claim = make_claim(conversation)
    Run.objects.update(**lost)
    with pytest.raises(FenceLost):
        STALE[verb](claim)
    assert kinds(conversation) == ["message_accepted"]
    assert (Message.objects.count(), Interrupt.objects.count()) == (1, 0)


def test_whoever_lost_the_run_does_not_give_it_back(conversation):
    claim = make_claim(conversation)
    Run.objects.update(fence=2)
    runs.release(claim)
    assert Run.objects.get().status == "running"


def test_a_run_given_back_is_claimed_again(conversation):
    claim = make_claim(conversation)
    runs.release(claim)
    again = runs.claim_next(conversation.pk)
    assert again.fence == 2
    assert Run.objects.get().failed_attempts == 0


def test_progress_is_stored_in_order_and_numbered(conversation):
    claim = make_claim(conversation)
    runs.record(claim, Progress([PlanMade(["orders"]), spoken("One."), spoken("Two.")]))
    assert kinds(conversation) == ["message_accepted", "routing", "message", "message"]
    texts = [m.content for m in conversation.messages.filter(role="agent").order_by("created_at")]
    assert texts == ["One.", "Two."]
    assert Conversation.objects.get().last_seq == 4


def test_usage_adds_up_and_is_told_at_the_end(conversation):
    claim = make_claim(conversation)
    for call in ("call_1", "call_2"):
        write = ProposedWrite(
            tool_call_id=call,
            agent="orders",
            tool="cancel_order",
            args={"order_number": "1043"},
            message="Cancel order 1043.",
            approver="none",
        )
        runs.pause(claim, Progress([], {("orders", "m"): Tally(1, 10, 5, 0)}), [write])
    runs.finish(claim, Progress([], {("router", "m"): Tally(1, 3, 2, 0)}), "completed")
    end = Event.objects.get(type="message_complete").payload
    assert end["usage"] == {"input_tokens": 23, "output_tokens": 12}
    row = Conversation.objects.get()
    assert (row.input_tokens, row.output_tokens) == (23, 12)


def test_html_is_made_safe_before_it_is_stored(conversation):
    claim = make_claim(conversation)
    text = "<script>alert(1)</script> **bold** [x](javascript:alert(1)) ![i](https://e/x.png)"
    runs.finish(claim, Progress([spoken(text)]), "completed")
    payload = Event.objects.get(type="message").payload
    assert payload["content"] == text
    assert "<strong>bold</strong>" in payload["html"]
    for bad in ("<script", 'href="javascript', "<img"):
        assert bad not in payload["html"]


def test_a_failed_run_says_so_once_and_is_over(conversation):
    claim = make_claim(conversation)
    runs.fail(claim, Progress([spoken("Half")]), "model_failed")
    assert kinds(conversation) == ["message_accepted", "message", "message", "message_complete"]
    run = Run.objects.get()
    assert (run.status, run.error_code) == ("failed", "model_failed")
    assert run.finished_at is not None
    assert conversation.messages.get(role="system").content.startswith("I am sorry")


def test_what_waits_in_a_run_that_fails_can_no_longer_be_approved(conversation, waiting):
    from tests.factories import make_interrupt

    other = make_interrupt(waiting.run)
    decide(waiting.pk, approved=True, by="customer")
    runs.fail(runs.claim_next(conversation.pk), Progress(), "internal_error")
    other.refresh_from_db()
    assert other.status == "superseded"
    assert Conversation.objects.get().status == "open"
    resolved = Event.objects.filter(type="interrupt_resolved").last().payload
    assert resolved == {"interrupt_id": str(other.pk), "outcome": "superseded", "by": "system"}
    assert kinds(conversation)[-1] == "message_complete"


# --- pauses ---


def test_a_pause_stores_what_waits_with_its_term_and_tells_it(conversation, settings):
    settings.INTERRUPT_TTL_SECONDS = 1800
    claim = make_claim(conversation)
    goes_on = runs.pause(claim, Progress([PlanMade(["orders"])]), [WRITE])
    assert not goes_on
    row = Interrupt.objects.get()
    assert row.expires_at - row.created_at == timedelta(minutes=30)
    assert kinds(conversation) == [
        "message_accepted",
        "routing",
        "status",
        "tool_call",
        "interrupt",
    ]
    frame = Event.objects.get(type="interrupt").payload
    assert frame["interrupt_id"] == str(row.pk)
    assert frame["expires_at"] == row.expires_at.isoformat()
    assert (Run.objects.get().status, Conversation.objects.get().status) == ("waiting", "waiting")


def test_a_pause_is_stored_once(conversation):
    interrupt = make_waiting(conversation)
    decide(interrupt.pk, approved=True, by="customer")
    claim = runs.claim_next(conversation.pk)
    assert runs.pause(claim, Progress(), [WRITE]), "it has been decided, so the run goes on"
    assert Interrupt.objects.count() == 1
    assert kinds(conversation).count("interrupt") == 1


def test_a_decision_made_while_the_run_went_on_is_not_missed(conversation, waiting):
    second = ProposedWrite("call_2", "orders", "cancel_order", {"order_number": "1"}, "…", "staff")
    decide(waiting.pk, approved=True, by="customer")
    claim = runs.claim_next(conversation.pk)
    assert not runs.pause(claim, Progress(), [second])
    pending = Interrupt.objects.get(status="pending")
    decide(pending.pk, approved=True, by="staff", user=make_sam())
    assert runs.claim_next(conversation.pk) is not None


def test_a_policy_s_grant_is_recorded_like_any_approval_and_asks_nobody(conversation):
    claim = make_claim(conversation)
    grant = ProposedWrite("call_1", "orders", "cancel_order", {"order_number": "1"}, "…", "none")
    assert runs.pause(claim, Progress(), [grant])
    row = Interrupt.objects.get()
    assert (row.status, row.decided_by, row.approver) == ("approved", "system", "none")
    assert row.decided_at < row.expires_at
    assert kinds(conversation) == ["message_accepted", "tool_call"]
    assert Run.objects.get().status == "running"


def test_a_stop_before_a_pause_does_not_cut_the_answer_after_it(conversation):
    claim = make_claim(conversation)
    runs.request_stop(conversation.pk)
    runs.pause(claim, Progress(), [WRITE])
    decide(Interrupt.objects.get().pk, approved=True, by="customer")
    again = runs.claim_next(conversation.pk)
    assert runs.extend_leases({again.run_id: again.fence}) == set()


def test_a_stop_is_heard_by_whoever_works_on_the_run(conversation):
    claim = make_claim(conversation)
    assert runs.extend_leases({claim.run_id: claim.fence}) == set()
    runs.request_stop(conversation.pk)
    assert runs.extend_leases({claim.run_id: claim.fence}) == {claim.run_id}
