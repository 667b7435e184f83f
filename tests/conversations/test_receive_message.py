from datetime import timedelta

import pytest
from django.utils import timezone

from conversations import errors
from conversations.models import Conversation, Event, Message, Run
from conversations.services.messages import receive_message
from tests.conversations.conftest import make_waiting
from tests.conversations.race import race, winners
from tests.factories import (
    make_conversation,
    make_message,
    make_spec,
    make_version,
    make_visitor,
)

pytestmark = pytest.mark.django_db(transaction=True)


def events(conversation, kind=None):
    rows = Event.objects.filter(conversation=conversation)
    return list((rows.filter(type=kind) if kind else rows).order_by("seq"))


def test_a_message_is_stored_with_its_run_and_its_event(conversation):
    accepted = make_message(conversation, "Hello?", client_message_id="m1")
    message = conversation.messages.get()
    run = conversation.runs.get()
    assert message.run == run
    assert (run.status, run.position) == ("pending", 1)
    assert accepted.is_new
    assert accepted.frame == {
        "type": "message_accepted",
        "thread_id": conversation.thread_id,
        "seq": 1,
        "message_id": str(message.pk),
        "content": "Hello?",
        "created_at": message.created_at.isoformat(),
        "client_message_id": "m1",
    }


def test_the_first_message_makes_the_conversation_with_the_current_version(transactional_db):
    version = make_version()
    visitor = make_visitor()
    receive_message(visitor_id=visitor.pk, thread_id="new", content="Hi", template="shop")
    conversation = Conversation.objects.get(thread_id="new")
    assert (conversation.visitor, conversation.version) == (visitor, version)


def test_a_conversation_keeps_the_version_with_which_it_began(conversation):
    make_version(make_spec(name="Renamed Shop"))
    make_message(conversation)
    conversation.refresh_from_db()
    assert conversation.version.number == 1


def test_another_visitor_s_thread_is_forbidden_and_nothing_is_stored(conversation):
    with pytest.raises(errors.Forbidden):
        receive_message(
            visitor_id=make_visitor().pk,
            thread_id=conversation.thread_id,
            content="Hi",
            template="shop",
        )
    assert Message.objects.count() == 0


def test_the_same_client_message_id_is_accepted_once_and_answered_the_same(conversation):
    first = make_message(conversation, "Hello?", client_message_id="m1")
    again = make_message(conversation, "Something else", client_message_id="m1")
    assert again.frame == first.frame
    assert not again.is_new
    assert (Message.objects.count(), Run.objects.count(), Event.objects.count()) == (1, 1, 1)


def test_the_same_client_message_id_in_another_thread_is_another_message(conversation):
    other = make_conversation(version=conversation.version)
    assert make_message(conversation, client_message_id="m1").is_new
    assert make_message(other, client_message_id="m1").is_new


def test_messages_without_an_id_of_their_own_are_all_accepted(conversation):
    assert make_message(conversation).is_new
    assert make_message(conversation).is_new


def test_a_re_send_is_answered_although_the_queue_is_full_or_the_session_over(conversation):
    first = make_message(conversation, client_message_id="m1")
    for _ in range(4):
        make_message(conversation)
    assert make_message(conversation, client_message_id="m1").frame == first.frame
    Conversation.objects.update(status="expired")
    assert make_message(conversation, client_message_id="m1").frame == first.frame


def test_a_message_sent_eight_times_at_once_is_stored_once(conversation):
    results = race(*[lambda: make_message(conversation, client_message_id="m1")] * 8)
    assert winners(results) == 8
    assert sum(result.is_new for result in results) == 1
    assert len({result.frame["seq"] for result in results}) == 1
    assert Run.objects.count() == 1


def test_eight_messages_at_once_get_numbers_without_gaps(conversation, settings):
    settings.MAX_QUEUED_MESSAGES = 8
    results = race(*[lambda: make_message(conversation)] * 8)
    assert winners(results) == 8
    assert [event.seq for event in events(conversation)] == list(range(1, 9))
    assert sorted(run.position for run in Run.objects.all()) == list(range(1, 9))


def test_of_two_visitors_who_begin_a_thread_at_once_one_gets_it(transactional_db):
    make_version()
    visitors = [make_visitor(), make_visitor()]

    def begin(visitor):
        return lambda: receive_message(
            visitor_id=visitor.pk, thread_id="t", content="Hi", template="shop"
        )

    results = race(*[begin(visitor) for visitor in visitors])
    assert winners(results, errors.Forbidden) == 1
    assert Conversation.objects.count() == 1
    assert Message.objects.count() == 1


def test_a_sixth_message_in_the_queue_is_busy(conversation):
    for _ in range(5):
        make_message(conversation)
    with pytest.raises(errors.Busy):
        make_message(conversation)
    assert Message.objects.count() == 5


def test_a_conversation_that_has_used_its_tokens_is_full_and_wants_a_person(transactional_db):
    version = make_version(make_spec(budget={"tokens": 100}))
    conversation = make_conversation(version=version, input_tokens=60, output_tokens=39)
    make_message(conversation)
    Conversation.objects.update(output_tokens=40)
    with pytest.raises(errors.BudgetExhausted):
        make_message(conversation)
    assert Message.objects.filter(role="customer").count() == 1
    assert Conversation.objects.get().wants_person


def test_a_conversation_that_has_used_its_money_is_full(transactional_db):
    version = make_version(make_spec(budget={"cost_usd": "0.50"}))
    conversation = make_conversation(version=version, cost_usd="0.500000")
    with pytest.raises(errors.BudgetExhausted):
        make_message(conversation)


def test_a_session_ends_after_half_an_hour_of_silence_and_says_so(conversation, settings):
    settings.SESSION_TTL_SECONDS = 1800
    Conversation.objects.update(last_activity_at=timezone.now() - timedelta(seconds=1790))
    make_message(conversation)
    Conversation.objects.update(last_activity_at=timezone.now() - timedelta(seconds=1801))
    for _ in range(2):
        with pytest.raises(errors.SessionExpired):
            make_message(conversation)
    assert [event.payload for event in events(conversation, "status")] == [{"status": "expired"}]
    assert Message.objects.count() == 1


def test_a_pending_interrupt_keeps_a_session_open_until_it_expires(conversation, waiting):
    Conversation.objects.update(last_activity_at=timezone.now() - timedelta(hours=1))
    make_message(conversation, "something else")
    waiting = make_second_waiting(conversation)
    Conversation.objects.update(last_activity_at=timezone.now() - timedelta(hours=1))
    waiting.expires_at = timezone.now() - timedelta(seconds=1)
    waiting.save()
    with pytest.raises(errors.SessionExpired):
        make_message(conversation, "more")


def make_second_waiting(conversation):
    from tests.factories import make_interrupt

    return make_interrupt(conversation.runs.first())


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("yes", "approved"),
        (" YES\n", "approved"),
        ("Go ahead", "approved"),
        ("no", "rejected"),
        ("No Thanks", "rejected"),
    ],
)
def test_a_confirm_word_answers_what_waits_and_starts_no_run(conversation, waiting, text, outcome):
    make_message(conversation, text)
    waiting.refresh_from_db()
    assert (waiting.status, waiting.decided_by) == (outcome, "customer")
    run = Run.objects.get()
    assert run.status == "pending", "the run that waited goes on"
    kinds = [event.type for event in events(conversation)]
    assert kinds[-3:] == ["message_accepted", "interrupt_resolved", "status"]


@pytest.mark.parametrize("text", ["yes and no", "yes!", "nope", "cancel order 1044", "ye"])
def test_any_other_message_supersedes_what_waits(conversation, waiting, text):
    make_message(conversation, text)
    waiting.refresh_from_db()
    assert waiting.status == "superseded"
    assert [run.status for run in Run.objects.order_by("position")] == ["pending", "pending"]
    [resolved] = events(conversation, "interrupt_resolved")
    assert resolved.payload["outcome"] == "superseded"


def test_a_confirm_word_with_nothing_waiting_is_a_message_like_any(conversation):
    make_message(conversation, "yes")
    assert Run.objects.count() == 1


def test_a_confirm_word_cannot_answer_for_staff(conversation):
    interrupt = make_waiting(conversation, approver="staff")
    make_message(conversation, "yes")
    interrupt.refresh_from_db()
    assert interrupt.status == "pending"
    assert conversation.messages.filter(role="system").get().content.startswith("A colleague has")


def test_a_confirm_word_does_not_choose_among_several(conversation, waiting):
    make_second_waiting(conversation)
    make_message(conversation, "yes")
    assert conversation.interrupts.filter(status="pending").count() == 2
    assert conversation.messages.filter(role="system").get().content.startswith("Several things")


def test_a_confirm_word_that_comes_too_late_gets_the_retry_prompt(conversation):
    past = timezone.now() - timedelta(seconds=1)
    interrupt = make_waiting(conversation, expires_at=past)
    make_message(conversation, "yes")
    interrupt.refresh_from_db()
    assert interrupt.status == "expired"
    assert [e.type for e in events(conversation)][-3:] == [
        "interrupt_resolved",
        "interrupt_expired",
        "status",
    ]


def test_several_that_wait_are_all_superseded(conversation, waiting):
    make_second_waiting(conversation)
    make_message(conversation, "Something else")
    assert set(conversation.interrupts.values_list("status", flat=True)) == {"superseded"}
    assert Conversation.objects.get().status == "open"


def test_a_message_and_an_approval_at_once_have_one_winner(conversation, waiting):
    from conversations.services.interrupts import decide

    results = race(
        lambda: make_message(conversation, "Something else"),
        lambda: decide(waiting.pk, approved=True, by="customer"),
    )
    waiting.refresh_from_db()
    lost = isinstance(results[1], errors.NoPendingInterrupt)
    assert waiting.status == ("superseded" if lost else "approved")
    assert len(events(conversation, "interrupt_resolved")) == 1
