import pytest
from django.utils import timezone

from conversations.models import Effect
from escalation.services.summaries import extract_summary
from tests.escalation.conftest import make_waiting
from tests.factories import make_interrupt, make_message

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_message_is_quoted(conversation):
    make_message(conversation, "Where  is\nmy order?")
    assert extract_summary(conversation) == "First: “Where is my order?”"


def test_first_and_last_words_and_what_became_of_writes(conversation):
    waiting = make_waiting(conversation)
    done = make_interrupt(waiting.run, status="approved", message="Refund 10.00 EUR")
    Effect.objects.create(
        interrupt=done,
        conversation=conversation,
        tool="refund_order",
        args={},
        status="done",
        result="{}",
        created_at=timezone.now(),
    )
    make_message(conversation, "And a person now!")
    assert extract_summary(conversation, "Nothing works").splitlines() == [
        "Nothing works",
        "First: “Cancel order 1043”",
        "Last of 2 messages: “And a person now!”",
        "Not done (superseded): Cancel order 1043.",
        "Done: Refund 10.00 EUR",
    ]


def test_a_long_message_is_cut_and_so_is_the_whole(conversation):
    make_message(conversation, "word " * 1_000)
    summary = extract_summary(conversation, "x" * 8_000)
    assert len(summary) == 2_000
    assert len(extract_summary(conversation)) < 300
