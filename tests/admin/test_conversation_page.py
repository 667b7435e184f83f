from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from conversations import events
from conversations.admin import timeline
from conversations.models import Message, Visitor
from tests.admin.conftest import make_conversation, make_interrupt, make_run, publish, words_of

LIST = reverse("admin:conversations_conversation_changelist")


def _page(client, conversation, query=""):
    url = reverse("admin:conversations_conversation_change", args=[conversation.pk])
    return client.get(url + query)


def test_the_timeline_tells_the_whole_story(as_sam, talk):
    words = words_of(_page(as_sam, talk.conversation))
    story = [
        "Ana Petrova",
        "Money back <b>now</b>",
        "Routed to billing",
        "get_order",
        "order_number 1041",
        "Refund 10.00 EUR for order 1041",
        "Decided by the customer",
        "refunded 10.00 EUR",
        "Approved by the customer",
        "Refund 142.00 EUR for order 1044",
        "Staff decide.",
    ]
    at = 0
    for piece in story:
        assert piece in words[at:], piece
        at = words.index(piece, at)


def test_an_argument_that_no_frame_shows_is_shown_to_staff(as_sam, talk):
    assert "secret 4711" in words_of(_page(as_sam, talk.conversation))


def test_an_argument_called_items_does_not_hide_the_others(as_sam, talk):
    words = words_of(_page(as_sam, talk.conversation))
    for piece in ("order_number 1044", "amount 142.00", 'items ["J-1"]'):
        assert piece in words


def test_usage_is_shown_for_each_agent_and_model(as_sam, talk):
    words = words_of(_page(as_sam, talk.conversation))
    assert "billing gpt-4.1-mini 2 2400 0 $0.0012" in words
    assert "router our-own-model 1 904 0 unknown" in words
    assert "Total 3304 200 $0.0020" in words


def test_what_a_customer_writes_is_only_text(as_sam, talk):
    page = _page(as_sam, talk.conversation).content.decode()
    assert "Money back &lt;b&gt;now&lt;/b&gt;" in page
    assert "<b>now</b>" not in page


def test_a_write_that_policy_allowed_is_shown_though_no_frame_told_it(as_sam, talk):
    make_interrupt(
        talk.run, approver="none", status="approved", decided_by="system", message="Give a coupon"
    )
    words = words_of(_page(as_sam, talk.conversation))
    assert "Give a coupon Approved Needed nobody’s approval" in words


def test_a_message_without_event_is_shown(as_sam, talk):
    Message.objects.create(
        conversation=talk.conversation,
        role="staff",
        author="Sam",
        content="I am here",
        created_at=timezone.now(),
    )
    assert "I am here" in words_of(_page(as_sam, talk.conversation))


def test_an_expired_approval_says_that_nobody_decided(as_sam, talk):
    past = timezone.now() - timedelta(minutes=1)
    row = make_interrupt(talk.run, status="expired", decided_at=past, decided_by="system")
    publish(talk.run, events.InterruptResolved(str(row.pk), "expired", "system"))
    words = words_of(_page(as_sam, talk.conversation))
    assert "Decided by nobody in time" in words
    assert "Expired: refund_order" in words


def test_a_failed_run_shows_its_code(as_sam, talk):
    make_run(talk.conversation, position=9, status="failed", error_code="model_failed")
    assert "model_failed" in words_of(_page(as_sam, talk.conversation))


def test_a_long_timeline_is_cut_and_can_be_shown_whole(as_sam, talk, monkeypatch):
    monkeypatch.setattr(timeline, "MAX_EVENTS", 3)
    cut = words_of(_page(as_sam, talk.conversation))
    assert "Only the latest events are shown." in cut
    assert "Money back" not in cut
    assert "Money back" in words_of(_page(as_sam, talk.conversation, "?all=1"))


def test_a_page_takes_the_same_queries_however_long_the_talk(
    as_sam, talk, django_assert_max_num_queries
):
    for number in range(20):
        row = make_interrupt(talk.run, tool_call_id=f"more-{number}", status="rejected")
        publish(talk.run, events.ToolCalled("billing", row.tool, row.args, row.tool_call_id))
    with django_assert_max_num_queries(20):
        _page(as_sam, talk.conversation)


def test_the_list_takes_the_same_queries_however_long(
    as_sam, talk, version, django_assert_max_num_queries
):
    for number in range(30):
        visitor = Visitor.objects.create(name=f"Visitor {number}")
        make_interrupt(make_run(make_conversation(version, visitor)))
    with django_assert_max_num_queries(12):
        response = as_sam.get(LIST)
    assert response.status_code == 200


def test_the_list_says_what_needs_people(as_sam, talk, version):
    make_conversation(version, talk.conversation.visitor, wants_person=True)
    page = as_sam.get(LIST).content.decode()
    assert "a person" in page
    assert "approval" in page
    assert "3,504" in page


@pytest.mark.parametrize("words", ["thread-0", "ana@shop", "petrova", "money"])
def test_a_conversation_is_found_by_thread_customer_orwords_of(as_sam, talk, version, words):
    make_conversation(version, Visitor.objects.create(name="Ben"), thread_id="other")
    page = as_sam.get(LIST, {"q": words}).content.decode()
    assert str(talk.conversation.pk) in page
    assert "other" not in page[page.index("result_list") :]


@pytest.mark.parametrize("query", ["status__exact=waiting", "wants_person__exact=0"])
def test_the_list_is_filtered(as_sam, talk, query):
    assert str(talk.conversation.pk) in as_sam.get(f"{LIST}?{query}").content.decode()
