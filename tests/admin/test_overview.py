from datetime import timedelta

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from conversations.models import Visitor
from tests.admin.conftest import make_conversation, make_interrupt, make_run

INDEX = reverse("admin:index")


def test_the_first_page_shows_what_waits_for_people(as_sam, talk, version):
    ben = Visitor.objects.create(name="Ben Okafor")
    make_conversation(version, ben, wants_person=True)
    page = as_sam.get(INDEX).content.decode()
    assert "Refund 142.00 EUR for order 1044" in page
    assert "Ben Okafor" in page
    assert "Ana Petrova" in page


def test_an_expired_approval_does_not_wait_any_more(as_sam, talk):
    talk.waiting.expires_at = timezone.now() - timedelta(seconds=1)
    talk.waiting.save()
    assert "Nothing waits." in as_sam.get(INDEX).content.decode()


def test_who_wanted_a_person_in_a_closed_conversation_is_not_shown(as_sam, talk, version):
    make_conversation(version, talk.conversation.visitor, wants_person=True, status="closed")
    assert "Nobody does." in as_sam.get(INDEX).content.decode()


def test_the_first_page_takes_the_same_queries_however_much_waits(
    as_sam, talk, version, django_assert_max_num_queries
):
    for number in range(25):
        visitor = Visitor.objects.create(name=f"Visitor {number}")
        make_interrupt(make_run(make_conversation(version, visitor, wants_person=True)))
    with django_assert_max_num_queries(10):
        page = as_sam.get(INDEX).content.decode()
    assert "All that wait" in page


def test_the_sidebar_lists_every_model_that_may_be_seen(client, talk):
    client.force_login(User.objects.create_superuser("root", password="x"))
    page = client.get(INDEX).content.decode()
    for name in (
        "conversations/conversation",
        "agents/agenttemplate",
        "ecommerce/order",
        "auth/user",
    ):
        assert f'href="/admin/{name}/"' in page


def test_the_sidebar_hides_what_may_not_be_seen(as_olga, talk):
    page = as_olga.get(INDEX).content.decode()
    assert 'href="/admin/conversations/conversation/"' in page
    assert 'href="/admin/auth/user/"' not in page
