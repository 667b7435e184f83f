from datetime import timedelta

import pytest
from django.utils import timezone

from agents.context import ProposedWrite
from conversations.models import Event, Interrupt, Run
from conversations.services import runs
from tests.conversations.race import race
from tests.factories import make_claim, make_conversation, make_message

pytestmark = pytest.mark.django_db(transaction=True)


def die():
    """Let every lease run out, as if the processes were gone."""
    Run.objects.filter(status="running").update(
        lease_expires_at=timezone.now() - timedelta(seconds=1)
    )


def test_a_run_whose_process_died_is_taken_up_by_another(conversation):
    first = make_claim(conversation)
    die()
    assert runs.recover() == [conversation.pk]
    second = runs.claim_next(conversation.pk)
    assert second.run_id == first.run_id
    assert second.fence == 2


def test_a_run_whose_process_lives_is_left_alone(conversation):
    make_claim(conversation)
    assert runs.recover() == []
    assert Run.objects.get().status == "running"


def test_a_run_that_waits_for_approval_is_left_alone(conversation, waiting):
    assert runs.recover() == []
    assert Run.objects.get().status == "waiting"


def test_a_run_that_nobody_took_up_is_found(conversation):
    make_message(conversation)
    assert runs.recover() == [], "its own process is most likely about to"
    Run.objects.update(ready_at=timezone.now() - timedelta(seconds=5))
    assert runs.recover() == [conversation.pk]


def test_a_run_that_stands_behind_another_is_not_stranded(conversation):
    make_claim(conversation)
    make_message(conversation)
    Run.objects.filter(status="pending").update(ready_at=timezone.now() - timedelta(seconds=5))
    assert runs.recover() == []


def test_each_conversation_is_named_once(conversation):
    other = make_conversation(version=conversation.version)
    for row in (conversation, conversation, other):
        make_message(row)
    Run.objects.update(ready_at=timezone.now() - timedelta(seconds=5))
    assert sorted(runs.recover()) == sorted([conversation.pk, other.pk])


def test_four_sweeps_at_once_take_a_run_back_once(conversation):
    make_claim(conversation)
    die()
    race(*[runs.recover] * 4)
    run = Run.objects.get()
    assert (run.status, run.failed_attempts) == ("pending", 1)


def test_a_run_that_has_killed_three_processes_is_failed_and_says_so(conversation):
    make_message(conversation)
    for _ in range(3):
        assert runs.claim_next(conversation.pk) is not None
        die()
        runs.recover()
    run = Run.objects.get()
    assert (run.status, run.error_code) == ("failed", "process_died")
    kinds = [event.type for event in Event.objects.order_by("seq")]
    assert kinds == ["message_accepted", "message", "message_complete", "handoff", "message"]
    assert runs.claim_next(conversation.pk) is None


def test_the_next_message_is_answered_although_the_one_before_was_failed(conversation):
    claim = make_claim(conversation)
    make_message(conversation, "second")
    runs.fail(claim, runs.Progress(), "internal_error")
    assert runs.claim_next(conversation.pk).text == "second"


def test_a_lease_that_is_extended_does_not_run_out(conversation):
    claim = make_claim(conversation)
    Run.objects.update(lease_expires_at=timezone.now() + timedelta(milliseconds=1))
    runs.extend_leases({claim.run_id: claim.fence})
    assert Run.objects.get().lease_expires_at > timezone.now() + timedelta(seconds=5)
    assert runs.recover() == []


def test_a_process_that_lost_a_run_does_not_extend_its_lease(conversation):
    claim = make_claim(conversation)
    Run.objects.update(fence=2, lease_expires_at=timezone.now())
    assert runs.extend_leases({claim.run_id: claim.fence}) == set()
    assert Run.objects.get().lease_expires_at < timezone.now()


def test_a_run_that_is_failed_frees_what_was_approved_and_not_done(conversation):
    write = ProposedWrite(
        "call_1", "orders", "cancel_order", {"order_number": "1043"}, "…", "none", key="cancel:1043"
    )
    claim = make_claim(conversation)
    runs.pause(claim, runs.Progress(), [write])
    assert Interrupt.objects.get().business_key == "cancel:1043"
    runs.fail(claim, runs.Progress(), "internal_error")
    assert Interrupt.objects.get().business_key is None
