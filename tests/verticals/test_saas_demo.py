import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.urls import reverse

from agents.verticals.saas import demo, tools
from agents.verticals.saas.models import (
    BalanceEntry,
    Component,
    Invoice,
    Member,
    Plan,
    Ticket,
    Workspace,
)
from tests.verticals.cloud import MODELS, acme, call, get_invoice, snapshot


@pytest.fixture(autouse=True)
def _loaded(db):
    demo.load()


@pytest.fixture
def staff(settings, tmp_path, admin_client):
    """A browser of staff. WhiteNoise warns of a folder that only `collectstatic` makes."""
    settings.STATIC_ROOT = tmp_path
    return admin_client


def remove_everything():
    BalanceEntry.objects.all().delete()
    Invoice.objects.all().delete()
    Workspace.objects.all().delete()
    Plan.objects.all().delete()


def test_loading_again_changes_nothing():
    before = snapshot()
    demo.load()
    assert snapshot() == before


@pytest.mark.django_db(transaction=True)
def test_two_processes_that_load_at_once_load_it_once():
    remove_everything()
    start = threading.Barrier(2)

    def work():
        start.wait()
        try:
            demo.load()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(work), pool.submit(work)]:
            done.result()
    assert acme().members.count() == 9
    assert get_invoice("INV-2040").refunds.count() == 1


def test_loading_again_keeps_what_customers_did():
    call(tools.remove_member, email="liam@acme.example")
    call(tools.change_plan, plan="Business")
    call(tools.retry_payment, invoice_number="INV-2042")
    Plan.objects.filter(name="Basic").update(price="7.00")
    before = snapshot()
    demo.load()
    assert snapshot() == before


def test_loading_again_brings_back_what_is_missing():
    remove_everything()
    demo.load()
    assert acme().api_keys.count() == 3
    assert get_invoice("INV-2042").lines.count() == 1


def test_a_reset_undoes_what_customers_did():
    call(tools.remove_member, email="liam@acme.example")
    call(tools.invite_member, email="sam@example.com")
    call(tools.change_plan, plan="Business")
    call(tools.apply_credit, amount="10")
    call(tools.retry_payment, invoice_number="INV-2042")
    call(tools.refund_invoice, invoice_number="INV-2041")
    call(tools.rotate_api_key, key_name="Production")
    call(tools.open_ticket, problem="Nothing works as it should.")
    call(tools.cancel_subscription)
    Component.objects.update(status="down")
    demo.reset()
    assert (acme().plan.name, acme().seats, acme().cancelled_at) == ("Team", 12, None)
    assert sorted(acme().members.values_list("ref", flat=True), key=str)[:2] == [None, "ana"]
    assert Member.objects.filter(workspace=acme()).count() == 9
    assert not acme().balance.filter(invoice=None).exists()
    assert get_invoice("INV-2042").status == "failed"
    assert get_invoice("INV-2041").refunded_amount == 0
    assert acme().api_keys.get(name="Production").hint == "8f3a"
    assert Ticket.objects.count() == 2
    assert not Component.objects.filter(status="down").exists()


def test_a_reset_leaves_other_workspaces_alone():
    other = Workspace.objects.create(
        slug="zoe",
        name="Zoe",
        plan=Plan.objects.get(name="Free"),
        seats=1,
        period_start=acme().period_start,
        renews_on=acme().renews_on,
    )
    Member.objects.create(workspace=other, ref="zoe", email="zoe@example.com", role="owner")
    demo.reset()
    assert other.members.count() == 1


def test_the_demo_tells_the_stories_that_it_promises():
    assert {row.number: row.status for row in acme().invoices.all()} == {
        "INV-2042": "failed",
        "INV-2041": "paid",
        "INV-2040": "paid",
        "INV-2039": "paid",
        "INV-2038": "void",
    }
    for row in Invoice.objects.all():
        assert row.total == sum(line.amount for line in row.lines.all())
        assert row.refunded_amount == sum(refund.amount for refund in row.refunds.all())
    owner = acme().members.get(role="owner")
    assert (owner.ref, acme().plan.name, acme().seats) == ("ana", "Team", 12)


@pytest.mark.parametrize(
    "model",
    [model for model in MODELS if model.__name__ != "InvoiceLine"],
    ids=lambda model: model.__name__,
)
def test_staff_find_the_rows_in_admin(model, staff):
    name = model._meta.model_name
    assert staff.get(reverse(f"admin:saas_{name}_changelist")).status_code == 200
    url = reverse(f"admin:saas_{name}_change", args=[model.objects.first().pk])
    assert staff.get(url).status_code == 200


def test_staff_search_invoices_by_workspace(staff):
    url = reverse("admin:saas_invoice_changelist")
    page = staff.get(url, {"q": "Borealis", "status__exact": "failed"}).content.decode()
    assert "INV-3011" in page
    assert "INV-2042" not in page
