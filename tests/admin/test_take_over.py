"""What staff do in admin when a person is needed; Olga is refused everywhere, also by direct request."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from conversations.models import Conversation, Message, Run
from conversations.services.handoffs import request_handoff
from escalation.admin.conversations import VERBS
from escalation.models import CannedReply, Escalation, Note
from escalation.services.takeovers import take_over
from tests.admin.conftest import make_conversation, make_staff, words_of

QUEUE = reverse("admin:escalation_escalation_changelist")
TEXTS = {"reply": "Hello Ana", "note": "She is angry"}


@pytest.fixture(autouse=True)
def layer_in_memory(settings):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


@pytest.fixture
def conversation(talk):
    """Ana's, in which she has asked for a person."""
    Run.objects.update(status="completed")
    ask(talk.conversation)
    return talk.conversation


def ask(conversation):
    request_handoff(
        visitor_id=conversation.visitor_id, thread_id=conversation.thread_id, template="shop"
    )


def page_of(conversation):
    return reverse("admin:conversations_conversation_change", args=[conversation.pk])


def url(conversation, verb):
    return reverse("admin:conversations_conversation_do", args=[conversation.pk, verb])


def do(client, conversation, verb, **fields):
    return client.post(url(conversation, verb), fields, follow=True)


def status(conversation):
    return Escalation.objects.get(conversation=conversation).status


def test_sam_takes_over_answers_notes_and_gives_back(as_sam, sam, conversation):
    page = words_of(do(as_sam, conversation, "take-over"))
    assert "You have this conversation." in page
    do(as_sam, conversation, "reply", text="Hello Ana")
    do(as_sam, conversation, "note", text="She is angry")
    page = words_of(as_sam.get(page_of(conversation)))
    assert "Hello Ana" in page
    assert "She is angry" in page
    message = Message.objects.get(role="staff")
    assert (message.author, message.content) == ("sam", "Hello Ana")
    page = words_of(do(as_sam, conversation, "release"))
    assert "sam gave it back to the agents" in page
    assert status(conversation) == "released"


def test_sam_resolves(as_sam, conversation):
    do(as_sam, conversation, "take-over")
    page = words_of(do(as_sam, conversation, "resolve"))
    assert "This conversation is over." in page
    assert Conversation.objects.get(pk=conversation.pk).status == "closed"


def test_an_empty_reply_sends_the_canned_one_that_was_chosen(as_sam, conversation):
    canned = CannedReply.objects.create(title="Hello", text="Good day, how can I help?")
    do(as_sam, conversation, "take-over")
    do(as_sam, conversation, "reply", text=" ", canned=canned.pk)
    do(as_sam, conversation, "reply", text="My own words", canned=canned.pk)
    texts = Message.objects.filter(role="staff").order_by("created_at")
    assert [one.content for one in texts] == ["Good day, how can I help?", "My own words"]


@pytest.mark.parametrize("canned", ["", "0", "x", "9" * 30])
def test_a_reply_without_words_is_refused_and_says_so(as_sam, conversation, canned):
    do(as_sam, conversation, "take-over")
    page = do(as_sam, conversation, "reply", text="", canned=canned).content.decode()
    assert "There is nothing to send" in page
    assert Message.objects.filter(role="staff").count() == 0


def test_the_second_is_told_who_has_it(client, as_sam, conversation):
    do(as_sam, conversation, "take-over")
    kim = make_staff("kim", "take_over", "view_conversation")
    client.force_login(kim)
    page = do(client, conversation, "take-over").content.decode()
    assert "sam has this conversation." in page
    assert Escalation.objects.get().assignee.username == "sam"


@pytest.mark.parametrize("verb", VERBS)
def test_olga_is_refused_by_direct_request(as_olga, sam, conversation, verb):
    if verb != "take-over":
        take_over(conversation.pk, sam)
    before = (status(conversation), Message.objects.count(), conversation.events.count())
    assert do(as_olga, conversation, verb, text="Hello").status_code == 403
    assert (status(conversation), Message.objects.count(), conversation.events.count()) == before
    assert Note.objects.count() == 0


def test_olga_sees_no_buttons_and_why(as_olga, sam, conversation):
    for _ in range(2):
        page = as_olga.get(page_of(conversation)).content.decode()
        assert "You lack the permission to take over" in page
        for verb in VERBS:
            assert url(conversation, verb) not in page
        take_over(conversation.pk, sam)


@pytest.mark.parametrize("verb", VERBS)
def test_a_visitor_is_sent_to_the_login(client, conversation, verb):
    response = client.post(url(conversation, verb), {"text": "Hello"})
    assert "/login/" in response["Location"]
    assert status(conversation) == "requested"


@pytest.mark.parametrize("verb", VERBS)
def test_neither_a_link_nor_a_form_of_another_site_acts(as_sam, conversation, verb):
    assert as_sam.get(url(conversation, verb)).status_code == 405
    as_sam.handler.enforce_csrf_checks = True
    assert do(as_sam, conversation, verb, text="Hello").status_code == 403
    assert status(conversation) == "requested"


def test_what_is_no_verb_is_not_found(as_sam, conversation):
    other = make_conversation(conversation.version, conversation.visitor)
    other.delete()
    for one, verb in ((conversation, "delete"), (other, "note")):
        address = (
            f"/admin/conversations/conversation/{one.pk or conversation.visitor_id}/{verb}/do/"
        )
        assert as_sam.post(address, {"text": "x"}).status_code == 404


def test_the_queue_is_ordered_by_due_time_counted_and_marked(as_sam, sam, conversation):
    late = make_conversation(conversation.version, conversation.visitor)
    ask(late)
    past = timezone.now() - timedelta(minutes=12)
    Escalation.objects.filter(conversation=late).update(due_at=past)
    mine = make_conversation(conversation.version, conversation.visitor)
    take_over(mine.pk, sam)
    response = as_sam.get(QUEUE)
    page = words_of(response)
    assert "2 wait for a person" in page
    assert "1 overdue" in page
    assert "1 mine" in page
    assert "3 open in all" in page
    assert "answer overdue by 12" in page.replace("\xa0", " ")
    rows = response.content.decode()
    places = [rows.index(page_of(one)) for one in (late, conversation)]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("show", "count"), [("open", 2), ("waiting", 1), ("mine", 1), ("overdue", 1), ("all", 3)]
)
def test_the_queue_can_be_filtered(as_sam, sam, conversation, show, count):
    past = timezone.now() - timedelta(minutes=12)
    Escalation.objects.update(due_at=past)
    mine = make_conversation(conversation.version, conversation.visitor)
    take_over(mine.pk, sam)
    over = make_conversation(conversation.version, conversation.visitor)
    take_over(over.pk, sam)
    Escalation.objects.filter(conversation=over).update(status="released")
    page = as_sam.get(QUEUE, {"show": show}).content.decode()
    assert page.count("#people") == count


def test_a_customer_who_waits_for_an_answer_stands_out(as_sam, sam, conversation):
    from tests.factories import make_message

    take_over(conversation.pk, sam)
    make_message(conversation, "Are you there?")
    assert "customer waits for an answer" in words_of(as_sam.get(QUEUE))


def test_an_escalation_s_own_page_is_the_conversation(as_sam, conversation):
    row = Escalation.objects.get()
    response = as_sam.get(reverse("admin:escalation_escalation_change", args=[row.pk]))
    assert response["Location"] == page_of(conversation)


def test_the_queue_takes_the_same_queries_however_long(
    as_sam, conversation, django_assert_max_num_queries
):
    for _ in range(20):
        ask(make_conversation(conversation.version, conversation.visitor))
    with django_assert_max_num_queries(16):
        as_sam.get(QUEUE)


def test_what_stands_in_the_sidebar_is_counted(as_sam, conversation):
    page = as_sam.get(reverse("admin:index")).content.decode()
    assert QUEUE in page
