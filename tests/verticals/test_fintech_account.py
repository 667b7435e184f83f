from decimal import Decimal

import pytest

from agents.verticals.fintech import tools
from agents.verticals.fintech.models import Account, ExchangeRate
from tests.verticals.bank import call, make_context, prepare, refusal_of

pytestmark = pytest.mark.usefixtures("bank")


def limits(customer="ana"):
    account = Account.objects.get(customer__ref=customer)
    return (account.payments_limit, account.withdrawals_limit, account.transfers_limit)


def test_the_account_tells_its_balance_and_iban_to_its_owner():
    ana, ben = call(tools.account_details), call(tools.account_details, make_context("ben"))
    assert (ana["balance"], ana["iban"]) == ("1840.25", "DE89370400440532013000")
    assert ben["iban"] != ana["iban"]
    assert "1840.25 EUR" in ana["summary"]


@pytest.mark.parametrize(
    ("customer", "status", "words"),
    [
        ("ana", "verified", "nothing left to do"),
        ("ben", "action_needed", "the date of birth is not readable"),
        ("clara", "in_review", "up to 24 hours"),
    ],
)
def test_identity_says_what_is_missing(customer, status, words):
    result = call(tools.identity_status, make_context(customer))
    assert result["status"] == status
    assert words in result["summary"]


def test_limits_are_told():
    result = call(tools.get_limits)
    assert {row["kind"]: row["amount"] for row in result["limits"]} == {
        "payments": "2500.00",
        "withdrawals": "500.00",
        "transfers": "2000.00",
    }
    assert "cash withdrawals: 500.00 EUR a day" in result["summary"]


def test_what_is_raised_is_measured_and_lowering_is_not():
    up = prepare(tools.change_limits, kind="transfers", amount=3000)
    down = prepare(tools.change_limits, kind="transfers", amount=1500)
    assert (up.measures["amount"], down.measures["amount"]) == (Decimal(3000), Decimal(0))
    assert up.message == ("Raise your daily limit for transfers from 2000.00 EUR to 3000.00 EUR.")
    assert down.message.startswith("Lower your daily limit")
    assert up.args["current_limit"] == "2000.00"


def test_one_limit_changes_and_the_others_stay():
    proposal = prepare(tools.change_limits, kind="withdrawals", amount=250)
    call(tools.change_limits, **proposal.args)
    assert limits() == (2500, 250, 2000)
    assert limits("ben") == (1000, 300, 500)


@pytest.mark.parametrize(
    ("kind", "amount", "words"),
    [
        ("payments", 10_001, "10000.00 EUR at most"),
        ("withdrawals", 2_001, "2000.00 EUR at most"),
        ("transfers", 2_000, "already 2000.00 EUR"),
    ],
)
def test_a_limit_that_is_not_possible_says_why(kind, amount, words):
    for run in (prepare, call):
        assert words in refusal_of(run, tools.change_limits, kind=kind, amount=amount)


def test_what_was_approved_as_lowering_never_raises():
    args = prepare(tools.change_limits, kind="transfers", amount=1500).args
    Account.objects.update(transfers_limit=500)
    assert "in the meantime" in refusal_of(call, tools.change_limits, **args)
    assert limits()[2] == 500


@pytest.mark.parametrize("amount", [-1, "1.234", "NaN", "much", 10_000_000])
def test_an_amount_that_makes_no_sense_is_not_accepted(amount):
    with pytest.raises(ValueError, match="amount"):
        tools.change_limits.parse({"kind": "payments", "amount": amount})


def test_a_rate_says_of_which_time_it_is_both_ways():
    result = call(tools.exchange_rate, currency="USD")
    assert (result["rate"], result["reverse_rate"]) == ("0.9217", "1.0850")
    assert "As of " in result["summary"]
    assert " UTC" in result["as_of"]


def test_an_amount_is_converted_both_ways():
    summary = call(tools.exchange_rate, currency="GBP", amount="50")["summary"]
    assert "50.00 GBP are 58.41 EUR; 50.00 EUR are 42.80 GBP" in summary


def test_a_rate_between_two_foreign_currencies_goes_over_the_euro():
    result = call(tools.exchange_rate, currency="USD", other_currency="GBP")
    assert result["rate"] == "0.7889"
    assert ExchangeRate.objects.count() == 9


def test_a_rate_that_there_is_not_says_where_it_is():
    assert "Between which two" in refusal_of(
        call, tools.exchange_rate, currency="USD", other_currency="USD"
    )
    ExchangeRate.objects.filter(currency="JPY").delete()
    assert "The app shows it" in refusal_of(call, tools.exchange_rate, currency="JPY")
    with pytest.raises(ValueError, match="currency"):
        tools.exchange_rate.parse({"currency": "XXX"})


def test_rates_and_help_are_for_everybody():
    nobody = make_context(None)
    assert call(tools.exchange_rate, nobody, currency="USD")["rate"]
    assert len(call(tools.list_exchange_rates, nobody)["rates"]) == 9
    found = call(tools.search_help, nobody, query="how do I dispute a payment")
    assert "120 days" in found["summary"]


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("lost card", "A card is lost or stolen"),
        ("PIN blocked", "Your PIN"),
        ("cash machine", "Cash"),
        ("top up with a cheque", "Topping up"),
        ("verify my identity", "Verifying your identity"),
    ],
)
def test_help_is_found(query, title):
    assert call(tools.search_help, query=query)["articles"][0]["title"] == title


def test_what_help_does_not_know_is_admitted():
    assert "found nothing" in call(tools.search_help, query="quantum gardening")["summary"]
