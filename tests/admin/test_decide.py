from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from conversations.models import Interrupt
from tests.admin.conftest import make_interrupt

LIST = reverse("admin:conversations_interrupt_changelist")


def _url(interrupt):
    return reverse("admin:conversations_interrupt_decide", args=[interrupt.pk])


def _post(client, interrupt, decision="approve", **fields):
    return client.post(_url(interrupt), {"decision": decision, **fields}, follow=True)


@pytest.mark.parametrize(("decision", "status"), [("approve", "approved"), ("decline", "rejected")])
def test_sam_decides(as_sam, sam, talk, decision, status):
    response = _post(as_sam, talk.waiting, decision, comment=" As agreed. ", next="conversation")
    row = Interrupt.objects.get(pk=talk.waiting.pk)
    assert (row.status, row.decided_by, row.decided_by_user) == (status, "staff", sam)
    assert row.comment == "As agreed."
    page = response.content.decode()
    assert response.redirect_chain[-1][0].endswith(f"{talk.conversation.pk}/change/")
    assert "Decided by <b>sam</b>" in page


def test_olga_is_refused_and_sees_no_buttons(as_olga, talk):
    assert _post(as_olga, talk.waiting).status_code == 403
    assert Interrupt.objects.get(pk=talk.waiting.pk).status == "pending"
    conversation = reverse("admin:conversations_conversation_change", args=[talk.conversation.pk])
    approval = reverse("admin:conversations_interrupt_change", args=[talk.waiting.pk])
    for url in (conversation, approval, LIST, reverse("admin:index")):
        page = as_olga.get(url).content.decode()
        assert "Refund 142.00 EUR" in page
        assert "Approve<" not in page
        assert _url(talk.waiting) not in page


def test_sam_sees_buttons_wherever_it_waits(as_sam, talk):
    conversation = reverse("admin:conversations_conversation_change", args=[talk.conversation.pk])
    approval = reverse("admin:conversations_interrupt_change", args=[talk.waiting.pk])
    for url in (conversation, approval, LIST, reverse("admin:index")):
        page = as_sam.get(url).content.decode()
        assert page.count(_url(talk.waiting)) >= 1
        assert _url(talk.done) not in page


def test_a_visitor_is_sent_to_the_login(client, talk):
    response = client.post(_url(talk.waiting), {"decision": "approve"})
    assert response.status_code == 302
    assert "/login/" in response["Location"]
    assert Interrupt.objects.get(pk=talk.waiting.pk).status == "pending"


def test_a_link_cannot_decide(as_sam, talk):
    assert as_sam.get(_url(talk.waiting), {"decision": "approve"}).status_code == 405


def test_a_form_of_another_site_cannot_decide(as_sam, talk):
    as_sam.handler.enforce_csrf_checks = True
    assert _post(as_sam, talk.waiting).status_code == 403
    assert Interrupt.objects.get(pk=talk.waiting.pk).status == "pending"


def test_what_the_customer_decides_is_not_for_staff(as_sam, talk):
    row = make_interrupt(talk.run, approver="customer")
    assert _post(as_sam, row).status_code == 404
    assert Interrupt.objects.get(pk=row.pk).status == "pending"


@pytest.mark.parametrize("decision", ["", "maybe", "approved"])
def test_a_decision_is_approve_or_decline(as_sam, talk, decision):
    assert _post(as_sam, talk.waiting, decision).status_code == 404


def test_the_second_decision_is_refused_and_says_so(as_sam, talk):
    _post(as_sam, talk.waiting, "decline")
    page = _post(as_sam, talk.waiting, "approve").content.decode()
    assert "Nothing is waiting for approval" in page
    assert Interrupt.objects.get(pk=talk.waiting.pk).status == "rejected"


def test_too_late_is_refused_and_says_so(as_sam, talk):
    past = timezone.now() - timedelta(seconds=1)
    Interrupt.objects.filter(pk=talk.waiting.pk).update(expires_at=past)
    page = _post(as_sam, talk.waiting).content.decode()
    assert "This has expired. Nothing was changed." in page
    assert Interrupt.objects.get(pk=talk.waiting.pk).status == "expired"


def test_pending_ones_stand_first(as_sam, talk):
    later = make_interrupt(talk.run, status="rejected", message="Rejected later")
    page = as_sam.get(LIST).content.decode()
    assert page.index(str(talk.waiting.pk)) < page.index(str(later.pk))


def test_the_list_takes_the_same_queries_however_long(as_sam, talk, django_assert_max_num_queries):
    for number in range(30):
        make_interrupt(talk.run, tool_call_id=f"more-{number}")
    with django_assert_max_num_queries(12):
        as_sam.get(LIST)
