import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from conversations.models import Effect, Message

INDEX = reverse("admin:index")


@pytest.fixture
def unknown(talk):
    return Effect.objects.create(
        interrupt=talk.waiting,
        conversation=talk.conversation,
        tool=talk.waiting.tool,
        args=talk.waiting.args,
        status="unknown",
        created_at=timezone.now(),
    )


@pytest.fixture
def settler(as_sam, sam):
    sam.user_permissions.add(Permission.objects.get(codename="settle_effect"))
    return as_sam


def page_of(talk):
    return reverse("admin:conversations_conversation_change", args=[talk.conversation.pk])


def settle(client, effect, outcome="done", **fields):
    url = reverse("admin:conversations_effect_settle", args=[effect.pk])
    return client.post(url, {"outcome": outcome, **fields}, follow=True)


@pytest.mark.parametrize(("outcome", "status"), [("done", "done"), ("not_done", "failed")])
def test_sam_records_what_the_other_system_says(settler, sam, talk, unknown, outcome, status):
    page = settle(settler, unknown, outcome, note=" Seen in its log. ").content.decode()
    row = Effect.objects.get(pk=unknown.pk)
    assert (row.status, row.settled_by, row.settled_note) == (status, sam, "Seen in its log.")
    assert "Recorded by <b>sam</b>" in page
    assert "A colleague has checked" in Message.objects.filter(role="staff").last().content


def test_it_cannot_be_overlooked(settler, talk, unknown):
    assert "Nobody knows whether this was done" in settler.get(INDEX).content.decode()
    assert "It was not done" in settler.get(page_of(talk)).content.decode()
    assert "unknown: staff have to look" in (
        settler.get(reverse("admin:conversations_effect_changelist")).content.decode()
    )


def test_a_second_one_is_told_that_it_is_known(settler, unknown):
    settle(settler, unknown)
    page = settle(settler, unknown, "not_done").content.decode()
    assert "The outcome of this is known already." in page
    assert Effect.objects.get(pk=unknown.pk).status == "done"


def test_olga_is_refused_and_sees_no_buttons(as_olga, talk, unknown):
    assert settle(as_olga, unknown).status_code == 403
    assert Effect.objects.get(pk=unknown.pk).status == "unknown"
    page = as_olga.get(page_of(talk)).content.decode()
    assert "It was not done" not in page
    assert "You lack the permission to record it." in page


@pytest.mark.parametrize("outcome", ["", "maybe"])
def test_another_outcome_is_not_found(settler, unknown, outcome):
    assert settle(settler, unknown, outcome).status_code == 404


def test_a_link_cannot_settle(settler, unknown):
    url = reverse("admin:conversations_effect_settle", args=[unknown.pk])
    assert settler.get(url).status_code == 405
    assert Effect.objects.get(pk=unknown.pk).status == "unknown"
