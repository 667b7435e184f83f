"""What other apps, such as webhooks, hear of people at work."""

import json

import pytest

from conversations import events
from conversations.services.feedback import give_feedback
from escalation.services.takeovers import resolve, take_over
from tests.escalation.test_request_handoff import ask

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = ("escalation.requested", "escalation.assigned", "conversation.resolved", "csat.received")


@pytest.fixture
def heard(monkeypatch):
    facts = []
    note = (lambda conversation, fact: facts.append(fact), (events.Fact,))
    monkeypatch.setattr(events, "_in_transaction", [*events._in_transaction, note])
    return facts


def test_each_step_is_a_fact_of_plain_values(conversation, sam, heard):
    ask(conversation, reason="Please")
    row = take_over(conversation.pk, sam)
    resolve(conversation.pk, sam)
    give_feedback(conversation.pk, 5, comment="Thanks")
    facts = {fact.name: fact.payload() for fact in heard if fact.name in NAMES}
    assert tuple(facts) == NAMES
    assert facts["escalation.requested"]["escalation_id"] == str(row.pk)
    assert facts["escalation.requested"]["reason"] == "customer"
    assert facts["escalation.assigned"]["assignee_name"] == "Sam"
    assert facts["conversation.resolved"]["resolved_by_id"] == str(sam.pk)
    assert facts["csat.received"] == {"rating": 5, "comment": "Thanks"}
    json.dumps(facts)


def test_a_subscriber_that_fails_leaves_nothing_behind(conversation, monkeypatch):
    from escalation.models import Escalation

    def fail(conversation, fact):
        if fact.name == "escalation.requested":
            raise RuntimeError("no room for the delivery")

    monkeypatch.setattr(
        events, "_in_transaction", [*events._in_transaction, (fail, (events.Fact,))]
    )
    with pytest.raises(RuntimeError):
        ask(conversation)
    assert Escalation.objects.count() == conversation.events.count() == 0
