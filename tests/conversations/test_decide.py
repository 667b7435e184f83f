from datetime import timedelta

import pytest
from django.utils import timezone

from conversations import errors
from conversations.models import Conversation, Event, Interrupt, Run
from conversations.services.interrupts import answer, decide, expire_due
from tests.conversations.conftest import make_waiting
from tests.conversations.race import race, winners
from tests.factories import make_conversation, make_interrupt, make_staff

pytestmark = pytest.mark.django_db(transaction=True)

LATE = timedelta(seconds=-1)


def kinds(conversation):
    return [e.type for e in Event.objects.filter(conversation=conversation).order_by("seq")]


@pytest.mark.parametrize(("approved", "status"), [(True, "approved"), (False, "rejected")])
def test_a_decision_is_recorded_told_and_wakes_the_run(conversation, waiting, approved, status):
    decide(waiting.pk, approved=approved, by="customer", comment="because")
    waiting.refresh_from_db()
    assert (waiting.status, waiting.decided_by, waiting.comment) == (status, "customer", "because")
    assert waiting.decided_at < waiting.expires_at
    assert Run.objects.get().status == "pending"
    assert Conversation.objects.get().status == "open"
    assert kinds(conversation)[-2:] == ["interrupt_resolved", "status"]


@pytest.mark.parametrize("second", [True, False])
def test_a_second_decision_is_refused(waiting, second):
    decide(waiting.pk, approved=True, by="customer")
    with pytest.raises(errors.NoPendingInterrupt):
        decide(waiting.pk, approved=second, by="customer")
    waiting.refresh_from_db()
    assert waiting.status == "approved"


def test_of_ten_decisions_at_once_one_wins(conversation, waiting):
    sides = [
        lambda approved=approved: decide(waiting.pk, approved=approved, by="customer")
        for approved in (True, False) * 5
    ]
    assert winners(race(*sides), errors.NoPendingInterrupt) == 1
    assert kinds(conversation).count("interrupt_resolved") == 1


def test_a_customer_cannot_decide_for_staff_nor_staff_for_a_customer(conversation):
    sam = make_staff("sam", may_decide=True)
    for_staff = make_waiting(conversation, approver="staff")
    with pytest.raises(errors.NotAllowed):
        decide(for_staff.pk, approved=True, by="customer")
    for_customer = make_interrupt(for_staff.run)
    with pytest.raises(errors.NotAllowed):
        decide(for_customer.pk, approved=True, by="staff", user=sam)
    assert set(Interrupt.objects.values_list("status", flat=True)) == {"pending"}


def test_staff_without_the_permission_decide_nothing(conversation):
    olga = make_staff("olga", may_decide=False)
    interrupt = make_waiting(conversation, approver="staff")
    for user in (olga, None):
        with pytest.raises(errors.NotAllowed):
            decide(interrupt.pk, approved=True, by="staff", user=user)
    interrupt.refresh_from_db()
    assert interrupt.status == "pending"


def test_staff_are_recorded_by_name(conversation):
    sam = make_staff("sam", may_decide=True)
    interrupt = make_waiting(conversation, approver="staff")
    decide(interrupt.pk, approved=True, by="staff", user=sam)
    interrupt.refresh_from_db()
    assert (interrupt.decided_by, interrupt.decided_by_user) == ("staff", sam)


def test_nobody_decides_what_the_policy_granted(conversation):
    interrupt = make_waiting(conversation, approver="none")
    assert (interrupt.status, interrupt.decided_by) == ("approved", "system")
    for by in ("customer", "staff"):
        with pytest.raises(errors.NotAllowed):
            decide(interrupt.pk, approved=False, by=by)


@pytest.mark.parametrize("approved", [True, False])
def test_a_decision_that_comes_too_late_expires_what_waits(conversation, approved):
    interrupt = make_waiting(conversation, expires_at=timezone.now() + LATE)
    with pytest.raises(errors.InterruptExpired) as late:
        decide(interrupt.pk, approved=approved, by="customer")
    interrupt.refresh_from_db()
    assert (interrupt.status, interrupt.decided_by) == ("expired", "system")
    assert late.value.frame["type"] == "interrupt_expired"
    assert late.value.frame["interrupt_id"] == str(interrupt.pk)
    assert kinds(conversation)[-3:] == ["interrupt_resolved", "interrupt_expired", "status"]
    again = pytest.raises(errors.InterruptExpired)
    with again as once_more:
        decide(interrupt.pk, approved=approved, by="customer")
    assert once_more.value.frame == late.value.frame


def test_the_moment_of_expiry_belongs_to_the_sweep(conversation, waiting, monkeypatch):
    monkeypatch.setattr(
        "conversations.services.interrupts.database_now", lambda: waiting.expires_at
    )
    with pytest.raises(errors.InterruptExpired):
        decide(waiting.pk, approved=True, by="customer")
    waiting.refresh_from_db()
    assert waiting.status == "expired"


def test_a_decision_and_the_sweep_at_once_never_both_win(conversation):
    interrupt = make_waiting(conversation, expires_at=timezone.now() + timedelta(milliseconds=5))
    race(
        lambda: decide(interrupt.pk, approved=True, by="customer"),
        expire_due,
        expire_due,
        lambda: decide(interrupt.pk, approved=True, by="customer"),
    )
    interrupt.refresh_from_db()
    assert interrupt.status in ("approved", "expired")
    assert kinds(conversation).count("interrupt_resolved") == 1


def test_an_unknown_interrupt_cannot_be_decided(transactional_db):
    with pytest.raises(errors.NoPendingInterrupt):
        decide("00000000-0000-0000-0000-000000000000", approved=True, by="customer")


# --- the customer's answer ---


def test_an_answer_without_a_name_is_for_the_only_one_that_waits(conversation, waiting):
    answer(conversation, interrupt_id=None, approved=True)
    waiting.refresh_from_db()
    assert waiting.status == "approved"


def test_an_answer_without_a_name_does_not_choose_among_several(conversation, waiting):
    make_interrupt(waiting.run)
    with pytest.raises(errors.NoPendingInterrupt):
        answer(conversation, interrupt_id=None, approved=True)
    assert Interrupt.objects.filter(status="pending").count() == 2


def test_an_answer_with_a_name_is_for_that_one(conversation, waiting):
    other = make_interrupt(waiting.run)
    answer(conversation, interrupt_id=str(other.pk), approved=False)
    assert [(i.status) for i in (waiting, other) if i.refresh_from_db() is None] == [
        "pending",
        "rejected",
    ]


@pytest.mark.parametrize("name", ["", "nonsense", "00000000-0000-0000-0000-000000000000"])
def test_an_answer_to_nothing_is_refused(conversation, waiting, name):
    with pytest.raises(errors.NoPendingInterrupt):
        answer(conversation, interrupt_id=name, approved=True)


def test_an_interrupt_of_another_conversation_is_unknown_here(waiting):
    with pytest.raises(errors.NoPendingInterrupt):
        answer(make_conversation(), interrupt_id=str(waiting.pk), approved=True)
    waiting.refresh_from_db()
    assert waiting.status == "pending"


def test_an_answer_without_a_name_after_the_expiry_gets_the_retry_prompt(conversation):
    make_waiting(conversation, expires_at=timezone.now() + LATE)
    expire_due()
    with pytest.raises(errors.InterruptExpired):
        answer(conversation, interrupt_id=None, approved=True)


def test_an_answer_in_a_session_that_is_over_says_so(conversation, waiting):
    decide(waiting.pk, approved=True, by="customer")
    Conversation.objects.update(last_activity_at=timezone.now() - timedelta(hours=1))
    with pytest.raises(errors.SessionExpired):
        answer(conversation, interrupt_id=None, approved=True)


# --- the sweep ---


def test_the_sweep_expires_what_is_due_and_nothing_else(conversation, waiting):
    due = make_interrupt(waiting.run, expires_at=timezone.now() + LATE)
    assert expire_due() == 1
    assert expire_due() == 0
    due.refresh_from_db()
    waiting.refresh_from_db()
    assert (due.status, waiting.status) == ("expired", "pending")
    [event] = Event.objects.filter(type="interrupt_expired")
    assert event.payload["interrupt_id"] == str(due.pk)
    assert event.payload["action"] == "cancel_order"
    assert event.payload["params"] == {"order_number": "1043"}
    assert "just ask me again" in event.payload["message"]


def test_the_sweep_wakes_the_run_and_opens_the_conversation(conversation):
    make_waiting(conversation, expires_at=timezone.now() + LATE)
    assert Conversation.objects.get().status == "waiting"
    expire_due()
    assert Run.objects.get().status == "pending"
    assert Conversation.objects.get().status == "open"


def test_four_sweeps_at_once_expire_each_once(conversation):
    interrupt = make_waiting(conversation, expires_at=timezone.now() + LATE)
    for _ in range(5):
        make_interrupt(interrupt.run, expires_at=timezone.now() + LATE)
    assert sum(race(*[expire_due] * 4)) == 6
    assert kinds(conversation).count("interrupt_expired") == 6


def test_the_retry_prompt_shows_no_hidden_argument(conversation):
    run = make_waiting(conversation).run
    args = {"order_number": "1044", "amount": "3.00", "refunded_before": "2.00"}
    make_interrupt(run, tool="refund_order", args=args, expires_at=timezone.now() + LATE)
    expire_due()
    [event] = Event.objects.filter(type="interrupt_expired")
    assert event.payload["params"] == {"order_number": "1044", "amount": "3.00"}
