"""The outbox: deliveries are written with the fact, or not at all, and cost nothing where nobody listens."""

import json

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from agents.services import publish_version
from conversations import events
from conversations.database import database_now
from conversations.events import publish
from conversations.models import Conversation
from conversations.services.feedback import give_feedback
from conversations.services.handoffs import request_handoff
from conversations.services.messages import receive_message
from escalation.models import WebhookDelivery
from escalation.services.takeovers import resolve, take_over
from escalation.webhooks.facts import BY_FACT
from escalation.webhooks.schemas import EVENT_TYPES, TEST
from tests import factories


def bodies(event_type=None):
    rows = WebhookDelivery.objects.order_by("created_at", "id")
    rows = rows.filter(event_type=event_type) if event_type else rows
    return [json.loads(bytes(row.body)) for row in rows]


def publish_fact(conversation, *facts):
    with transaction.atomic():
        locked = Conversation.objects.select_for_update().get(pk=conversation.pk)
        publish(locked, facts, now=database_now())


def begin(template="shop"):
    visitor = factories.make_visitor(customer_id="ana")
    factories.make_version()
    receive_message(
        visitor_id=visitor.pk, thread_id="t-1", content="Where is 1043?", template=template
    )


def test_first_message_is_two_events(endpoint):
    begin()
    created, said = bodies("conversation.created"), bodies("message.created")
    [conversation] = [event["data"]["conversation"] for event in created]
    assert conversation["thread_id"] == "t-1"
    assert (conversation["template"], conversation["customer_id"]) == ("shop", "ana")
    [message] = [event["data"]["message"] for event in said]
    assert (message["role"], message["content"]) == ("customer", "Where is 1043?")


def test_second_message_makes_no_conversation(endpoint):
    conversation = factories.make_conversation()
    factories.make_message(conversation)
    assert bodies("conversation.created") == []
    assert len(bodies("message.created")) == 1


@pytest.mark.parametrize("role", ["agent", "staff", "system"])
def test_every_speaker_is_heard(endpoint, role):
    conversation = factories.make_conversation()
    publish_fact(conversation, events.MessageSaid("m", role, "Hello.", "<p>Hello.</p>"))
    [event] = bodies("message.created")
    assert event["data"]["message"] == {
        "id": "m",
        "role": role,
        "content": "Hello.",
        "agent": None,
        "author": None,
    }


def test_interrupts_and_effects_are_events(endpoint):
    conversation = factories.make_conversation()
    at = database_now().isoformat()
    args = {"order_number": "1043"}
    publish_fact(
        conversation,
        events.InterruptCreated("i", "cancel_order", args, "Cancel 1043.", "staff", at, "call"),
        events.InterruptResolved("i", "approved", "staff"),
        events.EffectDone("e", "cancel_order", args),
        events.EffectUnknown("f", "cancel_order", args),
    )
    [created], [resolved] = bodies("interrupt.created"), bodies("interrupt.resolved")
    assert created["data"]["interrupt"]["tool"] == "cancel_order"
    assert created["data"]["interrupt"]["args"] == args
    assert resolved["data"]["interrupt"] == {"id": "i", "outcome": "approved", "by": "staff"}
    assert bodies("effect.done")[0]["data"]["effect"]["id"] == "e"
    assert bodies("effect.unknown")[0]["data"]["effect"]["id"] == "f"


def test_what_people_do_is_an_event(endpoint):
    conversation = factories.make_conversation()
    sam = factories.make_staff("sam", may_take_over=True)
    request_handoff(
        visitor_id=conversation.visitor_id, thread_id=conversation.thread_id, template="shop"
    )
    take_over(conversation.pk, sam)
    resolve(conversation.pk, sam)
    give_feedback(conversation.pk, 5, comment="Thanks")
    people = (
        "escalation.requested",
        "escalation.assigned",
        "conversation.resolved",
        "csat.received",
    )
    assert [len(bodies(event_type)) for event_type in people] == [1, 1, 1, 1]


def test_published_template_is_an_event(endpoint):
    publish_version(factories.make_spec(name="Corner Shop Two"), source="tests")
    publish_version(factories.make_spec(name="Corner Shop Two"), source="tests")  # nothing new
    [event] = bodies("template.published")
    assert event["data"]["template"]["name"] == "Corner Shop Two"
    assert event["data"]["template"]["version"] == 1


def test_facts_that_are_no_events_leave_nothing(endpoint):
    publish_fact(factories.make_conversation(), events.PlanMade(["orders"]))
    assert bodies("message.created") == []


def test_each_event_type_comes_from_a_fact():
    assert {event_type for event_type, _ in BY_FACT.values()} == set(EVENT_TYPES)


def test_each_fact_of_ours_that_is_named_exists():
    names = {fact.name for fact in events.FACTS}
    of_others = {"template.published", *(n for n in BY_FACT if n.startswith("escalation."))}
    of_others |= {"conversation.resolved", "csat.received"}
    assert set(BY_FACT) - of_others <= names


@pytest.mark.parametrize("event_type", [*EVENT_TYPES.values(), TEST], ids=lambda kind: kind.name)
def test_each_example_fits_its_own_schema(event_type):
    example = event_type.make_example()
    schema = event_type.make_schema()
    assert example["type"] == schema["properties"]["type"]["const"] == event_type.name
    properties = schema["properties"]["data"]["properties"]
    assert set(example["data"]) == set(properties)
    for key, part in example["data"].items():
        assert set(part) == set(properties[key]["properties"])


def test_only_what_is_subscribed_to_is_queued(make_endpoint):
    make_endpoint(event_types=["conversation.created"])
    begin()
    assert [event["type"] for event in bodies()] == ["conversation.created"]


def test_disabled_endpoint_gets_no_rows(make_endpoint):
    make_endpoint(is_enabled=False)
    begin()
    assert bodies() == []


def test_each_endpoint_gets_its_own_delivery(make_endpoint):
    for _ in range(2):
        make_endpoint(event_types=["message.created"])
    begin()
    ids = WebhookDelivery.objects.values_list("endpoint", flat=True)
    assert len(set(ids)) == len(ids) == 2


def test_fact_that_did_not_happen_leaves_no_delivery(endpoint):
    conversation = factories.make_conversation()
    before = WebhookDelivery.objects.count()

    @transaction.atomic
    def say_and_fail():
        publish_fact(conversation, events.MessageSaid("m", "agent", "Hello.", ""))
        assert WebhookDelivery.objects.count() == before + 1
        raise RuntimeError

    with pytest.raises(RuntimeError):
        say_and_fail()
    assert WebhookDelivery.objects.count() == before


def _webhook_queries(conversation):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        publish_fact(conversation, events.MessageSaid("m", "agent", "Hello.", ""))
    return [query["sql"] for query in queries if "escalation_" in query["sql"]]


def test_message_that_nobody_listens_to_costs_one_small_query(transactional_db):
    [query] = _webhook_queries(factories.make_conversation())
    assert query == "SELECT 1 FROM escalation_webhookendpoint WHERE is_enabled LIMIT 1"


def test_message_that_somebody_listens_to_costs_two_queries_more(make_endpoint):
    for _ in range(3):
        make_endpoint()
    queries = _webhook_queries(factories.make_conversation())
    assert len(queries) == 3
    assert queries[2].startswith("INSERT")


def test_worker_is_told_after_the_commit_only(endpoint, monkeypatch):
    told = []
    monkeypatch.setattr("escalation.tasks.nudge", lambda: told.append(connection.in_atomic_block))
    conversation = factories.make_conversation()
    publish_fact(conversation, events.MessageSaid("m", "agent", "Hello.", ""))
    assert told
    assert not any(told)


def test_half_a_character_does_not_undo_the_fact(endpoint):
    conversation = factories.make_conversation()
    publish_fact(conversation, events.EffectDone("e", "note", {"text": "\ud83d"}))
    [event] = bodies("effect.done")
    assert event["data"]["effect"]["args"] == {"text": "?"}
