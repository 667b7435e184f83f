import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.urls import reverse

from agents.verticals.fintech import demo, tools
from agents.verticals.fintech.models import Account, Card, Customer, Transaction, Transfer
from tests.verticals.bank import (
    MODELS,
    balance,
    call,
    get_card,
    get_transaction,
    get_transfer,
    snapshot,
)


@pytest.fixture(autouse=True)
def _loaded(bank):
    pass


@pytest.fixture
def staff(settings, tmp_path, admin_client):
    """A browser of staff. WhiteNoise warns of a folder that only `collectstatic` makes."""
    settings.STATIC_ROOT = tmp_path
    return admin_client


def test_loading_again_changes_nothing():
    before = snapshot()
    demo.load()
    assert snapshot() == before


@pytest.mark.django_db(transaction=True)
def test_two_processes_that_load_at_once_load_it_once():
    Customer.objects.all().delete()
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
    assert Card.objects.filter(customer__ref="ana").count() == 4
    assert get_transaction("TX-1018").dispute.number == "D-1018"


def test_loading_again_keeps_what_customers_did():
    call(tools.freeze_card, card_ending="4242")
    call(tools.cancel_transfer, transfer_reference="TR-2001")
    before = snapshot()
    demo.load()
    assert snapshot() == before


def test_loading_again_brings_back_what_is_missing():
    Transaction.objects.filter(reference="TX-1018").delete()
    demo.load()
    assert get_transaction("TX-1018").dispute.reason == "not_received"


def test_a_reset_undoes_what_customers_did():
    new = call(tools.report_lost_card, card_ending="4242")["new_card_ending"]
    call(tools.unfreeze_card, card_ending="1881")
    call(tools.cancel_transfer, transfer_reference="TR-2001")
    call(tools.dispute_transaction, transaction_reference="TX-1003")
    refund = call(tools.refund_fee, transaction_reference="TX-1010")["refund_reference"]
    call(tools.change_limits, kind="payments", amount=100, current_limit="2500.00")
    demo.reset()
    assert not Card.objects.filter(ending=new).exists()
    assert get_card("4242").status == Card.Status.ACTIVE
    assert get_card("1881").status == Card.Status.FROZEN
    assert get_card("7316").replaces.ending == "9050"
    assert get_transfer("TR-2001").status == Transfer.Status.PENDING
    assert not hasattr(get_transaction("TX-1003"), "dispute")
    assert not Transaction.objects.filter(reference=refund).exists()
    assert str(balance()) == "1840.25"
    assert Account.objects.get(customer__ref="ana").payments_limit == 2500


def test_a_reset_leaves_other_customers_alone():
    zoe = Customer.objects.create(ref="zoe", name="Zoe", email="zoe@example.com")
    account = Account.objects.create(
        customer=zoe, iban="XX1", payments_limit=1, withdrawals_limit=1, transfers_limit=1
    )
    demo.reset()
    assert Account.objects.filter(pk=account.pk).exists()


def test_the_demo_has_a_story_for_every_state():
    cards = Card.objects.filter(customer__ref="ana")
    assert set(cards.values_list("status", flat=True)) == set(Card.Status.values)
    bookings = Transaction.objects.filter(account__customer__ref="ana")
    assert set(bookings.values_list("status", flat=True)) == set(Transaction.Status.values)
    assert set(bookings.values_list("kind", flat=True)) == set(Transaction.Kind.values)
    transfers = Transfer.objects.filter(account__customer__ref="ana")
    assert set(transfers.values_list("status", flat=True)) == {
        "pending",
        "completed",
        "failed",
        "declined",
    }


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_staff_find_the_rows_in_admin(model, staff):
    name = model._meta.model_name
    response = staff.get(reverse(f"admin:fintech_{name}_changelist"))
    assert response.status_code == 200
    url = reverse(f"admin:fintech_{name}_change", args=[model.objects.first().pk])
    assert staff.get(url).status_code == 200


def test_staff_search_transactions_by_customer(staff):
    url = reverse("admin:fintech_transaction_changelist")
    page = staff.get(url, {"q": "Ben", "kind__exact": "fee"}).content.decode()
    assert "TX-4002" in page
    assert "TX-1010" not in page
