from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from agents.verticals.saas import demo, tools
from agents.verticals.saas.models import BalanceEntry, Invoice, Plan, Refund, Workspace
from tests.verticals.cloud import acme, call, get_invoice, make_context, prepare, refusal_of


@pytest.fixture(autouse=True)
def _loaded(db):
    demo.load()


ON_AN_INVOICE = [tools.get_invoice, tools.retry_payment, tools.refund_invoice]


@pytest.mark.parametrize("tool", ON_AN_INVOICE, ids=lambda tool: tool.name)
def test_an_invoice_of_another_workspace_reads_as_one_that_does_not_exist(tool):
    for run in [call, prepare] if tool.is_write else [call]:
        foreign = refusal_of(run, tool, invoice_number="INV-3010")
        missing = refusal_of(run, tool, invoice_number="INV-3999")
        assert foreign.replace("3010", "3999") == missing


@pytest.mark.parametrize("tool", ON_AN_INVOICE, ids=lambda tool: tool.name)
def test_invoices_are_for_those_who_are_signed_in_and_look_after_them(tool):
    args = {"invoice_number": "INV-2041"}
    assert "sign in" in refusal_of(call, tool, make_context(None), **args)
    assert "Please ask Ana Keller" in refusal_of(call, tool, make_context("mia"), **args)
    assert "cannot find your account" in refusal_of(call, tool, make_context("zoe"), **args)


@pytest.mark.parametrize("written", ["INV-2041", "inv-2041", "INV2041", "2041", " #2041", 2041])
def test_an_invoice_number_may_be_written_in_several_ways(written):
    stored = tools.get_invoice.canonical({"invoice_number": written})
    assert stored == {"invoice_number": "INV-2041"}
    assert tools.get_invoice.canonical(stored) == stored


@pytest.mark.parametrize(
    "number", ["", "12", "INV-", "INV-2041; drop", "INV-2041\n1", "2041a", True]
)
def test_what_is_no_invoice_number_is_not_accepted(number):
    with pytest.raises(ValueError, match="invoice_number"):
        tools.get_invoice.parse({"invoice_number": number})


def test_invoices_are_listed_newest_first_and_say_what_can_be_done():
    result = call(tools.list_invoices)
    rows = {row["invoice_number"]: row for row in result["invoices"]}
    assert list(rows) == ["INV-2042", "INV-2041", "INV-2040", "INV-2039", "INV-2038"]
    can = {
        key: [number for number, row in rows.items() if row[key] == "yes"]
        for key in ("can_retry", "can_refund")
    }
    assert can == {"can_retry": ["INV-2042"], "can_refund": ["INV-2041"]}
    assert "payment failed, the bank reported insufficient funds" in result["summary"]


def test_invoices_can_be_listed_by_state():
    result = call(tools.list_invoices, status="failed")
    assert [row["invoice_number"] for row in result["invoices"]] == ["INV-2042"]
    ben = call(tools.list_invoices, make_context("ben"), status="void")
    assert ben["summary"] == "There are no void invoices yet."


def test_an_invoice_adds_up():
    result = call(tools.get_invoice, invoice_number="INV-2039")
    assert sum(Decimal(line["amount"]) for line in result["lines"]) == Decimal(result["total"])
    assert (result["total"], result["vat"]) == ("146.00", "24.33")
    assert "Credit: outage: -10.00 EUR" in result["summary"]
    summary = call(tools.get_invoice, invoice_number="INV-2040")["summary"]
    assert "and refunded" in summary
    assert "Paid back: 90.00 EUR" in summary


def test_a_failed_payment_is_explained():
    result = call(tools.get_payment_status)
    assert "INV-2042" in result["summary"]
    assert "insufficient funds" in result["summary"]
    assert "Visa ending in 4242, valid until" in result["summary"]
    ben = call(tools.get_payment_status, make_context("ben"))
    assert not ben["has_valid_card"]
    assert "expired on" in ben["summary"]
    Invoice.objects.filter(status="failed").update(status="void")
    Workspace.objects.update(card="")
    assert call(tools.get_payment_status)["summary"].startswith("All your invoices are paid.")
    assert "no card on file" in call(tools.get_payment_status)["summary"]


def test_trying_again_says_beforehand_what_is_charged():
    proposal = prepare(tools.retry_payment, invoice_number="INV-2042")
    assert proposal.message == (
        "Charge 144.00 EUR for invoice INV-2042 to Visa ending in 4242 once more."
    )
    result = call(tools.retry_payment, invoice_number="INV-2042")
    invoice = get_invoice("INV-2042")
    assert (invoice.status, invoice.attempts, invoice.failure) == ("paid", 3, "")
    assert "It went through" in result["summary"]


@pytest.mark.parametrize(
    ("number", "why"),
    [("INV-2041", "was paid on"), ("INV-2038", "nothing has to be paid")],
)
def test_what_is_not_owed_is_not_charged(number, why):
    for run in (prepare, call):
        assert why in refusal_of(run, tools.retry_payment, invoice_number=number)


def test_an_expired_card_is_replaced_before_it_is_charged():
    ben = make_context("ben")
    for run in (prepare, call):
        reason = refusal_of(run, tools.retry_payment, ben, invoice_number="INV-3011")
        assert "another under Settings > Billing" in reason


def test_a_card_is_not_tried_for_ever():
    Invoice.objects.filter(number="INV-2042").update(attempts=5)
    for run in (prepare, call):
        reason = refusal_of(run, tools.retry_payment, invoice_number="INV-2042")
        assert "5 times" in reason


def test_a_refund_without_an_amount_is_for_all_that_is_left():
    proposal = prepare(tools.refund_invoice, invoice_number="INV-2041")
    assert proposal.message == "Refund 144.00 EUR of invoice INV-2041 to Visa ending in 4242."
    assert proposal.measures == {"amount": Decimal("144.00")}
    stored = tools.refund_invoice.canonical(proposal.args)
    assert call(tools.refund_invoice, **stored)["refundable_left"] == "0.00"
    assert Refund.objects.get(invoice__number="INV-2041").amount == Decimal("144.00")


def test_limits_see_all_refunds_of_an_invoice_together():
    first = prepare(tools.refund_invoice, invoice_number="INV-2041", amount="100")
    call(tools.refund_invoice, **first.args)
    second = prepare(tools.refund_invoice, invoice_number="INV-2041", amount="40")
    assert second.measures == {"amount": Decimal("140.00")}
    assert call(tools.refund_invoice, **second.args)["refundable_left"] == "4.00"


def test_two_refunds_that_were_proposed_side_by_side_are_not_both_paid():
    first = prepare(tools.refund_invoice, invoice_number="INV-2041", amount="40")
    second = prepare(tools.refund_invoice, invoice_number="INV-2041", amount="40")
    call(tools.refund_invoice, **first.args)
    assert "in the meantime" in refusal_of(call, tools.refund_invoice, **second.args)
    assert get_invoice("INV-2041").refunded_amount == 40


@pytest.mark.parametrize(
    ("number", "amount", "words"),
    [
        ("INV-2042", None, "I can try the payment once more"),
        ("INV-2038", None, "is void"),
        ("INV-2040", None, "already been refunded in full"),
        ("INV-2039", None, "60 days after that. I can ask for a credit"),
        ("INV-2041", "144.01", "At most 144.00 EUR"),
    ],
)
def test_what_cannot_be_refunded_says_why_and_what_can_be_done(number, amount, words):
    for run in (prepare, call):
        tool = tools.refund_invoice
        assert words in refusal_of(run, tool, invoice_number=number, amount=amount)


def test_refunds_tell_when_they_arrive():
    assert "90.00 EUR of invoice INV-2040: on its way" in call(tools.get_refund_status)["summary"]
    Refund.objects.update(paid_at=timezone.now())
    assert "paid on" in call(tools.get_refund_status)["summary"]
    ben = call(tools.get_refund_status, make_context("ben"))
    assert ben["refunds"] == []


def test_a_credit_is_taken_off_the_next_invoice():
    proposal = prepare(tools.apply_credit, amount="15.00", reason="outage")
    assert proposal.message.startswith("Credit 15.00 EUR to Acme; it is taken off the next invoice")
    assert proposal.measures == {"amount": Decimal("15.00")}
    result = call(tools.apply_credit, **proposal.args)
    assert result["next_invoice"] == "129.00 EUR"
    assert "15.00 EUR" in call(tools.list_credits)["summary"]
    assert "used on INV-2039" in call(tools.list_credits)["summary"]


def test_limits_see_the_credits_of_90_days_together():
    call(tools.apply_credit, amount="15.00")
    proposal = prepare(tools.apply_credit, amount="15.00")
    assert proposal.measures == {"amount": Decimal("30.00")}
    assert "in the meantime" in refusal_of(call, tools.apply_credit, amount="15.00")
    call(tools.apply_credit, **proposal.args)
    BalanceEntry.objects.update(created_at=timezone.now() - timedelta(days=91))
    assert prepare(tools.apply_credit, amount="15.00").measures == {"amount": Decimal("15.00")}


def test_an_invoice_never_goes_below_zero():
    call(tools.apply_credit, amount="200")
    assert call(tools.get_subscription)["next_invoice"] == "0.00"


def test_without_a_next_invoice_there_is_nothing_to_credit():
    for fields in ({"cancelled_at": timezone.now()}, {"plan": Plan.objects.get(name="Free")}):
        Workspace.objects.filter(slug="acme").update(**{"cancelled_at": None, **fields})
        for run in (prepare, call):
            assert "no next invoice" in refusal_of(run, tools.apply_credit, amount="5")


@pytest.mark.parametrize("amount", [0, -1, "1.001", "NaN", "Infinity", 1_000_000])
def test_an_amount_that_makes_no_sense_is_not_accepted(amount):
    with pytest.raises(ValueError, match="amount"):
        tools.apply_credit.parse({"amount": amount})


def test_what_was_invoiced_is_not_lost_with_the_workspace():
    with pytest.raises(Exception, match=r"[Pp]rotected"):
        acme().delete()
