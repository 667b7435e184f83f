import pytest

from escalation import errors
from escalation.services.takeovers import reply, take_over
from tests.escalation.conftest import frames, said
from tests.factories import make_message

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_sam_writes_reaches_the_customer_in_sam_s_name(conversation, sam):
    take_over(conversation.pk, sam)
    reply(conversation.pk, sam, "  Hello, **I** am Sam. <script>x</script>  ")
    [(_, frame)] = frames(conversation, "message")
    assert (frame["role"], frame["author"]) == ("staff", "Sam")
    assert frame["content"] == "Hello, **I** am Sam. <script>x</script>"
    assert "<strong>I</strong>" in frame["html"]
    assert "<script" not in frame["html"]
    assert "agent" not in frame


def test_the_first_word_stops_the_first_clock(conversation, sam):
    row = take_over(conversation.pk, sam)
    reply(conversation.pk, sam, "Hello")
    row.refresh_from_db()
    first = row.responded_at
    assert row.due_at == row.resolve_by
    reply(conversation.pk, sam, "Still here")
    row.refresh_from_db()
    assert row.responded_at == first


def test_nobody_answers_what_nobody_has_taken(conversation, sam):
    make_message(conversation)
    with pytest.raises(errors.NotTaken):
        reply(conversation.pk, sam, "Hello")
    assert said(conversation, "staff") == []


def test_a_colleague_does_not_answer_in_between(conversation, sam, kim):
    take_over(conversation.pk, sam)
    with pytest.raises(errors.AlreadyTaken, match="Sam"):
        reply(conversation.pk, kim, "Hello")


def test_olga_is_refused(conversation, sam, olga):
    take_over(conversation.pk, sam)
    with pytest.raises(errors.NotPermitted):
        reply(conversation.pk, olga, "Hello")
    assert said(conversation, "staff") == []


@pytest.mark.parametrize("text", ["", " \n ", "a\0b", "x" * 8_001])
def test_a_reply_is_a_text_of_at_most_8000_characters(conversation, sam, text):
    take_over(conversation.pk, sam)
    with pytest.raises(errors.TextInvalid):
        reply(conversation.pk, sam, text)
    assert said(conversation, "staff") == []


def test_a_permission_that_was_taken_away_is_gone_at_once(conversation, sam):
    from django.contrib.auth.models import User

    take_over(conversation.pk, sam)
    sam.user_permissions.clear()
    with pytest.raises(errors.NotPermitted):
        reply(conversation.pk, User.objects.get(pk=sam.pk), "Hello")
