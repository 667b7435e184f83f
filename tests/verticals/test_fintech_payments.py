import json
from decimal import Decimal

import pytest

from agents.verticals.fintech import rules, tools
from agents.verticals.fintech.models import Account, Dispute, Transaction
from tests.verticals.bank import (
    balance,
    call,
    get_transaction,
    make_context,
    prepare,
    refusal_of,
)

pytestmark = pytest.mark.usefixtures("bank")

ON_A_TRANSACTION = [tools.get_transaction, tools.dispute_transaction, tools.refund_fee]
LISTS = [
    tools.list_transactions,
    tools.list_card_payments,
    tools.list_withdrawals,
    tools.list_disputable_transactions,
    tools.list_refunds,
    tools.list_fees,
]


@pytest.mark.parametrize("tool", ON_A_TRANSACTION, ids=lambda tool: tool.name)
def test_a_transaction_of_somebody_else_reads_as_one_that_does_not_exist(tool):
    for run in [call, prepare] if tool.is_write else [call]:
        foreign = refusal_of(run, tool, transaction_reference="TX-4002")
        missing = refusal_of(run, tool, transaction_reference="TX-4999")
        assert foreign.replace("TX-4002", "TX-4999") == missing


@pytest.mark.parametrize("tool", LISTS, ids=lambda tool: tool.name)
def test_lists_hold_ones_own_and_fit_into_a_result(tool):
    for customer in ("ana", "ben", "clara"):
        result = call(tool, make_context(customer))
        rows = result.get("transactions", result.get("fees"))
        prefix = {"ana": "TX-1", "ben": "TX-4", "clara": "none"}[customer]
        assert all(row["transaction_reference"].startswith(prefix) for row in rows)
        assert result["summary"]
        assert len(json.dumps(result, ensure_ascii=False).encode()) <= 4096


@pytest.mark.parametrize("written", ["TX-1003", "tx-1003", "tx1003", "TX 1003", " TX-1003 "])
def test_a_reference_may_be_written_in_several_ways(written):
    given = tools.get_transaction.canonical({"transaction_reference": written})
    assert given == {"transaction_reference": "TX-1003"}


@pytest.mark.parametrize("written", ["", "1003", "TR-1003", "TX-", "TX-1003; drop", "TX-1234567"])
def test_what_is_no_reference_is_not_accepted(written):
    with pytest.raises(ValueError, match="transaction_reference"):
        tools.get_transaction.parse({"transaction_reference": written})


def test_transactions_can_be_chosen_by_kind_and_state():
    result = call(tools.list_transactions, kind="card_payment", status="pending")
    assert [row["transaction_reference"] for row in result["transactions"]] == ["TX-1004"]
    assert result["transactions"][0]["can_dispute"] == "no"


def test_a_double_charge_is_seen_at_its_second_payment():
    rows = call(tools.list_disputable_transactions)["transactions"]
    assert [r["transaction_reference"] for r in rows if r["is_repeat"] == "yes"] == ["TX-1003"]


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("TX-1004", ["It is pending", "deposit"]),
        ("TX-1005", ["It was declined; no money was taken", "••1881 was frozen"]),
        ("TX-1006", ["It was reverted; the money is back"]),
        ("TX-1007", ["42.00 GBP", "1 EUR = 0.856 GBP", "Fee TX-1008: 0.49 EUR"]),
        ("TX-1013", ["daily limit of 500.00 EUR"]),
        ("TX-1016", ["It is announced and should arrive by"]),
        ("TX-1018", ["There is a dispute D-1018"]),
    ],
)
def test_a_transaction_tells_its_story(reference, words):
    summary = call(tools.get_transaction, transaction_reference=reference)["summary"]
    for word in words:
        assert word in summary


def test_the_demos_foreign_amounts_fit_their_rates():
    for row in Transaction.objects.filter(exchange_rate__isnull=False):
        assert abs(row.original_amount / row.exchange_rate - row.amount) < Decimal("0.01")


def test_a_dispute_says_beforehand_what_it_is_about_and_pays_nothing():
    args = {"transaction_reference": "TX-1003", "reason": "charged_twice"}
    proposal = prepare(tools.dispute_transaction, **args)
    assert proposal.message.startswith("Open a dispute for TX-1003: 24.00 EUR, Kino Lux, ")
    assert proposal.message.endswith("Reason: charged twice.")
    before = balance()
    result = call(tools.dispute_transaction, **args)
    dispute = Dispute.objects.get(transaction__reference="TX-1003")
    assert (dispute.number, dispute.reason) == ("D-1003", "charged_twice")
    assert "D-1003" in result["summary"]
    assert "freeze your card" in result["summary"]
    assert balance() == before


@pytest.mark.parametrize(
    ("reference", "why", "instead"),
    [
        ("TX-1004", "still pending", "freeze your card"),
        ("TX-1005", "was declined", "nothing to dispute"),
        ("TX-1006", "was reverted", "nothing to dispute"),
        ("TX-1010", "our own fees", "refund it instead"),
        ("TX-1016", "comes to you", "ask the shop"),
        ("TX-1017", "120 days after the payment", "turn to the shop"),
        ("TX-1018", "already a dispute", "colleague"),
    ],
)
def test_what_cannot_be_disputed_says_why_and_what_can_be_done(reference, why, instead):
    for run in (prepare, call):
        reason = refusal_of(run, tools.dispute_transaction, transaction_reference=reference)
        assert why in reason
        assert instead in reason


@pytest.mark.parametrize(("days", "is_possible"), [(116, True), (118, False)])
def test_a_dispute_is_possible_for_120_days(days, is_possible):
    context = make_context(days_later=days)
    args = {"transaction_reference": "TX-1003"}  # of three days ago
    if is_possible:
        call(tools.dispute_transaction, context, **args)
    else:
        assert "120 days" in refusal_of(call, tools.dispute_transaction, context, **args)


def test_an_old_direct_debit_may_have_been_unauthorised_for_longer():
    context = make_context(days_later=150)
    reason = refusal_of(call, tools.dispute_transaction, context, transaction_reference="TX-1015")
    assert "13 months" in reason


def test_fees_say_what_they_are_for_and_whether_they_can_be_refunded():
    rows = {row["transaction_reference"]: row for row in call(tools.list_fees)["fees"]}
    assert rows["TX-1010"]["for_transaction"] == "TX-1009"
    assert {key: row["can_refund"] for key, row in rows.items()} == {
        "TX-1008": "yes",
        "TX-1010": "yes",
        "TX-1019": "no",
        "TX-1021": "no",
    }


def test_a_refunded_fee_is_on_the_account_and_on_record():
    before = balance()
    proposal = prepare(tools.refund_fee, transaction_reference="TX-1010")
    assert proposal.measures == {"amount": Decimal("2.00")}
    result = call(tools.refund_fee, transaction_reference="TX-1010")
    refund = get_transaction(result["refund_reference"])
    assert (refund.kind, refund.amount, refund.pays_back_fee.reference) == (
        "refund",
        Decimal("2.00"),
        "TX-1010",
    )
    assert balance() == before + Decimal("2.00")
    assert call(tools.get_transaction, transaction_reference=refund.reference)


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("TX-1003", "not one of our fees"),
        ("TX-1019", "already been refunded"),
        ("TX-1021", "within 90 days"),
    ],
)
def test_what_cannot_be_refunded_says_why(reference, why):
    for run in (prepare, call):
        assert why in refusal_of(run, tools.refund_fee, transaction_reference=reference)


def test_a_fee_above_what_a_chat_may_refund_is_for_people():
    most = rules.MAX_FEE_REFUND
    Transaction.objects.filter(reference="TX-1010").update(amount=most + 1)
    for run in (prepare, call):
        reason = refusal_of(run, tools.refund_fee, transaction_reference="TX-1010")
        assert "A colleague can look at" in reason


def test_an_account_without_bookings_says_so():
    clara = make_context("clara")
    assert (
        call(tools.list_fees, clara)["summary"] == "We have not taken any fees from your account."
    )
    assert "no refund to your account yet" in call(tools.list_refunds, clara)["summary"]


def test_a_customer_whom_the_bank_does_not_know_is_refused():
    assert Account.objects.filter(customer__ref="zoe").count() == 0
    reason = refusal_of(call, tools.list_transactions, make_context("zoe"))
    assert "cannot find your account" in reason
